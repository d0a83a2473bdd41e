"""``dfbench verify``: whether a results folder is what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli import completing
from dfbench.cli.options import RESULTS, Plugins
from dfbench.cli.screen import out, say, tell

_EXIT_DAMAGED = 1


def verify(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help=RESULTS),
    ] = Path("dfbench-results"),
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            "-d",
            metavar="DATA",
            help="A data set of it, whose images are read and held against the scores; NAME=DATA"
            " where it was given a name; repeatable.",
            autocompletion=completing.datasets,
        ),
    ] = None,
    plugin: Plugins = None,
) -> None:
    """Check that results are what they say: nothing is written.

    All files are held against their checksums, records against the rows that they stand for, and
    the leaderboards against the one that the scores come to.

    Exit status: 0 all is sound, 1 something is damaged and named, 2 this is no
    results folder, or no row of it is of a data set that was given.
    """
    from dfbench.benchmark.verification import verify as verified
    from dfbench.cli.tables import plain_row, plain_table
    from dfbench.results.records.packing import as_folder

    with as_folder(folder.expanduser()) as laid:
        found = verified(laid, data or (), plugins=plugin or ())
    checks = found.checks
    table = plain_table("checked", "files", "without checksum", right=("files", "without checksum"))
    for kind, n in checks.checked.items():
        without = checks.unsummed[kind]
        plain_row(table, kind, f"{n:,}", f"{without:,}" if without else "")
    out().print(table)
    if sum(checks.unsummed.values()):
        tell("Those without were written by dfbench 0.1.0, and are taken as they are.")
    for note in checks.notes:
        tell(f"note: {note}")
    for damage in checks.damaged:
        remedy = f" ({damage.remedy})" if damage.remedy else ""
        tell(f"{damage.file}: {damage.what}{remedy}")
    if checks.unfinished:
        say(checks.unfinished)
    if not found.sound:
        say(f"damaged: {len(checks.damaged):,}")
        raise typer.Exit(_EXIT_DAMAGED)
    say("what is there is sound" if checks.unfinished else "all is sound")
