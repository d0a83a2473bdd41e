"""Processes that the code of others runs in: it may end them, hang, or take all memory."""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from dfbench.benchmark.execution.spawning import WorkerContext, nameless_main
from dfbench.testing.child import TRACE, work

_LOOK = 0.05
"""Seconds between two looks at a process."""
_CALLS = 4
"""Times as long as one call that all calls of a check may take."""
_PRELOADED = ["dfbench.testing.extractors", "dfbench.features.extractors.hsv"]
"""What processes begin with, as they are copies of one that has it."""


@dataclass(frozen=True)
class Limits:
    """What a process may take.

    Attributes
    ----------
    seconds
        Of one call, such as of an extractor on an image; of a network five times as many. All
        calls of a check together may take four times as long.
    n_bytes
        Of memory, beyond what it has when it begins.
    threads
        Beyond those that it has when it begins.
    """

    seconds: float = 30.0
    n_bytes: int = 4 << 30
    threads: int = 400 + 8 * (os.cpu_count() or 1)


@dataclass(frozen=True)
class Death:
    """How a process ended before it was done.

    Attributes
    ----------
    check
        ``process``, ``time``, ``memory`` or ``leftover``: which promise it broke.
    found
        In words, as a sentence without its subject.
    trace
        Files and lines that it was in, the innermost first.
    """

    check: str
    found: str
    trace: tuple[tuple[Path, int], ...] = ()


if sys.platform == "win32":
    _Context: Any = WorkerContext
else:
    from multiprocessing import forkserver, resource_tracker
    from multiprocessing.context import ForkServerContext, ForkServerProcess

    class _Process(ForkServerProcess):
        @staticmethod
        def _Popen(process_obj: Any) -> Any:
            with nameless_main():
                return ForkServerProcess._Popen(process_obj)

    class _Context(ForkServerContext):
        """Begins copies of a process that has all it needs, which takes no time."""

        Process = _Process

        def __init__(self) -> None:
            super().__init__()
            self.set_forkserver_preload(_PRELOADED)
            _begin_server()

    def _begin_server() -> None:
        """Begin the process that others are copies of, so that Ctrl-C is not for it."""
        resource_tracker.ensure_running()  # it would lift the block
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the process inherits it
        try:
            forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def called(
    function: Callable[..., Any], args: tuple[Any, ...], limits: Limits
) -> Iterator[tuple[str, Any]]:
    """Call a function in a process of its own.

    Yields
    ------
    word, value
        What it tells; ``returned`` or ``raised`` is the last, or ``died`` with a `Death`.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        context = _Context()
        ours, theirs = context.Pipe(duplex=False)
        given = theirs, function, args, dict(os.environ), Path(scratch), limits.seconds
        process = context.Process(target=work, args=given, daemon=True)
        process.start()
        theirs.close()
        watch = _Watch(process, ours, limits)
        try:
            yield from watch.messages(Path(scratch) / TRACE)
        finally:
            watch.end()


class _Watch:
    """Looks at a process until it is done, dead, or beyond its limits."""

    def __init__(self, process: Any, connection: Connection, limits: Limits) -> None:
        self._process, self._connection, self._limits = process, connection, limits
        self._from_first: tuple[int, int] | None = None

    def messages(self, trace: Path) -> Iterator[tuple[str, Any]]:
        allowed = self._limits.seconds
        until = time.monotonic() + allowed + 10  # it begins, too
        until_all = until + 3 * allowed
        while True:
            try:
                if self._connection.poll(_LOOK):
                    word, value = self._connection.recv()
                    if word == "begin":
                        allowed = self._limits.seconds * value[1]
                        until_all = time.monotonic() + _CALLS * allowed
                    until = time.monotonic() + allowed
                    yield word, value
                    if word in ("returned", "raised"):
                        return
                    continue
            except (EOFError, OSError):
                self._process.join(5)
                yield "died", Death("process", _ended(self._process.exitcode), _places(trace))
                return
            beyond = self._beyond()
            if beyond is None and time.monotonic() > min(until, until_all):
                passed = allowed if time.monotonic() > until else _CALLS * allowed
                beyond = "time", f"does not come back: ended after {passed:g} seconds"
            if beyond is not None:
                yield "died", Death(*beyond, _places(trace))
                return

    def end(self) -> None:
        """End the process with all that it has started."""
        with suppress(ProcessLookupError, PermissionError, AttributeError):
            if os.getpgid(self._process.pid) == self._process.pid:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join(5)
        self._connection.close()

    def _beyond(self) -> tuple[str, str] | None:
        found = _taken(self._process.pid)
        if found is None:
            return None
        if self._from_first is None:
            self._from_first = found
        n_bytes, threads = (a - b for a, b in zip(found, self._from_first, strict=True))
        if n_bytes > self._limits.n_bytes:
            most = self._limits.n_bytes / (1 << 30)
            return "memory", f"takes more than {most:.3g} GiB of memory: ended"
        if threads > self._limits.threads:
            return "leftover", f"starts threads without end: ended with {threads} of them"
        return None


def _taken(pid: int) -> tuple[int, int] | None:
    """Give the bytes and the threads of a process; None where nothing tells them."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        facts = dict(line.split(":", 1) for line in lines)
        return int(facts["VmRSS"].split()[0]) * 1024, int(facts["Threads"])
    except (OSError, KeyError, ValueError):
        return None


def _ended(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        told = ", as a system does that is out of memory" if name == "SIGKILL" else ""
        return f"kills its process ({name}{told})"
    return f"ends its process (exit status {code})"


def _places(trace: Path) -> tuple[tuple[Path, int], ...]:
    """Read where each thread was, of what `faulthandler` wrote."""
    try:
        text = trace.read_text(errors="replace")
    except OSError:
        return ()
    found = re.findall(r'^  File "(.+)", line (\d+)', text, re.MULTILINE)
    return tuple((Path(path), int(line)) for path, line in found)
