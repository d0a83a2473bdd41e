"""A display that nobody sees, kept models, and the window."""

from __future__ import annotations

import ctypes.util
import gc
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dfbench.apps.shelf import Shelf
from tests.apps.desktop.hand import Hand

SUITE = """
name = "window"
figures = []
[budget]
trials = 1
[[rows]]
features = ["hsv", "hsv+fft"]
models = ["knn"]
"""


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """A display of its own, so that no window of a person is clicked."""
    pytest.importorskip("tkinter", reason="this Python has no tkinter")
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed (apt install xvfb)")
    if ctypes.util.find_library("Xtst") is None:
        pytest.skip("libXtst is not installed (apt install libxtst6)")
    reading, writing = os.pipe()
    command = [
        "Xvfb",
        "-displayfd",
        str(writing),
        "-screen",
        "0",
        "1280x900x24",
        "-nolisten",
        "tcp",
    ]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with os.fdopen(reading) as told:
            number = told.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
        server.terminate()


@pytest.fixture
def hand(display: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hand]:
    """Mouse and keyboard of that display, on which windows open from now on."""
    monkeypatch.setenv("DISPLAY", display)
    with Hand(display) as hand:
        yield hand


@pytest.fixture(scope="session")
def results(run_once: Callable[..., Path]) -> Path:
    """A results folder of two quick rows with their models."""
    return run_once("window", SUITE, jobs=1) / "out"


@pytest.fixture(scope="session")
def shelf(results: Path) -> Shelf:
    """The kept models of these results."""
    from dfbench.apps.offered import offered

    return offered([results]).shelf


@pytest.fixture
def open_window(hand: Hand, shelf: Shelf) -> Iterator[Callable[..., Any]]:
    """A function that opens the window, by default with the kept models."""
    from dfbench.apps.desktop.background import Background
    from dfbench.apps.desktop.opening import new_root
    from dfbench.apps.desktop.window import Window

    open_ones = []
    gc.freeze()  # what was there before is not looked through at the end

    def open_window(
        offered: Shelf | None = None,
        *,
        ask_path: Callable[[Path], str] | None = None,
        ground: str = "",
    ) -> Window:
        root = new_root()
        if ground:
            root.configure(background=ground)
        background = Background()
        window = Window(root, offered or shelf, background, ask_path)
        root.geometry("+20+20")
        open_ones.append((window, background))
        root.update()
        return window

    yield open_window
    for window, background in open_ones:
        window.close()
        background.close()
    open_ones.clear()
    gc.collect()  # Tk's own must not be collected in another thread, later
