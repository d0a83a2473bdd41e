"""What was mistaken is told in a line that can be read: no traceback, no page of one name."""

from __future__ import annotations

import errno
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dfbench.benchmark.execution.executor import _there
from dfbench.cli import app
from dfbench.errors import OutputError
from dfbench.files import cache_dir, config_dir, unwritable
from dfbench.results.records.folder import ResultsFolder
from dfbench.suites.datasets import image_files


def told(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 2, result.output
    return " ".join(result.output.split())


PLAN = ["run", "--suite", "smoke", "--data", "leaves-binary", "--plan"]
LONG = "q" * 60_000


@pytest.mark.parametrize(
    "words",
    [
        *([*PLAN, "--only", row] for row in (LONG, f"hsv/{LONG}", f"{LONG}/knn")),
        [*PLAN, "--only", f"hsv[bins={'[' * 5_000}{']' * 5_000}]/knn"],
        [*PLAN, "--executor", LONG],
        [*PLAN, "--plugin", LONG],
        ["leaderboard", LONG],
        ["cache", "prune", "--older-than", LONG],
    ],
)
def test_long_names_are_cut(words: list[str]) -> None:
    assert len(told(*words)) < 1_200


def test_how_long_a_row_may_be_is_told() -> None:
    assert "4,000 characters at most, and this one 60,004" in told(*PLAN, "--only", f"hsv/{LONG}")


def test_all_and_none_stand_alone() -> None:
    said = told(*PLAN, "--figures", "all,none")
    assert "figures: 'all' stands alone, and beside it stand others: 'all,none'" in said


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--suite", "smoke", "--only", "hsv/knn", "--data", "leaves-binary"],
        ["merge", "/nowhere/a", "/nowhere/b", "--out", "merged"],
    ],
)
def test_a_folder_that_is_gone_is_named(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert told(*words).startswith("dfbench: the folder that this is run in is no longer there")


def test_a_packed_file_is_named_as_it_was_given(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x", b"")
    for words in (["verify"], ["leaderboard"], ["compare"]):
        more = ["a", "b"] if words == ["compare"] else []
        said = told(*words, str(tmp_path / "a.zip"), *more)
        assert said.startswith(f"dfbench: {tmp_path / 'a.zip'}: not a results folder"), said


def test_a_screen_without_columns_shows_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    assert "smoke" in CliRunner().invoke(app, ["list", "suites"]).output


@pytest.mark.parametrize("name", ["DFBENCH_CACHE", "DFBENCH_CONFIG"])
def test_the_variable_of_a_folder_is_named_though_it_is_not_set(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cache_dir if name == "DFBENCH_CACHE" else config_dir
    monkeypatch.delenv(name, raising=False)
    error = OSError(errno.EROFS, "Read-only file system")
    said = str(unwritable(folder() / "features", error))
    assert f"set {name} to another folder" in said
    monkeypatch.setenv(name, "/elsewhere")
    assert f"{name} names it" in str(unwritable(Path("/elsewhere/features"), error))


def test_a_long_listing_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        (tmp_path / f"{n}").mkdir()
        (tmp_path / f"{n}" / "a.png").write_bytes(b"")
    monkeypatch.setattr(image_files, "_QUIET", 0)
    said: list[str] = []
    with image_files.telling(said.append):
        image_files.walk(tmp_path)
    assert said[-1] == f"{tmp_path}: 3 files listed so far, now in 2/"


def test_a_results_folder_that_is_taken_away_is_said_to_be_gone(tmp_path: Path) -> None:
    out = ResultsFolder(tmp_path)
    with pytest.raises(OutputError, match="removed or moved while the run was"), _there(out):
        raise FileNotFoundError("parts/x.parquet")
    out.write_entries([])
    with pytest.raises(FileNotFoundError), _there(out):
        raise FileNotFoundError("parts/x.parquet")


def test_who_stops_it_at_once_is_told_so() -> None:
    code = (
        "import sys, dfbench.stopping as s\n"
        "def stop(): raise KeyboardInterrupt\n"
        "s.listen = stop\n"
        "from dfbench.__main__ import main; main()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (130, "\ndfbench: stopped\n")
