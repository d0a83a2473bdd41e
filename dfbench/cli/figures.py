"""``dfbench figures``: the figures of results for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli import completing
from dfbench.cli.options import RESULTS, Plugins
from dfbench.cli.screen import err, say
from dfbench.errors import unknown


def figures(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=RESULTS)] = Path("dfbench-results"),
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where they are written.")
    ] = Path("figures"),
    form: Annotated[
        str, typer.Option("--format", "-f", metavar="FORMS", help="pdf, svg, png; with commas.")
    ] = "pdf",
    rows: Annotated[
        list[str] | None,
        typer.Option(
            "--rows",
            metavar="ROW",
            help="Draw this row's own figures too; with commas several, * for any letters;"
            " repeatable.",
            autocompletion=completing.rows_there,
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", "-d", metavar="NAME", help="Of this data set alone; likewise."),
    ] = None,
    plugin: Plugins = None,
) -> None:
    """Draw the figures of results for a paper: PDF or SVG, as wide as a column or both.

    figures.tex in the same folder has an environment for each, with its caption.
    """
    from dfbench.benchmark.pictures import paper
    from dfbench.results.board.choice import asked
    from dfbench.results.figures.base import FORMS
    from dfbench.results.records.folder import ResultsFolder
    from dfbench.results.records.packing import as_folder
    from dfbench.results.results import load_results

    forms = [each.strip().lower() for each in form.split(",") if each.strip()]
    for each in forms:
        if each not in FORMS:
            raise unknown("format", each, FORMS, where="--format")
    with err().status("drawing"), as_folder(folder.expanduser()) as laid:
        board = load_results(laid, plugins=plugin or ()).board
        of_rows = asked("row", rows or (), [line.row for line in board.lines])
        of_data = asked("data set", data or (), [table.dataset for table in board.tables])
        found = paper.drawings(ResultsFolder(laid), board, of_rows, of_data)
        written = paper.write(found, out.expanduser(), forms, lambda text: say(text, err=True))
    for path in written:
        say(path)
