"""Archives of others: listed first, then read one by one into memory, never unpacked to disk.

What an archive says of itself is not believed: no more bytes are ever held than were asked for, and
names of members are names, never paths.
"""

from __future__ import annotations

import io
import posixpath
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from dfbench.received.files import opened
from dfbench.received.zips import PACKINGS, zip_of

_ZIP = (b"PK\3\4", b"PK\5\6")
_GZIP, _BZIP2, _XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"
_USTAR = slice(257, 262)
_HEAD = 512
_HEADER, _HEADERS = 1 << 20, 1 << 30
"""Bytes of one header in a tar archive and of all: a few compressed ones may ask for any number."""
_DICTIONARY = 512 << 20
"""Bytes of memory that an archive may ask of the decompressor of xz."""


class Entry(NamedTuple):
    """A file in an archive, as it says.

    Attributes
    ----------
    name
        As the archive has it.
    size
        Bytes.
    read
        Gives so many of its first bytes. Raises what the libraries raise on damage.
    fault
        Why it cannot be read; empty where nothing is known against it.
    """

    name: str
    size: int
    read: Callable[[int], bytes]
    fault: str


def is_archive(name: str, head: bytes) -> bool:
    """Whether a file is an archive that can be opened here.

    Parameters
    ----------
    name, head
        Of the file, and its first 512 bytes.
    """
    magic = head.startswith((*_ZIP, _GZIP, _BZIP2, _XZ)) or head[_USTAR] == b"ustar"
    return magic or name.lower().endswith((".zip", ".tar"))


class Archive:
    """An archive that is open: ZIP, or tar plain or compressed by gzip, bzip2 or xz.

    Attributes
    ----------
    in_order
        Whether it is quickest to read in the order of its entries: it would be decompressed anew
        to go back.

    Raises
    ------
    OSError
        Where the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._open = ExitStack()
        self._file = self._open.enter_context(opened(path))
        self._head = self._file.read(_HEAD)
        self._file.seek(0)
        self.in_order = not self._head.startswith(_ZIP)

    def close(self) -> None:
        """Let go of the file."""
        self._open.close()

    def entries(self) -> Iterator[Entry]:
        """Go through its files.

        Raises
        ------
        Exception
            Of many kinds, as the libraries raise them on broken files.
        """
        if not self.in_order:
            return _zip_entries(self._open.enter_context(zip_of(self._file)))
        stream = _decompressed(self._file, self._head)
        self._open.callback(stream.close)
        return _tar_entries(stream)


def _zip_entries(archive: zipfile.ZipFile) -> Iterator[Entry]:
    for name in sorted(set(archive.namelist())):
        info = archive.getinfo(name)
        if info.is_dir():
            continue
        fault = ""
        if info.flag_bits & 1:
            fault = "encrypted: unpack it with its password first"
        elif info.compress_type not in PACKINGS:
            fault = "compressed in another way than Deflate: pack it anew"
        yield Entry(info.filename, info.file_size, partial(_of_zip, archive, info), fault)


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


def _tar_entries(stream: _Stream) -> Iterator[Entry]:
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
            yield Entry(info.name, place[1], partial(stream.read_at, place[0]), fault)
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
