"""A process of its own for what asks torch, so that the one of a run is rid of it afterwards.

torch and what comes with it take about a gigabyte of memory, and no process can let go of a
library that it has loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from typing import ParamSpec, TypeVar

from dfbench.dynamo import put_off
from dfbench.errors import DfbenchError

P = ParamSpec("P")
T = TypeVar("T")

_START: list[Callable[[], ProcessPoolExecutor]] = []
"""How the process is begun, inside of `apart`."""
_RUNNING: list[ProcessPoolExecutor] = []
"""The process, once it was asked for anything."""


@contextmanager
def apart(context: BaseContext, begin: Callable[[], None]) -> Iterator[None]:
    """Have `asked` make its calls in another process, which begins with the first of them.

    Parameters
    ----------
    context
        Begins the process.
    begin
        What the process does first.
    """
    _START.append(lambda: ProcessPoolExecutor(1, context, _begin, (begin,)))
    try:
        yield
    finally:
        end()
        _START.pop()


def _begin(begin: Callable[[], None]) -> None:
    """Begin the process; nothing is compiled in it."""
    put_off()
    begin()


def end() -> None:
    """End the process, where there is one; with the next call another begins."""
    while _RUNNING:
        _RUNNING.pop().shutdown()


def elsewhere() -> bool:
    """Whether `asked` makes its calls in another process."""
    return bool(_START)


def asked(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function of a module with what can be pickled: in this process outside of `apart`.

    Raises
    ------
    DfbenchError
        If the process dies of it; what else the function raises is raised here.
    """
    if not elsewhere():
        return function(*args, **kwargs)
    if not _RUNNING:
        _RUNNING.append(_START[-1]())
    try:
        return _RUNNING[-1].submit(function, *args, **kwargs).result()
    except BrokenProcessPool as error:
        end()
        raise DfbenchError(
            "the process that runs the backbone died; out of memory is the usual cause"
        ) from error
