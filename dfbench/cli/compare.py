"""``dfbench compare``: two rows side by side."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli import completing
from dfbench.cli.options import RESULTS, Plugins
from dfbench.cli.screen import err, out, write


class Format(StrEnum):
    """Forms of a comparison."""

    md = "md"
    json = "json"
    csv = "csv"


def compare(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help=RESULTS),
    ],
    row_a: Annotated[
        str,
        typer.Argument(metavar="ROW_A", help="A row of it.", autocompletion=completing.rows_there),
    ],
    row_b: Annotated[
        str,
        typer.Argument(metavar="ROW_B", help="Another.", autocompletion=completing.rows_there),
    ],
    data: Annotated[
        list[str] | None,
        typer.Option("--data", "-d", metavar="NAME", help="On this data set alone; repeatable."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            "-m",
            metavar="NAME",
            help="By this figure alone, such as accuracy or f1_macro; repeatable. By default by"
            " ROC AUC, with all others as secondary ones.",
            autocompletion=completing.metrics,
        ),
    ] = None,
    plugin: Plugins = None,
    format: Annotated[
        Format | None, typer.Option("--format", "-f", help="Print in this form.")
    ] = None,
) -> None:
    """Explain two rows: which is better, by how much, whether that is chance, at what cost.

    ROC AUC is compared by DeLong's test, accuracy by McNemar's, all else by the paired bootstrap
    on the same images. What is asked for is corrected after Holm for the data sets and figures
    asked for; without --metric that is ROC AUC, and the other figures are corrected for all tests.
    """
    from dfbench.results.board import explanation
    from dfbench.results.board.comparison import compare as compared
    from dfbench.results.records.packing import as_folder
    from dfbench.results.render.markdown import sections_to_markdown
    from dfbench.results.render.terminal import SectionView

    with err().status("comparing"), as_folder(folder.expanduser()) as laid:
        found = compared(laid, row_a, row_b, data or (), plugin or (), metric or ())
    if format is Format.json:
        write(explanation.to_json(found, row_a, row_b))
    elif format is Format.csv:
        write(explanation.to_csv(found, row_a, row_b))
    else:
        said = explanation.sections(found, row_a, row_b)
        if format is Format.md:
            write(sections_to_markdown(said))
        else:
            for section in said:
                out().print(SectionView(section), "")
