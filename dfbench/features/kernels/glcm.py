"""Compiled kernels of the `glcm` extractor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.jit import kernel


@kernel
def quantised(plane: NDArray[Any], levels: int, out: NDArray[Any]) -> None:
    """Fill ``out`` (uint8, (H, W)) with ``floor(plane * levels / 256)``."""
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            out[y, x] = (np.uint32(plane[y, x]) * np.uint32(levels)) >> np.uint32(8)


@kernel
def counted(plane: NDArray[Any], down: int, right: int, levels: int, counts: NDArray[Any]) -> None:
    """Fill ``counts`` with the co-occurrences of pixels (y, x) and (y + down, x + right).

    plane: uint8 (H, W), values below ``levels``; down: 0 or more; counts: uint32
    (4, levels * levels), of which the first becomes the sum. Pixels take turns with four tables,
    so that equal neighbours need not wait for each other.
    """
    height, width = plane.shape
    first, last = max(0, -right), min(width, width - right)
    counts[:] = 0
    if first >= last:
        return
    wide = np.uint32(levels)
    one, two, three = counts[1], counts[2], counts[3]
    for y in range(height - down):
        here = plane[y, first:last]
        there = plane[y + down, first + right : last + right]
        for x in range(0, here.size - 3, 4):
            counts[0, here[x] * wide + there[x]] += np.uint32(1)
            one[here[x + 1] * wide + there[x + 1]] += np.uint32(1)
            two[here[x + 2] * wide + there[x + 2]] += np.uint32(1)
            three[here[x + 3] * wide + there[x + 3]] += np.uint32(1)
        for x in range(here.size - here.size % 4, here.size):
            counts[0, here[x] * wide + there[x]] += np.uint32(1)
    for place in range(counts.shape[1]):
        counts[0, place] += counts[1, place] + counts[2, place] + counts[3, place]


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
