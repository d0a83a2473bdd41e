"""Code of plugins called in a process of its own: one that crashes or hangs there costs no more.

The process that all hangs on loads a plugin only after such a process has, and has it called there
for what would else be called here.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from dfbench.contained.child import begun, tell_of_crashes
from dfbench.contained.frames import Pipes
from dfbench.contained.idle import idle
from dfbench.contained.process import EndedError, Limits, Process
from dfbench.errors import DfbenchError, PluginError, worded
from dfbench.files import resolved
from dfbench.installed import available_cores
from dfbench.plugins import LOADING, is_loaded, load_file, place_of, state_of

P = ParamSpec("P")
T = TypeVar("T")

_LONGER = 10.0
"""Seconds more than the process gives itself, which says in which line it was; this one does where
that waits for a library written in C."""
_CHANCES = 3
"""Times that a function may end its process, before it is not called any more."""

_ends: dict[tuple[Any, ...], list[EndedError]] = {}
"""How the processes ended that called a function, by the plugin's state and the function."""
_hosting: list[bool] = []
"""Whether this process is such a one."""


class _Host(Process):
    """A process that holds a plugin; `begin` before it is asked."""

    def __init__(self, place: tuple[str, str] | None) -> None:
        # not when a process is asked: libraries change the path for a moment
        super().__init__("dfbench.hosted", list(sys.path), available_cores(), Limits())
        self._place = place
        self.folder = str(Path(place[0]).parent) if place else ""
        self._asked = 0

    def begin(self) -> None:
        """Have it load the plugin.

        Raises
        ------
        DfbenchError
            Where that cannot be loaded.
        EndedError
            Where the process ends meanwhile.
        """
        hello = self.crashes, self._place
        try:
            self._answer(lambda pipes: pipes.send(hello), LOADING + _LONGER, "to be loaded")
        finally:
            self.opened()

    def call(self, pickled: bytes, seconds: float, late: str) -> Any:
        """Have it call a function, and give what that returns; errors are those of `begin`."""
        self._asked += 1
        asked = self._asked, pickled
        return self._answer(lambda pipes: pipes.send(asked), seconds, late)

    def _answer(self, say: Callable[[Pipes], None], seconds: float, late: str) -> Any:
        def words(pipes: Pipes) -> Any:
            say(pipes)
            return pipes.receive()

        number, error, found = self.talk(words, seconds, late)
        if number != self._asked:
            raise EndedError("answers what it was not asked: something else writes where it does")
        if error is not None:
            raise error
        return found


def load(path: Path) -> list[Callable[..., Any]]:
    """Load a plugin file, once a process of its own has done so without harm.

    Raises
    ------
    PluginError
        As `dfbench.plugins.load_file`, and where the process ended, or took too long.
    """
    path = resolved(path)
    if _first() and path.exists() and not is_loaded(path):
        place = str(path), str(path)
        try:
            with _host(place, _state(place)):
                pass
        except EndedError as error:
            raise PluginError(f"{error.why}, when it is loaded", where=path) from None
    return load_file(path)


def called(
    of: Any, seconds: float, late: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Call a function of dfbench that calls one of others, in a process that holds that.

    In a worker, which costs its cell if it ends, and where it cannot be sent, it is called here.

    Parameters
    ----------
    of
        The function or class of others.
    seconds
        That the call may take, where nothing in it looks at the clock.
    late
        For what, in words.
    function
        Called with what follows; it, what it is given and what it gives can be pickled.

    Raises
    ------
    EndedError
        Where the process ended by itself or took too long; at once where that is known.
    DfbenchError
        Of the function; what else it raises is a `PluginError`.
    """
    pickled = _pickled(of, function, args, kwargs) if _first() else None
    if pickled is None:
        return function(*args, **kwargs)
    place = place_of(of)
    state = _state(place)
    ends = _ends.setdefault((state, of.__module__, of.__qualname__), [])
    if len(ends) >= _CHANCES or any(each.slow for each in ends):
        raise ends[-1]
    try:
        with _host(place, state) as host:
            found: T = host.call(pickled, seconds + _LONGER, late)
            return found
    except EndedError as error:
        ends.append(error)
        raise


@contextmanager
def _host(place: tuple[str, str] | None, state: str) -> Iterator[_Host]:
    """Give a process that holds a plugin and that nobody else asks."""
    key = "hosts", place, state
    host: _Host | None = idle.take(key)
    kept = False
    try:
        if host is None:
            host = _Host(place)
            host.begin()
        try:
            yield host
        except DfbenchError:
            kept = True  # it has answered, and is well
            raise
        kept = True
    finally:
        if host is not None:
            if kept:
                idle.put(key, host)
            else:
                host.end()


def _first() -> bool:
    """Whether all hangs on this process: it is no worker, and nobody's host."""
    return not _hosting and multiprocessing.parent_process() is None


def _state(place: tuple[str, str] | None) -> str:
    return state_of(Path(place[0])) if place is not None else ""


def _pickled(of: Any, *what: Any) -> bytes | None:
    """Give what is to be called as bytes; None where the function of others cannot be sent."""
    if not (hasattr(of, "__module__") and hasattr(of, "__qualname__")):
        return None
    try:
        return pickle.dumps(what, protocol=5)
    except Exception:  # noqa: BLE001 - what is pickled says itself what goes wrong
        return None


def serve() -> None:
    """Do what is asked over the standard input until it is closed."""
    pipes = begun()
    _hosting.append(True)
    own = os.getpid()
    with suppress(OSError, EOFError):  # the run is gone, or has no more to ask
        crashes, place = pipes.receive()
        tell_of_crashes(crashes)
        _answer(pipes, own, 0, lambda: _load(place))
        while True:
            number, pickled = pipes.receive()
            _answer(pipes, own, number, partial(_call, pickled))


def _load(place: tuple[str, str] | None) -> None:
    if place is None:
        return
    path, known_as = map(Path, place)
    with _silent():  # the process that asks prints it, when it loads the file
        load_file(path, known_as=known_as)


def _call(pickled: bytes) -> Any:
    function, args, kwargs = pickle.loads(pickled)  # noqa: S301 - of who has begun this process
    return function(*args, **kwargs)


def _answer(pipes: Pipes, own: int, number: int, work: Callable[[], Any]) -> None:
    """Do something, and send its number, the error or None, and what was returned."""
    found, error = None, None
    try:
        found = work()
    except DfbenchError as raised:
        error = raised
    except BaseException as raised:  # noqa: BLE001 - whatever code of others raises is told
        error = PluginError(f"raises {worded(raised)}")
    if os.getpid() != own:
        os._exit(0)  # a copy that the plugin made: one answer is enough
    try:
        pipes.send((number, error, found))
    except (OSError, EOFError):
        raise
    except BaseException as raised:  # noqa: BLE001 - as above
        unsent = PluginError(f"gives what cannot be sent: {worded(raised)}")
        pipes.send((number, unsent, None))


@contextmanager
def _silent() -> Iterator[None]:
    """Have nothing printed meanwhile."""
    kept = [(number, os.dup(number)) for number in (1, 2)]
    nothing = os.open(os.devnull, os.O_WRONLY)
    for number, _ in kept:
        os.dup2(nothing, number)
    os.close(nothing)
    try:
        yield
    finally:
        with suppress(Exception):
            sys.stdout.flush()
        for number, before in kept:
            os.dup2(before, number)
            os.close(before)
