"""ZIP archives: listed by their directory, which is read whole, and read member by member."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from array import array
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from dfbench.received.containers.container import Container, Listing, Part, open_part
from dfbench.received.containers.names import inner
from dfbench.received.zips import PACKINGS, directory_of

_ENTRY = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL = struct.Struct("<4s22x2H")
_ENTRY_MARK, _LOCAL_MARK = b"PK\1\2", b"PK\3\4"
_ZIP64 = 1
"""Tag of what holds numbers that have no room in 32 bits."""
_FULL = 0xFFFFFFFF
_UTF8, _ENCRYPTED = 0x800, 0x1
_UNIX = 3
_SMALL, _WHOLE = 1 << 20, 100
"""Bytes that an archive becomes at most: these, and so many for each of its own."""
_OVER = 1 << 16
"""Bytes that a packed file may have more than a plain one."""


class Zip(Container):
    """A ZIP archive, stored or deflated.

    Parameters
    ----------
    part
        The archive.

    Raises
    ------
    OSError
        Where it cannot be opened.
    ValueError
        Where its directory is damaged, or it holds names that lead out of it, files that share
        their bytes, or far more than its own size.
    """

    def __init__(self, part: Part) -> None:
        with open_part(part) as file:
            directory, start, before = directory_of(file)
        found = Listing()
        lies = array("q")
        at, whole = 0, 0
        while at < len(directory):
            if len(directory) < at + _ENTRY.size or directory[at : at + 4] != _ENTRY_MARK:
                raise ValueError(f"no entry at byte {at:,} of its directory")
            its = _ENTRY.unpack_from(directory, at)
            system, flags, packing, check, packed, size = its[2], *its[5:7], *its[9:12]
            n_name, n_more, n_comment, mode, offset = *its[12:15], its[17], its[18]
            at += _ENTRY.size
            raw = directory[at : at + n_name]
            more = directory[at + n_name : at + n_name + n_more]
            at += n_name + n_more + n_comment
            if at > len(directory):
                raise ValueError("its directory is cut off")
            size, packed, offset = _wide(more, size, packed, offset)
            name, fault = _decoded(raw, flags)
            if name.endswith("/"):
                continue
            name = inner(name)
            kind = stat.S_IFMT(mode >> 16) if system == _UNIX else 0
            if fault:
                pass
            elif kind == stat.S_IFLNK:
                fault = "a link, which is not followed here"
            elif kind not in (0, stat.S_IFREG):
                fault = "not a regular file"
            elif flags & _ENCRYPTED:
                fault = "encrypted: unpack it with its password first"
            elif packing not in PACKINGS:
                fault = "compressed in another way than Deflate: pack it anew"
            elif packing == zipfile.ZIP_STORED and packed != size:
                fault = "is damaged: its sizes contradict each other"
            found.add(name, (0, offset + before, packed, check << 1 | (packing != 0)), size, fault)
            lies.extend((offset + before, packed + n_name + _LOCAL.size))
            whole += size
        _check(np.frombuffer(lies, np.int64).reshape(-1, 2), start, whole, part.identity[0])
        super().__init__([part], found)

    def _read(self, at: int, most: int, first: int | None) -> bytes:
        _, offset, packed, told = self.rows[at].tolist()
        size = int(self.sizes[at])
        with self._part(at) as file:
            file.seek(offset)
            head = file.read(_LOCAL.size)
            if len(head) < _LOCAL.size or head[:4] != _LOCAL_MARK:
                raise ValueError("nothing lies where the archive says")
            _, n_name, n_more = _LOCAL.unpack(head)
            file.seek(offset + _LOCAL.size + n_name + n_more)
            if first is not None:
                return _begin(file, packed, first, deflated=told & 1)
            if packed > size + _OVER + size // 1000:
                raise ValueError("it is packed into more bytes than it has")
            data = file.read(packed)
        if told & 1:
            unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
            data = unpacker.decompress(data, size + 1)
            if not unpacker.eof and len(data) > size:
                raise ValueError("it has more bytes than the archive says")
        if len(data) != size:
            raise ValueError(f"it has {len(data):,} bytes, and the archive says {size:,}")
        if zlib.crc32(data) != told >> 1:
            raise ValueError("its bytes do not have the checksum that the archive tells")
        return data


def _begin(file: BinaryIO, packed: int, first: int, *, deflated: int) -> bytes:
    data = file.read(min(packed, first + _OVER if deflated else first))
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, first) if deflated else data


def _wide(more: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Give sizes and place of a file of an archive that is larger than 32 bits can tell."""
    if _FULL not in (size, packed, offset):
        return size, packed, offset
    at = 0
    while at + 4 <= len(more):
        tag, n = struct.unpack_from("<HH", more, at)
        if tag == _ZIP64:
            its = list(struct.unpack_from(f"<{min(n, len(more) - at - 4) // 8}Q", more, at + 4))
            try:
                size, packed, offset = (
                    its.pop(0) if each == _FULL else each for each in (size, packed, offset)
                )
            except IndexError:
                raise ValueError("its directory is damaged: a size is missing") from None
            break
        at += 4 + n
    if max(size, packed, offset) >> 62:
        raise ValueError("its directory is damaged: a size is too large")
    return size, packed, offset


def _decoded(raw: bytes, flags: int) -> tuple[str, str]:
    """Give a name, and what is wrong with it: many archivers write UTF-8 and do not say so."""
    try:
        return raw.decode(), ""
    except UnicodeDecodeError:
        fault = "the file name is not UTF-8: rename it"
        text = raw.decode("utf-8", "backslashreplace").replace("\\x", "%")
        return text, fault


def _check(lies: NDArray[np.int64], start: int, whole: int, size: int) -> None:
    """Raise where files share bytes, or would become far more than the archive has.

    They lie where ``lies`` has it, shape (n, 2): offset and length; the directory begins at
    ``start``.
    """
    begin, length = lies[np.argsort(lies[:, 0], kind="stable")].T
    if (begin < 0).any() or (begin + length > np.append(begin[1:], start)[: len(begin)]).any():
        raise ValueError("two of its files lie in one place, or one outside of it: pack it anew")
    if whole > _SMALL + _WHOLE * size:
        raise ValueError(f"is a bomb: its {size:,} bytes would become {whole:,}")
