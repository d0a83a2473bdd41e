"""``dfbench report``: leaderboard and pictures in one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli.options import Plugins, shown


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the results.")] = Path(
        "dfbench-results"
    ),
    plugin: Plugins = None,
) -> None:
    """Gather leaderboard and figures into one page again: report.html."""
    from dfbench.results.board.sentences import not_shown
    from dfbench.results.render.report import make_report
    from dfbench.results.results import load_results

    board = load_results(folder, plugins=plugin or ()).board
    typer.echo(make_report(folder, board))
    for said in not_shown(board):
        typer.echo(f"note {shown(said)}", err=True)
