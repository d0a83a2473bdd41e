"""Results in one file: whole, equal for equal folders, and safe to open."""

import io
import json
import os
import shutil
import stat
import struct
import tempfile
import zipfile
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from dfbench.benchmark.verification import verify
from dfbench.cli import app
from dfbench.errors import OutputError
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.inventory import kept_files, read_index, write_index
from dfbench.results.records.packing import as_folder, left_out, pack
from dfbench.results.results import load_results

SUITE = """
name = "packed"
figures = ["scores"]
keep_models = "all"
[budget]
trials = 2
[[rows]]
features = ["hsv"]
models = ["knn", "svm"]
"""


@pytest.fixture(scope="module")
def folder(run_once):
    return run_once("packed", SUITE) / "out"


@pytest.fixture
def packed(folder, tmp_path):
    load_results(folder).pack(tmp_path / "a.zip")
    return tmp_path / "a.zip"


def run(*words, status=0):
    done = CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code == status, done.output
    return done.output


def test_the_same_folder_gives_the_same_bytes(folder, packed, tmp_path):
    load_results(folder).pack(tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_bytes() == packed.read_bytes()


def test_it_is_read_as_the_folder_is(folder, packed):
    assert "all is sound" in run("verify", packed)
    for words in (("leaderboard",), ("leaderboard", "-f", "csv")):
        assert run(words[0], packed, *words[1:]) == run(words[0], folder, *words[1:])
    assert run("compare", packed, "hsv/knn", "hsv/svm") == run(
        "compare", folder, "hsv/knn", "hsv/svm"
    )
    assert "packed results stay as they are" in run("leaderboard", packed, "--write", status=2)


def test_models_go_along_where_they_are_asked_for(folder, packed, tmp_path):
    names = zipfile.ZipFile(packed).namelist()
    assert not [n for n in names if n.startswith(("models/", "studies/", "checkpoints/", "board/"))]
    assert not [n for n in names if n.endswith(".owner")]
    assert "trained models are kept" not in zipfile.ZipFile(packed).read("leaderboard.md").decode()
    run("pack", folder, "--models", "-o", tmp_path / "m.zip")
    with as_folder(tmp_path / "m.zip") as laid:
        assert len(list((laid / "models").iterdir())) == 2
        assert verify(laid).sound
    assert not laid.exists()


def test_damage_in_a_packed_file_is_found(packed, tmp_path):
    made = tmp_path / "damaged.zip"
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(made, "w") as into:
        for name in source.namelist():
            content = bytearray(source.read(name))
            if name.startswith("cells/") and name.endswith(".parquet"):
                content[len(content) // 2] ^= 1
            into.writestr(name, bytes(content))
    assert "cells/" in run("verify", made, status=1)


def test_a_folder_that_was_damaged_before_is_packed_as_it_is(folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    picture = next(copy.glob("figures/*/scores.png"))
    picture.write_bytes(b"other")
    load_results(copy).pack(tmp_path / "a.zip")
    assert picture.name in run("verify", tmp_path / "a.zip", status=1)


def _member(name, content=b"1", mode=stat.S_IFREG | 0o644, kind=zipfile.ZIP_DEFLATED):
    member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    member.external_attr, member.compress_type = mode << 16, kind
    return member, content


HOSTILE = {
    "leads out": [_member("../outside")],
    "inside leads out": [_member("cells/../../outside")],
    "absolute": [_member("/tmp/outside")],
    "backslashes": [_member("cells\\..\\outside")],
    "hidden": [_member(".ssh/keys")],
    "link": [_member("cells/link", b"/etc/passwd", stat.S_IFLNK | 0o777)],
    "device": [_member("cells/zero", b"", stat.S_IFCHR | 0o666)],
    "twice": [_member("run.json"), _member("run.json", b"2")],
    "twice but for case": [_member("run.json"), _member("RUN.json")],
    "bomb": [_member("cells/a.json", b"0" * (64 << 20))],
    "another method": [_member("run.json", kind=zipfile.ZIP_LZMA)],
    "deep": [_member("a/b/c/d/e/f")],
    "long": [_member("a" * 300)],
    "a folder, then a file": [_member("a/x"), _member("A")],
    "a file, then a folder": [_member("run.json"), _member("run.json/x")],
    "many small bombs": [_member(f"a{n}", bytes(1 << 20)) for n in range(30)],
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("what", HOSTILE)
def test_a_file_of_a_stranger_is_refused(what, tmp_path):
    path = tmp_path / "strange.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in HOSTILE[what]:
            archive.writestr(member, content)
    with pytest.raises(OutputError, match="no packed results"), as_folder(path):
        pass
    assert not (tmp_path / "outside").exists()


def test_a_damaged_file_is_said_in_a_sentence(tmp_path):
    path = tmp_path / "strange.zip"
    path.write_bytes(b"no archive")
    with pytest.raises(OutputError, match="no packed results: it is damaged"), as_folder(path):
        pass


def _patched(tmp_path, field, kind, value, names=("run.json", "made.json")):
    """Make an archive in whose directory the last entry says something else."""
    path = tmp_path / "strange.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    content = bytearray(path.read_bytes())
    struct.pack_into(kind, content, content.rfind(b"PK\1\2") + field, value)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("field", "kind", "value", "said"),
    [
        (8, "<H", 1, "made.json' is encrypted"),
        (42, "<I", 0, "run.json' lies where another file does|made.json' lies where"),
        (20, "<I", 5000, "made.json' lies where another file does"),
    ],
)
def test_what_a_directory_says_is_checked(field, kind, value, said, tmp_path):
    path = _patched(tmp_path, field, kind, value)
    with pytest.raises(OutputError, match=said) as caught, as_folder(path):
        pass
    assert "TMPDIR" not in str(caught.value)


def test_a_directory_of_very_many_files_is_not_listed(tmp_path, monkeypatch):
    path = tmp_path / "strange.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "")
    content = path.read_bytes()
    at, end = content.index(b"PK\1\2"), content.index(b"PK\5\6")
    many = content[at:end] * 200_000
    tail = bytearray(content[end:])
    struct.pack_into("<I", tail, 12, len(many))  # it says that there is one
    path.write_bytes(content[:at] + many + tail)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(OutputError, match="200,000 files, at most 100,000 are read"):
        as_folder(path).__enter__()


OTHERS = st.one_of(
    st.sampled_from(
        [
            "my notes.txt",
            "a/b/c/d/e/f.txt",
            "two\nlines.txt",
            "Leaderboard.md",
            "\udcff.txt",
            "cells/a b.json",
            "figures/x..png",
            "a" * 250,
            "leaks/ZEROS.json",
            "figures/zeros.png",
        ]
    ),
    st.text(st.characters(blacklist_characters="/\0"), min_size=1, max_size=20).filter(
        lambda name: not name.startswith(".")
    ),
)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(names=st.sets(OTHERS, max_size=6))
def test_whatever_lies_in_a_folder_what_is_packed_is_read(folder, tmp_path_factory, names):
    copy = tmp_path_factory.mktemp("copy") / "out"
    shutil.copytree(folder, copy)
    own = set(kept_files(ResultsFolder(copy)))
    assert not left_out(ResultsFolder(copy))
    for name in names:
        with suppress(OSError, UnicodeEncodeError):  # the name of a folder that is there
            place = copy / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.exists():
                place.write_bytes(bytes(5 << 20) if "zeros" in name.lower() else b"{}")
    write_index(ResultsFolder(copy))
    pack(ResultsFolder(copy), copy.parent / "a.zip", models=True)
    with as_folder(copy.parent / "a.zip") as laid:
        packed = set(kept_files(ResultsFolder(laid)))
        assert packed == set(read_index(ResultsFolder(laid)).files)
    assert own <= packed
    assert packed == set(kept_files(ResultsFolder(copy))) - set(left_out(ResultsFolder(copy)))


def test_what_is_left_out_is_said(folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "my\nnotes.txt").write_text("mine")
    write_index(ResultsFolder(copy))
    said = run("pack", copy, "-o", tmp_path / "a.zip")
    assert "left out, for dfbench has not written it: my\\nnotes.txt" in said
    assert "all is sound" in run("verify", tmp_path / "a.zip")


def test_what_a_kill_left_is_removed_by_the_next(packed, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with as_folder(packed) as held:
        os.utime(held, (0, 0))
        dead = tmp_path / "dfbench-packed-dead"
        (dead / "cells").mkdir(parents=True)
        os.utime(dead, (0, 0))
        (tmp_path / "dfbench-packed-link").symlink_to(folder := tmp_path / "mine")
        folder.mkdir()
        os.utime(folder, (0, 0))
        with as_folder(packed):
            assert held.exists()
            assert folder.exists()
            assert not dead.exists()


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive" * 100, b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_archive_is_refused(content, tmp_path):
    path = tmp_path / "strange.zip"
    path.write_bytes(content)
    with pytest.raises(OutputError), as_folder(path):
        pass


def test_a_member_that_says_it_is_smaller_is_refused(tmp_path):
    path, made = tmp_path / "strange.zip", io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run.json", b"0" * 5000)
    path.write_bytes(
        made.getvalue().replace((5000).to_bytes(4, "little"), (9).to_bytes(4, "little"))
    )
    with pytest.raises(OutputError), as_folder(path):
        pass


def test_what_goes_wrong_with_the_folder_is_not_laid_to_the_file(packed):
    with pytest.raises(OSError, match="of somebody else"), as_folder(packed):
        raise OSError("of somebody else")


def test_what_made_it_tells_no_more_than_was_typed(packed):
    told = json.loads(zipfile.ZipFile(packed).read("made.json"))["commands"][0]["again"]
    assert told["suite"]["rows"][0]["models"] == ["knn", "svm"]
    assert told["data"][0]["name"] == "faces"
