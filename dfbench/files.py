"""Where things lie on disk, and how they are written: whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from dfbench.errors import BusyError, DataError, DfbenchError, OutputError
from dfbench.received.files import read_bytes, sha256
from dfbench.received.texts import from_json


def cache_dir() -> Path:
    """Folder for what can be computed again: ``$DFBENCH_CACHE`` or the platform's own.

    Where ``$DFBENCH_CACHE`` is a URL, features alone lie there, see `cache_url`.
    """
    override = os.environ.get("DFBENCH_CACHE")
    if override and cache_url() is None:
        return at_home(override)
    return Path(platformdirs.user_cache_dir("dfbench"))


def kernels_dir() -> Path:
    """Folder of compiled kernels: ``$DFBENCH_KERNELS`` or one below the cache folder."""
    return Path(os.environ.get("DFBENCH_KERNELS") or cache_dir() / "kernels")


def cache_url() -> str | None:
    """Give ``$DFBENCH_CACHE`` where it is a URL such as ``s3://bucket/folder``."""
    kind, found, place = os.environ.get("DFBENCH_CACHE", "").partition("://")
    return f"{kind}://{place.rstrip('/')}" if found else None


def config_dir() -> Path:
    """Folder for what the user has set: ``$DFBENCH_CONFIG`` or the platform's own."""
    override = os.environ.get("DFBENCH_CONFIG")
    if override:
        return at_home(override)
    return Path(platformdirs.user_config_dir("dfbench"))


def at_home(path: str | Path) -> Path:
    """Put the folder of a user where ``~`` stands; as it is where there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def check_here() -> None:
    """Raise `OutputError` where the folder that the process is in is gone: none can begin there.

    Paths that are not whole ones lead nowhere then.
    """
    try:
        os.getcwd()  # noqa: PTH109
    except OSError:
        raise OutputError(
            "the folder that this is run in is no longer there", hint="cd to another folder"
        ) from None


def resolved(path: Path) -> Path:
    """Give the whole path of a file or folder, without links.

    Raises
    ------
    DataError
        Where its links lead in a circle.
    """
    try:
        return path.resolve()
    except RuntimeError:  # of Python before 3.13
        raise DataError("links that lead in a circle", where=path) from None


def from_home(path: Path) -> str:
    """Shorten a path: leaderboards are passed on, and need not tell whose machine it was."""
    try:
        return f"~/{path.relative_to(Path.home()).as_posix()}"
    except ValueError:
        return str(path)


def beside(path: Path, name: str) -> Path:
    """Give what is called ``name`` beside the file or folder that a path leads to.

    As the path was typed, unless that leads elsewhere (a link) or has no name (``.``).
    """
    whole = resolved(path)
    typed = path.name == whole.name and resolved(path.parent) == whole.parent
    return (path if typed else whole).with_name(name)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it when the block ends well.

    Raises
    ------
    OutputError
        Where the folder cannot be made or written, or has no room left.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_PART)
    except OSError as error:
        raise unwritable(path.parent, error) from error
    temporary = Path(name)
    try:
        _hold(handle)
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        # libraries that run out of room do not say where
        if error.filename is None or error.filename == name:
            raise unwritable(path.parent, error) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)
        if not _WINDOWS:
            os.close(handle)


_PART, _OWNER = ".part", ".owner"
_WINDOWS = os.name == "nt"


def _hold(handle: int) -> None:
    """Lock a file that is being written, so that `sweep` leaves it to its process.

    On Windows, where nothing can be renamed that somebody has open, it is closed instead.
    """
    if _WINDOWS:
        os.close(handle)
    else:
        _locked(handle)


def sweep(folder: Path) -> None:
    """Remove what killed processes left below a folder: files half written, and those of owners.

    These are of `atomic_path` and `owned`. What a process that is alive holds is left, and all of
    it where nobody can tell (on Windows, and where the file system has no locks).
    """
    if _WINDOWS:
        return
    for inside, _, names in os.walk(folder):
        for name in names:
            if name.endswith(_OWNER) or (name.startswith(".") and name.endswith(_PART)):
                with contextlib.suppress(OSError):
                    _remove_abandoned(Path(inside) / name)


def _remove_abandoned(path: Path) -> None:
    """Remove a file that nobody has locked."""
    import fcntl

    handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.suffix == _PART or not os.fstat(handle).st_size:
            path.unlink()
    finally:
        os.close(handle)


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """Give a folder of temporary files that goes with the block; what kills left goes before.

    It is locked meanwhile, as in `owned`: a lock goes with its process, however that ends.

    Parameters
    ----------
    prefix
        Of its name; nothing else has it.
    """
    _sweep_scratch(prefix)
    with tempfile.TemporaryDirectory(prefix=prefix) as name:
        handle = -1 if _WINDOWS else os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if handle >= 0:
                _locked(handle)
            yield Path(name)
        finally:
            if handle >= 0:
                os.close(handle)


def _sweep_scratch(prefix: str) -> None:
    """Remove folders of this user's processes that are gone."""
    if _WINDOWS:
        return
    import fcntl

    for path in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                found = os.fstat(handle)
                # a new one may not be locked yet
                if found.st_uid == os.geteuid() and time.time() - found.st_mtime > _NEW:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path)
            finally:
                os.close(handle)


