"""Work space that is kept between images.

Memory fresh from the system costs a page fault for each 4 KiB, which for the arrays of one image
takes longer than the computation in them. So each thread keeps what it once had.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dfbench.images import Image, opencv

_KEPT_BYTES = 1 << 26
_local = threading.local()


def scratch(name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array of undefined content, valid until this thread asks for ``name`` again."""
    kept: dict[str, NDArray[np.uint8]] = _local.__dict__.setdefault("kept", {})
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    block = kept.get(name)
    if block is None or block.size < size:
        block = np.empty(size, np.uint8)
        if size <= _KEPT_BYTES:
            kept[name] = block
    return block[:size].view(dtype).reshape(shape)


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
