"""Rows that lie on disk and are read by block: no more of them is held than is worked on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

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


def blocks(X: Rows | NDArray[Any], size: int = BLOCK) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Give the rows block by block, each with its place; of an array, views.

    Parameters
    ----------
    X
        Shape (n, ...).
    size
        Bytes of a block; a block has one row at least.
    """
    width = X.dtype.itemsize
    for length in X.shape[1:]:
        width *= length
    step = max(1, size // max(1, width))
    for start in range(0, len(X), step):
        place = slice(start, min(start + step, len(X)))
        yield place, X[place]
