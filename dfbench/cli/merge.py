"""``dfbench merge``: results folders of several people made into one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli.options import COMMAND, Plugins
from dfbench.cli.screen import err, out, say
from dfbench.files import at_home


def merge(
    context: typer.Context,
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
            help="Of a row whose scores differ, or whose seeds were made in other ways, take those"
            " of the folder that was named first.",
        ),
    ] = False,
    plugin: Plugins = None,
) -> None:
    """Make one leaderboard of several people's results, which says whose each row is.

    Data sets must be the same, image by image, and rows of one name must have the same scores. Its
    seeds in several folders are one row where nothing but the seed differs.
    """
    from dfbench.cli import writing
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.results.board.added import additions_of
    from dfbench.results.records.merging import merge as merged
    from dfbench.results.records.merging import named
    from dfbench.results.render.terminal import BoardView

    plugins = [at_home(file) for file in plugin or ()]
    additions_of(plugins)  # what is wrong with them is told before the folder is there
    with ConsoleReporter(err()) as reporter:
        for note in merged(named(folders), at_home(out_folder), keep_first=keep_first):
            reporter.note(note)
        results = writing.load_noted(out_folder, plugins, context.meta[COMMAND])
        writing.write(results, reporter.note, report=True)
    out().print(BoardView(results.board))
    say(f"merged: {out_folder}/leaderboard.{{md,csv,json,html,tex}}")
