"""A process that holds what may harm: begun, talked to, ended when it takes too much."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from dfbench.contained.frames import Pipes
from dfbench.installed import THREAD_VARIABLES

_BEGIN = "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
_SERVE = "from {} import serve; serve()"
_LOOK = 0.1
"""Seconds between two looks at what the processes take."""
_OWN = frozenset(("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP"))
"""Signals of what a process did; any other may be sent by anybody, as by a system without memory.
"""
_WINDOWS = os.name == "nt"
_T = TypeVar("_T")


@dataclass(frozen=True)
class Limits:
    """What a process may take.

    Attributes
    ----------
    seconds
        For an image.
    memory
        Bytes that it holds; None for any. Where the system does not tell (all but Linux) there is
        no such limit.
    """

    seconds: float = 60.0
    memory: int | None = None


class EndedError(Exception):
    """The process is no more, and why.

    Attributes
    ----------
    why
        What it did, as a part of a sentence whose subject is what it holds.
    slow
        Whether it is by the time that it took.
    loaded
        Whether what it holds had been loaded.
    first
        Whether it had done nothing before.
    """

    def __init__(self, why: str, *, slow: bool = False) -> None:
        super().__init__(why)
        self.why, self.slow = why, slow
        self.loaded = True
        self.first = False


class Process:
    """A process that is talked to within limits.

    Parameters
    ----------
    module
        Of which the function ``serve`` runs there, see `dfbench.contained.child`.
    path
        Where modules are looked for.
    n_threads
        Of the numerical libraries.
    limits
        What it may take.
    silent
        Whether what it prints is lost.
    """

    folder = ""
    """Where lies what is to blame for a crash, rather than the libraries that it calls."""

    def __init__(
        self,
        module: str,
        path: Sequence[str],
        n_threads: int,
        limits: Limits,
        *,
        silent: bool = False,
    ) -> None:
        self.limits = limits
        self._crashes, self.crashes = _crash_file()
        self._process = subprocess.Popen(  # noqa: S603 - this Python
            [sys.executable, "-c", _BEGIN + _SERVE.format(module), json.dumps(list(path))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if silent else None,
            env=os.environ | dict.fromkeys(THREAD_VARIABLES, str(n_threads)),
            bufsize=0,
            pass_fds=() if _WINDOWS else (self._crashes.fileno(),),
            start_new_session=True,  # so that what it begins ends with it
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        reads, writes = (
            os.dup(its.fileno()) for its in (self._process.stdout, self._process.stdin)
        )
        self._process.stdin.close()
        self._process.stdout.close()
        self._pipes = Pipes(reads, writes, lambda: self._process.poll() is None)
        self._until: float | None = None
        self._late = ""
        self.answered = 0
        self._ended_for: EndedError | None = None

    def opened(self) -> None:
        """Take away the name of the file of crashes, if it has one: both have it open by now."""
        if _WINDOWS:
            with suppress(OSError):
                os.unlink(self.crashes)  # noqa: PTH108

    def talk(self, words: Callable[[Pipes], _T], seconds: float, late: str) -> _T:
        """Say something and hear the answer.

        Parameters
        ----------
        words
            Does so.
        seconds
            That it may take.
        late
            For what, in words.

        Raises
        ------
        EndedError
            Where the process ended by itself, or was ended as it took more than it may.
        """
        self._until, self._late = time.monotonic() + seconds, f"{seconds:g} s {late}"
        _watched.add(self)
        try:
            answer = words(self._pipes)
        except (OSError, EOFError):
            self.kill()
            self._process.wait()
            error = self._ended_for or EndedError(self._how())
            error.loaded = self.answered > 0
            error.first = self.answered <= 2  # two are for loading it and for warming up
            raise error from None
        else:
            self.answered += 1
            return answer
        finally:
            _watched.remove(self)
            self._until = None

    def kill(self) -> None:
        """End it, with all that it began, also while another thread asks it."""
        if hasattr(os, "killpg"):
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()

    def end(self) -> None:
        """End it; nobody may be asking it."""
        self.kill()
        self._pipes.close()
        self._process.wait()
        self._crashes.close()

    def _how(self) -> str:
        """Say how the process came to its end."""
        code = self._process.returncode
        if code >= 0:
            return f"ends its process (exit code {code})"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = "unknown"
        did = "kills its process" if name in _OWN else "was killed"
        return f"{did} (signal {-code}, {name}{self._line()})"

    def _line(self) -> str:
        """Give where in Python it was, as it wrote down itself."""
        self._crashes.seek(0)
        lines = self._crashes.read().decode(errors="replace").splitlines()
        frames = [line.strip().removeprefix("File ") for line in lines if 'File "' in line]
        # the innermost of its own, whatever library it called
        own = [each for each in frames if self.folder and self.folder in each]
        return f"; {own[0]}" if own else ""

    def _ask_where(self) -> None:
        """Have it write down in which line it is, and give it a moment to do so."""
        if self.folder and hasattr(signal, "SIGUSR1"):
            with suppress(OSError):
                self._process.send_signal(signal.SIGUSR1)
                time.sleep(_LOOK)

    def look(self) -> None:
        """End the process if it takes more than it may."""
        until, memory = self._until, self.limits.memory
        if until is not None and time.monotonic() > until:
            why = f"takes more than {self._late}"
            self._ended_for = EndedError(why, slow=True)  # it may end as it is asked
            self._ask_where()
            self._ended_for = EndedError(f"{why}{self._line()}", slow=True)
        elif memory is not None and (_held(self._process.pid) or 0) > memory:
            gib = f"{memory / 2**30:.2g} GiB"
            self._ended_for = EndedError(f"takes more than {gib} of memory (--plugin-memory)")
        else:
            return
        self.kill()


def _crash_file() -> tuple[IO[bytes], str]:
    """Open a file for both, and give its path; it has no name that a kill would leave behind."""
    if _WINDOWS:  # a process inherits no numbers of files
        handle, path = tempfile.mkstemp(prefix="dfbench-crash-")
        return os.fdopen(handle, "rb"), path
    file = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process lives
    return file, f"/dev/fd/{file.fileno()}"


class _Watched:
    """The processes that are at work, looked at by a thread while there are some."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._those: set[Process] = set()
        self._looking = False

    def add(self, process: Process) -> None:
        with self._lock:
            self._those.add(process)
            if not self._looking:
                self._looking = True
                threading.Thread(target=self._look, daemon=True).start()

    def remove(self, process: Process) -> None:
        with self._lock:
            self._those.discard(process)

    def _look(self) -> None:
        while True:
            with self._lock:
                if not self._those:
                    self._looking = False
                    return
                for each in self._those:
                    each.look()
            time.sleep(_LOOK)


_watched = _Watched()


def _held(pid: int) -> int | None:
    """Give the bytes that a process holds; None where the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None
