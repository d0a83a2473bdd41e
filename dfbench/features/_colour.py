"""Compiled kernel of the `hsv` extractor."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from dfbench.features._jit import kernel


@kernel
def tallied(pixels: NDArray[Any], counts: NDArray[Any]) -> None:
    """Count the values of three channels.

    pixels: uint8 (n, 3); counts: uint32 (4, 3, 256), added to. Pixels take turns with four tables,
    so that equal neighbours need not wait for each other; the counts are the tables' sum.
    """
    n = pixels.shape[0]
    for i in range(0, n - 3, 4):
        for turn in range(4):
            counts[turn, 0, pixels[i + turn, 0]] += 1
            counts[turn, 1, pixels[i + turn, 1]] += 1
            counts[turn, 2, pixels[i + turn, 2]] += 1
    for i in range(n - n % 4, n):
        for channel in range(3):
            counts[0, channel, pixels[i, channel]] += 1
