"""Compiled kernel of the `neighbours` extractor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.jit import kernel


@kernel
def compared(pixels: NDArray[Any], counts: NDArray[Any], products: NDArray[Any]) -> None:
    """Count the differences within all 2x2 cells of the four grids.

    pixels: uint8 (H, W, C). counts: uint32 (4, C, 3, 511), the histograms of the differences
    (plus 255) of the right, the lower and the diagonal pixel from the upper left one, by phase of
    the grid (``2 * (y % 2) + x % 2`` of the upper left pixel). products: int64 (4, C, 3), sums of
    the products right-lower, right-diagonal, lower-diagonal.
    """
    height, width, channels = pixels.shape
    counts[:] = 0
    products[:] = 0
    for y in range(height - 1):
        for odd in range(2):
            phase = 2 * (y & 1) + odd
            for channel in range(channels):
                table = counts[phase, channel]
                right_lower, right_diagonal, lower_diagonal = np.int64(0), np.int64(0), np.int64(0)
                for x in range(odd, width - 1, 2):
                    first = np.int64(pixels[y, x, channel])
                    right = np.int64(pixels[y, x + 1, channel]) - first
                    lower = np.int64(pixels[y + 1, x, channel]) - first
                    diagonal = np.int64(pixels[y + 1, x + 1, channel]) - first
                    table[0, right + 255] += np.uint32(1)
                    table[1, lower + 255] += np.uint32(1)
                    table[2, diagonal + 255] += np.uint32(1)
                    right_lower += right * lower
                    right_diagonal += right * diagonal
                    lower_diagonal += lower * diagonal
                products[phase, channel, 0] += right_lower
                products[phase, channel, 1] += right_diagonal
                products[phase, channel, 2] += lower_diagonal
