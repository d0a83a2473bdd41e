"""``dfbench gui``: a window that asks kept models about a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfbench.cli.options import Plugins


def gui(
    models: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL...",
            help="Model files (.dfb), or results folders with kept models.",
        ),
    ],
    plugins: Plugins = None,
) -> None:
    """Open a window: choose a picture, see it, and what a trained model says of it."""
    from dfbench.apps.desktop.opening import new_root, show
    from dfbench.apps.offered import offered

    root = new_root()
    root.withdraw()
    shelf = offered(models, plugins or ()).shelf
    root.deiconify()
    show(root, shelf)
