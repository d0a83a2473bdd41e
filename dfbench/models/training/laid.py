"""Rows that a training makes of its images: in memory where they are few, else in a file."""

from __future__ import annotations

import os
import tempfile
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.models.base import Array
from dfbench.models.held import most_held
from dfbench.models.rows import Rows

HELD = 256 << 20
"""Bytes up to which rows stay in memory, unless that is short."""


def laid_out(shape: tuple[int, ...], dtype: str, folder: Path | None) -> Held | Laid:
    """Make room for rows that are written in their order, see `Laid`."""
    n_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    return Held(shape, dtype) if n_bytes <= min(HELD, most_held()) else Laid(shape, dtype, folder)


class Held:
    """Rows in memory, written one behind the other."""

    def __init__(self, shape: tuple[int, ...], dtype: str) -> None:
        self._array: NDArray[Any] = np.empty(shape, dtype)
        self._written = 0

    def append(self, block: NDArray[Any]) -> None:
        """Write the next rows."""
        self._array[self._written : self._written + len(block)] = block
        self._written += len(block)

    def rows(self) -> NDArray[Any]:
        """Give what was written."""
        return self._array


class Laid:
    """Rows in a temporary file, which is gone when they are, and read when they are asked for.

    Parameters
    ----------
    shape, dtype
        Of the array that all rows would make.
    folder
        Where the file is to lie; by default where the system has such files.
    """

    def __init__(self, shape: tuple[int, ...], dtype: str, folder: Path | None) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._width = int(np.prod(shape[1:], dtype=np.int64)) * self.dtype.itemsize
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - as long as it
        self._lock = Lock()

    def append(self, block: NDArray[Any]) -> None:
        """Write the next rows."""
        whole = np.ascontiguousarray(block, self.dtype).data.cast("B")
        while whole:
            whole = whole[self._file.write(whole) :]

    def rows(self) -> Rows:
        """Give what was written."""
        return self

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | NDArray[Any], /) -> NDArray[Any]:
        """See `Rows`."""
        numbers = np.arange(len(self))[rows]
        out = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        flat = out.view(np.uint8).reshape(len(numbers), self._width)
        # a run of neighbours is read at once
        edges = [0, *(np.flatnonzero(np.diff(numbers) != 1) + 1).tolist(), len(numbers)]
        for first, last in pairwise(edges):
            if last > first:
                data = self._read(int(numbers[first]) * self._width, (last - first) * self._width)
                flat[first:last] = np.frombuffer(data, np.uint8).reshape(-1, self._width)
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all rows."""
        found = self[:]
        return found if dtype is None else found.astype(dtype, copy=False)

    def _read(self, start: int, length: int) -> bytes:
        parts: list[bytes] = []
        while length:
            if hasattr(os, "pread"):
                part = os.pread(self._file.fileno(), length, start)
            else:  # Windows
                with self._lock:
                    self._file.seek(start)
                    part = self._file.read(length)
            if not part:
                raise OSError("a temporary file was cut short")
            parts.append(part)
            start, length = start + len(part), length - len(part)
        return b"".join(parts)


class Stacked:
    """Rows, and others below them."""

    def __init__(self, first: Array, second: Array) -> None:
        self._first, self._second = first, second

    @property
    def shape(self) -> tuple[int, ...]:
        """See `Rows.shape`."""
        return (len(self), *self._first.shape[1:])

    @property
    def dtype(self) -> Any:
        """See `Rows.dtype`."""
        return self._first.dtype

    def __len__(self) -> int:
        return len(self._first) + len(self._second)

    def __getitem__(self, rows: slice | NDArray[Any], /) -> NDArray[Any]:
        """See `Rows`."""
        numbers, n = np.arange(len(self))[rows], len(self._first)
        out = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        upper = numbers < n
        out[upper], out[~upper] = self._first[numbers[upper]], self._second[numbers[~upper] - n]
        return out

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all rows."""
        found = self[:]
        return found if dtype is None else found.astype(dtype, copy=False)
