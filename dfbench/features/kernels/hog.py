"""Compiled kernels of the `hog` extractor."""

from __future__ import annotations

import math
from typing import Any

from numba import float64, int32
from numpy.typing import NDArray

from dfbench.jit import kernel


@kernel
def oriented(
    planes: NDArray[Any],
    table: NDArray[Any],
    of_row: NDArray[Any],
    of_column: NDArray[Any],
    lines: NDArray[Any],
    lengths: NDArray[Any],
    sums: NDArray[Any],
) -> None:
    """Add to ``sums`` the gradients' lengths by cell and orientation.

    planes: uint8 (C, H, W); table: uint8 (511 * 511,), the orientation of each gradient; of_row
    and of_column: int64, the cell of each; lines: int32 (3, W) and lengths: float64 (W,), work
    space; sums: float64 (cells, cells, orientations), zeros. Of several channels the one with the
    longest gradient counts (the first of equals).
    """
    channels, height, width = planes.shape
    longest, place, down = lines[0], lines[1], lines[2]
    for y in range(height):
        longest[:] = 0
        for channel in range(channels):
            here = planes[channel, y]
            if 0 < y < height - 1:
                above, below = planes[channel, y - 1], planes[channel, y + 1]
                for x in range(width):
                    down[x] = int32(below[x]) - int32(above[x])
            else:
                down[:] = 0
            if channel == 0:
                for x in range(1, width - 1):
                    dx = int32(int32(here[x + 1]) - int32(here[x - 1]))
                    longest[x] = int32(down[x] * down[x] + dx * dx)
                    place[x] = int32((down[x] + 255) * 511 + dx + 255)
                for x in (0, width - 1):
                    longest[x] = down[x] * down[x]
                    place[x] = (down[x] + 255) * 511 + 255
                continue
            for x in range(width):
                dx = 0
                if 0 < x < width - 1:
                    dx = int32(here[x + 1]) - int32(here[x - 1])
                square = down[x] * down[x] + dx * dx
                if square > longest[x]:
                    longest[x] = square
                    place[x] = (down[x] + 255) * 511 + dx + 255
        for x in range(width):
            lengths[x] = math.sqrt(float64(longest[x]))
        row = sums[of_row[y]]
        for x in range(width):
            if longest[x] > 0:
                row[of_column[x], table[place[x]]] += lengths[x]
