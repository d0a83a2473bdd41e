"""Histograms of hue, saturation and value: how an image's colours are distributed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.features.base import Extractor, Vectors
from dfbench.features.common.checks import rgb
from dfbench.features.common.colours import planes
from dfbench.features.common.workspace import scratch
from dfbench.images import Image

_TOGETHER = 24
"""Most bins a channel whose counts, one for each triple, the caches hold."""
# OpenCV halves hue (degrees) to fit a byte
_RANGES = (("h", 180), ("s", 256), ("v", 256))


class HSV(Extractor):
    """Histogram of each channel of HSV, the whole vector summing to 1.

    Hue, saturation and value as of OpenCV's 8-bit ``COLOR_RGB2HSV``: H in 0..180 (degrees halved),
    S and V in 0..256, each range cut in ``bins`` equal parts as by ``cv2.calcHist``. Counts are
    divided by three times the number of pixels.

    Parameters
    ----------
    bins
        Number of bins a channel.
    """

    name = "hsv"
    references = ()

    def __init__(self, bins: Annotated[int, Field(ge=1, le=256)] = 16) -> None:
        self.bins = bins

    def _bins(self) -> int:
        self.check_params()
        return int(self.bins)

    def transform(self, X: Sequence[Image]) -> Vectors:  # type: ignore[override]
        """Turn a batch of n images into features.

        Parameters
        ----------
        X
            RGB arrays of shape (H, W, 3) and dtype uint8, each of its own size.

        Returns
        -------
        ndarray of shape (n, 3 * bins), dtype float32
            The bins of H, then of S, then of V; each channel sums to 1/3.

        Raises
        ------
        ParameterError
            If ``bins`` or an image is not what it must be.
        """
        from dfbench.features.kernels import hsv as kernels

        bins = self._bins()
        factor = _factor(bins)
        line = scratch("codes", (2048,), np.uint16)
        out = np.empty((len(X), 3 * bins), np.float32)
        for row, image in zip(out, X, strict=True):
            values = planes(rgb(self.name, image), "hsv").reshape(3, -1)
            if factor:
                tables = scratch("counts", (4, bins**3), np.uint32)
                kernels.binned_together(values, bins, factor, line, tables, row)
            else:
                counts = scratch("counts", (4, 3, 256), np.uint32)
                kernels.binned(values, _places(bins), counts, row)
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``h_0``, ``s_15``."""
        return np.array([f"{c}_{i}" for c, _ in _RANGES for i in range(self._bins())], dtype=object)


@lru_cache(maxsize=8)
def _places(bins: int) -> NDArray[np.int64]:
    """Feature of each value of each channel, shape (3, 256)."""
    value = np.arange(256)
    places = []
    for channel, (_, top) in enumerate(_RANGES):
        # the products of OpenCV's calcHist, rounding included
        index = np.floor(value * (bins / top)).astype(np.int64)
        places.append(np.minimum(index, bins - 1) + channel * bins)
    return np.array(places)


@lru_cache(maxsize=8)
def _factor(bins: int) -> int:
    """Of which the product with a hue has its bin above bit 16; 0 where one table is too large."""
    factor = -(-bins * 65536 // 180)
    exact = (np.arange(256) * factor >> 16 == _places(bins)[0])[:180].all()
    return factor if bins <= _TOGETHER and exact else 0
