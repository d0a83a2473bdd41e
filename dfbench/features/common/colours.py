"""Images as planes of other colour spaces, converted once for all extractors that ask."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from dfbench.features.common.workspace import scratch
from dfbench.images import Image

CHANNELS = {
    "gray": ("gray",),
    "rgb": ("red", "green", "blue"),
    "ycrcb": ("y", "cr", "cb"),
    "hsv": ("h", "s", "v"),
}
"""Names of the planes of each colour space."""

_WANTED = ("gray", "rgb", "ycrcb")
"""Colour spaces that several extractors ask for. What one alone asks for is converted into the same
memory each time, which the caches hold."""
_KEPT_BYTES = 1 << 25
"""Of planes that a thread shares among extractors at most; what is beyond is converted again."""
_local = threading.local()


class _Shared:
    """Planes by image and colour space, with the image, so that its number stays its own."""

    def __init__(self) -> None:
        self.planes: dict[tuple[int, str], tuple[Image, Any]] = {}
        self.bytes = 0


@contextmanager
def shared() -> Iterator[None]:
    """Let this thread convert each image once a colour space, however many extractors ask.

    Images must not be changed in here.
    """
    if getattr(_local, "shared", None) is not None:
        yield
        return
    _local.shared = _Shared()
    try:
        yield
    finally:
        _local.shared = None


def planes(image: Image, color: str) -> Any:
    """Convert RGB to planes, in work space.

    Parameters
    ----------
    image
        Shape (H, W, 3), dtype uint8, C-contiguous.
    color
        ``"gray"`` (luma), ``"rgb"``, ``"ycrcb"`` or ``"hsv"`` (hue as degrees halved): the numbers
        of OpenCV's 8-bit conversions.

    Returns
    -------
    ndarray of shape (C, H, W), dtype uint8
        To be read only. Valid until this thread converts another image, or as long as `shared`.
    """
    kept: _Shared | None = getattr(_local, "shared", None) if color in _WANTED else None
    key = id(image), color
    if kept is not None and key in kept.planes:
        return kept.planes[key][1]
    shape = len(CHANNELS[color]), *image.shape[:2]
    size = shape[0] * shape[1] * shape[2]
    if kept is None or kept.bytes + size > _KEPT_BYTES:
        out = scratch("planes", shape, np.uint8)
    else:
        out = scratch(f"planes {len(kept.planes)}", shape, np.uint8)
        kept.planes[key] = image, out
        kept.bytes += size
    _conversion(color)(image.reshape(-1), out.reshape(shape[0], -1))
    return out


def _conversion(color: str) -> Any:
    from dfbench.features.kernels import planes as kernels

    return getattr(kernels, color)
