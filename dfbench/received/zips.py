"""ZIP archives of others whose form is known: nothing in them is packed, or all names are plain."""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dfbench.received.files import opened, too_large

_MEMBERS = 4_000_000
"""A directory of more is not read: libraries hold it in memory."""
_DIRECTORY = 400 << 20
"""Bytes of the directory of a ZIP archive, which is read whole."""
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The library reads others by pieces of compressed bytes, whatever comes out of them."""
_NAME = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/){0,3}[A-Za-z0-9_-][A-Za-z0-9_.-]*")
"""Names that files of an archive which is laid out may have: no path that leads anywhere else."""
_RATIO = 200
"""Bytes that a byte of such a file becomes at most; tables of JSON come to thirty."""
_SMALL = 1 << 20
"""Bytes of one that may be of any ratio."""
_PIECE = 1 << 20


def zip_of(file: IO[bytes]) -> zipfile.ZipFile:
    """Open a ZIP archive; not one whose directory is larger than that of any archive of pictures.

    Raises
    ------
    zipfile.BadZipFile
        Where it is, or the file is no ZIP archive.
    """
    find: Callable[[IO[bytes]], list[int] | None] = zipfile._EndRecData  # type: ignore[attr-defined]
    found = find(file)
    if found is not None and (found[4] > _MEMBERS or found[5] > _DIRECTORY):
        raise zipfile.BadZipFile(f"its directory is too large: {found[4]:,} files")
    file.seek(0)
    return zipfile.ZipFile(file)


def stored(content: bytes, names: Collection[str] | None = None) -> dict[str, bytes]:
    """Give the members of a ZIP archive in memory, in which nothing is compressed.

    Parameters
    ----------
    content
        Of the archive.
    names
        Of the members that are wanted, by default all; one that is not there is left out.

    Raises
    ------
    ValueError
        Where it is damaged, a member is compressed or encrypted, two have one name, or it would
        hold more than its own size.
    """
    with _in_words(), zip_of(io.BytesIO(content)) as archive:
        _check_stored(archive, len(content))
        return {
            each.filename: archive.read(each)
            for each in archive.infolist()
            if names is None or each.filename in names
        }


def check_stored(file: IO[bytes]) -> None:
    """Raise where a file is a ZIP archive of another kind than `stored` reads; others pass.

    Parameters
    ----------
    file
        Open for reading; left at its beginning.

    Raises
    ------
    ValueError
        As `stored`.
    """
    if zipfile.is_zipfile(file):
        size = file.seek(0, io.SEEK_END)
        with _in_words(), zip_of(file) as archive:
            _check_stored(archive, size)
    file.seek(0)


def lay_out(path: Path, into: Path, *, most: int, members: int) -> None:
    """Write the files of a ZIP archive whose names are plain into a folder, none over another.

    Parameters
    ----------
    path
        The archive.
    into
        An empty folder.
    most
        Bytes of the archive, and of all that is in it.
    members
        Files that it has at most.

    Raises
    ------
    OSError
        Where the archive cannot be opened, or a file not be written.
    ValueError
        Where it is none, damaged, larger, or holds other names, links, bombs or a file twice.
    """
    with opened(path, most=most) as file, _in_words(), zip_of(file) as archive:
        found = archive.infolist()
        _check_plain(found, most, members)
        for member in found:
            target = into / member.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, target.open("xb") as to:
                left = member.file_size
                while piece := source.read(min(_PIECE, left + 1)):
                    left -= len(piece)
                    if left < 0:
                        raise ValueError(f"{member.filename!r} is larger than it says")
                    to.write(piece)


@contextmanager
def _in_words() -> Iterator[None]:
    """Raise `ValueError` for all that the library raises on damaged archives."""
    try:
        yield
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise ValueError(f"is damaged: {error or type(error).__name__}") from None


def _check_stored(archive: zipfile.ZipFile, size: int) -> None:
    members = archive.infolist()
    for each in members:
        if each.compress_type != zipfile.ZIP_STORED or each.flag_bits & 1:
            raise ValueError(f"holds a packed file: {each.filename!r}")
    if len({each.filename for each in members}) < len(members):
        raise ValueError("holds a file twice")
    if sum(each.file_size for each in members) > size:
        raise ValueError("holds more than its own size")


def _check_plain(found: list[zipfile.ZipInfo], most: int, members: int) -> None:
    if len(found) > members:
        raise ValueError(f"{len(found):,} files, at most {members:,} are read")
    names: set[str] = set()
    for member in found:
        name = member.filename
        shown = repr(name[:80])
        if not _NAME.fullmatch(name) or ".." in name:
            raise ValueError(f"{shown} is no plain name")
        if name.lower() in names:
            raise ValueError(f"{shown} is there twice")
        names.add(name.lower())
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            raise ValueError(f"{shown} is no plain file")
        if member.compress_type not in PACKINGS:
            raise ValueError(f"{shown} is compressed in another way")
        if member.file_size > max(_SMALL, _RATIO * member.compress_size):
            raise ValueError(f"{shown} is a bomb: it would become {member.file_size:,} bytes")
    whole = sum(member.file_size for member in found)
    if whole > most:
        raise ValueError(too_large(whole, most))
