"""Pictures inside the page: scaled down, coded, never a file of their own."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray

from dfbench.images import Image, opencv, small

_FOR = np.array([213, 94, 0], np.float32)
_AGAINST = np.array([0, 114, 178], np.float32)
"""Vermilion and blue, which the colour-blind tell apart too."""


def png(image: Image) -> bytes:
    """Code a picture as PNG."""
    return _coded(image, "PNG")


def inline(image: Image) -> str:
    """Give a picture as an address that holds it, for a page."""
    return f"data:image/jpeg;base64,{base64.b64encode(_coded(image, 'JPEG')).decode('ascii')}"


def _coded(image: Image, form: str) -> bytes:
    from PIL import Image as pillow

    out = io.BytesIO()
    pillow.fromarray(image).save(out, form, quality=88)
    return out.getvalue()


def overlaid(image: Image, heat: NDArray[np.floating], longest: int = 560) -> Image:
    """Lay a map of what spoke for and against over a picture.

    Parameters
    ----------
    image
        RGB, shape (H, W, 3).
    heat
        Shape (h, w), from -1 (against the class) to 1 (for it).
    longest
        Pixels of the longer side of what is given.

    Returns
    -------
    ndarray of shape (h, w, 3), dtype uint8
        The picture in grey, vermilion where it speaks for the class, blue where against.
    """
    cv2 = opencv()
    shown = small(image, longest)
    height, width = shown.shape[:2]
    values = cv2.resize(np.asarray(heat, np.float32), (width, height))
    grey = shown.astype(np.float32).mean(axis=2, keepdims=True)
    strength = np.clip(np.abs(values), 0, 1)[..., None] * 0.75
    colour = np.where(values[..., None] > 0, _FOR, _AGAINST)
    blended: Image = (grey * (1 - strength) + colour * strength).round().astype(np.uint8)
    return blended
