"""Pictures in archives: listed first, then read one by one into memory, never unpacked to disk.

What an archive says of itself is not believed: no more bytes are ever held than were allowed, and
names of members are names, never paths.
"""

from __future__ import annotations

import io
import posixpath
import re
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from dfbench.detectors.reading import too_large
from dfbench.errors import DataError
from dfbench.formats import HEAD
from dfbench.suites.datasets.image_files import is_set_aside, look
from dfbench.suites.datasets.words import natural

NESTED = "an archive in here is not opened: give it itself"
_ZIP = (b"PK\3\4", b"PK\5\6")
_GZIP, _BZIP2, _XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"
_USTAR = slice(257, 262)
_NESTED = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|7z|rar|tar\.(gz|bz2|xz|zst))$", re.IGNORECASE)
_LONGEST = 4096
"""Characters of a name: no file system has longer paths."""
_HEADER, _HEADERS = 1 << 20, 1 << 30
"""Bytes of one header in a tar archive and of all: a few compressed ones may ask for any number."""
_DICTIONARY = 512 << 20
"""Bytes of memory that an archive may ask of the decompressor of xz."""


@dataclass(frozen=True, slots=True)
class Member:
    """A picture in an archive.

    Attributes
    ----------
    name
        With ``/`` between its parts, without what leads out of the archive.
    key
        Its name as the archive has it; no two are equal.
    read
        Gives its bytes. Raises `DataError` where they are damaged.
    fault
        Why it is not read; empty where nothing is known against it.
    """

    name: str
    key: str
    read: Callable[[], bytes]
    fault: str = ""


class _Entry(NamedTuple):
    """A file in an archive, as it says."""

    name: str
    size: int
    read: Callable[[int], bytes]
    """Gives so many of its first bytes."""
    fault: str


class Archive:
    """An archive that is open.

    Parameters
    ----------
    path
        ZIP, or tar plain or compressed by gzip, bzip2 or xz.
    largest
        Bytes; larger members are not read.

    Attributes
    ----------
    members
        Pictures, those that cannot be read with their reason; in natural order for ZIP, in that of
        the archive for tar: so it is decompressed once where they are read in this order.
    damage
        What keeps the rest of the archive from being read; empty where nothing does.

    Raises
    ------
    DataError
        Where it cannot be opened.
    """

    def __init__(self, path: Path, largest: int) -> None:
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise DataError(f"cannot be read: {error.strerror or error}", where=path) from None
        self.damage = ""
        self._closing: list[Callable[[], None]] = [self._file.close]
        found: dict[str, Member] = {}
        try:
            for entry in self._entries():
                if member := _member(entry, largest):
                    found[entry.name] = member  # of two with one name the later one counts
        except Exception as error:  # noqa: BLE001 - both libraries raise many kinds on broken files
            self.damage = f"damaged: {_said(error)}"
        self.members = list(found.values())

    def close(self) -> None:
        """Let go of the file."""
        for close in reversed(self._closing):
            close()

    def _entries(self) -> Iterator[_Entry]:
        head = self._file.read(HEAD)
        self._file.seek(0)
        if head.startswith(_ZIP):
            archive = zipfile.ZipFile(self._file)
            self._closing.append(archive.close)
            return _zip_entries(archive)
        stream = _decompressed(self._file, head)
        self._closing.append(stream.close)
        return _tar_entries(stream)


def is_archive(name: str, head: bytes) -> bool:
    """Whether a file is an archive that can be opened here.

    Parameters
    ----------
    name, head
        Of the file, and its first `HEAD` bytes.
    """
    magic = head.startswith((*_ZIP, _GZIP, _BZIP2, _XZ)) or head[_USTAR] == b"ustar"
    return magic or name.lower().endswith((".zip", ".tar"))


def is_nested(name: str) -> bool:
    """Whether a file that lies in a folder or an archive is an archive, by its name."""
    return _NESTED.search(name) is not None


def _member(entry: _Entry, largest: int) -> Member | None:
    """Tell whether an entry is a picture, and what is against it; None where it is none."""
    parts = [p for p in entry.name.replace("\\", "/").split("/") if p not in ("", ".", "..")]
    name = "/".join(parts)
    if not parts or is_set_aside(name):
        return None
    if len(name) > _LONGEST:
        return Member(f"{name[:50]}...", entry.name, bytes, "its name is too long")
    if is_nested(name):
        return Member(name, entry.name, bytes, NESTED)
    image, kind = look(parts[-1], partial(_head, entry))
    if not image:
        return Member(name, entry.name, bytes, f"not read: {kind}") if kind else None
    fault = entry.fault
    if not fault and entry.size > largest:
        fault = too_large(entry.size, largest)
    return Member(name, entry.name, partial(_whole, entry), fault)


