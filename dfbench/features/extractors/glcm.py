"""Grey-level co-occurrence matrices: how often which levels stand beside each other."""

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
from dfbench.parameters import Several

_ANGLES = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)
_PROPERTIES = (
    "contrast",
    "dissimilarity",
    "homogeneity",
    "energy",
    "entropy",
    "correlation",
)
_SUMMARIES = ("mean", "range")


class GLCM(Extractor):
    """Haralick's properties of grey-level co-occurrence matrices (1973).

    Each channel is cut into ``levels`` equal steps, ``floor(value * levels / 256)``. For a
    distance d and an angle a of 0, 45, 90 and 135 degrees, P(i, j) is the share of the pairs of
    pixels ``(round(d sin a), round(d cos a))`` rows and columns apart that have levels i and j, in
    either order (symmetric, summing to 1). Of each P:

    - ``contrast``: ``sum P (i - j)^2``; ``dissimilarity``: ``sum P |i - j|``,
    - ``homogeneity``: ``sum P / (1 + (i - j)^2)``,
    - ``energy``: ``sqrt(sum P^2)``; ``entropy``: ``-sum P ln P``,
    - ``correlation`` of i and j; 1 where they have one value only,

    as by scikit-image's ``graycomatrix`` and ``graycoprops``. The features are mean and range
    (largest less smallest) over the four angles. Where a small image has no pair of pixels so far
    apart, the correlation is 1 and the others are 0.

    Parameters
    ----------
    levels
        Number of grey levels.
    distances
        Distances in pixels.
    color
        ``"gray"`` (luma), ``"rgb"`` or ``"ycrcb"``.

    References
    ----------
    R. M. Haralick, K. Shanmugam, I. Dinstein, "Textural features for image classification", IEEE
    Transactions on Systems, Man, and Cybernetics SMC-3(6), 1973.
    """

    name = "glcm"
    references = ("haralick1973",)

    def __init__(
        self,
        levels: Annotated[int, Field(ge=2, le=256)] = 64,
        distances: Several[Annotated[int, Field(ge=1, le=64)]] = (1, 4),
        color: Literal["gray", "rgb", "ycrcb"] = "ycrcb",
    ) -> None:
        self.levels = levels
        self.distances = distances
        self.color = color

    def _parameters(self) -> tuple[int, tuple[int, ...], tuple[str, ...]]:
        self.check_params()
        return int(self.levels), tuple(map(int, self.distances)), CHANNELS[self.color]

    def transform(self, X: Sequence[Image]) -> Vectors:  # type: ignore[override]
        """Turn a batch of n images into features.

        Parameters
        ----------
        X
            RGB arrays of shape (H, W, 3) and dtype uint8, each of its own size.

        Returns
        -------
        ndarray of shape (n, channels * distances * 6 * 2), dtype float32
            In the order channel, distance, property, mean and range.

        Raises
        ------
        ParameterError
            If a parameter or an image is not what it must be.
        """
        from dfbench.features.kernels import glcm as kernels

        levels, distances, channels = self._parameters()
        offsets = _offsets(distances)
        count = len(channels) * len(distances) * len(_PROPERTIES) * len(_SUMMARIES)
        out = np.empty((len(X), count), np.float32)
        counts = scratch("counts", (4, levels * levels), np.uint32)
        found = np.empty((len(channels), len(distances), len(_ANGLES), len(_PROPERTIES)))
        for row, image in zip(out, X, strict=True):
            values = planes(rgb(self.name, image), self.color)
            plane = scratch("plane", values.shape[1:], np.uint8)
            line = scratch("line", ((values.shape[2] + 3) // 4 * 4,), np.uint16)
            for channel in range(len(channels)):
                kernels.quantised(values[channel], levels, plane)
                for index, (down, right) in offsets.items():
                    kernels.counted(plane, down, right, levels, line, counts)
                    kernels.properties(counts[0], levels, found[channel][index])
            # sums of the same angles in the same order, whatever the batch
            summary = np.stack([found.mean(axis=2), np.ptp(found, axis=2)], axis=-1)
            row[:] = summary.reshape(-1)
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``gray_d1_contrast_mean``: channel, distance, property, summary."""
        _, distances, channels = self._parameters()
        return np.array(
            [
                f"{channel}_d{distance}_{prop}_{summary}"
                for channel in channels
                for distance in distances
                for prop in _PROPERTIES
                for summary in _SUMMARIES
            ],
            dtype=object,
        )


def _offsets(distances: tuple[int, ...]) -> dict[tuple[int, int], tuple[int, int]]:
    """Rows down and columns right of each (distance, angle), by their indices."""
    return {
        (i, j): (round(float(np.sin(angle)) * d), round(float(np.cos(angle)) * d))
        for i, d in enumerate(distances)
        for j, angle in enumerate(_ANGLES)
    }
