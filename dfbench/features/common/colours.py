"""Images in other colour spaces."""

from __future__ import annotations

import numpy as np

from dfbench.features.common.workspace import scratch
from dfbench.images import Image, opencv


def recoloured(image: Image, color: str) -> Image:
    """Convert RGB by OpenCV, into work space: valid until this thread converts another image.

    Parameters
    ----------
    image
        Shape (H, W, 3), C-contiguous.
    color
        ``"rgb"`` (the image itself), ``"gray"`` (shape (H, W, 1)), ``"hsv"`` or ``"ycrcb"``.
    """
    if color == "rgb":
        return image
    cv2 = opencv()
    height, width = image.shape[:2]
    if color == "gray":
        out = scratch("recoloured", (height, width), np.uint8)
        return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY, dst=out)[..., None]  # type: ignore[no-any-return]
    code = {"hsv": cv2.COLOR_RGB2HSV, "ycrcb": cv2.COLOR_RGB2YCrCb}[color]
    out = scratch("recoloured", (height, width, 3), np.uint8)
    return cv2.cvtColor(image, code, dst=out)  # type: ignore[no-any-return]
