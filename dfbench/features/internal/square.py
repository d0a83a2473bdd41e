"""Images as the squares that networks take, kept like features: decoded and made once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.features.base import Extractor
from dfbench.images import Image

Heat = NDArray[np.float32]
"""Over an image, shape (H, W), dtype float32."""


class Square(Extractor):
    """The pixels of an image as uint8, in a square of fixed side.

    Parameters
    ----------
    size
        Side in pixels.
    """

    dtype = "uint8"

    def __init__(self, size: int = 128) -> None:
        self.size = size

    @abstractmethod
    def squared(self, image: Image) -> Image:
        """Make the square, (size, size, 3), of one image."""

    @abstractmethod
    def back(self, heat: Heat, shape: tuple[int, int]) -> Heat:
        """Lay what was found over the square over the image that it was made of.

        Parameters
        ----------
        heat
            Shape (size, size).
        shape
            Height and width of the image.

        Returns
        -------
        ndarray of shape (H, W), dtype float32
            Of the whole image at any resolution; 0 where the square shows nothing of it.
        """

    def transform(self, X: Sequence[Image] | Sequence[bytes]) -> Any:
        """Give uint8 of shape (n, size * size * 3)."""
        rows = [self.squared(image).reshape(-1) for image in X]  # type: ignore[arg-type]
        return np.stack(rows) if rows else np.empty((0, self.size**2 * 3), np.uint8)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the values by row, column and channel."""
        span = range(self.size)
        return np.array([f"{y}_{x}_{c}" for y in span for x in span for c in "rgb"], dtype=object)
