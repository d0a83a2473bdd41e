"""What lies in a results folder: an index of it, and nothing but plain files."""

import os
import subprocess

import pytest

from dfbench.errors import OutputError
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.inventory import check_plain, kept_files, read_index, write_index
from dfbench.results.results import Results


@pytest.fixture
def made(folder):
    folder.add("faces", "hsv/knn")
    Results(folder.out).write(report=False)
    return ResultsFolder(folder.out)


def test_the_index_is_written_last_and_names_all_that_is_kept(made):
    names = read_index(made).files
    assert sorted(names) == kept_files(made)
    assert {"run.json", "cells/c0.json", "cells/c0.parquet", "leaderboard.md"} <= names.keys()
    assert not any(name.startswith("board/") for name in names)
    last = max(made.path.glob("*"), key=lambda path: path.stat().st_mtime_ns)
    assert last.name == "index.json"


def test_it_is_not_written_again_where_nothing_changed(made):
    before = made.index_file.stat().st_mtime_ns
    write_index(made)
    assert made.index_file.stat().st_mtime_ns == before


@pytest.mark.parametrize("name", ["studies/x.log", "cells", "checkpoints/a/status", "figures"])
def test_a_link_is_named_and_nothing_is_written(made, tmp_path, name):
    outside = tmp_path / "outside"
    outside.mkdir()
    place = made.path / name
    if place.is_dir():
        place.rename(tmp_path / "moved")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(outside)
    with pytest.raises(OutputError, match=f"{name}: a link, which is not followed here.*remove it"):
        check_plain(made)
    with pytest.raises(OutputError, match="a link"):
        Results(made.path).write()
    assert not list(outside.iterdir())


def test_a_pipe_is_named_too(made):
    os.mkfifo(made.path / "studies")
    with pytest.raises(OutputError, match=r"studies: no plain file \(remove it\)"):
        check_plain(made)


def test_the_folder_itself_may_be_a_link(made, tmp_path):
    (tmp_path / "link").symlink_to(made.path)
    check_plain(ResultsFolder(tmp_path / "link"))
    Results(tmp_path / "link").write(report=False)
    assert ResultsFolder(tmp_path / "link").read_entries()


def test_a_board_is_not_kept_by_way_of_a_link(folder, tmp_path):
    folder.add("faces", "hsv/knn")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "state.json").write_text("mine")
    (folder.out / "board").symlink_to(tmp_path / "outside")
    assert Results(folder.out).board.tables
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["state.json"]
    (folder.out / "cells" / "c0.parquet").write_bytes(b"half")
    assert not Results(folder.out).board.tables[0].measured
    assert (tmp_path / "outside" / "state.json").read_text() == "mine"


def test_folders_without_end_are_named_and_not_gone_into(made):
    before = kept_files(made)
    here = os.open(made.path, os.O_RDONLY)
    for _ in range(1200):  # deeper than Python calls itself
        os.mkdir("a", dir_fd=here)
        here, outer = os.open("a", os.O_RDONLY, dir_fd=here), here
        os.close(outer)
    os.close(here)
    try:
        assert kept_files(made) == before
        with pytest.raises(OutputError, match=r"folders more than 16 deep \(remove it\)"):
            check_plain(made)
    finally:
        subprocess.run(["rm", "-r", made.path / "a"], check=True)
