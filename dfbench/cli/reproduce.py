"""``dfbench reproduce``: results run again from their own records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli import completing
from dfbench.cli.options import RESULTS, Jobs, Plugins
from dfbench.cli.screen import err, out, say

_EXIT_OTHER = 1


def reproduce(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help=RESULTS),
    ],
    out_folder: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="NEW", help="Folder of the new ones, by default DIR-again."
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            "-d",
            metavar="NAME=DATA",
            help="Where a data set lies now; repeatable. The others are looked for where they lay.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="ROW",
            help="This row alone; repeatable.",
            autocompletion=completing.rows_there,
        ),
    ] = None,
    plugin: Plugins = None,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust",
            help="Run the code that the results name: plugins, import paths, functions.",
        ),
    ] = False,
    jobs: Jobs = None,
) -> None:
    """Run results again, as their own records tell, and say which figures came out the same.

    Suite, seeds and options are those of the results; the suite's file is not needed, the images
    are. Pictures are not drawn and models not kept. Code that they name is run with --trust alone.

    Exit status: 0 all rows are the same or within rounding, 1 some are not, 2 it cannot be done.
    """
    from dfbench.benchmark.reproducing import TOLERANCE
    from dfbench.benchmark.reproducing import reproduce as reproduced
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.cli.tables import plain_row, plain_table
    from dfbench.files import beside, resolved
    from dfbench.results.records.packing import SUFFIX, as_folder

    folder = folder.expanduser()
    new = beside(folder, f"{resolved(folder).name.removesuffix(SUFFIX)}-again")
    new = new if out_folder is None else out_folder.expanduser()
    with ConsoleReporter(err()) as reporter, as_folder(folder) as laid:
        found = reproduced(
            laid,
            new,
            data=data or (),
            only=only or (),
            plugins=[file.expanduser() for file in plugin or ()],
            trust=trust,
            jobs=jobs,
            reporter=reporter,
        )
    table = plain_table("data set", "row", "came out", "most different")
    for each in found.rows:
        plain_row(table, each.dataset, each.row, each.verdict, each.said)
    out().print(table)
    for note in found.notes:
        say(f"note: {note}")
    for name, before, now in found.other:
        say(f"other than before: {name}: {before}, now {now}")
    verdicts = ("same", "within rounding", "differs", "not compared")
    counts = {verdict: sum(each.verdict == verdict for each in found.rows) for verdict in verdicts}
    tally = ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n) or "no rows"
    say(f"{tally} (rounding: up to {TOLERANCE:g}); new results: {new}")
    if not found.same:
        raise typer.Exit(_EXIT_OTHER)
