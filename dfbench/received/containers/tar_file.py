"""Tar archives that are not compressed: listed by their headers, and read at any place.

Headers are read here, not by `tarfile`: it takes 25 microseconds for each, and a data set in shards
has hundreds of thousands, which every process lists for itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from dfbench.received.containers.container import Container, Listing, Part, open_part
from dfbench.received.containers.names import inner

_BLOCK = 512
_END = bytes(_BLOCK)
_REGULAR, _FOLDER, _LINKS, _SPARSE = b"0\0007", b"5", b"12", b"S"
_NAME, _LINK, _MORE, _ALL = b"L", b"K", b"x", b"g"
"""Kinds of headers that stand before another: its name, where it links to, more of it, of all."""
_OTHERS = b"346"
"""Devices and pipes, which have no bytes."""
_SIZE, _SUM = slice(124, 136), slice(148, 156)
_SUM_BLANK = 8 * ord(" ")
_HEADER, _HEADERS = 1 << 20, 1 << 28
"""Bytes of what stands before a header, and of all that does."""


class Member(NamedTuple):
    """A file in a tar archive."""

    name: str
    offset: int
    size: int
    fault: str


class Tar(Container):
    """A tar archive, or several: their files at rows of part, offset, 0 and 0.

    Parameters
    ----------
    parts, found
        See `Container`.
    """

    @classmethod
    def of(cls, part: Part) -> Tar:
        """Open one; errors are those of `listed`."""
        found = Listing()
        for each in listed(part):
            found.add(each.name, (0, each.offset, 0, 0), each.size, each.fault)
        return cls([part], found)

    def _read(self, at: int, most: int, first: int | None) -> bytes:
        size = int(self.sizes[at])
        with self._part(at) as file:
            return read_at(file, int(self.rows[at, 1]), size if first is None else min(size, first))


def read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Read so many bytes of a file; `ValueError` where it has fewer."""
    file.seek(offset)
    data = file.read(size)
    if len(data) < size:
        raise ValueError("it is cut off")
    return data


def listed(part: Part) -> Iterator[Member]:
    """Go through the files of a tar archive, in their order.

    Raises
    ------
    OSError
        Where it cannot be opened.
    ValueError
        Where it is damaged or cut off, what stands before its headers has no bounds, or a name
        leads out of it.
    """
    whole = part.identity[0]
    with open_part(part) as file:
        at, left, before = 0, _HEADERS, _Before()
        while True:
            head = _header(file, at)
            if head == _END:
                return
            kind, size = head[156:157], _number(head[_SIZE])
            start = at + _BLOCK
            if kind in (_NAME, _LINK, _MORE, _ALL):
                left -= size
                if size > _HEADER or left < 0:
                    raise ValueError("has a header that is too long, or too many of them")
                before.add(kind, read_at(file, start, size))
                at = start + _blocks(size)
                continue
            size = before.size if before.size >= 0 else size
            name = before.name or _name(head)
            if kind == _SPARSE:
                start = _behind_sparse(file, start, head)
            folder = kind == _FOLDER or (kind in _REGULAR and name.endswith("/"))
            fault = _fault(kind, sparse=before.sparse)
            at = start if kind in _FOLDER + _LINKS + _OTHERS else start + _blocks(size)
            if at > whole:
                raise ValueError(f"is cut off: {name[:80]!r} would end at byte {start + size:,}")
            if not folder:
                yield Member(inner(name), start, 0 if kind in _LINKS else size, fault)
            before = _Before()


class _Before:
    """What stands before a header, and counts more than what is in it."""

    def __init__(self) -> None:
        self.name, self.size, self.sparse = "", -1, False

    def add(self, kind: bytes, data: bytes) -> None:
        """Take up such a header; what is said of all files is no name, and is left aside."""
        if kind == _NAME:
            self.name = data.partition(b"\0")[0].decode("utf-8", "surrogateescape")
        while kind == _MORE and data.strip(b"\0"):
            digits = data[:20].partition(b" ")[0]
            length = int(digits) if digits.isdigit() else 0
            key, equals, value = data[len(digits) + 1 : length - 1].partition(b"=")
            if not equals or length > len(data):
                raise ValueError("is damaged: a header cannot be read")
            data = data[length:]
            if key == b"path":
                self.name = value.decode("utf-8", "surrogateescape")
            elif key == b"size":
                self.size = int(value) if value.isdigit() and len(value) < 19 else -2
            self.sparse = self.sparse or key.startswith(b"GNU.sparse")
        if self.size == -2:
            raise ValueError("is damaged: a size cannot be read")


def _header(file: BinaryIO, at: int) -> bytes:
    """Read the header at a place."""
    file.seek(at)
    head = file.read(_BLOCK)
    if len(head) < _BLOCK:  # or images would be lost unseen
        raise ValueError("is cut off: the end that every tar has is missing")
    told = head[_SUM].strip(b"\0 ")
    own = sum(head) - sum(head[_SUM]) + _SUM_BLANK
    if head != _END and (not told.isdigit() or len(told) > 7 or _octal(told) != own):
        raise ValueError(f"is damaged: no header at byte {at:,}")
    return head


def _octal(digits: bytes) -> int:
    try:
        return int(digits, 8)
    except ValueError:
        return -1


def _number(field: bytes) -> int:
    """Read a size: octal, or for large ones binary behind a mark."""
    if field[0] == 0x80:
        found = int.from_bytes(field[1:], "big")
    else:
        found = _octal(field.strip(b"\0 ") or b"0")
    if not 0 <= found < 1 << 62:
        raise ValueError("is damaged: a size cannot be read")
    return found


def _name(head: bytes) -> str:
    name = head[:100].partition(b"\0")[0]
    # other forms of tar have something else in the place of the first part
    if head[257:263] == b"ustar\0" and (first := head[345:500].partition(b"\0")[0]):
        name = first + b"/" + name
    return name.decode("utf-8", "surrogateescape")


def _fault(kind: bytes, *, sparse: bool) -> str:
    if kind == _SPARSE or sparse:
        return "a sparse file, which is not read"
    if kind in _LINKS:
        return "a link, which is not followed here"
    return "" if kind in _REGULAR else "not a regular file"


def _blocks(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _behind_sparse(file: BinaryIO, at: int, head: bytes) -> int:
    """Pass over what a sparse file has before its bytes."""
    more = head[482]
    while more:
        more = read_at(file, at, _BLOCK)[504]
        at += _BLOCK
    return at
