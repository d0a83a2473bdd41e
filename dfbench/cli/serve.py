"""``dfbench serve``: a page in the browser that asks kept models about pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli.options import Plugins, parse_roots
from dfbench.cli.screen import err, say


def serve(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULTS|MODEL...",
            help="Results folders with kept models, or files of kept models (.dfb).",
        ),
    ],
    port: Annotated[
        int | None,
        typer.Option(
            "--port", "-p", min=1, max=65535, metavar="N", help="By default 7860, or the next free."
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            "--host", metavar="ADDRESS", help="Where to listen; by default this machine alone."
        ),
    ] = "127.0.0.1",
    images: Annotated[
        list[str] | None,
        typer.Option(
            "--images",
            metavar="NAME=FOLDER",
            help="Folder of a data set's images, to show a row's right and wrong ones; repeatable.",
        ),
    ] = None,
    plugins: Plugins = None,
) -> None:
    """Show a page in the browser: verdicts on dropped pictures, the leaderboard, the data sets.

    Pictures stay in the memory of this machine, and nothing is asked of any other.
    """
    from dfbench.apps.offered import offered
    from dfbench.apps.web.server import LOOPBACK, bound, check_installed, serve, url
    from dfbench.apps.web.standings import Standings

    check_installed()
    roots = parse_roots(images, "--images")
    found = offered(sources, plugins or ())
    standings = Standings(found.results, found.models, roots)
    listener = bound(host, port)
    hosts = LOOPBACK if host in LOOPBACK else None
    if hosts is None:
        err().print(
            "Warning: whoever reaches this machine over the network can open this page and ask the"
            " models; there is no password, and pictures travel unencrypted.",
            highlight=False,
        )

    def ready() -> None:
        say(f"{url(listener)}  (Ctrl+C stops it)")

    serve(found.shelf, standings, listener, hosts, ready)
