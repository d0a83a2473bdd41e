"""Features as models read them: float32, block by block, each value finite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError
from dfbench.models.rows import BLOCK, Rows, blocks, row_bytes

Features = NDArray[np.float32]
"""Shape (n, d), dtype float32."""
Vectors = NDArray[Any] | Rows
"""Features of many images, in memory or on disk; shape (n, d)."""


def checked(X: Vectors) -> Features:
    """Give all features as a contiguous array of float32.

    Raises
    ------
    DataError
        If the shape is not (n, d), or a value is not finite.
    """
    _check_shape(X)
    array = np.ascontiguousarray(X, dtype=np.float32)
    for place, block in blocks(array):
        _check_finite(block, place.start)
    return array


def checked_blocks(X: Vectors, size: int = BLOCK) -> Iterator[tuple[slice, Features]]:
    """Give features by block, each with its place; raises as `checked`."""
    _check_shape(X)
    for place, block in blocks(X, size):
        rows = np.ascontiguousarray(block, dtype=np.float32)
        _check_finite(rows, place.start)
        yield place, rows


def size_beside(X: Vectors, width: int, most: int) -> int:
    """Give the bytes of a block beside whose rows as many of ``width`` float64 take ``most``."""
    return row_bytes(X) * max(1, most // (8 * max(1, width)))


def _check_shape(X: Vectors) -> None:
    if len(X.shape) != 2:
        raise DataError(f"features must have shape (n, d), not {X.shape}")


def _check_finite(rows: Features, first: int) -> None:
    # a sum is finite only if all it sums are, and needs no second array
    if np.isfinite(rows.sum(dtype=np.float64)):
        return
    strange = np.argwhere(~np.isfinite(rows))
    if len(strange):
        row, column = strange[0]
        raise DataError(f"feature {column} of row {first + row} is not finite")
