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
_SHORTLY = 0.02
"""Seconds until a signal comes again that was met where nothing can be raised."""


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
resumable = threading.Event()
"""Set while a command is at work that takes up what it has done, when it is given again."""


def listen() -> None:
    """Raise `Stopped` on each such signal, but on those that the process was begun without."""
    for name in _ASKED:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    sys.unraisablehook = _unraised


def in_words(stopped: KeyboardInterrupt) -> int:
    """Say on standard error that the command was stopped, and give the exit status."""
    how = "; the same command goes on from here" if resumable.is_set() else ""
    sys.stderr.write(f"\ndfbench: stopped{how}\n")
    return 128 + (stopped.number if isinstance(stopped, Stopped) else signal.SIGINT)


def _stop(number: int, frame: FrameType | None) -> None:
    stopped = Stopped(number)
    if not asked.is_set():
        asked.set()
        threading.Thread(target=_insist, args=[stopped], daemon=True).start()
    raise stopped


def _insist(stopped: Stopped) -> None:
    """End a process that is not ready to; its workers end with it."""
    time.sleep(_PATIENCE)
    os._exit(in_words(stopped))


def _unraised(fault: sys.UnraisableHookArgs) -> None:
    """Have a signal come again that Python swallowed: in a ``__del__``, in a callback of C."""
    if isinstance(fault.exc_value, Stopped):
        # not now: it would be raised, and swallowed, in here
        again = threading.Timer(_SHORTLY, _signal, [fault.exc_value.number])
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(fault)


def _signal(number: int) -> None:
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)  # wherever it waits
    else:
        signal.raise_signal(number)
