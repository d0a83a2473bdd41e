"""What is done first and last in a process that code of others runs in."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from dfbench.errors import DfbenchError, PluginError
from dfbench.testing.checks import worded

TRACE = "trace"
"""File that tells where the process was when it died, or came to a standstill."""


def work(
    connection: Connection,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    environ: dict[str, str],
    scratch: Path,
    seconds: float,
) -> None:
    """Call a function, and send what it tells and returns.

    Parameters
    ----------
    connection
        Where it is sent: pairs of a word and a value, at the end ``returned`` or ``raised``.
    function, args
        Called with ``args`` and, as the last, what takes a word and a value.
    environ
        Variables of the environment.
    scratch
        Folder for what it prints, and for `TRACE`.
    seconds
        After which a call is at a standstill.
    """
    if hasattr(os, "setsid"):
        os.setsid()  # what it starts ends with it
    if not scratch.is_dir():
        os._exit(1)  # who asked for it has been stopped
    os.environ.clear()
    os.environ.update(environ)
    sys.dont_write_bytecode = True
    with (scratch / "printed").open("wb") as printed:
        for number in (1, 2):
            os.dup2(printed.fileno(), number)
    allowed, lock = seconds, threading.Lock()
    with (scratch / TRACE).open("w") as trace:
        faulthandler.enable(trace)

        def send(word: str, value: Any) -> None:
            nonlocal allowed
            if word == "begin":
                allowed = seconds * value[1]
            faulthandler.dump_traceback_later(0.9 * allowed, file=trace)
            with lock:  # several threads may be at work
                connection.send((word, value))

        faulthandler.dump_traceback_later(0.9 * allowed, file=trace)
        try:
            send("returned", function(*args, send))
        except DfbenchError as error:
            send("raised", error)
        except BaseException as error:  # noqa: BLE001 - the code of others may raise anything
            send("raised", PluginError(worded(error)))
        connection.close()
        os._exit(0)  # threads that never end would hold it


def listed(target: str, files: tuple[Path, ...], send: Any) -> Any:
    """Call `dfbench.testing.subject.subjects`: that runs the code of others, too."""
    from dfbench.testing.subject import subjects

    return subjects(target, files)
