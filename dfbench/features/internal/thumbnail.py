"""Small pictures of images, by which copies are found: decoded once, kept like features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.features.base import Extractor
from dfbench.features.common.resizing import resize
from dfbench.images import Image, opencv

SIDE = 32
"""Of the brightness, in pixels."""
COARSE = 8
"""Of the two channels of colour."""
LENGTH = SIDE**2 + 2 * COARSE**2


class Thumbnail(Extractor):
    """Brightness of an image in 32x32 and its colour in 8x8 pixels, whatever its aspect.

    Luma, red and blue difference are those of JPEG (ITU-R BT.601), as uint8.
    """

    name = "thumbnail"
    dtype = "uint8"

    def __init__(self) -> None:
        pass

    def transform(self, X: Sequence[Image] | Sequence[bytes]) -> Any:
        """Give uint8 of shape (n, 1152): luma by rows, then red and blue difference."""
        cv2 = opencv()
        rows = np.empty((len(X), LENGTH), np.uint8)
        for row, image in zip(rows, X, strict=True):
            small = cv2.cvtColor(resize(image, SIDE), cv2.COLOR_RGB2YCrCb)  # type: ignore[arg-type]
            row[: SIDE**2] = small[..., 0].ravel()
            coarse = cv2.resize(small, (COARSE, COARSE), interpolation=cv2.INTER_AREA)
            row[SIDE**2 :] = coarse[..., 1:].transpose(2, 0, 1).ravel()
        return rows

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Name the values by channel, row and column."""
        parts = (("y", SIDE), ("cr", COARSE), ("cb", COARSE))
        return np.array(
            [f"{c}_{y}_{x}" for c, side in parts for y in range(side) for x in range(side)],
            dtype=object,
        )
