"""What code leaves behind while it is watched: files, connections, programs, random numbers."""

from __future__ import annotations

import os
import random
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from dfbench.files import cache_dir, kernels_dir

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    "os.rename": "renames",
    "os.remove": "removes",
    "os.mkdir": "makes the folder",
    "os.rmdir": "removes the folder",
    "os.truncate": "cuts",
    "os.link": "links",
    "os.symlink": "links",
}
_NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request")
_PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.posix_spawn")


@dataclass(frozen=True)
class Seen:
    """Something that code did.

    Attributes
    ----------
    kind
        ``file``, ``network`` or ``program``.
    what
        In words, as a sentence without its subject.
    where
        File and line.
    path
        Of a file.
    """

    kind: str
    what: str
    where: str = ""
    path: str = ""


_ACTIVE: list[Path] = []
"""Folder of the code that is watched, one entry for each watch that is on."""
_SEEN: dict[Seen, None] = {}
_HOOKED: list[bool] = []


@contextmanager
def watched(own: Path) -> Iterator[None]:
    """Note what is done meanwhile, in any thread.

    Parameters
    ----------
    own
        Folder, or file, of the code: it tells which line did it.
    """
    if not _HOOKED:
        _HOOKED.append(True)
        sys.addaudithook(_hook)  # there is no way to take it away: it is silent between watches
    _ACTIVE.append(own)
    try:
        yield
    finally:
        _ACTIVE.pop()


def taken() -> list[Seen]:
    """Give what was noted since this was last asked, but for temporary files that are gone."""
    found = list(_SEEN)
    _SEEN.clear()
    scratch = Path(tempfile.gettempdir()).resolve()
    gone = {
        its.path
        for its in found
        if its.path and Path(its.path).is_relative_to(scratch) and not Path(its.path).exists()
    }
    return [its for its in found if its.path not in gone]


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _ACTIVE:
        return
    own = _ACTIVE[-1]
    if event == "open":
        path, mode, flags = args
        asks = isinstance(mode, str) and any(letter in mode for letter in "wax+")
        if asks or (isinstance(flags, int) and flags & _WRITES):
            _note_file("writes", path, own)
    elif event in _CHANGES:
        _note_file(_CHANGES[event], args[0], own)
    elif event in _NETWORK:
        whom = args[1] if event == "socket.connect" else args[0]
        whom = ":".join(map(str, whom)) if isinstance(whom, tuple) else str(whom)
        if not whom.startswith("/"):  # a socket of this machine is no network
            _note(Seen("network", f"asks the network for {whom}"), own)
    elif event in _PROGRAMS:
        what = args[0] if args else ""
        named = f" ({Path(os.fsdecode(what)).name})" if isinstance(what, str | bytes) else ""
        _note(Seen("program", f"starts another process{named}"), own)


def _note_file(what: str, path: Any, own: Path) -> None:
    if not isinstance(path, str | bytes | os.PathLike):
        return  # a descriptor that was opened before
    place = Path(os.fsdecode(path)).absolute()
    caches = "__pycache__" in place.parts or any(end in place.name for end in (".nbi", ".nbc"))
    if caches or place.parts[:2] in (("/", "dev"), ("/", "proc")):
        return
    if any(place.is_relative_to(each.absolute()) for each in (cache_dir(), kernels_dir())):
        return
    _note(Seen("file", f"{what} {place.name}", path=str(place)), own)


def _note(seen: Seen, own: Path) -> None:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and not is_own(frame.f_code.co_filename, own):
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return  # what a library does when it is first imported
        frame = frame.f_back
    _SEEN.setdefault(Seen(seen.kind, seen.what, place_of(frame, own), seen.path))


def is_own(path: str | Path, own: Path) -> bool:
    """Whether a source file belongs to the code of a part: it, or a file in its folder."""
    its = Path(path)
    folder = own if own.is_dir() else own.parent
    if its == own:
        return True
    try:
        rest = its.relative_to(folder).parts
    except ValueError:
        return False
    # a plugin in a home folder does not own what is installed there
    return not {"site-packages", "dist-packages"} & set(rest)


def place_of(frame: FrameType | None, own: Path) -> str:
    """Give file and line of the innermost frame that is code of a part."""
    while frame is not None:
        if is_own(frame.f_code.co_filename, own):
            return f"{Path(frame.f_code.co_filename).name}, line {frame.f_lineno}"
        frame = frame.f_back
    return ""


def place_in(trace: TracebackType | None, own: Path) -> str:
    """Give file and line of the innermost place of a traceback that is code of a part."""
    found = ""
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if is_own(path, own):
            found = f"{Path(path).name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return found


def place_of_error(error: BaseException, own: Path) -> str:
    """Give file and line where an error came from, its causes first."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    places = (place_in(each.__traceback__, own) for each in reversed(chain))
    return next(filter(None, places), "")


RandomState = dict[str, Any]


def random_states() -> RandomState:
    """Give the state of each global source of random numbers, by the name of its library."""
    found: RandomState = {"random": random.getstate()}
    legacy: Any = np.random.get_state(legacy=True)  # noqa: NPY002 - it is what this is about
    found["numpy.random"] = (np.asarray(legacy[1]).tobytes(), tuple(legacy[2:]))
    if "torch" in sys.modules:
        found["torch"] = sys.modules["torch"].get_rng_state().numpy().tobytes()
    return found


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed all global sources of random numbers, and put back what was before."""
    before, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - as above
    torch = sys.modules.get("torch")
    weights = torch.get_rng_state() if torch is not None else None
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global state is what this is about
    if torch is not None:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(legacy)  # noqa: NPY002
        if torch is not None:
            torch.set_rng_state(weights)


@contextmanager
def noted_seeds() -> Iterator[list[int]]:
    """Note the numbers that NumPy's sources of random numbers are made with meanwhile."""
    found: list[int] = []
    before = np.random.RandomState, np.random.default_rng

    def note(seed: Any) -> None:
        if isinstance(seed, int | np.integer):
            found.append(int(seed))

    class Noted(before[0]):  # type: ignore[misc, valid-type]
        def __init__(self, seed: Any = None) -> None:
            note(seed)
            super().__init__(seed)

    def default_rng(seed: Any = None) -> Any:
        note(seed)
        return before[1](seed)

    vars(np.random).update(RandomState=Noted, default_rng=default_rng)
    try:
        yield found
    finally:
        vars(np.random).update(RandomState=before[0], default_rng=before[1])


def n_threads() -> int:
    """Count the threads of this process, those of compiled code too where that can be told."""
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:
        return threading.active_count()
