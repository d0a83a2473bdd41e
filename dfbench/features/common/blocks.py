"""What extractors of block cosine transforms share."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FLOOR = 1 / 12
"""Energy of the rounding to whole grey levels, which every coefficient has."""


@lru_cache(maxsize=8)
def basis(block: int) -> NDArray[np.float64]:
    """Rows of the orthonormal DCT-II, shape (block, block)."""
    k, x = np.arange(block)[:, None], np.arange(block)[None]
    rows = np.sqrt(2 / block) * np.cos(np.pi * (x + 0.5) * k / block)
    rows[0] = np.sqrt(1 / block)
    return np.ascontiguousarray(rows, np.float64)


def one_block_at_least(values: NDArray[np.uint8], block: int) -> NDArray[np.uint8]:
    """Extend planes (C, H, W) to one block, by repeating the last row or column."""
    missing = [(0, max(0, block - side)) for side in values.shape[1:]]
    if not any(more for _, more in missing):
        return values
    return np.pad(values, [(0, 0), *missing], mode="edge")
