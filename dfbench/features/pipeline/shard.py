"""A shard: some rows of a table of the feature store in one file that is never changed.

It is a safetensors file: ``keys`` (uint8, (n, 32)), ``seconds`` (float64), ``sums`` (uint32: CRC-32
of a row's key and value), ``lengths`` (int64: bytes of each value), then ``values`` (uint8), one
behind the other. What stands before the values is the index; its own sum is in the metadata.
"""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dfbench.features.pipeline.place import Handle, Place
from dfbench.received.texts import from_json

SUFFIX = ".safetensors"
_INDEX = {
    "keys": ("U8", "S32", 32),
    "seconds": ("F64", "<f8", 8),
    "sums": ("U32", "<u4", 4),
    "lengths": ("I64", "<i8", 8),
}
"""Type in the file, type of the array and bytes a row of each part of the index, in their order."""
_ROW = sum(width for _, _, width in _INDEX.values())
"""Bytes of the index of a row."""
_HEADER = 1 << 16
"""Bytes of a header at most; it has some hundred."""
_READ = 4 << 20
"""Bytes that are read at once where shards are copied."""

Keys = NDArray[np.bytes_]
"""SHA-256 of image files, shape (n,), 32 bytes each."""
Entry = tuple[str, bytes, float]
"""Key (hexadecimal), value and seconds, as a table takes them."""


def as_keys(keys: Sequence[str] | Keys) -> Keys:
    """Give keys as an array; those of texts are hexadecimal."""
    if isinstance(keys, np.ndarray) and keys.dtype.kind == "S":
        return keys
    return np.frombuffer(bytes.fromhex("".join(keys)), "S32")


def sum_of(key: bytes, value: bytes | memoryview) -> int:
    """CRC-32 of a row: of its key and its value."""
    return zlib.crc32(value, zlib.crc32(key))


def raw(keys: Keys) -> NDArray[np.uint8]:
    """Give the bytes of keys, shape (n, 32): numpy takes zeros at the end of one for padding."""
    return np.ascontiguousarray(keys).view(np.uint8).reshape(len(keys), 32)


@dataclass(frozen=True, eq=False)
class Shard:
    """The index of a shard of n rows.

    Attributes
    ----------
    name
        Of the file.
    keys
        Shape (n,).
    seconds
        That each value took, shape (n,).
    sums
        Shape (n,), uint32.
    lengths
        Bytes of each value, shape (n,).
    start
        Where the values begin in the file.
    """

    name: str
    keys: Keys
    seconds: NDArray[np.float64]
    sums: NDArray[np.uint32]
    lengths: NDArray[np.int64]
    start: int

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def n_bytes(self) -> int:
        """Bytes of all values."""
        return int(self.lengths.sum())

    @property
    def ends(self) -> NDArray[np.int64]:
        """Where each value ends in the file, shape (n,)."""
        return self.start + np.cumsum(self.lengths)

    def pieces(self, handle: Handle) -> Iterator[tuple[int, bytes]]:
        """Read all rows, piece by piece: the number of each with its value."""
        ends = self.ends
        first = 0
        while first < len(self):
            begin = int(ends[first] - self.lengths[first])
            last = max(first + 1, int(np.searchsorted(ends, begin + _READ, side="right")))
            data = handle.read(begin, int(ends[last - 1]) - begin)
            for row in range(first, last):
                end = int(ends[row]) - begin
                yield row, data[end - int(self.lengths[row]) : end]
            first = last

    def sound(self, row: int, value: bytes | memoryview) -> bool:
        """Whether this is the value that was written."""
        return sum_of(raw(self.keys[row : row + 1]).tobytes(), value) == int(self.sums[row])


def read(place: Place, name: str) -> Shard | None:
    """Read the index of a shard; None where it is damaged.

    Raises
    ------
    OSError
        Where it cannot be read, which says nothing of what it holds; `FileNotFoundError` where it
        is gone.
    """
    size = place.size(name)
    handle = place.open(name)
    try:
        length = int.from_bytes(handle.read(0, 8), "little")
        text = handle.read(8, length) if length < min(size, _HEADER) else b""
        try:
            header = from_json(text)
            n, total = header["keys"]["shape"][0], header["values"]["shape"][0]
        except (ValueError, LookupError, TypeError):
            return None
        counts = type(n) is int and type(total) is int and min(n, total) >= 0
        if not counts or size != (start := 8 + length + _ROW * n) + total:
            return None
        index = handle.read(8 + length, _ROW * n)
    finally:
        handle.close()
    if header != _header(n, total, index):
        return None
    edges = np.cumsum([0, *(width * n for _, _, width in _INDEX.values())]).tolist()
    arrays = {
        name: np.frombuffer(index[first:last], dtype)
        for (name, (_, dtype, _)), (first, last) in zip(
            _INDEX.items(), pairwise(edges), strict=True
        )
    }
    shard = Shard(name, start=start, **arrays)
    within = not n or (shard.lengths.min() >= 0 and shard.lengths.max() <= total)
    return shard if within and sum(shard.lengths.tolist()) == total else None


def write(
    place: Place,
    keys: Keys,
    seconds: NDArray[np.float64],
    sums: NDArray[np.uint32],
    lengths: NDArray[np.int64],
    values: Iterable[bytes],
) -> str:
    """Write a shard of n rows and give its name.

    Parameters
    ----------
    place
        Of the table.
    keys, seconds, sums, lengths
        See `Shard`.
    values
        n of them, in the order of the keys.
    """
    index = b"".join(
        (
            raw(keys).tobytes(),
            seconds.astype("<f8").tobytes(),
            sums.astype("<u4").tobytes(),
            lengths.astype("<i8").tobytes(),
        )
    )
    text = json.dumps(_header(len(keys), int(lengths.sum()), index)).encode()
    text += b" " * (-len(text) % 8)

    def content() -> Iterator[bytes]:
        yield len(text).to_bytes(8, "little") + text + index
        yield from values

    name = f"{uuid.uuid4().hex[:16]}{SUFFIX}"
    place.write(name, content())
    return name


def _header(n: int, total: int, index: bytes) -> dict[str, object]:
    """Give the header of a shard of n rows, whose values have so many bytes."""
    header: dict[str, object] = {"__metadata__": {"index": str(zlib.crc32(index))}}
    at = 0
    for name, (kind, _, width) in _INDEX.items():
        shape = [n, width] if name == "keys" else [n]
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + width * n]}
        at += width * n
    header["values"] = {"dtype": "U8", "shape": [total], "data_offsets": [at, at + total]}
    return header


def write_entries(place: Place, entries: Sequence[Entry]) -> str:
    """Write a shard of entries and give its name."""
    keys = as_keys([key for key, _, _ in entries])
    values = [value for _, value, _ in entries]
    sums = [sum_of(bytes.fromhex(key), value) for key, value, _ in entries]
    return write(
        place,
        keys,
        np.array([seconds for _, _, seconds in entries], np.float64),
        np.array(sums, np.uint32),
        np.array([len(value) for value in values], np.int64),
        values,
    )
