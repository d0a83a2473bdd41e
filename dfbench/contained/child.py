"""What each such process does first: it takes its pipes, and ends when who began it is gone."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from dfbench.contained.frames import Pipes

_LOOK = 1.0
"""Seconds between two looks whether the run is still there."""


def begun() -> Pipes:
    """Give the ends of the process: its standard input and output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run is told, and ends this process
    pipes = _own_pipes()
    threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
    return pipes


def _own_pipes() -> Pipes:
    """Take the standard input and output for the run; what is printed goes to the terminal."""
    asked, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # it is ended before it could be flushed
    return Pipes(asked, answers)


def _end_with(parent: int) -> None:
    """End, with all that was begun here, when the run is gone: nothing is left at work."""
    while os.getppid() == parent:
        time.sleep(_LOOK)
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)  # this process leads its group
    os._exit(1)


def bound_memory(more: int) -> None:
    """Have the system refuse memory beyond what this process has now and so many bytes."""
    with suppress(ImportError, OSError, ValueError, IndexError):
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + more
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or most <= hard:
            resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def tell_of_crashes(path: str) -> None:
    """Have Python write to a file in which line it was when a signal killed it, or asked it."""
    import faulthandler

    # open as long as the process lives
    file = open(path, "wb", buffering=0)  # noqa: SIM115, PTH123
    faulthandler.enable(file=file, all_threads=False)
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, file=file, all_threads=False)
