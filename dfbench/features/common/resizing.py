"""Bringing images to a size: squeezed into it, or their centre."""

from __future__ import annotations

from typing import Literal

import numpy as np

from dfbench.images import Image, opencv

Fit = Literal["stretch", "crop", "none"]
"""An image is stretched to the size, resized by its shorter side and cropped at the centre, or
cropped (or padded with black) at the centre without being resized."""
Interpolation = Literal["area", "bilinear", "bicubic", "lanczos", "nearest"]
"""``area`` averages downwards and is bilinear upwards; all others are Pillow's, which is how
torchvision's transforms resize."""


def resize(image: Image, size: int) -> Image:
    """Resize to a square of ``size`` pixels: by area averaging downwards, bilinear upwards."""
    return _resized(image, size, size, "area")


def fitted(
    image: Image, height: int, width: int, fit: Fit = "stretch", how: Interpolation = "area"
) -> Image:
    """Bring an image to a size.

    Parameters
    ----------
    image
        RGB, shape (H, W, 3), dtype uint8.
    height, width
        Of what is given, in pixels.
    fit, how
        See `Fit` and `Interpolation`.
    """
    if fit == "none":
        return _centre(image, height, width)
    if fit == "stretch":
        return _resized(image, height, width, how)
    rows, columns = image.shape[:2]
    # the side that is left over is cut off to whole pixels, as torchvision does
    if height * columns >= width * rows:
        wide, high = max(width, int(height * columns / rows)), height
    else:
        wide, high = width, max(height, int(width * rows / columns))
    return _centre(_resized(image, high, wide, how), height, width)


def _resized(image: Image, height: int, width: int, how: Interpolation) -> Image:
    if image.shape[:2] == (height, width):
        return image
    if how == "area":
        cv2 = opencv()
        smaller = min(image.shape[0] - height, image.shape[1] - width) >= 0
        method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        return cv2.resize(image, (width, height), interpolation=method)  # type: ignore[no-any-return]
    from PIL import Image as Pillow

    resampling = Pillow.Resampling[how.upper()]
    return np.asarray(Pillow.fromarray(image).resize((width, height), resampling))


def _centre(image: Image, height: int, width: int) -> Image:
    """Cut out the centre; what an image lacks is black."""
    top, left = round((image.shape[0] - height) / 2), round((image.shape[1] - width) / 2)
    cut = image[max(0, top) : max(0, top) + height, max(0, left) : max(0, left) + width]
    if cut.shape[:2] == (height, width):
        return cut
    whole = np.zeros((height, width, 3), np.uint8)
    whole[max(0, -top) :, max(0, -left) :][: cut.shape[0], : cut.shape[1]] = cut
    return whole
