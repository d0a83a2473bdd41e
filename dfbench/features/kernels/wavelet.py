"""Compiled kernels of the `wavelet` extractor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.jit import kernel


@kernel
def reflected(index: int, size: int) -> int:
    """Position in 0..size-1 of a sample of the half-sample symmetric extension."""
    index %= 2 * size
    return index if index < size else 2 * size - 1 - index


@kernel
def _add_two(first: NDArray[Any], second: NDArray[Any], a: Any, b: Any, out: NDArray[Any]) -> None:
    """Add a * first, then b * second to ``out``; rows of one length and dtype."""
    for x in range(out.size):
        out[x] = (out[x] + a * first[x]) + b * second[x]


@kernel
def analysed(
    signal: NDArray[Any],
    low: NDArray[Any],
    high: NDArray[Any],
    padded: NDArray[Any],
    across: NDArray[Any],
    bands: NDArray[Any],
) -> None:
    """Fill ``bands`` with one level of the wavelet transform: approximation, H, V, D.

    signal: float32 (H, W); low, high: float32 (taps,), decomposition filters, taps even; padded:
    float32 (2, W // 2 + taps + 1) and across: float32 (2, H, w), work space; bands: float32
    (4, h, w), with h = (H + taps - 1) // 2 and w likewise.
    """
    height, width = signal.shape
    taps = low.size
    rows, columns = bands.shape[1], bands.shape[2]
    even, odd = padded[0], padded[1]
    for y in range(height):
        source = signal[y]
        # places -taps .. W + taps - 1 of the extended row; those of one parity lie side by side
        for x in range(-taps, 0):
            padded[x & 1, (x + taps) // 2] = source[reflected(x, width)]
        for x in range(width, width + taps):
            padded[x & 1, (x + taps) // 2] = source[reflected(x, width)]
        first = taps // 2
        for x in range(width // 2):
            even[first + x] = source[2 * x]
            odd[first + x] = source[2 * x + 1]
        if width % 2:
            even[first + width // 2] = source[width - 1]
        across[:, y] = 0
        for tap in range(0, taps, 2):
            # places 2 x + 1 - tap and 2 x - tap
            start = (taps - tap) // 2
            one, two = odd[start : start + columns], even[start : start + columns]
            _add_two(one, two, low[tap], low[tap + 1], across[0, y])
            _add_two(one, two, high[tap], high[tap + 1], across[1, y])
    bands[:] = 0
    for y in range(rows):
        for tap in range(0, taps, 2):
            upper, lower = reflected(2 * y + 1 - tap, height), reflected(2 * y - tap, height)
            for side in range(2):
                one, two = across[side, upper], across[side, lower]
                _add_two(one, two, low[tap], low[tap + 1], bands[2 * side, y])
                _add_two(one, two, high[tap], high[tap + 1], bands[2 * side + 1, y])


@kernel
def moments(band: NDArray[Any], sums: NDArray[Any], out: NDArray[Any]) -> None:
    """Fill ``out`` with mean absolute value, mean square and the central moments 2, 3 and 4.

    band: float32 (h, w); sums: float64 (3, w), work space, in which rows are added to rows; out:
    float64 (5,).
    """
    height, width = band.shape
    n = height * width
    one, two, three = sums[0], sums[1], sums[2]
    sums[:] = 0
    for y in range(height):
        row = band[y]
        for x in range(width):
            value = np.float64(row[x])
            one[x] += value
            two[x] += abs(value)
            three[x] += value * value
    mean = one.sum() / n
    out[0] = two.sum() / n
    out[1] = three.sum() / n
    sums[:] = 0
    for y in range(height):
        row = band[y]
        for x in range(width):
            value = np.float64(row[x]) - mean
            power = value * value
            one[x] += power
            two[x] += power * value
            three[x] += power * power
    out[2] = one.sum() / n
    out[3] = two.sum() / n
    out[4] = three.sum() / n
