"""``dfbench data fetch``: data sets from the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli import completing
from dfbench.cli.screen import err, say, tell
from dfbench.stopping import resumable


def fetch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="hf:OWNER/NAME, its address, or the name of a public data set on the hub.",
            autocompletion=completing.public,
        ),
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder that it comes to.")],
    revision: Annotated[
        str | None,
        typer.Option(metavar="REV", help="Branch, tag or commit; main by default."),
    ] = None,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Only files that fit, such as 'train/*'; repeatable."),
    ] = None,
) -> None:
    """Fetch a data set of the Hugging Face hub into a folder, to be run on.

    Every file is held against its hash; the commit is noted beside the data, and in the records of
    runs on them. Nothing in DIR is replaced. An interrupted fetch goes on where it was. HF_ENDPOINT
    names another hub; hf auth login gives access to what is not for everybody.
    """
    from dfbench.cli.progress import ConsoleReporter
    from dfbench.hub.fetching import fetch as fetch_all

    resumable.set()
    with ConsoleReporter(err()) as reporter:
        fetched = fetch_all(
            source,
            to,
            revision=revision,
            include=include or (),
            progress=reporter.stage(f"{source}: fetching", "files"),
        )
    origin = fetched.origin
    if fetched.continued:
        tell(
            f"note: {origin.asked} has gone on since this was begun, or fetched; it stays as it was"
        )
    files = "file" if origin.files == 1 else "files"
    say(
        f"{origin.files:,} {files}, {origin.bytes / 1e6:,.1f} MB, {fetched.new:,} of them new: {to}"
    )
    say(f"revision: {origin.revision}")
    if fetched.card:
        tell(f"dfbench data add {fetched.card} --root {to} registers it")
    else:
        tell(f"dfbench run --data {to} runs on it; dfbench data describe {to} says how it is read")