def _head(entry: _Entry) -> bytes:
    try:
        return b"" if entry.fault else entry.read(HEAD)
    except Exception:  # noqa: BLE001 - as above; that of a file which cannot be read tells nothing
        return b""


def _whole(entry: _Entry) -> bytes:
    try:
        data = entry.read(entry.size)
    except Exception as error:  # noqa: BLE001 - as above
        raise DataError(f"damaged in the archive: {_said(error)}") from None
    if len(data) < entry.size:
        raise DataError("damaged in the archive: it ends too early")
    return data


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _zip_entries(archive: zipfile.ZipFile) -> Iterator[_Entry]:
    for name in natural(sorted(set(archive.namelist()))):
        info = archive.getinfo(name)
        if info.is_dir():
            continue
        fault = ""
        if info.flag_bits & 1:
            fault = "encrypted: unpack it with its password first"
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # the library reads others by pieces of compressed bytes, whatever comes out of them
            fault = "compressed in another way than Deflate: pack it anew"
        yield _Entry(info.filename, info.file_size, partial(_of_zip, archive, info), fault)


def _of_zip(archive: zipfile.ZipFile, info: zipfile.ZipInfo, size: int) -> bytes:
    with archive.open(info) as file:
        return file.read(size)  # a size must be given: without one all that comes out is held


class _Stream:
    """A file that is read by several threads, at any place."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.close = file.close

    def read_at(self, offset: int, size: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size)


class _Metered(io.RawIOBase):
    """What a tar archive is listed by: headers may be of any length, and are held in memory."""

    def __init__(self, stream: _Stream) -> None:
        self._stream = stream
        self._at = 0
        self._all = _HEADERS
        self.left = _HEADER

    def read(self, size: int = -1) -> bytes:
        self.left -= size
        self._all -= size
        if size < 0 or self.left < 0 or self._all < 0:
            raise tarfile.ReadError("a header is too long, or there are too many: unpack it first")
        data = self._stream.read_at(self._at, size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset
        return offset

    def tell(self) -> int:
        return self._at


def _decompressed(file: IO[bytes], head: bytes) -> _Stream:
    import bz2
    import gzip
    import lzma

    if head.startswith(_GZIP):
        return _Stream(gzip.GzipFile(fileobj=file))  # type: ignore[arg-type]
    if head.startswith(_BZIP2):
        return _Stream(bz2.BZ2File(file))
    if head.startswith(_XZ):
        lzma.LZMADecompressor(memlimit=_DICTIONARY).decompress(head, max_length=1)
        return _Stream(lzma.LZMAFile(file))
    return _Stream(file)


def _tar_entries(stream: _Stream) -> Iterator[_Entry]:
    metered = _Metered(stream)
    archive = tarfile.TarFile(fileobj=metered)  # reads the first header
    files: dict[str, tuple[int, int]] = {}
    while (info := archive.next()) is not None:
        archive.members.clear()  # type: ignore[attr-defined]  # it would keep them all
        if info.size < 0:
            raise tarfile.ReadError(f"{info.name!r} is said to have {info.size:,} bytes")
        fault = ""
        place = (info.offset_data, info.size)
        if info.issym() or info.islnk():
            place, fault = _linked(info, files)
        elif info.issparse():
            fault = "a sparse file, which is not read"
        elif not info.isreg():
            fault = "not a regular file"
        if not fault:
            files[info.name] = place
        if not info.isdir():
            yield _Entry(info.name, place[1], partial(stream.read_at, place[0]), fault)
        metered.left = _HEADER
    # the library takes a header that is damaged for the end
    metered.left = _HEADER
    metered.seek(archive.offset)
    if metered.read(tarfile.BLOCKSIZE).strip(b"\0"):
        raise tarfile.ReadError(f"no header at byte {archive.offset:,}")


def _linked(
    info: tarfile.TarInfo, files: dict[str, tuple[int, int]]
) -> tuple[tuple[int, int], str]:
    """Find the file that a link in an archive names: it must have come before."""
    name = info.linkname
    if info.issym():
        name = posixpath.normpath(posixpath.join(posixpath.dirname(info.name), name))
    if name in files:
        return files[name], ""
    return (0, 0), "a link to what is not in the archive before it"
