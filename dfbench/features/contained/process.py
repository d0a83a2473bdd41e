"""A process that holds an extractor of others: begun, asked, ended when it takes too much."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dfbench.errors import DfbenchError
from dfbench.features.contained.frames import Pipes
from dfbench.installed import THREAD_VARIABLES

_BEGIN = "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
_SERVE = "from dfbench.features.contained.child import serve; serve()"
_LOOK = 0.1
"""Seconds between two looks at what the processes take."""
_NOWHERE = "\0"
_WINDOWS = os.name == "nt"
_STARTING = 120.0
"""Seconds that one has at least to load its extractor, and for what that puts off until its first
image (weights, compiled code): the limit of an image is not for that."""


@dataclass(frozen=True)
class Limits:
    """What an extractor of others may take.

    Attributes
    ----------
    seconds
        For an image.
    memory
        Bytes that each of its processes holds; None for any. Where the system does not tell (all
        but Linux) there is no such limit.
    """

    seconds: float = 60.0
    memory: int | None = None


class EndedError(Exception):
    """The process is no more, and why.

    Attributes
    ----------
    why
        What it did, as a part of a sentence whose subject is the extractor.
    slow
        Whether it is by the time that it took.
    loaded
        Whether the extractor had been loaded.
    first
        Whether it had done nothing before.
    """

    def __init__(self, why: str, *, slow: bool = False) -> None:
        super().__init__(why)
        self.why, self.slow = why, slow
        self.loaded = True
        self.first = False


class Process:
    """A process that holds an extractor; `begin` before it is asked.

    Parameters
    ----------
    extractor
        Pickled.
    plugin
        File that it is from, and the one that this is a copy of; None where it is imported.
    path
        Where modules are looked for.
    n_threads
        Of the numerical libraries.
    limits
        What it may take.
    """

    def __init__(
        self,
        extractor: bytes,
        plugin: tuple[str, str] | None,
        path: Sequence[str],
        n_threads: int,
        limits: Limits,
    ) -> None:
        self.limits = limits
        self._crashes, self._written = _crash_file()
        self._hello = {"crashes": self._written, "plugin": plugin, "extractor": extractor}
        self._process = subprocess.Popen(  # noqa: S603 - this Python
            [sys.executable, "-c", _BEGIN + _SERVE, json.dumps(list(path))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
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
        self._folder = str(Path(plugin[0]).parent) if plugin else _NOWHERE
        self._until: float | None = None
        self._late = ""
        self._answered = self._asked = 0
        self._ended_for: EndedError | None = None

    def begin(self) -> None:
        """Have it load its extractor.

        Raises
        ------
        DfbenchError
            Where the extractor cannot be loaded there.
        EndedError
            Where the process ends meanwhile.
        """
        limit = max(_STARTING, self.limits.seconds)
        try:
            error = self._answer(self._hello, limit, "to be loaded")
        finally:
            if _WINDOWS:
                with suppress(OSError):  # both have it open
                    os.unlink(self._written)  # noqa: PTH108
        if error is not None:
            raise error

    def ask(self, images: Sequence[Any], seconds: float) -> tuple[Any, float]:
        """Give the vectors of images, and the seconds that they took there.

        Raises
        ------
        DfbenchError
            What the extractor raised, or that there are not as many vectors.
        EndedError
            Where the process ended by itself, or was ended as it took more than it may.
        """
        if self._answered == 1:
            self._number(images[:1], max(_STARTING, seconds), "for its first image")
        return self._number(images, seconds, "for an image (--plugin-timeout)")

    def _number(self, images: Sequence[Any], seconds: float, late: str) -> tuple[Any, float]:
        self._asked += 1
        number, found = self._answer((self._asked, list(images)), seconds, late)
        if number != self._asked:
            raise EndedError("answers what it was not asked: something else writes where it does")
        if isinstance(found, DfbenchError):
            raise found
        values, taken = found
        return values, taken

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

    def _answer(self, question: Any, seconds: float, late: str) -> Any:
        self._until, self._late = time.monotonic() + seconds, f"{seconds:g} s {late}"
        _watched.add(self)
        try:
            self._pipes.send(question)
            answer = self._pipes.receive()
        except (OSError, EOFError):
            self.kill()
            self._process.wait()
            error = self._ended_for or EndedError(self._how())
            error.loaded = self._answered > 0
            error.first = self._answered <= 2  # two are for loading it and for warming up
            raise error from None
        else:
            self._answered += 1
            return answer
        finally:
            _watched.remove(self)
            self._until = None

    def _how(self) -> str:
        """Say how the process came to its end."""
        code = self._process.returncode
        if code >= 0:
            return f"ends its process (exit code {code})"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = "unknown"
        return f"kills its process (signal {-code}, {name}{self._line()})"

    def _line(self) -> str:
        """Give where in Python it was, as it wrote down itself."""
        self._crashes.seek(0)
        lines = self._crashes.read().decode(errors="replace").splitlines()
        frames = [line.strip().removeprefix("File ") for line in lines if 'File "' in line]
        # the innermost that is of the plugin, whatever library it called
        own = [each for each in frames if self._folder in each]
        return f"; {own[0]}" if own else ""

    def look(self) -> None:
        """End the process if it takes more than it may."""
        until, memory = self._until, self.limits.memory
        if until is not None and time.monotonic() > until:
            why = f"takes more than {self._late}"
            self._ended_for = EndedError(why, slow=True)
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
