"""Compiled kernels of the `hog` extractor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.jit import kernel


@kernel
def oriented(
    planes: NDArray[Any],
    table: NDArray[Any],
    of_row: NDArray[Any],
    of_column: NDArray[Any],
    sums: NDArray[Any],
) -> None:
    """Add to ``sums`` the gradients' lengths by cell and orientation.

    planes: uint8 (C, H, W); table: uint8 (511, 511), the orientation of each gradient; of_row
    and of_column: int64, the cell of each; sums: float64 (cells, cells, orientations), zeros. Of
    several channels the one with the longest gradient counts (the first of equals).
    """
    channels, height, width = planes.shape
    for y in range(height):
        down = 0 < y < height - 1
        for x in range(width):
            across = 0 < x < width - 1
            longest, place_y, place_x = np.int64(0), np.int64(0), np.int64(0)
            for channel in range(channels):
                dy, dx = np.int64(0), np.int64(0)
                if down:
                    dy = np.int64(planes[channel, y + 1, x]) - np.int64(planes[channel, y - 1, x])
                if across:
                    dx = np.int64(planes[channel, y, x + 1]) - np.int64(planes[channel, y, x - 1])
                square = dy * dy + dx * dx
                if square > longest:
                    longest, place_y, place_x = square, dy, dx
            if longest > 0:
                orientation = table[place_y + 255, place_x + 255]
                sums[of_row[y], of_column[x], orientation] += math.sqrt(longest)
