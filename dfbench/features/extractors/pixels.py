"""The image itself, shrunk: the plainest of all baselines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.features.base import Extractor, Vectors
from dfbench.features.common.checks import rgb
from dfbench.images import Image, opencv


class Pixels(Extractor):
    """Pixels of the image, area-resized to a square and scaled to [0, 1].

    The aspect is not kept. Each new pixel is the mean of the area that it covers (OpenCV's
    ``INTER_AREA``; smaller images are enlarged bilinearly).

    Parameters
    ----------
    size
        Side of the square in pixels; gives ``3 * size**2`` features in the order row,
        column, channel.
    """

    name = "pixels"
    references = ()

    def __init__(self, size: Annotated[int, Field(ge=1, le=1024)] = 16) -> None:
        self.size = size

    def _size(self) -> int:
        self.check_params()
        return int(self.size)

    def transform(self, X: Sequence[Image]) -> Vectors:  # type: ignore[override]
        """Turn a batch of n images into features.

        Parameters
        ----------
        X
            RGB arrays of shape (H, W, 3) and dtype uint8, each of its own size.

        Returns
        -------
        ndarray of shape (n, 3 * size**2), dtype float32
            In [0, 1].

        Raises
        ------
        ParameterError
            If ``size`` or an image is not what it must be.
        """
        size = self._size()
        cv2 = opencv()
        out = np.empty((len(X), 3 * size * size), np.float32)
        for row, image in zip(out, X, strict=True):
            small = cv2.resize(rgb(self.name, image), (size, size), interpolation=cv2.INTER_AREA)
            np.multiply(small.reshape(-1), np.float32(1 / 255), out=row)
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``y0_x31_red``."""
        side = range(self._size())
        return np.array(
            [f"y{y}_x{x}_{c}" for y in side for x in side for c in ("red", "green", "blue")],
            dtype=object,
        )
