"""Local binary patterns: the fine texture, at several scales and in each channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.features.base import Extractor, Vectors
from dfbench.features.common.checks import rgb
from dfbench.features.common.colours import CHANNELS, planes
from dfbench.features.common.workspace import scratch
from dfbench.images import Image
from dfbench.parameters import Several


class LBP(Extractor):
    """Histograms of uniform local binary patterns, after Ojala et al. (2002).

    Each pixel is described by which of the points on a circle around it are at least as bright as
    itself (interpolated bilinearly; outside the image is 0). The histogram counts patterns with at
    most two changes along the circle by their number of ones, all others together: the codes of
    ``skimage.feature.local_binary_pattern``, pixel for pixel. Each histogram (one a channel and
    radius) sums to 1.

    Parameters
    ----------
    radii
        Radii of the circles in pixels.
    points
        Number of points on the circle.
    color
        ``"gray"`` (luma), ``"rgb"``, ``"hsv"`` or ``"ycrcb"``.
    method
        ``"uniform"``: rotation invariant, ``points + 2`` features a histogram.
        ``"nri_uniform"``: not rotation invariant, ``points * (points - 1) + 3`` features.

    Notes
    -----
    With 8 points, whole radii and ``"uniform"`` the compiled kernel works in vectors; anything
    else takes a plain one, some 40 times slower.

    References
    ----------
    T. Ojala, M. Pietikainen, T. Maenpaa, "Multiresolution gray-scale and rotation invariant
    texture classification with local binary patterns", IEEE TPAMI 24(7), 2002.
    """

    name = "lbp"
    references = ("ojala2002",)

    def __init__(
        self,
        radii: Several[Annotated[float, Field(ge=0.5, le=64)]] = (1, 2, 3),
        points: Annotated[int, Field(ge=4, le=24)] = 8,
        color: Literal["gray", "rgb", "hsv", "ycrcb"] = "gray",
        method: Literal["uniform", "nri_uniform"] = "uniform",
    ) -> None:
        self.radii = radii
        self.points = points
        self.color = color
        self.method = method

    def _parameters(self) -> tuple[tuple[float, ...], int, tuple[str, ...], bool]:
        self.check_params()
        radii = tuple(float(radius) for radius in self.radii)
        return radii, int(self.points), CHANNELS[self.color], self.method == "uniform"

    def transform(self, X: Sequence[Image]) -> Vectors:  # type: ignore[override]
        """Turn a batch of n images into features.

        Parameters
        ----------
        X
            RGB arrays of shape (H, W, 3) and dtype uint8, each of its own size.

        Returns
        -------
        ndarray of shape (n, channels * radii * bins), dtype float32
            In the order channel, radius, bin.

        Raises
        ------
        ParameterError
            If a parameter or an image is not what it must be.
        """
        from dfbench.features.kernels import lbp as kernels

        radii, points, channels, invariant = self._parameters()
        bins = _bins(points, invariant)
        fast = points == 8 and invariant
        out = np.empty((len(X), len(channels) * len(radii) * bins), np.float32)
        for row, image in zip(out, X, strict=True):
            values = planes(rgb(self.name, image), self.color)
            height, width = values.shape[1:]
            counts = np.zeros((len(channels), len(radii), bins), np.int64)
            diagonals = _diagonals(radii, _room(max(height, width))) if fast else None
            if diagonals is not None:
                margin = int(diagonals.radii.max()) + 1
                stride, size = kernels.work_space(height, width, margin)
                plane = scratch("plane", (size,), np.uint8)
                work = scratch("work", (3, size), np.int16)
                kernels.uniform8(values, *diagonals, stride, plane, work, counts)
            else:
                for index, radius in enumerate(radii):
                    part = np.zeros((len(channels), bins), np.int64)
                    kernels.uniform(values, *_circle(radius, points), invariant, part)
                    counts[:, index] = part
            row[:] = counts.reshape(-1) / (height * width)
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``y_r1_3`` (channel, radius, number of ones) and ``y_r1_other``."""
        radii, points, channels, invariant = self._parameters()
        bins = [*map(str, range(_bins(points, invariant) - 1)), "other"]
        return np.array(
            [f"{c}_r{radius:g}_{b}" for c in channels for radius in radii for b in bins],
            dtype=object,
        )


def _bins(points: int, invariant: bool) -> int:
    return points + 2 if invariant else points * (points - 1) + 3


def _room(side: int) -> int:
    """Side rounded up, so that images of many sizes share their tables."""
    return (side + 1023) // 1024 * 1024


@lru_cache(maxsize=64)
def _circle(radius: float, points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Row and column of the points around the centre, rounded as scikit-image does."""
    angle = 2 * np.pi * np.arange(points, dtype=np.float64) / points
    single = float(np.float32(radius))
    return np.round(-single * np.sin(angle), 5), np.round(single * np.cos(angle), 5)


class _Diagonals(NamedTuple):
    """What `dfbench.features.kernels.lbp.uniform8` needs besides the image."""

    radii: NDArray[np.int64]
    whole: NDArray[np.int64]
    shares: NDArray[np.int64]
    swapped: NDArray[np.bool_]
    back: NDArray[np.float64]
    ahead: NDArray[np.float64]


@lru_cache(maxsize=16)
def _diagonals(radii: tuple[float, ...], room: int) -> _Diagonals | None:
    """Positions of the diagonal points of 8 at whole radii; None where the fast kernel fails."""
    at = np.arange(room + 2 * int(max(radii)) + 16, dtype=np.float64)
    whole, shares, back, ahead = [], [], [], []
    for radius in radii:
        x = float(_circle(radius, 8)[1][1])
        fraction = x - math.floor(x)
        if radius != int(radius) or not 0.001 < fraction < 0.999:
            return None
        fractions = [(at - x) - np.floor(at - x), (at + x) - np.floor(at + x)]
        if not _flat_is_one(*fractions):
            return None
        whole.append(math.floor(x))
        shares.append(fraction)
        back.append(fractions[0])
        ahead.append(fractions[1])
    share = np.array(shares)
    return _Diagonals(
        np.array(radii).astype(np.int64),
        np.array(whole),
        np.round(np.minimum(share, 1 - share) * 65536).astype(np.int64),
        share > 0.5,
        np.array(back),
        np.array(ahead),
    )


def _flat_is_one(*fractions: NDArray[np.float64]) -> bool:
    """Whether on flat ground interpolation is nowhere rounded below the centre."""
    some = np.unique(np.concatenate(fractions))
    value = np.arange(256.0)
    right, below = some[:, None, None], some[None, :, None]
    level = (1 - right) * value + right * value
    return bool(((1 - below) * level + below * level >= value).all())
