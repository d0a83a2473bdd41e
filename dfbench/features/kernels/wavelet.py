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
def analysed(
    signal: NDArray[Any],
    low: NDArray[Any],
    high: NDArray[Any],
    padded: NDArray[Any],
    across: NDArray[Any],
    bands: NDArray[Any],
) -> None:
    """Fill ``bands`` with one level of the wavelet transform: approximation, H, V, D.

    signal: float32 (H, W); low, high: float32 (taps,), decomposition filters; padded: float32
    (W + 2 * taps,) and across: float32 (2, H, w), work space; bands: float32 (4, h, w), with
    h = (H + taps - 1) // 2 and w likewise.
    """
    height, width = signal.shape
    taps = low.size
    rows, columns = bands.shape[1], bands.shape[2]
    for y in range(height):
        for x in range(taps):
            padded[x] = signal[y, reflected(x - taps, width)]
            padded[taps + width + x] = signal[y, reflected(width + x, width)]
        for x in range(width):
            padded[taps + x] = signal[y, x]
        across[0, y, :] = 0
        across[1, y, :] = 0
        for tap in range(taps):
            start = taps + 1 - tap
            for x in range(columns):
                value = padded[start + 2 * x]
                across[0, y, x] += low[tap] * value
                across[1, y, x] += high[tap] * value
    bands[:] = 0
    for y in range(rows):
        for tap in range(taps):
            row = reflected(2 * y + 1 - tap, height)
            for x in range(columns):
                bands[0, y, x] += low[tap] * across[0, row, x]
                bands[1, y, x] += high[tap] * across[0, row, x]
                bands[2, y, x] += low[tap] * across[1, row, x]
                bands[3, y, x] += high[tap] * across[1, row, x]


@kernel
def moments(band: NDArray[Any], out: NDArray[Any]) -> None:
    """Fill ``out`` with mean absolute value, mean square and the central moments 2, 3 and 4.

    band: float32 (h, w); out: float64 (5,).
    """
    height, width = band.shape
    n = height * width
    total, absolute, square = 0.0, 0.0, 0.0
    for y in range(height):
        for x in range(width):
            value = np.float64(band[y, x])
            total += value
            absolute += abs(value)
            square += value * value
    mean = total / n
    second, third, fourth = 0.0, 0.0, 0.0
    for y in range(height):
        for x in range(width):
            value = np.float64(band[y, x]) - mean
            power = value * value
            second += power
            third += power * value
            fourth += power * power
    out[0] = absolute / n
    out[1] = square / n
    out[2] = second / n
    out[3] = third / n
    out[4] = fourth / n
