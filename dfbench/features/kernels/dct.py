"""Compiled kernels of the `dct` extractor; `zones` transforms blocks too."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import float64
from numpy.typing import NDArray

from dfbench.features.kernels.logarithm import logarithms
from dfbench.jit import kernel

Array = NDArray[Any]


@kernel
def transformed(plane: Array, top: int, basis: Array, half: Array, out: Array) -> None:
    """Transform the blocks of the band of rows that begins at ``top``.

    plane: uint8 (H, W); basis: float64 (B, B), a row a frequency; half: float64
    (B * B * (W // B),), overwritten; out: the same shape, filled: coefficient (u, v) of block b at
    ``(u * B + v) * (W // B) + b``. The blocks lie side by side, so that all loops run over them in
    vectors.
    """
    size = basis.shape[0]
    across = plane.shape[1] // size
    row = size * across
    for y in range(size):
        line = plane[top + y]
        for j in range(size):
            to = out[y * row + j * across : y * row + (j + 1) * across]
            for b in range(across):
                to[b] = line[b * size + j]
    for u in range(size):  # down the columns
        to = half[u * row : (u + 1) * row]
        to[:] = 0.0
        for y in range(size):
            factor = basis[u, y]
            source = out[y * row : (y + 1) * row]
            for i in range(row):
                to[i] += factor * source[i]
    for u in range(size):  # along the rows
        for v in range(size):
            to = out[u * row + v * across : u * row + (v + 1) * across]
            to[:] = 0.0
            for j in range(size):
                factor = basis[v, j]
                source = half[u * row + j * across : u * row + (j + 1) * across]
                for b in range(across):
                    to[b] += factor * source[b]


@kernel
def moments(
    plane: Array, basis: Array, floor: float, work: Array, single: Array, out: Array
) -> None:
    """Add up over the blocks what the statistics of each DCT coefficient c need.

    plane: uint8 (H, W); basis: float64 (B, B), a row a frequency; work: float64
    (6, B * B * (W // B)) and single: float32 (2, the same), both overwritten; out: float64
    (4, B * B), filled with the sums of l, l^2, c^2 and c^4, where l = ln(c^2 + floor).
    """
    size = basis.shape[0]
    across = plane.shape[1] // size
    row = size * across
    block, half = work[0], work[1]
    sums = work[2:]
    sums[:] = 0.0
    energy, log = single[0], single[1]
    bits = energy.view(np.int32)
    for top in range(0, plane.shape[0] - size + 1, size):
        transformed(plane, top, basis, half, block)
        for i in range(size * row):
            square = block[i] * block[i]
            sums[2, i] += square
            sums[3, i] += square * square
            energy[i] = square + floor
        logarithms(energy, bits, log)
        for i in range(size * row):
            value = float64(log[i])
            sums[0, i] += value
            sums[1, i] += value * value
    for s in range(4):
        for k in range(size * size):
            total = 0.0
            for b in range(across):
                total += sums[s, k * across + b]
            out[s, k] = total
