"""What a process that holds an extractor does: it is told which, then gives vectors of images."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import IO, Any

from dfbench.features.contained.frames import receive, send

_LOOK = 1.0
"""Seconds between two looks whether the run is still there."""


def serve() -> None:
    """Answer what is asked over the standard input until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run is told, and ends this process
    asked, answers = _own_pipes()
    parent = os.getppid()
    threading.Thread(target=_end_with, args=[parent], daemon=True).start()
    hello = receive(asked)
    _tell_of_crashes(hello["crashes"])
    try:
        extractor = _loaded(hello["plugin"], hello["extractor"])
    except BaseException as error:  # noqa: BLE001 - whatever code of others raises is told
        send(answers, _worded(error))
        return
    send(answers, None)
    while True:
        try:
            images = receive(asked)
        except EOFError:
            return
        try:
            start = time.perf_counter()
            values = extractor.transform(images)
            seconds = time.perf_counter() - start
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - as above
            send(answers, _worded(error))
        else:
            send(answers, (values, seconds))


def _own_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Take the standard input and output for the run; what is printed goes to the terminal."""
    asked, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return os.fdopen(asked, "rb"), os.fdopen(answers, "wb")


def _end_with(parent: int) -> None:
    """End when the run is gone: one that was killed leaves nothing at work."""
    while os.getppid() == parent:
        time.sleep(_LOOK)
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
    return pickle.loads(pickled)


def _worded(error: BaseException) -> Exception:
    """Give what can be sent of an error."""
    from dfbench.errors import DfbenchError, PluginError

    if isinstance(error, DfbenchError):
        return error
    if isinstance(error, MemoryError):
        return PluginError("runs out of memory")
    said = " ".join(str(error).split())
    return PluginError(": ".join(filter(None, [f"raises {type(error).__name__}", said])))
