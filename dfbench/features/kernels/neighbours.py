"""Compiled kernel of the `neighbours` extractor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.jit import kernel


@kernel
def compared(planes: NDArray[Any], counts: NDArray[Any], products: NDArray[Any]) -> None:
    """Count the differences within all 2x2 cells of the four grids.

    planes: uint8 (C, H, W). counts: uint32 (4, C, 3, 511), the histograms of the differences
    (plus 255) of the right, the lower and the diagonal pixel from the upper left one, by phase of
    the grid (``2 * (y % 2) + x % 2`` of the upper left pixel). products: int64 (4, C, 3), sums of
    the products right-lower, right-diagonal, lower-diagonal.
    """
    channels, height, width = planes.shape
    counts[:] = 0
    products[:] = 0
    for channel in range(channels):
        for y in range(height - 1):
            upper, under = planes[channel, y], planes[channel, y + 1]
            for odd in range(2):
                phase = 2 * (y & 1) + odd
                table = counts[phase, channel]
                right_lower, right_diagonal, lower_diagonal = np.int64(0), np.int64(0), np.int64(0)
                for x in range(odd, width - 1, 2):
                    first = np.int64(upper[x])
                    right = np.int64(upper[x + 1]) - first
                    lower = np.int64(under[x]) - first
                    diagonal = np.int64(under[x + 1]) - first
                    table[0, right + 255] += np.uint32(1)
                    table[1, lower + 255] += np.uint32(1)
                    table[2, diagonal + 255] += np.uint32(1)
                    right_lower += right * lower
                    right_diagonal += right * diagonal
                    lower_diagonal += lower * diagonal
                products[phase, channel, 0] += right_lower
                products[phase, channel, 1] += right_diagonal
                products[phase, channel, 2] += lower_diagonal
