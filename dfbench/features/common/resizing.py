"""Resizing images to squares."""

from __future__ import annotations

from dfbench.images import Image, opencv


def resize(image: Image, size: int) -> Image:
    """Resize to a square of ``size`` pixels: by area averaging downwards, bilinear upwards."""
    cv2 = opencv()
    if image.shape[:2] == (size, size):
        return image
    smaller = min(image.shape[:2]) >= size
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return cv2.resize(image, (size, size), interpolation=method)  # type: ignore[no-any-return]
