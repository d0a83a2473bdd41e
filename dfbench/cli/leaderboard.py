"""``dfbench leaderboard``: the board of a results folder, computed again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli import completing
from dfbench.cli.options import COMMAND, RESULTS, Plugins
from dfbench.cli.screen import err, out, say
from dfbench.cli.screen import write as print_document
from dfbench.errors import OutputError


def leaderboard(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help=RESULTS),
    ] = Path("dfbench-results"),
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
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Also write it into the folder: leaderboard.md, csv, json, html, tex, parquet,"
            " figures.csv, and report.html where there is one.",
        ),
    ] = False,
) -> None:
    """Compute a leaderboard again from the stored scores, and print it."""
    from dfbench.cli import writing
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.results.records.packing import as_folder
    from dfbench.results.render.formats import render
    from dfbench.results.render.terminal import BoardView
    from dfbench.results.results import load_results

    if write and folder.is_file():
        raise OutputError("packed results stay as they are", where=folder, hint="without --write")
    with ConsoleReporter(err()) as reporter, as_folder(folder.expanduser()) as laid:
        if write:
            results = writing.load_noted(folder, plugin or (), context.meta[COMMAND])
        else:
            results = load_results(laid, plugins=plugin or ())
        if plugin:
            results.progress = reporter.stage("leaderboard", "rows")
        board = results.board
        if write:
            writing.write(results, reporter.note)
    if format is None:
        out().print(BoardView(board))
    else:
        print_document(render(board, format))
    if write:
        say(f"written: {folder}/leaderboard.{{md,csv,json,html,tex}}", err=True)
