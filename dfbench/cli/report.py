"""``dfbench report``: leaderboard and pictures in one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli.options import Plugins
from dfbench.cli.screen import err, say


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the results.")] = Path(
        "dfbench-results"
    ),
    plugin: Plugins = None,
) -> None:
    """Gather leaderboard and figures into one page again: report.html."""
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.results.board.sentences import not_shown
    from dfbench.results.records.folder import ResultsFolder
    from dfbench.results.records.inventory import check_plain, write_index
    from dfbench.results.render.report import make_report
    from dfbench.results.results import load_results

    results = load_results(folder, plugins=plugin or ())
    check_plain(ResultsFolder(results.folder))
    with ConsoleReporter(err()) as reporter:
        if plugin:
            results.progress = reporter.stage("leaderboard", "rows")
        board = results.board
        for said in not_shown(board):
            reporter.note(said)
    made = make_report(folder, board)
    write_index(ResultsFolder(results.folder))
    say(made)
