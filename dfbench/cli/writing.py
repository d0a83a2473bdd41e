"""How commands that run nothing write a board into its folder, and what they say of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dfbench.results.results import Results


def load_noted(folder: Path, plugins: Sequence[Path], command: str) -> Results:
    """Load results, and note the command where its plugins bring figures that none before brought.

    Later commands tell by it what they do not show, see `Board.missing`.
    """
    from datetime import UTC, datetime

    from dfbench.installed import versions
    from dfbench.results.board.added import additions_of
    from dfbench.results.records.folder import ResultsFolder
    from dfbench.results.records.provenance import Run
    from dfbench.results.results import load_results

    results = load_results(folder, plugins=plugins)
    own = [(each.kind, each.name, each.owner) for each in additions_of(results.plugins).own]
    noted = ResultsFolder(results.folder)
    if set(own) - {its for run in noted.read_provenance() for its in run.own}:
        started = datetime.now(UTC).isoformat(timespec="seconds")
        noted.note_run(Run(command=command, started=started, versions=versions(), own=own))
    return results


def write(results: Results, say: Callable[[str], None], *, report: bool = False) -> None:
    """Write all forms of the board, and its report, as a rule where the folder has one."""
    from dfbench.results.board.sentences import not_shown

    results.write(report=report or (results.folder / "report.html").exists())
    for said in not_shown(results.board):
        say(said)
