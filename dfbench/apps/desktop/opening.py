"""The window is opened, and the program ends with it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from dfbench.errors import UnavailableError

if TYPE_CHECKING:
    import tkinter as tk

    from dfbench.apps.shelf import Shelf


def new_root() -> tk.Tk:
    """Open an empty window.

    Raises
    ------
    UnavailableError
        Where Python has no tkinter, or there is no display.
    """
    _see_pixels()
    try:
        import tkinter as tk
    except ImportError as error:
        raise UnavailableError(
            f"the window needs tkinter, which this Python lacks: {error}",
            hint="Debian, Ubuntu: apt install python3-tk; Fedora: dnf install python3-tkinter;"
            " macOS: brew install python-tk; or the page in the browser: dfbench serve",
        ) from None
    try:
        return tk.Tk(className="dfbench")
    except tk.TclError as error:
        raise UnavailableError(
            f"there is no display for a window: {error}",
            hint="at a distance ssh -X gives one; or the page in the browser: dfbench serve",
        ) from None


def _see_pixels() -> None:
    """On Windows: draw in pixels of the screen, not enlarged and blurred."""
    import sys

    if sys.platform == "win32":
        import contextlib
        import ctypes

        with contextlib.suppress(AttributeError, OSError):
            ctypes.windll.shcore.SetProcessDpiAwareness(1)


def show(root: tk.Tk, shelf: Shelf) -> None:
    """Fill a window, and come back when it is closed and no work is under way."""
    from dfbench.apps.desktop.background import Background
    from dfbench.apps.desktop.window import Window

    with Background() as background:
        window = Window(root, shelf, background)
        # Ctrl+C in the terminal closes it like a click
        before = signal.signal(signal.SIGINT, lambda *_: root.after_idle(window.close))
        background.do(shelf.warm, lambda _: None, lambda _: None)
        try:
            root.mainloop()
        finally:
            signal.signal(signal.SIGINT, before)
