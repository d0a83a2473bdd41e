"""Rows that lie on disk and are read by block: no more of them is held than is worked on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

BLOCK = 32 << 20
"""Bytes of a block, unless a single row is larger."""


@runtime_checkable
class Rows(Protocol):
    """What is asked for rows like an array, and reads those alone."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array that all rows would make; the first axis counts them."""

    @property
    def dtype(self) -> Any:
        """Type of its values."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice | NDArray[Any], /) -> NDArray[Any]:
        """Read rows by slice, numbers or mask, as an array that can be written to."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all rows."""


class Chosen:
    """Some rows of others, in an order of their own; they are read when they are asked for.

    Parameters
    ----------
    X
        What they are of.
    places
        Their numbers there, shape (n,).
    """

    def __init__(self, X: Rows | NDArray[Any], places: NDArray[Any]) -> None:
        self._X, self._places = X, places

    @property
    def shape(self) -> tuple[int, ...]:
        """See `Rows.shape`."""
        return (len(self._places), *self._X.shape[1:])

    @property
    def dtype(self) -> Any:
        """See `Rows.dtype`."""
        return self._X.dtype

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, rows: slice | NDArray[Any], /) -> NDArray[Any]:
        """See `Rows`."""
        found: NDArray[Any] = self._X[self._places[rows]]
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all rows."""
        found = self[:]
        return found if dtype is None else found.astype(dtype, copy=False)


class Stacked:
    """Rows of several, one below the other; they are read when they are asked for.

    Parameters
    ----------
    parts
        Of equal width and type.
    """

    def __init__(self, parts: Sequence[Rows]) -> None:
        self._parts = list(parts)
        self._ends = np.cumsum([len(part) for part in self._parts])
        kinds = {(np.dtype(part.dtype), part.shape[1:]) for part in self._parts}
        if len(kinds) != 1:
            raise ValueError(f"rows of unlike kinds: {kinds}")

    @property
    def shape(self) -> tuple[int, ...]:
        """See `Rows.shape`."""
        return (len(self), *self._parts[0].shape[1:])

    @property
    def dtype(self) -> Any:
        """See `Rows.dtype`."""
        return self._parts[0].dtype

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, rows: slice | NDArray[Any], /) -> NDArray[Any]:
        """See `Rows`."""
        places = np.arange(len(self))[rows]
        which = np.searchsorted(self._ends, places, side="right")
        found = np.empty((len(places), *self.shape[1:]), self.dtype)
        for number, part in enumerate(self._parts):
            own = which == number
            if own.any():
                found[own] = part[places[own] - (self._ends[number] - len(part))]
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all rows."""
        found = self[:]
        return found if dtype is None else found.astype(dtype, copy=False)

    def fingerprint(self) -> str:
        """Hash of the parts."""
        own = "".join(fingerprint(part) for part in self._parts)
        return hashlib.sha256(own.encode()).hexdigest()


def stacked(parts: Sequence[Rows | NDArray[Any]]) -> Rows | NDArray[Any]:
    """Put rows of several below each other, on disk where they are there."""
    if len(parts) == 1:
        return parts[0]
    on_disk = [part for part in parts if not isinstance(part, np.ndarray)]
    if len(on_disk) == len(parts):
        return Stacked(on_disk)
    found: NDArray[Any] = np.concatenate([np.asarray(part) for part in parts])
    return found


def blocks(X: Rows | NDArray[Any], size: int = BLOCK) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Give the rows block by block, each with its place; of an array, views.

    Parameters
    ----------
    X
        Shape (n, ...).
    size
        Bytes of a block; a block has one row at least.
    """
    step = max(1, size // max(1, row_bytes(X)))
    for start in range(0, len(X), step):
        place = slice(start, min(start + step, len(X)))
        yield place, X[place]


def row_bytes(X: Rows | NDArray[Any]) -> int:
    """Give the bytes of a row."""
    width: int = X.dtype.itemsize
    for length in X.shape[1:]:
        width *= length
    return width


def fingerprint(X: Rows | NDArray[Any]) -> str:
    """Hash an array by its content; rows on disk by what they are, where they can say it."""
    own = getattr(X, "fingerprint", None)
    if own is not None:
        told: str = own()
        return told
    content = hashlib.sha256()
    for _, block in blocks(X):
        content.update(np.ascontiguousarray(block).data)
    header = f"{np.dtype(X.dtype).str}{tuple(X.shape)}".encode()
    return hashlib.sha256(header + content.digest()).hexdigest()
