"""Radial bins of an image's spectrum, in cycles per pixel, so that all sizes share them."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HIGHEST = float(np.sqrt(0.5))
"""Radial frequency of the spectrum's corners, in cycles per pixel."""

FLOOR = 1 / 12
"""Power of the rounding to whole grey levels: below it nothing is measured."""


class Grid(NamedTuple):
    """What depends on size and parameters alone.

    Attributes
    ----------
    across, down
        The window along each side, shapes (W,) and (H,).
    scale
        What makes squared magnitudes powers: 1 by the sum of the squared window.
    bins
        Bin of each frequency of half the spectrum, shape (H // 2 + 1, W // 2 + 1); rows y and
        H - y share theirs. The constant term has a bin of its own, the last.
    counts
        Frequencies of the whole spectrum by bin, without that of the constant.
    smooth
        Whether OpenCV's transform is fast and exact for both sides.
    """

    across: NDArray[np.float32]
    down: NDArray[np.float32]
    scale: np.float32
    bins: NDArray[np.uint16]
    counts: NDArray[np.float64]
    smooth: bool


@lru_cache(maxsize=32)
def grid(height: int, width: int, bins: int, window: str) -> Grid:
    """Bin i holds the frequencies with ``floor(bins * r / sqrt(1/2)) = i``; the corner the last.

    ``window`` is ``"hann"`` or ``"none"``.
    """
    sides = []
    for size in (width, height):
        # without the zeros at both ends, so that a side of one pixel keeps its pixel
        sides.append(np.hanning(size + 2)[1:-1] if window == "hann" else np.ones(size))
    across, down = sides
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    index = np.minimum((bins * np.hypot(fy, fx) / HIGHEST).astype(np.int64), bins - 1)
    index[0, 0] = bins
    weight = np.full(index.shape, 2.0)
    weight[:, 0] = 1
    if width % 2 == 0:
        weight[:, -1] = 1
    counts = np.bincount(index.ravel(), weight.ravel(), minlength=bins + 1).astype(np.float64)
    return Grid(
        across.astype(np.float32),
        down.astype(np.float32),
        np.float32(1 / ((across**2).sum() * (down**2).sum())),
        index[: height // 2 + 1].astype(np.uint16),
        counts[:bins],
        _smooth(height) and _smooth(width),
    )


def middles(bins: int) -> list[str]:
    """Middle of each bin, in cycles per pixel, with as many digits as tell them apart."""
    digits = 4 if bins <= 256 else 5
    return [f"{(i + 0.5) * (HIGHEST / bins):.{digits}f}" for i in range(bins)]


def by_bin(
    values: NDArray[np.float64], counts: NDArray[np.float64], nothing: float
) -> NDArray[np.float64]:
    """Interpolate what empty bins lack, along the last axis; ``nothing`` where all are empty."""
    held = counts > 0
    if held.all():
        return values
    if not held.any():  # one pixel: no frequency but the constant
        return np.full(values.shape, nothing)
    at = np.arange(len(counts))
    rows = values.reshape(-1, len(counts))
    filled = [np.interp(at, at[held], row[held]) for row in rows]
    return np.array(filled).reshape(values.shape)


def _smooth(size: int) -> bool:
    for prime in (2, 3, 5):
        while size % prime == 0:
            size //= prime
    return size == 1
