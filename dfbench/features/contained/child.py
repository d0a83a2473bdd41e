"""What a process that holds an extractor does: it is told which, then gives vectors of images."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from dfbench.features.contained.frames import Pipes

_LOOK = 1.0
"""Seconds between two looks whether the run is still there."""


def serve() -> None:
    """Answer what is asked over the standard input until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run is told, and ends this process
    pipes = _own_pipes()
    parent = os.getppid()
    threading.Thread(target=_end_with, args=[parent], daemon=True).start()
    with suppress(OSError, EOFError):  # the run is gone, or has no more to ask
        _answer(pipes)


def _answer(pipes: Pipes) -> None:
    hello = pipes.receive()
    _tell_of_crashes(hello["crashes"])
    own = os.getpid()
    try:
        extractor = _loaded(hello["plugin"], hello["extractor"])
    except BaseException as error:  # noqa: BLE001 - whatever code of others raises is told
        pipes.send(_worded(error))
        return
    pipes.send(None)
    while True:
        number, images = pipes.receive()
        try:
            start = time.perf_counter()
            values = extractor.transform(images)
            found: Any = values, time.perf_counter() - start
        except BaseException as error:  # noqa: BLE001 - as above
            found = _worded(error)
        if os.getpid() != own:
            os._exit(0)  # the extractor forked, and this is the copy: one answer is enough
        pipes.send((number, found))


def _own_pipes() -> Pipes:
    """Take the standard input and output for the run; what is printed goes to the terminal."""
    asked, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return Pipes(asked, answers)


def _end_with(parent: int) -> None:
    """End, with all that was begun here, when the run is gone: nothing is left at work."""
    while os.getppid() == parent:
        time.sleep(_LOOK)
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)  # this process leads its group
    os._exit(1)


def _tell_of_crashes(path: str) -> None:
    """Have Python write to a file in which line it was when a signal killed it."""
    import faulthandler

    # open as long as the process lives
    file = open(path, "wb", buffering=0)  # noqa: SIM115, PTH123
    faulthandler.enable(file=file, all_threads=False)


def _loaded(plugin: tuple[str, str] | None, pickled: bytes) -> Any:
    import pickle

    if plugin is not None:
        from dfbench.plugins import load_file

        path, known_as = plugin
        load_file(Path(path), known_as=Path(known_as))
    return pickle.loads(pickled)  # noqa: S301 - of the process that has begun this one


def _worded(error: BaseException) -> Exception:
    """Give what can be sent of an error."""
    from dfbench.errors import DfbenchError, PluginError, worded

    if isinstance(error, DfbenchError):
        return error
    if isinstance(error, MemoryError):
        return PluginError("runs out of memory")
    return PluginError(f"raises {worded(error)}")
