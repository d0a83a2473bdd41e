"""Opening files of others: regular ones, within a size, and on demand without following links."""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path

_PLAIN = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)  # without waiting for the other end of a pipe
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BY_FOLDER = os.open in os.supports_dir_fd and _NOFOLLOW != 0
_PIECE = 16 << 20
"""Bytes that are read at once of a file whose size is not believed."""


class Refused(OSError):
    """A file that is there, and is not opened for what it is; ``strerror`` says it all."""


class LinkError(Refused):
    """A link where none is followed."""


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether there is a file; a name that no file can have is none, however long it is."""
    return os.path.isfile(path)  # noqa: PTH113 - `Path.is_file` raises there


def why(error: OSError) -> str:
    """Say in words why a file is not read."""
    if isinstance(error, Refused):
        return str(error.strerror)
    return f"cannot be read: {error.strerror or error}"


@functools.cache
def made_up() -> frozenset[int]:
    """Give the devices whose files the system makes up: to read one may block, or never end."""
    places = [os.stat(each).st_dev for each in ("/proc", "/sys") if os.path.exists(each)]  # noqa: PTH110, PTH116
    return frozenset(places) - {os.stat(os.sep).st_dev}  # noqa: PTH116


def opened(
    path: str | os.PathLike[str], *, most: int | None = None, below: Path | None = None
) -> BufferedReader:
    """Open a regular file for reading.

    Parameters
    ----------
    path
        Where it lies.
    most
        Bytes; no larger file is opened.
    below
        A folder that ``path`` lies in: no link between it and the file is followed.

    Raises
    ------
    OSError
        Where it cannot be opened, is larger, or is no regular file: a pipe would be waited for,
        and some devices never end. `FileNotFoundError` where it is absent, `LinkError` where links
        are not followed and one is met.
    """
    try:
        handle = os.open(path, _PLAIN) if below is None else _without_links(Path(path), below)
    except ValueError as error:  # a NUL in the name, or half a character
        raise Refused(errno.EINVAL, f"no name of a file: {error}", str(path)) from None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise Refused(errno.EINVAL, "no plain file", str(path))
        if found.st_dev in made_up():
            raise Refused(errno.EINVAL, "no file of data: the system makes it up", str(path))
        if most is not None and found.st_size > most:
            raise Refused(errno.EFBIG, too_large(found.st_size, most), str(path))
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_bytes(
    path: str | os.PathLike[str], *, most: int | None = None, below: Path | None = None
) -> bytes:
    """Read a regular file whole; parameters and errors are those of `opened`.

    A file that grows meanwhile, or that says that it is empty and is not, is read to ``most`` and
    refused then.
    """
    with opened(path, most=most, below=below) as file:
        if most is None:
            return file.read()
        said = min(os.fstat(file.fileno()).st_size, most)
        start = file.read(said + 1)
        if len(start) <= said:
            return start
        found = bytearray(start)
        while piece := file.read(min(_PIECE, most + 1 - len(found))):
            found += piece
        if len(found) > most:
            raise Refused(errno.EFBIG, too_large(len(found), most), str(path))
        return bytes(found)


def sha256(
    path: str | os.PathLike[str], *, most: int | None = None, below: Path | None = None
) -> str:
    """Give the SHA-256 of a regular file's content; parameters and errors are those of `opened`."""
    with opened(path, most=most, below=below) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_head(path: str | os.PathLike[str], size: int) -> bytes:
    """Read the first ``size`` bytes of a regular file; errors are those of `opened`."""
    with opened(path) as file:
        return file.read(size)


def too_large(size: int, most: int) -> str:
    """Say that a file of this many bytes is not read."""
    return f"too large: {size / 1e6:,.1f} MB, at most {most / 1e6:,.1f} MB are read"


def _without_links(path: Path, below: Path) -> int:
    """Open a file, asking the system at each step down from a folder to follow no link."""
    parts = path.relative_to(below).parts
    if not parts or ".." in parts:
        raise Refused(errno.EINVAL, "leads out of its folder", str(path))
    if not _BY_FOLDER:  # Windows
        place = below
        for part in parts:
            place /= part
            if place.is_symlink():
                raise _link(path)
        return os.open(path, _PLAIN)
    folder = os.open(below, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            inner = os.open(
                part, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | _NOFOLLOW, dir_fd=folder
            )
            os.close(folder)
            folder = inner
        return os.open(parts[-1], _PLAIN | _NOFOLLOW, dir_fd=folder)
    except OSError as error:
        # a link to a folder is no folder to the system that was told not to follow it
        if error.errno == errno.ELOOP or (error.errno == errno.ENOTDIR and _has_link(path, below)):
            raise _link(path) from None
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        os.close(folder)


def _has_link(path: Path, below: Path) -> bool:
    inner = (each for each in path.parents if each != below and each.is_relative_to(below))
    return path.is_symlink() or any(each.is_symlink() for each in inner)


def _link(path: Path) -> LinkError:
    return LinkError(errno.ELOOP, "a link, which is not followed here", str(path))
