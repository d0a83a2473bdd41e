"""Statistics of wavelet sub-bands: the detail of an image by scale and direction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import comb
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.features.base import Extractor, Vectors
from dfbench.features.common.checks import rgb
from dfbench.features.common.colours import CHANNELS, planes
from dfbench.features.common.workspace import scratch
from dfbench.images import Image

_WAVELETS = {"haar": 1, "db2": 2, "db3": 3, "db4": 4}
_BANDS = ("h", "v", "d")
_STATISTICS = ("logenergy", "meanabs", "std", "skewness", "kurtosis")

FLOOR = 1 / 12
"""Variance of the rounding to whole grey levels: below it nothing is measured."""


class Wavelet(Extractor):
    """Moments of the sub-bands of a wavelet decomposition, after Lyu and Farid (2002).

    Each channel is decomposed by the orthogonal transform of PyWavelets' ``wavedec2`` with
    ``mode="symmetric"``. For the coefficients c of each of the three detail bands of a level
    (horizontal, vertical, diagonal), with m_k their k-th central moments:

    - ``logenergy``: ``ln(mean(c^2) + 1/12)``,
    - ``meanabs``: ``ln(mean(|c|) + sqrt(1/12))``,
    - ``std``: ``ln(sqrt(m_2) + sqrt(1/12))``,
    - ``skewness``: ``m_3 / (m_2 + 1/12)^(3/2)``,
    - ``kurtosis``: ``ln(1 + m_4 / (m_2 + 1/12)^2)``.

    1/12 is the variance of the rounding of 8-bit images; it keeps flat bands finite (skewness and
    kurtosis 0). Logarithms, as the distributions over images are long-tailed.

    However small the image, every level exists: beyond its borders it is reflected, so that a band
    has at least one coefficient, and all of them are 0 where there is no more detail.

    Parameters
    ----------
    wavelet
        ``"haar"``, ``"db2"``, ``"db3"`` or ``"db4"`` (Daubechies, by vanishing moments).
    levels
        Number of levels; level 1 is the finest.
    color
        ``"gray"`` (luma), ``"rgb"`` or ``"ycrcb"``.

    References
    ----------
    S. Lyu, H. Farid, "Detecting hidden messages using higher-order statistics and support vector
    machines", Information Hiding, 2002.
    """

    name = "wavelet"
    references = ("lyu2002",)

    def __init__(
        self,
        wavelet: Literal["haar", "db2", "db3", "db4"] = "db2",
        levels: Annotated[int, Field(ge=1, le=8)] = 3,
        color: Literal["gray", "rgb", "ycrcb"] = "ycrcb",
    ) -> None:
        self.wavelet = wavelet
        self.levels = levels
        self.color = color

    def _parameters(self) -> tuple[str, int, tuple[str, ...]]:
        self.check_params()
        return self.wavelet, int(self.levels), CHANNELS[self.color]

    def transform(self, X: Sequence[Image]) -> Vectors:  # type: ignore[override]
        """Turn a batch of n images into features.

        Parameters
        ----------
        X
            RGB arrays of shape (H, W, 3) and dtype uint8, each of its own size.

        Returns
        -------
        ndarray of shape (n, channels * levels * 3 * 5), dtype float32
            In the order channel, level, band, statistic.

        Raises
        ------
        ParameterError
            If a parameter or an image is not what it must be.
        """
        wavelet, levels, channels = self._parameters()
        out = np.empty((len(X), len(channels), levels, len(_BANDS), len(_STATISTICS)), np.float32)
        for row, image in zip(out, X, strict=True):
            for channel, plane in enumerate(planes(rgb(self.name, image), self.color)):
                row[channel] = _described(plane, wavelet, levels)
        return out.reshape(len(X), len(channels) * levels * len(_BANDS) * len(_STATISTICS))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``y_1d_kurtosis``: channel, level, band, statistic."""
        _, levels, channels = self._parameters()
        return np.array(
            [
                f"{channel}_{level + 1}{band}_{statistic}"
                for channel in channels
                for level in range(levels)
                for band in _BANDS
                for statistic in _STATISTICS
            ],
            dtype=object,
        )


@lru_cache(maxsize=8)
def filters(wavelet: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Decomposition filters (low-pass, high-pass), by spectral factorisation.

    I. Daubechies, "Ten lectures on wavelets", 1992, section 6.1: of each pair of roots the one
    within the unit circle.
    """
    order = _WAVELETS[wavelet]
    roots = np.roots([comb(order - 1 + k, k) for k in reversed(range(order))])
    inner = []
    for y in roots:
        pair = np.roots([1, 4 * y - 2, 1])
        inner.append(pair[np.argmin(np.abs(pair))])
    scaling = np.real(np.poly([*[-1.0] * order, *inner]))
    scaling *= np.sqrt(2) / scaling.sum()
    signs = np.where(np.arange(2 * order) % 2, 1, -1)
    return scaling[::-1].astype(np.float32), (signs * scaling).astype(np.float32)


def _described(plane: NDArray[np.uint8], wavelet: str, levels: int) -> NDArray[np.float64]:
    """Return the statistics of one channel, shape (levels, 3, 5)."""
    from dfbench.features.kernels import wavelet as kernels

    low, high = filters(wavelet)
    taps = low.size
    sums = np.empty((levels, len(_BANDS), 5))
    signal = scratch("signal", plane.shape, np.float32)
    signal[:] = plane
    for level in range(levels):
        height, width = signal.shape
        shape = (height + taps - 1) // 2, (width + taps - 1) // 2
        bands = scratch(f"bands{level % 2}", (4, *shape), np.float32)
        padded = scratch("padded", (2, width // 2 + taps + 1), np.float32)
        across = scratch("across", (2, height, shape[1]), np.float32)
        kernels.analysed(signal, low, high, padded, across, bands)
        added = scratch("added", (3, shape[1]), np.float64)
        for index in range(len(_BANDS)):
            kernels.moments(bands[index + 1], added, sums[level, index])
        signal = bands[0]
    absolute, square, second, third, fourth = np.moveaxis(sums, -1, 0)
    least = np.sqrt(FLOOR)
    return np.stack(
        [
            np.log(square + FLOOR),
            np.log(absolute + least),
            np.log(np.sqrt(second) + least),
            third / (second + FLOOR) ** 1.5,
            np.log1p(fourth / (second + FLOOR) ** 2),
        ],
        axis=-1,
    )
