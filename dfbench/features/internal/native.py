"""Images at their own resolution in a square: cut or continued, never resampled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dfbench.features.internal.square import Heat, Square
from dfbench.images import Image


class Native(Square):
    """The middle of an image, pixel for pixel; see `Square`.

    What a camera or a generator leaves in the values of neighbouring pixels is averaged away where
    an image is resized; here it stays. Along an axis where the image is shorter than the square it
    is mirrored at its edges, as often as it takes, so that no edge is seen that it does not have.
    """

    name = "native-square"

    def squared(self, image: Image) -> Image:
        """Cut from the middle; mirror at the edges where there is less."""
        height, width = image.shape[:2]
        rows, columns = mirrored(height, self.size), mirrored(width, self.size)
        return image.take(rows, axis=0).take(columns, axis=1)

    def back(self, heat: Heat, shape: tuple[int, int]) -> Heat:
        """Lay it where the square was cut; without what is mirrored."""
        found = np.zeros(shape, np.float32)
        ours, its = zip(*(_shared(length, self.size) for length in shape), strict=True)
        found[its] = heat[ours]
        return found


def mirrored(length: int, size: int) -> NDArray[np.intp]:
    """Say which pixel of an axis each of the ``size`` pixels about its middle shows.

    Beyond the ends the axis is mirrored without its last pixel being repeated (reflect-101).
    """
    period = max(2 * (length - 1), 1)
    at = (np.arange(size) + (length - size) // 2) % period
    return np.minimum(at, period - at) if length > 1 else np.zeros_like(at)


def _shared(length: int, size: int) -> tuple[slice, slice]:
    """Give where square and axis show the same: in the square, and along the axis."""
    start, shared = (length - size) // 2, min(length, size)
    return (
        slice(max(-start, 0), max(-start, 0) + shared),
        slice(max(start, 0), max(start, 0) + shared),
    )
