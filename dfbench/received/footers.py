"""What the footer of a Parquet file says of its column chunks, without the library that reads them.

PyArrow ends the process where what a footer says of a chunk contradicts itself: an error of C++
passes through its `RowGroupMetaData.column`. The footer is a Thrift struct in the compact protocol
(https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md), its fields are
those of https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift.
"""

from __future__ import annotations

from typing import Any, BinaryIO, NamedTuple

LARGEST = 64 << 20
"""Bytes of a footer."""
_DEEP = 32
_GROUPS, _COLUMNS, _META = 4, 1, 3
"""Fields: row groups of a file, chunks of a row group, what is said of a chunk."""
_ENCODINGS, _PATH, _UNPACKED, _PACKED = 2, 3, 6, 7
_NAMES = {
    **{0: "PLAIN", 2: "PLAIN_DICTIONARY", 3: "RLE", 4: "BIT_PACKED", 5: "DELTA_BINARY_PACKED"},
    **{6: "DELTA_LENGTH_BYTE_ARRAY", 7: "DELTA_BYTE_ARRAY", 8: "RLE_DICTIONARY"},
    **{9: "BYTE_STREAM_SPLIT"},
}


class Chunk(NamedTuple):
    """A column in a row group.

    Attributes
    ----------
    path
        Of the column, with dots.
    encodings
        Of its pages, by name.
    size
        Bytes, packed or unpacked, whichever are more.
    """

    path: str
    encodings: frozenset[str]
    size: int


def chunks(file: BinaryIO) -> list[list[Chunk]]:
    """Give the column chunks of each row group.

    Raises
    ------
    ValueError
        Where the end of the file is not that of a Parquet file, its footer is larger than
        `LARGEST`, or damaged.
    """
    try:
        told = _Reader(_footer(file)).struct()
        return [[_chunk(each) for each in group[_COLUMNS]] for group in told.get(_GROUPS, [])]
    except (IndexError, KeyError, TypeError, AttributeError, UnicodeDecodeError):
        raise ValueError("is damaged: its footer cannot be read") from None


def _footer(file: BinaryIO) -> bytes:
    size = file.seek(0, 2)
    file.seek(max(size - 8, 0))
    end = file.read(8)
    length = int.from_bytes(end[:4], "little")
    if size < 12 or end[4:] != b"PAR1" or length > size - 12:
        raise ValueError("is damaged: its end is not that of a Parquet file")
    if length > LARGEST:
        raise ValueError(f"its footer is too large: {length:,} bytes")
    file.seek(size - 8 - length)
    footer = file.read(length)
    file.seek(0)
    return footer


def _chunk(told: dict[int, Any]) -> Chunk:
    its = told[_META]
    path = ".".join(each.decode() for each in its[_PATH])
    encodings = frozenset(_NAMES.get(each, str(each)) for each in its[_ENCODINGS])
    return Chunk(path, encodings, max(int(its[_UNPACKED]), int(its[_PACKED])))


class _Reader:
    """Reads values of the compact protocol, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """Read a struct: its values by field."""
        found: dict[int, Any] = {}
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._whole()
            kind = head & 15
            found[field] = kind == 1 if kind in (1, 2) else self._value(kind, depth)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if depth > _DEEP:
            raise KeyError(kind)
        if kind in (4, 5, 6):
            return self._whole()
        if kind == 8:
            return self._bytes(self._number())
        if kind in (9, 10):
            head = self._byte()
            n = head >> 4 if head >> 4 < 15 else self._number()
            return [self._value(head & 15, depth + 1) for _ in range(self._few(n))]
        if kind == 12:
            return self.struct(depth + 1)
        if kind in (1, 2, 3):  # of a list, or one byte
            return self._byte()
        if kind == 7:
            return self._bytes(8)
        if kind == 11:
            n = self._few(self._number())
            kinds = self._byte() if n else 0
            return [
                (self._value(kinds >> 4, depth + 1), self._value(kinds & 15, depth + 1))
                for _ in range(n)
            ]
        raise KeyError(kind)

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, n: int) -> bytes:
        self._at += self._few(n)
        return self._data[self._at - n : self._at]

    def _few(self, n: int) -> int:
        """Give a number of what takes a byte each at least."""
        if n > len(self._data) - self._at:
            raise IndexError(n)
        return n

    def _number(self) -> int:
        found = shift = 0
        while (byte := self._byte()) & 128:
            found |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise IndexError(shift)
        return found | byte << shift

    def _whole(self) -> int:
        found = self._number()
        return found >> 1 ^ -(found & 1)
