"""Stopping Python code of others that goes on for ever, in a thread of this process."""

from __future__ import annotations

import ctypes
import functools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_EVERY = 0.2
"""Seconds between two looks at who is late."""
_LOCK = threading.Lock()
_LATE: dict[int, tuple[float, type[BaseException]]] = {}
"""By the number of a thread when its time is over, and what is raised in it then."""
_WATCHING: list[threading.Thread] = []


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise an exception in the block, between two instructions, once it has taken so long.

    It is called TooLong, and `Exception` is none of its bases, so that what handles mistakes does
    not hold it up. Where blocks stand in each other the inner one counts.
    """
    thread = threading.get_ident()
    error = _too_long(seconds)
    with _LOCK:
        before = _LATE.get(thread)
        _LATE[thread] = (time.monotonic() + seconds, error)
        _watch()
    try:
        yield
    finally:
        with _LOCK:
            late = thread not in _LATE
            _LATE.pop(thread, None)
            if before is not None:
                _LATE[thread] = before
        if late:
            _raise_in(thread, None)  # it may be on its way still
    if late:
        raise error


@functools.cache
def _too_long(seconds: float) -> type[BaseException]:
    said = f"takes more than {seconds:g} s"
    return type("TooLong", (BaseException,), {"__str__": lambda self: said})


def _watch() -> None:
    """Have a thread that looks who is late; it does not keep the process from ending."""
    if not _WATCHING or not _WATCHING[0].is_alive():  # none after a fork
        _WATCHING[:] = [threading.Thread(target=_look, name="dfbench-late", daemon=True)]
        _WATCHING[0].start()


def _look() -> None:
    while True:
        time.sleep(_EVERY)
        with _LOCK:
            now = time.monotonic()
            for thread, (end, error) in list(_LATE.items()):
                if now > end:
                    del _LATE[thread]
                    _raise_in(thread, error)


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    given = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), given)
