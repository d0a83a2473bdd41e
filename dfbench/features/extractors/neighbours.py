"""Relations of neighbouring pixels: what up-sampling leaves in each 2x2 cell of the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.features.base import Extractor, Vectors
from dfbench.features.common.checks import rgb
from dfbench.features.common.colours import CHANNELS, planes
from dfbench.features.common.workspace import scratch
from dfbench.images import Image

_PHASES = ("00", "01", "10", "11")
_POSITIONS = ("right", "lower", "diagonal")
_PAIRS = ("right_lower", "right_diagonal", "lower_diagonal")
_MOMENTS = ("mean", "meanabs", "std", "kurtosis")

FLOOR = 1 / 12
"""Variance of the rounding to whole levels: below it nothing is measured."""


class Neighbours(Extractor):
    """Statistics of neighbouring-pixel relations, after Tan et al. (2024).

    The paper's residual (NPR) is ``x - up(down(x))``, halved and doubled again by the nearest
    pixel: in each 2x2 cell of a grid the differences of the right, lower and diagonal pixel from
    the upper left one. Here it is taken on all four grids (``phase`` yx: cells begin at rows of
    parity y and columns of parity x; cells that the border cuts are left out) and described by
    hand-made statistics instead of a network, for each channel, phase and position:

    - the histogram of the differences, those beyond ``truncation`` counted at it: the mean over
      the phases, or one a phase, each summing to 1,
    - with m_k the central moments: ``mean``; ``meanabs = ln(mean |d| + sqrt(1/12))``; ``std =
      ln(sqrt(m_2) + sqrt(1/12))``; ``kurtosis = ln(1 + m_4 / (m_2 + 1/12)^2)``,

    and for each channel and phase the correlation of each two positions, ``cov / sqrt((v_1 +
    1/12) (v_2 + 1/12))``. 1/12 is the variance of the rounding of 8-bit images; it keeps flat
    images finite. A phase without a cell (in an image of one or two rows or columns) has its
    differences taken as 0.

    Parameters
    ----------
    truncation
        Largest difference told apart; ``2 * truncation + 1`` features a histogram.
    histograms
        ``"mean"``: over the phases. ``"phases"``: one for each.
    color
        ``"gray"`` (luma), ``"rgb"`` or ``"ycrcb"``.

    References
    ----------
    C. Tan et al., "Rethinking the up-sampling operations in CNN-based generative network for
    generalizable deepfake detection", CVPR, 2024, arXiv 2312.10461.
    """

    name = "neighbours"
    references = ("tan2024",)

    def __init__(
        self,
        truncation: Annotated[int, Field(ge=1, le=255)] = 4,
        histograms: Literal["mean", "phases"] = "phases",
        color: Literal["gray", "rgb", "ycrcb"] = "ycrcb",
    ) -> None:
        self.truncation = truncation
        self.histograms = histograms
        self.color = color

    def _parameters(self) -> tuple[int, bool, tuple[str, ...]]:
        self.check_params()
        return int(self.truncation), self.histograms == "mean", CHANNELS[self.color]

    def transform(self, X: Sequence[Image]) -> Vectors:  # type: ignore[override]
        """Turn a batch of n images into features.

        Parameters
        ----------
        X
            RGB arrays of shape (H, W, 3) and dtype uint8, each of its own size.

        Returns
        -------
        ndarray of shape (n, channels * (3 * (2 * truncation + 1) * histograms + 60)), float32
            All histograms, all moments, all correlations, where histograms is 1 or 4.

        Raises
        ------
        ParameterError
            If a parameter or an image is not what it must be.
        """
        from dfbench.features.kernels import neighbours as kernels

        truncation, pooled, channels = self._parameters()
        counts = scratch("counts", (4, len(channels), 3, 511), np.uint32)
        products = np.empty((4, len(channels), 3), np.int64)
        out = np.empty((len(X), len(self.get_feature_names_out())), np.float32)
        for row, image in zip(out, X, strict=True):
            values = planes(rgb(self.name, image), self.color)
            lines = scratch("lines", (3, (values.shape[2] + 3) // 4 * 4), np.int16)
            kernels.compared(values, lines, counts, products)
            shares, cells = _shares(counts)
            histograms = _truncated(shares, truncation)
            moments, correlations = _moments(shares, products / cells)
            parts = [histograms.mean(axis=0) if pooled else histograms, moments, correlations]
            row[:] = np.concatenate([part.ravel() for part in parts])
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``red_right_-4``, ``00_red_right_std``, ``00_red_right_lower``."""
        truncation, pooled, channels = self._parameters()
        steps = range(-truncation, truncation + 1)
        places = [f"{channel}_{position}" for channel in channels for position in _POSITIONS]
        prefixes = [""] if pooled else [f"{phase}_" for phase in _PHASES]
        names = [
            f"{prefix}{place}_{step}" for prefix in prefixes for place in places for step in steps
        ]
        names += [
            f"{p}_{place}_{moment}" for p in _PHASES for place in places for moment in _MOMENTS
        ]
        names += [f"{p}_{c}_{pair}" for p in _PHASES for c in channels for pair in _PAIRS]
        return np.array(names, dtype=object)


_STEPS = np.arange(-255.0, 256.0)
_POWERS = np.stack([_STEPS, np.abs(_STEPS), _STEPS**2, _STEPS**3, _STEPS**4], axis=1)


def _shares(counts: NDArray[np.uint32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return histograms summing to 1 and the numbers of cells, shape (4, 1, 1), at least 1."""
    cells = counts[:, :1, :1].sum(axis=-1)
    shares = counts / np.maximum(1, cells)[..., None]
    shares[cells[:, 0, 0] == 0, :, :, 255] = 1
    return shares, np.maximum(1.0, cells)


def _truncated(shares: NDArray[np.float64], truncation: int) -> NDArray[np.float64]:
    low, high = 255 - truncation, 255 + truncation
    kept = shares[..., low : high + 1].copy()
    kept[..., 0] += shares[..., :low].sum(axis=-1)
    kept[..., -1] += shares[..., high + 1 :].sum(axis=-1)
    return kept


def _moments(
    shares: NDArray[np.float64], products: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return moments, shape (4, C, 3, 4), and correlations of the positions, shape (4, C, 3)."""
    mean, absolute, second, third, fourth = np.moveaxis(shares @ _POWERS, -1, 0)
    # raw moments of whole numbers below 256: exact enough in float64 to take the mean off
    variance = np.maximum(0, second - mean**2)
    central = fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4
    kurtosis = np.log1p(np.maximum(0, central) / (variance + FLOOR) ** 2)
    least = np.sqrt(FLOOR)
    moments = [mean, np.log(absolute + least), np.log(np.sqrt(variance) + least), kurtosis]
    left, right = [0, 0, 1], [1, 2, 2]
    scale = np.sqrt((variance[..., left] + FLOOR) * (variance[..., right] + FLOOR))
    covariance = products - mean[..., left] * mean[..., right]
    return np.stack(moments, axis=-1), covariance / scale
