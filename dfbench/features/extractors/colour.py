"""Colour statistics: each channel's distribution, and how the channels go together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dfbench.features.base import Extractor, Vectors
from dfbench.features.common.checks import rgb
from dfbench.features.common.colours import planes
from dfbench.features.common.workspace import scratch
from dfbench.images import Image
from dfbench.parameters import Several

_SPACES = {"rgb": ("red", "green", "blue"), "ycrcb": ("y", "cr", "cb"), "hsv": ("h", "s", "v")}
_MOMENTS = ("mean", "std", "skewness", "kurtosis", "entropy")
_CLIPPED = ("low", "high")
_STEPS = {"value": (0, 0), "across": (0, 1), "down": (1, 0)}

FLOOR = 1 / 12
"""Variance of the rounding to whole levels: below it nothing is measured."""


class Colour(Extractor):
    """Colour statistics within and between channels.

    For each channel c of RGB and YCbCr (OpenCV's 8-bit ``YCrCb``), for the saturation of HSV, and
    for the chromaticities ``255 R / (R + G + B)`` and ``255 G / (R + G + B)`` of the pixels that
    are not black (rounded to whole numbers), from the histogram over 0..255 with central moments
    m_k: ``mean``; ``std = sqrt(m_2)``; ``skewness = m_3 / (m_2 + 1/12)^(3/2)``; ``kurtosis =
    ln(1 + m_4 / (m_2 + 1/12)^2)``; ``entropy`` in nats.

    For each channel of RGB and the saturation: the share of pixels at its lowest (0) and highest
    value (255), as ``ln(share + 1e-4)``; generators seldom reach them (McCloskey and Albright).

    For RGB and YCbCr, for the values themselves and for the first differences between
    neighbouring pixels (``across`` and ``down``, high-pass residuals as of Li et al.): the
    correlation of each two channels, ``cov / sqrt((v_1 + 1/12) (v_2 + 1/12))`` with variances v,
    and of the differences ``ln(v + 1/12)``.

    1/12 is the variance of the rounding of 8-bit images; it keeps flat images finite. Without
    differences (an image of one row or column) v and cov are 0; where all pixels are black the
    chromaticities' statistics are those of a grey pixel.

    Parameters
    ----------
    spaces
        Which of ``"rgb"`` and ``"ycrcb"`` the statistics of channels are taken of.

    References
    ----------
    S. McCloskey, M. Albright, "Detecting GAN-generated imagery using color cues", 2018, arXiv
    1812.08247. H. Li, B. Li, S. Tan, J. Huang, "Identification of deep network generated images
    using disparities in color components", 2018, arXiv 1808.07276.
    """

    name = "colour"
    references = ("mccloskey2018", "li2018")

    def __init__(self, spaces: Several[Literal["rgb", "ycrcb"]] = ("rgb", "ycrcb")) -> None:
        self.spaces = spaces

    def _spaces(self) -> tuple[str, ...]:
        self.check_params()
        return tuple(self.spaces)

    def transform(self, X: Sequence[Image]) -> Vectors:  # type: ignore[override]
        """Turn a batch of n images into features.

        Parameters
        ----------
        X
            RGB arrays of shape (H, W, 3) and dtype uint8, each of its own size.

        Returns
        -------
        ndarray of shape (n, 23 + 30 * spaces), dtype float32
            As `get_feature_names_out` names them.

        Raises
        ------
        ParameterError
            If a parameter or an image is not what it must be.
        """
        spaces = self._spaces()
        out = np.empty((len(X), len(self.get_feature_names_out())), np.float32)
        for row, image in zip(out, X, strict=True):
            row[:] = np.concatenate(_described(rgb(self.name, image), spaces))
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``red_skewness``, ``saturation_high``, ``across_red_blue_correlation``."""
        spaces = self._spaces()
        names: list[str] = []
        for channel in (
            "saturation",
            "redness",
            "greenness",
            *(c for space in spaces for c in _SPACES[space]),
        ):
            names += [f"{channel}_{moment}" for moment in _MOMENTS]
        for channel in ("red", "green", "blue", "saturation"):
            names += [f"{channel}_{end}" for end in _CLIPPED]
        for space in spaces:
            a, b, c = _SPACES[space]
            for step in _STEPS:
                pairs = (f"{a}_{b}", f"{a}_{c}", f"{b}_{c}")
                names += [f"{step}_{pair}_correlation" for pair in pairs]
                if step != "value":
                    names += [f"{step}_{channel}_logvariance" for channel in (a, b, c)]
        return np.array(names, dtype=object)


def _described(image: Image, spaces: tuple[str, ...]) -> list[NDArray[np.float64]]:
    from dfbench.features.kernels import colour as kernels

    size = image.shape[0] * image.shape[1]
    tables = scratch("counts", (4, 3, 256), np.uint32)
    sums = np.empty(9, np.int64)
    histograms = np.empty((3 + 3 * len(spaces), 256))
    clipped = np.empty((4, 2))
    between = []

    kernels.channel_counts(planes(image, "hsv")[1:2], tables)
    histograms[0] = tables[0, 0]
    clipped[3] = tables[0, 0, [0, 255]]
    kernels.channel_counts(planes(image, "rgb"), tables)
    clipped[:3] = tables[0][:, [0, 255]]
    chroma = np.empty((2, 256), np.uint32)
    if kernels.chromaticities(image, _RECIPROCAL, chroma) == size:
        chroma[:, 85] = size
    histograms[1:3] = chroma
    for index, space in enumerate(spaces):
        values = planes(image, space)
        kernels.channel_counts(values, tables)
        histograms[3 + 3 * index : 6 + 3 * index] = tables[0]
        for step, (down, right) in _STEPS.items():
            count = kernels.products(values, down, right, sums)
            correlations, variances = _related(sums, count)
            between += [correlations] if step == "value" else [correlations, variances]
    return [_moments(histograms).ravel(), np.log(clipped.ravel() / size + 1e-4), *between]


_RECIPROCAL = np.array([-(-(255 << 32) // max(1, s)) for s in range(766)], np.uint64)
_LEVELS = np.arange(256.0)


def _moments(histograms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the five statistics of each row of counts, shape (rows, 5)."""
    shares = histograms / histograms.sum(axis=1, keepdims=True)
    mean = (shares * _LEVELS).sum(axis=1)
    apart = _LEVELS - mean[:, None]
    square = apart * apart
    second = (shares * square).sum(axis=1)
    third = (shares * square * apart).sum(axis=1)
    fourth = (shares * square * square).sum(axis=1)
    logs = np.log(np.where(shares > 0, shares, 1))
    return np.stack(
        [
            mean,
            np.sqrt(second),
            third / (second + FLOOR) ** 1.5,
            np.log1p(fourth / (second + FLOOR) ** 2),
            -(shares * logs).sum(axis=1),
        ],
        axis=1,
    )


def _related(
    sums: NDArray[np.int64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the correlations of each two channels and the logarithms of the variances."""
    means = sums / max(1, count)
    mean, pairs = means[:3], ([0, 0, 1], [1, 2, 2])
    variance = np.maximum(0, means[3:6] - mean * mean) + FLOOR
    covariance = means[6:] - mean[pairs[0]] * mean[pairs[1]]
    return covariance / np.sqrt(variance[pairs[0]] * variance[pairs[1]]), np.log(variance)
