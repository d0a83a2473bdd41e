"""What a process that holds an extractor does: it is told which, then gives vectors of images."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from dfbench.contained.child import begun, tell_of_crashes
from dfbench.contained.frames import Pipes


def serve() -> None:
    """Answer what is asked over the standard input until it is closed."""
    pipes = begun()
    with suppress(OSError, EOFError):  # the run is gone, or has no more to ask
        _answer(pipes)


def _answer(pipes: Pipes) -> None:
    hello = pipes.receive()
    tell_of_crashes(hello["crashes"])
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
