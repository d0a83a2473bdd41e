"""Places to be written to, in folders of strangers."""

import os

from dfbench.received.plain import only_plain


def test_links_and_pipes_are_removed_and_nothing_else(tmp_path):
    outside, out = tmp_path / "outside", tmp_path / "out"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "kept").write_text("kept")
    inside = out / "checkpoints" / "study" / "trial"
    inside.mkdir(parents=True)
    (inside / "best").write_text("own")
    (inside / "link").symlink_to(outside / "deep" / "kept")
    (inside / "folder").symlink_to(outside / "deep")
    (inside.parent / "nowhere").symlink_to(tmp_path / "nowhere")
    os.mkfifo(inside / "pipe")
    only_plain(out / "checkpoints" / "study", out, folder=True)
    assert [path.name for path in inside.parent.iterdir()] == ["trial"]
    assert [path.name for path in inside.iterdir()] == ["best"]
    assert (outside / "deep" / "kept").read_text() == "kept"


def test_a_link_on_the_way_is_removed(tmp_path):
    outside, out = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    out.mkdir()
    (outside / "study").mkdir()
    (out / "checkpoints").symlink_to(outside)
    only_plain(out / "checkpoints" / "study", out, folder=True)
    assert not os.path.lexists(out / "checkpoints")
    assert (outside / "study").is_dir()


def test_the_other_kind_is_removed(tmp_path):
    (tmp_path / "studies" / "a.log" / "deep").mkdir(parents=True)
    (tmp_path / "checkpoints").write_text("")
    only_plain(tmp_path / "studies" / "a.log", tmp_path)
    only_plain(tmp_path / "checkpoints" / "study", tmp_path, folder=True)
    assert not (tmp_path / "checkpoints").exists()
    assert list((tmp_path / "studies").iterdir()) == []
    only_plain(tmp_path / "absent" / "a", tmp_path)
