"""Compiled kernel of the `hsv` extractor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.jit import kernel


@kernel
def binned(
    pixels: NDArray[Any], places: NDArray[Any], counts: NDArray[Any], out: NDArray[Any]
) -> None:
    """Fill ``out`` with the histograms of three channels, as parts of all values.

    pixels: uint8 (n, 3); places: int64 (3, 256), the bin of each value; counts: uint32
    (4, 3, 256), work space; out: float32 (all bins,). Pixels take turns with four tables, so that
    equal neighbours need not wait for each other.
    """
    counts[:] = 0
    n = pixels.shape[0]
    for i in range(0, n - 3, 4):
        for turn in range(4):
            counts[turn, 0, pixels[i + turn, 0]] += 1
            counts[turn, 1, pixels[i + turn, 1]] += 1
            counts[turn, 2, pixels[i + turn, 2]] += 1
    for i in range(n - n % 4, n):
        for channel in range(3):
            counts[0, channel, pixels[i, channel]] += 1
    sums = np.zeros(out.size, np.int64)
    for turn in range(4):
        for channel in range(3):
            for value in range(256):
                sums[places[channel, value]] += counts[turn, channel, value]
    for i in range(out.size):
        out[i] = sums[i] / (3 * n)
