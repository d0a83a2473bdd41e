"""``dfbench merge``: results folders of several people made into one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli.options import err, out


def merge(
    folders: Annotated[
        list[str],
        typer.Argument(
            metavar="DIR...",
            help="Results folders, two or more; NAME=DIR says whose one is.",
        ),
    ],
    out_folder: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder to make.")],
    keep_first: Annotated[
        bool,
        typer.Option(
            "--keep-first",
            help="Of a row whose scores differ, take those of the folder that was named first.",
        ),
    ] = False,
) -> None:
    """Make one leaderboard of several people's results, which says whose each row is.

    Data sets must be the same, image by image, and rows of one name must have the same scores.
    """
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.results.records.merging import merge as merged
    from dfbench.results.records.merging import named
    from dfbench.results.render.terminal import BoardView
    from dfbench.results.results import load_results

    with ConsoleReporter(err()) as reporter:
        for note in merged(named(folders), out_folder.expanduser(), keep_first=keep_first):
            reporter.note(note)
        results = load_results(out_folder)
        results.write()
    out().print(BoardView(results.board))
    typer.echo(f"merged: {out_folder}/leaderboard.{{md,csv,json,html,tex}}")
