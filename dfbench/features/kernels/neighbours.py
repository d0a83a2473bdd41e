"""Compiled kernel of the `neighbours` extractor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int16, int32, uint32, uint64
from numpy.typing import NDArray

from dfbench.jit import kernel


@kernel
def compared(
    planes: NDArray[Any], lines: NDArray[Any], counts: NDArray[Any], products: NDArray[Any]
) -> None:
    """Count the differences within all 2x2 cells of the four grids.

    planes: uint8 (C, H, W); lines: int16 (3, a multiple of 4, W or more), work space. counts:
    uint32 (4, C, 3, 511), the histograms of the differences (plus 255) of the right, the lower and
    the diagonal pixel from the upper left one, by phase of the grid (``2 * (y % 2) + x % 2`` of the
    upper left pixel). products: int64 (4, C, 3), sums of the products right-lower, right-diagonal,
    lower-diagonal.
    """
    channels, height, width = planes.shape
    counts[:] = 0
    products[:] = 0
    # neighbours are often alike: adding to one counter twice in a row would wait for itself
    spare = np.zeros_like(counts)
    size = width - 1
    right, lower, diagonal = lines[0], lines[1], lines[2]
    # two neighbours a word, so that even and odd places are told apart without steps of two
    rights, lowers, diagonals = right.view(np.int32), lower.view(np.int32), diagonal.view(np.int32)
    words = lines.view(np.uint64)
    low, half = uint64(0xFFFF), int32(16)
    for channel in range(channels):
        for y in range(height - 1):
            upper, under = planes[channel, y], planes[channel, y + 1]
            for x in range(size):
                right[x] = int16(upper[x + 1]) - int16(upper[x])
            for x in range(size):
                lower[x] = int16(under[x]) - int16(upper[x])
            for x in range(size):
                diagonal[x] = int16(under[x + 1]) - int16(upper[x])
            right[size:] = 0
            lower[size:] = 0
            diagonal[size:] = 0
            phase = 2 * (y & 1)
            # sums of 2**14 products fit 32 bits
            for start in range(0, rights.size, 1 << 14):
                stop = min(rights.size, start + (1 << 14))
                a, b, c = rights[start:stop], lowers[start:stop], diagonals[start:stop]
                s0, s1, s2 = int32(0), int32(0), int32(0)
                t0, t1, t2 = int32(0), int32(0), int32(0)
                for x in range(a.size):
                    r, v, d = int32(a[x] >> half), int32(b[x] >> half), int32(c[x] >> half)
                    t0 = int32(t0 + r * v)
                    t1 = int32(t1 + r * d)
                    t2 = int32(t2 + v * d)
                    r, v, d = int32(int16(a[x])), int32(int16(b[x])), int32(int16(c[x]))
                    s0 = int32(s0 + r * v)
                    s1 = int32(s1 + r * d)
                    s2 = int32(s2 + v * d)
                products[phase, channel, 0] += s0
                products[phase, channel, 1] += s1
                products[phase, channel, 2] += s2
                products[phase + 1, channel, 0] += t0
                products[phase + 1, channel, 1] += t1
                products[phase + 1, channel, 2] += t2
            for position in range(3):
                even = counts[phase, channel, position]
                odds = counts[phase + 1, channel, position]
                other_even = spare[phase, channel, position]
                other_odds = spare[phase + 1, channel, position]
                line = lines[position]
                for x in range(size):
                    line[x] += int16(255)
                for i in range(size // 4):
                    word = words[position, i]
                    even[word & low] += uint32(1)
                    odds[(word >> uint64(16)) & low] += uint32(1)
                    other_even[(word >> uint64(32)) & low] += uint32(1)
                    other_odds[word >> uint64(48)] += uint32(1)
                for x in range(size - size % 4, size):
                    if x & 1:
                        odds[line[x]] += uint32(1)
                    else:
                        even[line[x]] += uint32(1)
    counts += spare
