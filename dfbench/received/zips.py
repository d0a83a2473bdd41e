"""ZIP archives of others whose form is known: nothing in them is packed, or all names are plain."""

from __future__ import annotations

import io
import os
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
_PART = r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}"
_NAME = re.compile(rf"(?:{_PART}/){{0,3}}{_PART}")
"""Names that files of an archive which is laid out may have: no path that leads anywhere else."""
_RATIO = 200
"""Bytes that a byte of such a file becomes at most; tables of JSON come to thirty."""
_SMALL = 1 << 20
"""Bytes of one that may be of any ratio."""
_WHOLE = 100
"""Bytes that a byte of the archive becomes at most, all its files together."""
_ENTRY = b"PK\1\2"
_ENTRY_BYTES = 46 + 1000
"""Bytes of one of the directory's entries: its name and what libraries put beside it."""
_LOCAL = 30
"""Bytes of what stands before each member, beside its name."""
_WIDE = 56 + 20
"""Bytes of the two ends that a large archive has more."""
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


def directory_of(file: IO[bytes]) -> tuple[bytes, int, int]:
    """Read the directory of a ZIP archive, of any number of files.

    Parameters
    ----------
    file
        Open for reading.

    Returns
    -------
    bytes, int, int
        Its entries; where it begins; and how many bytes stand before what the archive takes for
        its own beginning.

    Raises
    ------
    ValueError
        Where the file is no ZIP archive, is cut off, or has more files than any data set.
    """
    find: Callable[[IO[bytes]], list[int] | None] = zipfile._EndRecData  # type: ignore[attr-defined]
    with _in_words():
        found = find(file)
    if found is None:
        raise ValueError("is damaged: its end is not that of a ZIP archive")
    wide = found[0] == b"PK\6\6"  # type: ignore[comparison-overlap]
    size, offset, end = found[5], found[6], found[9] - (_WIDE if wide else 0)
    start = end - size
    if size > _DIRECTORY or start < 0 or start < offset:
        raise ValueError("is damaged: its directory lies outside of it")
    file.seek(start)
    entries = file.read(size)
    count = entries.count(_ENTRY)
    if count > _MEMBERS:
        raise ValueError(f"{count:,} files, at most {_MEMBERS:,} are read")
    return entries, start, start - offset


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


def is_plain(name: str) -> bool:
    """Whether a file of this name is laid out by `lay_out`."""
    return _NAME.fullmatch(name) is not None and ".." not in name


def inflates(file: IO[bytes]) -> bool:
    """Whether a file would be a bomb if it were compressed: better stored as it is.

    Parameters
    ----------
    file
        Open for reading; left at its beginning.
    """
    packer, plain, packed = zlib.compressobj(), 0, 0
    while piece := file.read(_PIECE):
        plain += len(piece)
        packed += len(packer.compress(piece))
    file.seek(0)
    return plain > _WHOLE // 2 * (packed + len(packer.flush()))


def check_laid_out(path: Path, *, most: int, members: int) -> None:
    """Raise where `lay_out` would refuse an archive, its files' content aside; as it does."""
    with opened(path, most=most) as file, _in_words(), _zip_of_few(file, members) as archive:
        _check_plain(archive, os.fstat(file.fileno()).st_size, most, members)


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
    with opened(path, most=most) as file, _in_words(), _zip_of_few(file, members) as archive:
        _check_plain(archive, os.fstat(file.fileno()).st_size, most, members)
        for member in archive.infolist():
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


def _zip_of_few(file: IO[bytes], members: int) -> zipfile.ZipFile:
    """Open an archive; not one whose directory has more entries, whatever it says of them."""
    find: Callable[[IO[bytes]], list[int] | None] = zipfile._EndRecData  # type: ignore[attr-defined]
    found = find(file)
    if found is not None:
        size, end = found[5], found[9]
        if size > members * _ENTRY_BYTES or size > _DIRECTORY:
            raise ValueError(f"its directory is too large, at most {members:,} files are read")
        file.seek(max(end - size - 76, 0))  # the ends of a large one stand between
        count, rest = 0, b""
        while (left := end - file.tell()) > 0 and (piece := file.read(min(_PIECE, left))):
            count += (rest + piece).count(_ENTRY)
            rest = piece[-len(_ENTRY) + 1 :]
        if count > members:
            raise ValueError(f"{count:,} files, at most {members:,} are read")
    return zip_of(file)


def _check_plain(archive: zipfile.ZipFile, size: int, most: int, members: int) -> None:
    found = archive.infolist()
    if len(found) > members:
        raise ValueError(f"{len(found):,} files, at most {members:,} are read")
    names = _checked_names(found)
    folders = {folder for name in names for folder in _folders(name)}
    if both := names & folders:
        raise ValueError(f"{min(both)!r} is a file and a folder")
    for member in found:
        shown = repr(member.filename[:80])
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
            raise ValueError(f"{shown} is no plain file")
        if member.flag_bits & 1:
            raise ValueError(f"{shown} is encrypted")
        if member.compress_type not in PACKINGS:
            raise ValueError(f"{shown} is compressed in another way")
        if member.file_size > max(_SMALL, _RATIO * member.compress_size):
            raise ValueError(f"{shown} is a bomb: it would become {member.file_size:,} bytes")
    end = archive.start_dir
    for member in sorted(found, key=lambda each: each.header_offset, reverse=True):
        if member.header_offset + _LOCAL + member.compress_size > end:
            raise ValueError(f"{member.filename[:80]!r} lies where another file does")
        end = member.header_offset
    whole = sum(member.file_size for member in found)
    if whole > most:
        raise ValueError(too_large(whole, most))
    if whole > _SMALL + _WHOLE * size:
        raise ValueError(f"is a bomb: it would become {whole:,} bytes")


def _checked_names(found: list[zipfile.ZipInfo]) -> set[str]:
    """Give all names in small letters: file systems may not tell large ones from them."""
    names: set[str] = set()
    for member in found:
        name = member.filename
        if not is_plain(name):
            raise ValueError(f"{name[:80]!r} is no plain name")
        if name.lower() in names:
            raise ValueError(f"{name[:80]!r} is there twice")
        names.add(name.lower())
    return names


def _folders(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]
