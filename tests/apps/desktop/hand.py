"""A hand on mouse and keyboard: events that the X server itself makes, by its extension XTEST."""

from __future__ import annotations

import ctypes
import ctypes.util
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any


class Hand:
    """Moves the pointer, clicks and types on a display.

    Parameters
    ----------
    display
        Such as ``:99``.
    """

    def __init__(self, display: str) -> None:
        self._x = ctypes.CDLL(ctypes.util.find_library("X11"))
        self._test = ctypes.CDLL(ctypes.util.find_library("Xtst"))
        self._x.XOpenDisplay.restype = ctypes.c_void_p
        self._x.XStringToKeysym.restype = ctypes.c_ulong
        self._x.XKeysymToKeycode.argtypes = [ctypes.c_void_p, ctypes.c_ulong]
        self._x.XKeysymToKeycode.restype = ctypes.c_ubyte
        self._display = ctypes.c_void_p(self._x.XOpenDisplay(display.encode()))
        assert self._display.value, "no display"

    def __enter__(self) -> Hand:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._x.XCloseDisplay(self._display)

    def click(self, x: int, y: int) -> None:
        """Click at a place of the screen."""
        self._test.XTestFakeMotionEvent(self._display, -1, x, y, 0)
        for down in (1, 0):
            self._test.XTestFakeButtonEvent(self._display, 1, down, 0)
        self._x.XSync(self._display, 0)

    def click_on(self, widget: Any, path: str = "") -> None:
        """Click on the middle of a widget of Tk, or on one that Tk knows by its path."""
        widget.update_idletasks()
        at = [
            int(widget.tk.call("winfo", what, path or str(widget)))
            for what in ("rootx", "rooty", "width", "height")
        ]
        self.click(at[0] + at[2] // 2, at[1] + at[3] // 2)

    def press(self, *keys: str) -> None:
        """Press keys together, by their names in X: ``press("Control_L", "o")``."""
        codes = [
            self._x.XKeysymToKeycode(self._display, self._x.XStringToKeysym(key.encode()))
            for key in keys
        ]
        for code in codes:
            self._test.XTestFakeKeyEvent(self._display, code, 1, 0)
        for code in reversed(codes):
            self._test.XTestFakeKeyEvent(self._display, code, 0, 0)
        self._x.XSync(self._display, 0)


def wait_for(root: Any, true: Callable[[], Any], seconds: float = 30) -> Any:
    """Let a window live until something is true, and give it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        root.update()
        if found := true():
            return found
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {true}")


def in_dialog(root: Any, path: str, act: Callable[[], None], seconds: float = 20) -> None:
    """Act once Tk has opened a dialog, which holds up whoever opens it until it is answered.

    A dialog that is not answered in time is closed, so that the test fails instead of waiting.
    """
    end = time.monotonic() + seconds
    acted = []

    def look() -> None:
        there = root.tk.call("winfo", "exists", path) and root.tk.call("winfo", "viewable", path)
        if there and not acted:
            acted.append(True)
            act()
        if time.monotonic() > end and there:
            root.tk.call("destroy", path)
        elif there or not acted:
            root.after(50, look)

    root.after(50, look)
