"""``dfbench leaderboard``: the board of a results folder, computed again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli import completing
from dfbench.cli.options import Plugins, err, out


def leaderboard(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the results.")] = Path(
        "dfbench-results"
    ),
    plugin: Plugins = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORM",
            help="Print as leaderboard.FORM: md, ...",
            autocompletion=completing.forms,
        ),
    ] = None,
) -> None:
    """Compute a leaderboard again from the stored scores, and print it."""
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.results.render.formats import render
    from dfbench.results.render.terminal import BoardView
    from dfbench.results.results import load_results

    results = load_results(folder, plugins=plugin or ())
    with ConsoleReporter(err()) as reporter:
        if plugin:
            results.progress = reporter.stage("leaderboard", "rows")
        board = results.board
    if format is None:
        out().print(BoardView(board))
    else:
        typer.echo(render(board, format), nl=False)
