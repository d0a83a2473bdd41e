"""What lies beyond the borders of images that are too small."""

from __future__ import annotations

import numpy as np

from dfbench.images import Image


def extended(image: Image, least: int) -> Image:
    """Repeat the last row or column until no side is shorter than ``least`` pixels."""
    missing = [(0, max(0, least - side)) for side in image.shape[:2]]
    if not any(more for _, more in missing):
        return image
    return np.pad(image, [*missing, (0, 0)], mode="edge")
