"""Compiled kernel of the `zones` extractor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import float64
from numpy.typing import NDArray

from dfbench.features.kernels.dct import transformed
from dfbench.features.kernels.logarithm import logarithms
from dfbench.jit import kernel

Array = NDArray[Any]


@kernel
def summed(
    plane: Array,
    basis: Array,
    floor: float,
    zones: Array,
    work: Array,
    single: Array,
    sums: Array,
) -> None:
    """Add up ln(c^2 + floor) of each DCT coefficient c over the blocks of each zone.

    plane: uint8 (H, W); basis: float64 (B, B), a row a frequency; zones: uint8 (H // B, W // B),
    the zone of each block; work: float64 (2, B * B * (W // B)) and single: float32 (2, the same),
    both overwritten; sums: float64 (all zones, B * B), filled.
    """
    size = basis.shape[0]
    down, across = zones.shape
    block, half = work[0], work[1]
    energy, log = single[0], single[1]
    bits = energy.view(np.int32)
    sums[:] = 0.0
    for band in range(down):
        transformed(plane, band * size, basis, half, block)
        for i in range(block.size):
            energy[i] = block[i] * block[i] + floor
        logarithms(energy, bits, log)
        places = zones[band]
        for k in range(size * size):
            for b in range(across):
                sums[places[b], k] += float64(log[k * across + b])
