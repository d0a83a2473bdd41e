"""What was mistaken is told in a line that can be read: no traceback, no page of one name."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from dfbench.cli import app


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
