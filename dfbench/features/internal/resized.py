"""Images resized to the side that a network takes, kept like features: decoded and resized once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.features.base import Extractor
from dfbench.features.common.resizing import resize
from dfbench.images import Image


class Resized(Extractor):
    """The pixels of an image as uint8, in a square of fixed side.

    Parameters
    ----------
    size
        Side in pixels.
    """

    name = "resized"
    dtype = "uint8"

    def __init__(self, size: int = 128) -> None:
        self.size = size

    def transform(self, X: Sequence[Image] | Sequence[bytes]) -> Any:
        """Give uint8 of shape (n, size * size * 3)."""
        rows = [resize(image, self.size).reshape(-1) for image in X]  # type: ignore[arg-type]
        return np.stack(rows) if rows else np.empty((0, self.size**2 * 3), np.uint8)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the values by row, column and channel."""
        span = range(self.size)
        return np.array([f"{y}_{x}_{c}" for y in span for x in span for c in "rgb"], dtype=object)
