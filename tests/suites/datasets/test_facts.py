from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from dfbench.files import SETTLED, Stamp, cache_dir, stamp
from dfbench.suites.datasets import facts
from dfbench.suites.datasets.facts import facts_of

OLD = time.time() - 3600


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of six images; files count as settled as soon as they are there."""
    monkeypatch.setattr("dfbench.files.SETTLED", -1)
    root = tmp_path / "images"
    root.mkdir()
    for number in range(6):
        Image.new("RGB", (10 + number, 20), (number, 0, 0)).save(root / f"{number}.png")
    return root


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the list of the files that are read, in any order."""
    names: list[str] = []
    true = facts._read

    def noted(root: Path, path: str) -> object:
        names.append(path)
        return true(root, path)

    monkeypatch.setattr(facts, "_read", noted)
    return names


def look(root: Path, *, check: bool = False) -> dict[str, dict[str, object]]:
    """Give the facts by path, and hold every hash against the file."""
    paths = sorted(file.name for file in root.iterdir())
    found = facts_of(root, paths, [""] * len(paths), check=check).to_pylist()
    assert [line["path"] for line in found] == paths
    for line in found:
        content = (root / line["path"]).read_bytes()
        assert line["sha256"] == hashlib.sha256(content).hexdigest(), line["path"]
        assert line["size"] == len(content)
    return {line["path"]: line for line in found}


def test_files_are_read_once(folder: Path, read: list[str]) -> None:
    first = look(folder)
    assert sorted(read) == sorted(first)
    read.clear()
    assert look(folder) == first
    assert not read
    assert look(folder, check=True) == first
    assert sorted(read) == sorted(first)


def _replaced(file: Path) -> None:
    other = file.with_name("other.tmp")
    other.write_bytes(file.read_bytes()[:-1] + b"\0")
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.replace(file)


def _edited_and_set_back(file: Path) -> None:
    times = file.stat().st_atime_ns, file.stat().st_mtime_ns
    with file.open("r+b") as opened:
        opened.seek(-1, os.SEEK_END)
        opened.write(b"\0")
    os.utime(file, ns=times)


def _swapped(file: Path) -> None:
    """Swap two files by renaming: each has the size, the inode and the times of a known file."""
    beside, third = file.with_name("4.png"), file.with_name("third.tmp")
    file.rename(third)
    beside.rename(file)
    third.rename(beside)


def _linked(file: Path) -> None:
    other = file.parent.parent / "elsewhere.png"
    Image.new("RGB", (3, 3)).save(other)
    file.unlink()
    file.symlink_to(other)


CHANGES: dict[str, Callable[[Path], object]] = {
    "touched": lambda file: file.touch(),
    "written anew": lambda file: Image.new("RGB", (5, 5)).save(file),
    "truncated": lambda file: os.truncate(file, 20),
    "replaced, of equal size and time": _replaced,
    "edited in place, its time set back": _edited_and_set_back,
    "swapped with another": _swapped,
    "a link to another": _linked,
}


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no time of change")
@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_read_again(folder: Path, read: list[str], change: str) -> None:
    look(folder)
    read.clear()
    time.sleep(0.02)  # a tick of the clock that file times are of
    CHANGES[change](folder / "3.png")
    look(folder)
    assert set(read) == ({"3.png", "4.png"} if change.startswith("swapped") else {"3.png"})
    read.clear()
    look(folder)
    assert not read


def test_what_came_is_read_and_what_went_is_gone(folder: Path, read: list[str]) -> None:
    look(folder)
    read.clear()
    (folder / "1.png").unlink()
    Image.new("RGB", (7, 7)).save(folder / "new.png")
    assert sorted(look(folder)) == ["0.png", "2.png", "3.png", "4.png", "5.png", "new.png"]
    assert read == ["new.png"]


