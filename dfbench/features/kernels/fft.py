"""Compiled kernels of the `fft` extractor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import float32
from numpy.typing import NDArray

from dfbench.features.kernels.logarithm import logarithms
from dfbench.jit import kernel

Array = NDArray[Any]


@kernel
def windowed(plane: Array, across: Array, down: Array, out: Array) -> None:
    """Fill ``out`` with (plane - its weighted mean) * weights, the weights being down x across.

    plane: uint8 (H, W); across: float32 (W,); down: float32 (H,); out: float32 (H, W).
    """
    height, width = out.shape
    columns = np.zeros(width, np.float32)
    for y in range(height):
        source = plane[y]
        factor = down[y]
        for x in range(width):
            columns[x] += factor * float32(source[x])
    total = 0.0
    weight = 0.0
    for x in range(width):
        total += columns[x] * across[x]
        weight += across[x]
    mean = float32(total / (weight * down.sum()))
    for y in range(height):
        row = out[y]
        source = plane[y]
        factor = down[y]
        for x in range(width):
            row[x] = (float32(source[x]) - mean) * (across[x] * factor)


@kernel
def unpacked(packed: Array, power: Array) -> None:
    """Squared magnitudes of the half spectrum from OpenCV's packed format of a real DFT.

    packed: float32 (H, W), as cv2.dft gives it; power: float32 (H, W // 2 + 1), filled.
    """
    height, width = packed.shape
    last = width // 2
    for y in range(height):
        row = packed[y]
        out = power[y]
        for x in range(1, (width + 1) // 2):
            out[x] = row[2 * x - 1] * row[2 * x - 1] + row[2 * x] * row[2 * x]
    for edge in range(1 if width % 2 else 2):
        at, to = (0, 0) if edge == 0 else (width - 1, last)
        power[0, to] = packed[0, at] * packed[0, at]
        for y in range(1, (height + 1) // 2):
            real = packed[2 * y - 1, at]
            imaginary = packed[2 * y, at]
            power[y, to] = real * real + imaginary * imaginary
            power[height - y, to] = power[y, to]
        if height % 2 == 0:
            power[height // 2, to] = packed[height - 1, at] * packed[height - 1, at]


@kernel
def summed(
    power: Array, width: int, scale: np.float32, floor: np.float32, bins: Array, sums: Array
) -> None:
    """Add up log(power * scale + floor) of the whole spectrum by bins.

    power: float32 (H, width // 2 + 1), half a spectrum; bins: uint16 (H // 2 + 1, width // 2 + 1),
    the bin of each frequency; sums: float64 (4, all bins), zeros, of which the first becomes the
    sum. One logarithm serves rows y and H - y, which lie in the same bins: it is taken of the
    product (at most 1e26 for 100 megapixels). Columns take turns with four tables, so that
    neighbours of one bin need not wait for each other.
    """
    height, half = power.shape
    product = np.empty(half, np.float32)
    bits = product.view(np.int32)
    log = np.empty(half, np.float32)
    inner = (width + 1) // 2
    one, two, three, four = sums[0], sums[1], sums[2], sums[3]
    for y in range(height // 2 + 1):
        other = (height - y) % height
        first = power[y]
        second = power[other]
        for x in range(half):
            product[x] = first[x] * scale + floor
        # columns 0 and W/2 are their own mirror images: there rows y and H - y are equal
        for x in range(1, inner):
            product[x] *= second[x] * scale + floor
        logarithms(product, bits, log)
        weight = 1.0 if other == y else 2.0
        row = bins[y]
        for x in range(0, half - 3, 4):
            one[row[x]] += weight * log[x]
            two[row[x + 1]] += weight * log[x + 1]
            three[row[x + 2]] += weight * log[x + 2]
            four[row[x + 3]] += weight * log[x + 3]
        for x in range(half - half % 4, half):
            one[row[x]] += weight * log[x]
    for i in range(one.size):
        one[i] += two[i] + three[i] + four[i]
