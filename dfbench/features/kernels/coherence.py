"""Compiled kernel of the `coherence` extractor."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from dfbench.jit import kernel

Array = NDArray[Any]


@kernel
def crossed(spectra: Array, width: int, bins: Array, sums: Array) -> None:
    """Add up powers and products of three spectra over the whole spectrum, by bins.

    spectra: float32 (3, H, width // 2 + 1, 2), half spectra, real and imaginary parts; bins: uint16
    (H // 2 + 1, width // 2 + 1), rows y and H - y share theirs; sums: float64 (6, all bins),
    filled: the power of each, then the real part of the first times the second, the first times
    the third and the second times the third, the latter of each conjugated.
    """
    height, half = spectra.shape[1], spectra.shape[2]
    inner = (width + 1) // 2
    sums[:] = 0.0
    for y in range(height):
        row = bins[min(y, height - y)]
        a, b, c = spectra[0, y], spectra[1, y], spectra[2, y]
        for x in range(half):
            # a column between the first and the middle one stands for its mirror image too
            weight = 2.0 if 0 < x < inner else 1.0
            k = row[x]
            ar, ai, br, bi, cr, ci = a[x, 0], a[x, 1], b[x, 0], b[x, 1], c[x, 0], c[x, 1]
            sums[0, k] += weight * (ar * ar + ai * ai)
            sums[1, k] += weight * (br * br + bi * bi)
            sums[2, k] += weight * (cr * cr + ci * ci)
            sums[3, k] += weight * (ar * br + ai * bi)
            sums[4, k] += weight * (ar * cr + ai * ci)
            sums[5, k] += weight * (br * cr + bi * ci)