_NEW = 60
"""Seconds."""


def unwritable(folder: Path, error: OSError) -> OutputError:
    """Word the failure to write below ``folder``, with the variable that names it, if one does."""
    named = next(
        (
            name
            for name, place in (("DFBENCH_CACHE", cache_dir()), ("DFBENCH_CONFIG", config_dir()))
            if folder.absolute().is_relative_to(place.absolute())
        ),
        None,
    )
    full = error.errno in _FULL
    mend = "make room there" if full else "mend its permissions"
    other = "choose another folder"
    if named is not None:
        is_set = os.environ.get(named)
        other = (
            f"{named} names it: set it to another folder"
            if is_set
            else f"set {named} to another folder"
        )
    return OutputError(
        f"cannot write here: {error.strerror or error}", where=folder, hint=f"{other}, or {mend}"
    )


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def check_writable(folder: Path) -> None:
    """Raise `OutputError` now rather than after an hour's work if ``folder`` cannot be written.

    Nothing is left behind: where the folder is absent, its nearest ancestor is tried.
    """
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise OutputError("is a file, not a folder", where=nearest, hint="choose another folder")
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise unwritable(folder, error) from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def keep_text(path: Path, text: str) -> None:
    """Write a file of results as UTF-8, see `keep_bytes`."""
    keep_bytes(path, text.encode())


def keep_bytes(path: Path, content: bytes) -> None:
    """Write a file of results whole or not at all; not one that has that content.

    Raises
    ------
    OutputError
        Where its folder cannot be written.
    """
    try:
        if read_bytes(path, most=len(content)) == content:
            return
    except OSError:
        pass
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise unwritable(path.parent, error) from error


def digest(value: Any, *, length: int = 16) -> str:
    """Hash a JSON-able value: equal values give equal digests, whatever the order of keys.

    Returns
    -------
    str
        The first ``length`` hexadecimal digits of the SHA-256 of the canonical JSON text.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def keep_known(file: Path, value: Any) -> None:
    """Keep a JSON-able value below the cache folder, under its sum; nothing where that fails."""
    with suppress(OSError, DfbenchError):
        keep_text(file, json.dumps({"sum": digest(value, length=64), "value": value}) + "\n")


def known_of(file: Path) -> Any:
    """Give what `keep_known` kept; None where it is not there, or not what was kept."""
    try:
        told = from_json(read_bytes(file, most=_KNOWN))
        value = told["value"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return value if told.get("sum") == digest(value, length=64) else None


_KNOWN = 64 << 20
"""Bytes of such a file at most."""


SETTLED = 2_000_000_000
"""Nanoseconds after which a further change of a file shows in its times, whatever the file
system: some count in steps of two seconds."""
_WHOLE = (1 << 63) - 1


class Stamp(NamedTuple):
    """What tells, without reading a file, that it is the file that was read before.

    A file that is written, replaced or moved has another. Where only its times are set back, the
    time of change tells; Windows keeps none, and has the time at which the file was made there.
    """

    size: int
    modified: int
    """Nanoseconds."""
    changed: int
    """The same; of content, name or rights."""
    inode: int
    device: int

    def settled(self, now: int) -> bool:
        """Whether a change after ``now`` (nanoseconds) would give another stamp."""
        return now - max(self.modified, self.changed) > SETTLED


def stamp(path: str | Path) -> Stamp | None:
    """Give the stamp of a file; None where there is none to be seen."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path for each of 200,000 names is slow
    except OSError:
        return None
    return Stamp(
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
        found.st_ino & _WHOLE,
        found.st_dev & _WHOLE,
    )


