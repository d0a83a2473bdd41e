"""Statistics of block DCT coefficients: how strong each spatial frequency is, and how evenly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.features.base import Extractor, Vectors
from dfbench.features.common.blocks import FLOOR, basis, one_block_at_least
from dfbench.features.common.checks import rgb
from dfbench.features.common.colours import CHANNELS, planes
from dfbench.features.common.workspace import scratch
from dfbench.images import Image
from dfbench.parameters import Several

_STATISTICS = ("mean", "std", "energy", "kurtosis")


class DCT(Extractor):
    """Log-scaled statistics of the block DCT, after Frank et al. (2020), arXiv 2003.08685.

    Each channel is cut into blocks of ``block`` x ``block`` pixels from the upper left corner on,
    and each block is transformed by the orthonormal type-II DCT. Of the coefficients c at one
    position (u, v), over all the blocks, with f = 1/12:

    ``"mean"``
        mean of ``l = ln(c^2 + f)``: the paper's log scaling.
    ``"std"``
        standard deviation of l.
    ``"energy"``
        ``ln(mean(c^2) + f)``.
    ``"kurtosis"``
        ``ln((mean(c^4) + f^2) / (mean(c^2) + f)^2)``: logarithm of the kurtosis, moments about 0.

    The image keeps its size, so a frequency is a frequency whatever the size. Pixels right of and
    below the last whole block are left out; an image with a side shorter than a block is first
    extended to one block by repeating its last row or column.

    Parameters
    ----------
    block
        Side of the blocks in pixels. 8 is also JPEG's, whose traces are then seen.
    color
        ``"gray"`` (luma), ``"rgb"`` or ``"ycrcb"``.
    statistics
        Which of the four, in the order wanted.

    Notes
    -----
    The paper takes the logarithm of |c| of the whole image at one size and classifies that; here
    blocks make the vector short and independent of the size. f is the energy that rounding to
    8 bits gives each coefficient; with it flat areas stay finite.
    """

    name = "dct"
    references = ("frank2020",)

    def __init__(
        self,
        block: Annotated[int, Field(ge=2, le=64)] = 8,
        color: Literal["gray", "rgb", "ycrcb"] = "ycrcb",
        statistics: Several[Literal["mean", "std", "energy", "kurtosis"]] = (
            "mean",
            "std",
            "energy",
        ),
    ) -> None:
        self.block = block
        self.color = color
        self.statistics = statistics

    def _parameters(self) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
        self.check_params()
        return int(self.block), CHANNELS[self.color], tuple(self.statistics)

    def transform(self, X: Sequence[Image]) -> Vectors:  # type: ignore[override]
        """Turn a batch of n images into features.

        Parameters
        ----------
        X
            RGB arrays of shape (H, W, 3) and dtype uint8, each of its own size.

        Returns
        -------
        ndarray of shape (n, channels * statistics * block**2), dtype float32
            In the order channel, statistic, vertical and horizontal frequency. Natural logarithms
            of squared grey levels, but for the kurtosis, which has no unit.

        Raises
        ------
        ParameterError
            If a parameter or an image is not what it must be.
        """
        block, channels, statistics = self._parameters()
        which = [_STATISTICS.index(statistic) for statistic in statistics]
        shape = len(channels), len(which), block**2
        out = np.empty((len(X), math.prod(shape)), np.float32)
        for row, image in zip(out, X, strict=True):
            values = planes(rgb(self.name, image), self.color)
            values = one_block_at_least(values, block)
            for plane, to in zip(values, row.reshape(shape), strict=True):
                to[:] = _statistics(plane, block)[which]
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``y_std_0_7``: channel, statistic, vertical, horizontal frequency."""
        block, channels, statistics = self._parameters()
        at = [f"{u}_{v}" for u in range(block) for v in range(block)]
        return np.array([f"{c}_{s}_{i}" for c in channels for s in statistics for i in at], object)


def _statistics(plane: NDArray[np.uint8], block: int) -> NDArray[np.float64]:
    """All statistics of a channel, shape (4, block**2)."""
    from dfbench.features.kernels import dct as kernels

    height, width = plane.shape
    length = block**2 * (width // block)
    sums = np.empty((4, block**2))
    work = scratch("band", (6, length), np.float64)
    single = scratch("log", (2, length), np.float32)
    kernels.moments(plane, basis(block), FLOOR, work, single, sums)
    log, log2, square, fourth = sums / ((height // block) * (width // block))
    return np.array(
        [
            log,
            np.sqrt(np.maximum(log2 - log**2, 0)),
            np.log(square + FLOOR),
            np.log((fourth + FLOOR**2) / (square + FLOOR) ** 2),
        ]
    )
