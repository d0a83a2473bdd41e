"""Ctrl-C, and signals that ask a process to end: whatever it is at, it ends in order, and soon."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from types import FrameType

_ASKED = ("SIGINT", "SIGTERM", "SIGHUP")
_PATIENCE = 1.5
"""Seconds that a command is given to end in order: to end its workers, and remove what is half
written. What it leaves behind the next run removes."""


class Stopped(KeyboardInterrupt):
    """The process was asked to end.

    Parameters
    ----------
    number
        Of the signal.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(number)
        self.number = number


asked = threading.Event()
"""Set as soon as the process was asked to end."""


def listen() -> None:
    """Raise `Stopped` on each such signal, but on those that the process was begun without."""
    for name in _ASKED:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def goes_on(stopped: KeyboardInterrupt) -> int:
    """Say on standard error how to go on, and give the exit status."""
    sys.stderr.write("\ndfbench: stopped; the same command goes on from here\n")
    return 128 + (stopped.number if isinstance(stopped, Stopped) else signal.SIGINT)


def _stop(number: int, frame: FrameType | None) -> None:
    stopped = Stopped(number)
    asked.set()
    threading.Thread(target=_insist, args=[stopped], daemon=True).start()
    raise stopped


def _insist(stopped: Stopped) -> None:
    """End a process that is not ready to; its workers end with it."""
    time.sleep(_PATIENCE)
    os._exit(goes_on(stopped))