Seen = tuple[Stamp, str]
"""A stamp, and the SHA-256 of the content where the stamp alone does not tell: the file was so new
that a further change could leave no trace. Empty where it does."""


def see(path: Path, now: int) -> Seen | None:
    """Note what a file is, to be told by `as_seen` later; None where it cannot be read.

    Parameters
    ----------
    path
        The file.
    now
        Nanoseconds: when this was called, or before.
    """
    found = stamp(path)
    if found is None or not os.access(path, os.R_OK):
        return None
    try:
        return found, "" if found.settled(now) else sha256(path)
    except OSError:
        return None


def as_seen(path: Path, before: Seen | None) -> bool:
    """Whether a file is what it was; False of one that is not there."""
    try:
        return (
            before is not None
            and stamp(path) == before[0]
            and before[1] in ("", sha256(path) if before[1] else "")
        )
    except OSError:
        return False


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """Own ``path`` (a file or folder) inside the block, by a lock on a file beside it.

    The lock goes with the process, however that ends.

    Raises
    ------
    BusyError
        If another process that is alive owns it.
    OutputError
        If the folder cannot be written.
    """
    owner = path.with_name(path.name + _OWNER)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _taken(owner)
    except OSError as error:
        raise unwritable(path.parent, error) from error
    if handle is None:
        raise BusyError(
            "another process is at work here",
            where=path,
            hint="wait for it, or give another output folder",
        )
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows keeps what is open
            owner.unlink()
        os.close(handle)


def _taken(owner: Path) -> int | None:
    """Open and lock the file of who owns something; None where another process has.

    Who goes removes it: what was opened before that and locked after is a file no more.
    """
    while True:
        handle = os.open(owner, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _locked(handle):
                os.close(handle)
                return None
            if _WINDOWS or _same(handle, owner):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))  # noqa: PTH116 - beside fstat
    except FileNotFoundError:
        return False


def _locked(handle: int) -> bool:
    """Take the lock; False if someone else has it. It is released with the file, or by death."""
    try:
        import fcntl
    except ImportError:  # Windows
        return _locked_windows(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # some network file systems have no locks; better without than not at all
        return True
    return True


def _locked_windows(handle: int) -> bool:
    import importlib

    msvcrt: Any = importlib.import_module("msvcrt")
    try:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True


_USERS = ".users"
_USED: dict[Path, int] = {}
"""Locks of this process by cache folder; they go with it, however that ends."""


def use_cache() -> None:
    """Say that this process uses the cache folder from here on: nothing in it is pruned."""
    folder = cache_dir()
    if folder in _USED:
        return
    handle = _lock_of(folder)
    if handle is not None:
        _USED[folder] = handle
        with suppress(ImportError, OSError):  # Windows, and file systems without locks
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_SH)


@contextmanager
def alone_in_cache(folder: Path) -> Iterator[None]:
    """Have a cache folder alone inside the block.

    Raises
    ------
    BusyError
        If another process that is alive uses it.
    """
    own = _USED.pop(folder, None)  # a second handle would meet the lock of the first
    handle = _lock_of(folder) if own is None else own
    try:
        if handle is not None and not _locked(handle):
            raise BusyError(
                "the cache is in use by a run", where=folder, hint="do it when that has ended"
            )
        yield
    finally:
        if handle is not None:
            os.close(handle)
        if own is not None:
            use_cache()


def _lock_of(folder: Path) -> int | None:
    """Open the file that users of a cache folder lock; None where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        return os.open(folder / _USERS, flags, 0o666)
    except OSError:
        return None


Progress = Callable[[int, int], None]
"""Called with (done, total) as a long piece of work goes on."""
