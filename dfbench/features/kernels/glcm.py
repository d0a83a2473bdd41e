"""Compiled kernels of the `glcm` extractor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import uint16, uint32, uint64
from numpy.typing import NDArray

from dfbench.jit import kernel


@kernel
def quantised(plane: NDArray[Any], levels: int, out: NDArray[Any]) -> None:
    """Fill ``out`` (uint8, (H, W)) with ``floor(plane * levels / 256)``."""
    wide = uint16(levels)
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            out[y, x] = uint16(uint16(plane[y, x]) * wide) >> uint16(8)


@kernel
def counted(
    plane: NDArray[Any],
    down: int,
    right: int,
    levels: int,
    line: NDArray[Any],
    counts: NDArray[Any],
) -> None:
    """Fill ``counts`` with the co-occurrences of pixels (y, x) and (y + down, x + right).

    plane: uint8 (H, W), values below ``levels``; down: 0 or more; line: uint16, W or longer, a
    multiple of 4, work space; counts: uint32 (4, levels * levels), of which the first becomes the
    sum. Pixels take turns with four tables, so that equal neighbours need not wait for each other.
    """
    height, width = plane.shape
    first, last = max(0, -right), min(width, width - right)
    counts[:] = 0
    if first >= last:
        return
    wide, low = uint16(levels), uint64(0xFFFF)
    one, two, three, four = counts[0], counts[1], counts[2], counts[3]
    words = line.view(np.uint64)
    for y in range(height - down):
        here = plane[y, first:last]
        there = plane[y + down, first + right : last + right]
        for x in range(here.size):
            line[x] = uint16(uint16(here[x]) * wide) + uint16(there[x])
        for i in range(here.size // 4):
            word = words[i]
            one[word & low] += uint32(1)
            two[(word >> uint64(16)) & low] += uint32(1)
            three[(word >> uint64(32)) & low] += uint32(1)
            four[word >> uint64(48)] += uint32(1)
        for x in range(here.size - here.size % 4, here.size):
            one[line[x]] += uint32(1)
    for place in range(one.size):
        one[place] += two[place] + three[place] + four[place]


@kernel
def properties(counts: NDArray[Any], levels: int, out: NDArray[Any]) -> None:
    """Fill ``out`` with the properties of the symmetric matrix that ``counts`` gives.

    counts: uint32 (levels * levels,); out: float64 (6,), contrast, dissimilarity, homogeneity,
    energy, entropy, correlation.
    """
    total = 0
    for place in range(counts.size):
        total += counts[place]
    if total == 0:
        out[:5] = 0
        out[5] = 1
        return
    scale = 1 / (2 * total)
    contrast, dissimilarity, homogeneity = 0.0, 0.0, 0.0
    square, logs, mean, moment, product = 0.0, 0.0, 0.0, 0.0, 0.0
    lowest, highest = levels, 0
    for i in range(levels):
        for j in range(i + 1):
            # off the diagonal each entry stands twice
            both = np.int64(counts[i * levels + j]) + np.int64(counts[j * levels + i])
            if both == 0:
                continue
            lowest, highest = min(lowest, j), max(highest, i)
            part = both * scale
            weight = 2.0 if i != j else 1.0
            apart = i - j
            contrast += weight * part * apart * apart
            dissimilarity += weight * part * apart
            homogeneity += weight * part / (1 + apart * apart)
            square += weight * part * part
            logs += weight * part * math.log(part)
            mean += 0.5 * weight * part * (i + j)
            moment += 0.5 * weight * part * (i * i + j * j)
            product += weight * part * i * j
    out[0] = contrast
    out[1] = dissimilarity
    out[2] = homogeneity
    out[3] = math.sqrt(square)
    out[4] = -logs
    # of one level alone the variance is 0 but for rounding
    variance = moment - mean * mean
    out[5] = (product - mean * mean) / variance if lowest < highest else 1.0
