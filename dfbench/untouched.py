"""What a process shares with code of others that runs in it, as it was before."""

from __future__ import annotations

import builtins
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def untouched() -> Iterator[None]:
    """Put back what the block took away or replaced, whatever it raises.

    That is: the folder, variables of the environment that it deleted, built-in functions, the
    standard streams, what signals do, filters of warnings, and the state of the generators of
    random numbers. What it adds stays: a plugin may set variables for libraries that it imports.
    """
    folder, environment = _folder(), dict(os.environ)
    built_in, filters = dict(vars(builtins)), list(warnings.filters)
    streams, numbers = (sys.stdin, sys.stdout, sys.stderr), _open_numbers()
    handled, drawn = _handlers(), _drawn()
    try:
        yield
    finally:
        vars(builtins).update(built_in)
        for name, value in environment.items():
            os.environ.setdefault(name, value)
        if folder is not None and _folder() != folder:
            os.chdir(folder)  # paths of others are relative to it
        _put_back(numbers)
        sys.stdin, sys.stdout, sys.stderr = streams
        for number, handler in handled.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        if warnings.filters != filters:
            warnings.filters[:] = filters  # type: ignore[index]
            warnings._filters_mutated()  # type: ignore[attr-defined]
        for put, state in drawn:
            put(state)


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109
    except OSError:  # it was removed
        return None


def _open_numbers() -> list[tuple[int, int]]:
    """Give the numbers of the standard streams that are open, each with a copy."""
    found = []
    for number in (0, 1, 2):
        with suppress(OSError):
            found.append((number, os.dup(number)))
    return found


def _put_back(numbers: list[tuple[int, int]]) -> None:
    """Open again what was closed, and close the copies."""
    for number, copy in numbers:
        try:
            os.fstat(number)
        except OSError:
            os.dup2(copy, number)
        os.close(copy)


def _handlers() -> dict[int, Any]:
    """Give what signals do that stop a run; only the first thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    those = (signal.SIGINT, signal.SIGTERM)
    return {its: found for its in those if (found := signal.getsignal(its)) is not None}


def _drawn() -> list[tuple[Any, Any]]:
    """Give the states of generators, each with what sets it."""
    found: list[tuple[Any, Any]] = [(random.setstate, random.getstate())]
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        found.append((numpy.random.set_state, numpy.random.get_state()))
    return found