def test_a_part_of_a_root_leaves_what_is_known_of_the_others(folder: Path, read: list[str]) -> None:
    look(folder)
    os.utime(folder / "0.png", (OLD, OLD))
    (folder / "5.png").unlink()
    facts_of(folder, ["0.png"], [""])
    read.clear()
    look(folder)
    assert not read


def test_what_changed_just_before_it_was_read_is_read_again(
    folder: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change within the same tick of the file system's clock could leave no trace."""
    monkeypatch.setattr("dfbench.files.SETTLED", SETTLED)
    look(folder)
    look(folder)
    assert len(read) == 12
    now = time.time_ns()
    assert not Stamp(1, now, now - SETTLED, 1, 1).settled(now)
    assert not Stamp(1, 0, now + 10**12, 1, 1).settled(now), "a clock that is ahead"
    assert Stamp(1, 0, now - SETTLED - 1, 1, 1).settled(now)


def test_what_cannot_be_read_is_tried_again(folder: Path, read: list[str]) -> None:
    gone = facts_of(folder, ["0.png", "gone.png"], ["", ""]).to_pylist()[1]
    assert (gone["error"], gone["sha256"]) == ("cannot be read: No such file or directory", "")
    Image.new("RGB", (7, 7)).save(folder / "gone.png")
    read.clear()
    look(folder)
    assert "gone.png" in read
    assert "0.png" not in read


def test_a_known_fault_is_told_and_no_file_opened(folder: Path, read: list[str]) -> None:
    look(folder)
    read.clear()
    [line] = facts_of(folder, ["0.png"], ["broken symbolic link"]).to_pylist()
    assert (line["error"], line["size"], line["sha256"]) == ("broken symbolic link", 0, "")
    assert not read
    look(folder)
    assert not read


def test_a_broken_image_is_known_as_such(folder: Path, read: list[str]) -> None:
    (folder / "bad.png").write_bytes(b"")
    first = look(folder)
    assert first["bad.png"]["error"] == "empty file"
    read.clear()
    assert look(folder) == first
    assert not read


def test_another_version_of_the_reader_reads_anew(
    folder: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    look(folder)
    read.clear()
    monkeypatch.setattr(facts, "__version__", "another")
    look(folder)
    assert len(read) == 6


def test_what_a_process_read_with_older_code_is_not_believed(
    folder: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("dfbench.installed.BEGUN", 0)  # the code came since
        for _ in range(2):
            look(folder)
        assert len(read) == 6, "it believes itself"
    look(folder)
    assert len(read) == 12


@pytest.mark.parametrize("damage", ["cut", "other columns", "no table"])
def test_a_damaged_table_is_made_anew(folder: Path, read: list[str], damage: str) -> None:
    look(folder)
    [file] = (cache_dir() / "files").iterdir()
    content = bytearray(file.read_bytes())
    if damage == "cut":
        del content[len(content) // 2 :]
    elif damage == "no table":
        content[:] = b"nothing"
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"path": ["0.png"]}), file)
        content[:] = file.read_bytes()
    file.write_bytes(content)
    read.clear()
    look(folder)
    assert len(read) == 6


def test_no_flipped_bit_gives_other_facts(folder: Path, read: list[str]) -> None:
    first = look(folder)
    [file] = (cache_dir() / "files").iterdir()
    content = file.read_bytes()
    for place in range(0, len(content), 97):
        flipped = bytearray(content)
        flipped[place] ^= 4
        file.write_bytes(flipped)
        assert look(folder) == first, place
    assert len(read) > 6


def test_a_cache_that_cannot_be_written_costs_time_alone(folder: Path, read: list[str]) -> None:
    cache_dir().mkdir(parents=True)
    (cache_dir() / "files").write_text("a file where the folder should be")
    look(folder)
    look(folder)
    assert len(read) == 12


def test_a_stamp_is_of_the_file_that_a_link_leads_to(folder: Path) -> None:
    (folder / "link.png").symlink_to(folder / "0.png")
    assert stamp(folder / "link.png") == stamp(folder / "0.png")
    assert stamp(folder / "none.png") is None
