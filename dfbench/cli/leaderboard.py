"""``dfbench leaderboard``: the board of a results folder, computed again."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli import completing
from dfbench.cli.options import COMMAND, RESULTS, Plugins
from dfbench.cli.screen import err, out, say
from dfbench.cli.screen import write as print_document
from dfbench.errors import OutputError, ParameterError


class Width(StrEnum):
    """Of a table in LaTeX."""

    column = "column"
    page = "page"


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
    rows: Annotated[
        list[str] | None,
        typer.Option(
            "--rows",
            metavar="ROW",
            help="Show one table, of this row alone; with commas several, * for any letters;"
            " repeatable.",
            autocompletion=completing.rows_there,
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns",
            metavar="NAME",
            help="Show one table, with this column alone: roc_auc, accuracy, n_parameters, ...;"
            " likewise.",
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            "-d",
            metavar="NAME",
            help="Show one table, of this data set; of several they stand beside each other;"
            " likewise.",
        ),
    ] = None,
    intervals: Annotated[
        bool, typer.Option("--intervals", help="Of one table: with the intervals of its figures.")
    ] = False,
    spread: Annotated[
        bool,
        typer.Option(
            "--spread",
            help="Of one table: with the standard deviations over seeds, or over splits or folds.",
        ),
    ] = False,
    width: Annotated[
        Width | None,
        typer.Option(
            "--width",
            help="Of one table in LaTeX: a column of a two-column article, or the page; by default"
            " what it needs.",
        ),
    ] = None,
) -> None:
    """Compute a leaderboard again from the stored scores, and print it.

    With any of --rows, --columns, --data, --intervals, --spread and --width it is one table, in
    LaTeX with caption and label for a paper.
    """
    from dfbench.cli import writing
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.results.board.choice import choose, section
    from dfbench.results.records.packing import as_folder
    from dfbench.results.render.chosen import render_choice
    from dfbench.results.render.formats import render
    from dfbench.results.render.terminal import BoardView, SectionView
    from dfbench.results.results import load_results

    one = bool(rows or columns or data or intervals or spread or width)
    if write and one:
        raise ParameterError(
            "the folder keeps the whole board", where="--write", hint="a table of your own: > FILE"
        )
    if width is not None and format != "tex":
        raise ParameterError("only LaTeX has one", where="--width", hint="--format tex")
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
    if one:
        choice = choose(
            board,
            rows=rows or (),
            columns=columns or (),
            data=data or (),
            intervals=intervals,
            spread=spread,
        )
        if format is None:
            out().print(SectionView(section(choice)))
        else:
            print_document(render_choice(choice, format, width.value if width else None))
    elif format is None:
        out().print(BoardView(board))
    else:
        print_document(render(board, format))
    if write:
        say(f"written: {folder}/leaderboard.{{md,csv,json,html,tex}}", err=True)
