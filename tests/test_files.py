"""Files are written whole or not at all, and what a killed process leaves is removed."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dfbench.errors import BusyError, OutputError
from dfbench.files import atomic_path, beside, keep_text, owned, sweep, write_text

posix = pytest.mark.skipif(sys.platform == "win32", reason="locks and limits of POSIX")


def python(code, *words, **options):
    return subprocess.Popen([sys.executable, "-c", code, *map(str, words)], **options)


def test_a_library_that_runs_out_of_room_is_told_with_its_place(tmp_path):
    file = tmp_path / "table"
    write_text(file, "before")
    with pytest.raises(OutputError, match="No space left") as told, atomic_path(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert told.value.where == str(tmp_path)
    assert "make room" in told.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["table"]
    assert file.read_text() == "before"


@posix
def test_a_file_that_may_not_grow_is_told_with_its_place(tmp_path):
    code = (
        "import resource, sys; from pathlib import Path; from dfbench import files\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "files.keep_text(Path(sys.argv[1]) / 'text', 'x' * 10000)"
    )
    _, said = python(code, tmp_path, stderr=subprocess.PIPE).communicate()
    assert f"OutputError: {tmp_path}: cannot write here: File too large" in said.decode()
    assert list(tmp_path.iterdir()) == []


@posix
def test_what_a_killed_process_was_writing_is_swept_and_nothing_else(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from dfbench.files import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as path:\n"
        "    path.write_text('half')\n"
        "    print(path, flush=True)\n"
        "    sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    both = [python(code, tmp_path / "in" / name, **pipes) for name in ("killed", "alive")]
    halves = [each.stdout.readline().decode().strip() for each in both]
    both[0].kill()
    both[0].communicate()
    (tmp_path / "own.part").write_text("a name of somebody's")
    sweep(tmp_path)
    assert [Path(half).exists() for half in halves] == [False, True]
    both[1].communicate()
    assert (tmp_path / "in" / "alive").read_text() == "half"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "own.part"]


@posix
def test_what_is_swept_is_no_link(tmp_path):
    (tmp_path / "kept").write_text("kept")
    (tmp_path / ".x.part").symlink_to(tmp_path / "kept")
    os.mkfifo(tmp_path / ".y.part")
    sweep(tmp_path)
    assert (tmp_path / "kept").read_text() == "kept"


def test_who_owns_something_leaves_no_file(tmp_path):
    with owned(tmp_path / "run"):
        with pytest.raises(BusyError), owned(tmp_path / "run"):
            pass
        assert (tmp_path / "run.owner").exists()
    assert list(tmp_path.iterdir()) == []


@posix
def test_the_file_of_an_owner_that_was_killed_is_swept(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from dfbench.files import owned\n"
        "with owned(Path(sys.argv[1]) / 'study'):\n"
        "    os.kill(os.getpid(), 9)"
    )
    python(code, tmp_path).wait()
    (tmp_path / "somebody.owner").write_text("a file of somebody's")
    with owned(tmp_path / "run"):
        sweep(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["run.owner", "somebody.owner"]


@posix
def test_one_at_a_time_owns_something(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from dfbench.files import *\n"
        "place, taken = Path(sys.argv[1]) / 'run', 0\n"
        "while taken < 60:\n"
        "    try:\n"
        "        with owned(place):\n"
        "            os.close(os.open(str(place), os.O_CREAT | os.O_EXCL))\n"
        "            taken += 1\n"
        "            os.unlink(place)\n"
        "    except BusyError:\n"
        "        pass"
    )
    four = [python(code, tmp_path) for _ in range(4)]
    assert [each.wait() for each in four] == [0, 0, 0, 0]
    assert list(tmp_path.iterdir()) == []


def test_text_that_is_there_is_not_written_again(tmp_path):
    keep_text(tmp_path / "text", "same")
    before = (tmp_path / "text").stat()
    keep_text(tmp_path / "text", "same")
    assert (tmp_path / "text").stat().st_ino == before.st_ino


def test_a_huge_file_in_the_place_of_results_is_replaced_unread(tmp_path):
    path = tmp_path / "leaderboard.md"
    path.touch()
    os.truncate(path, 1 << 40)  # 1 TB of nothing
    keep_text(path, "a board")
    assert path.read_text() == "a board"


def test_what_lies_beside_is_called_as_it_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "r1").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a" / "r1")
    monkeypatch.chdir(tmp_path)
    assert beside(Path("a/r1"), "r2") == Path("a/r2")
    assert beside(Path("link"), "r2") == tmp_path.resolve() / "a" / "r2"
    monkeypatch.chdir(tmp_path / "a" / "r1")
    assert beside(Path(), "r2") == tmp_path.resolve() / "a" / "r2"
    assert beside(Path("../r1"), "r2") == Path("../r2")
