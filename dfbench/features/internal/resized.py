"""Images resized to the side that a network takes."""

from __future__ import annotations

from dfbench.features.common.resizing import resize
from dfbench.features.internal.square import Heat, Square
from dfbench.images import Image


class Resized(Square):
    """The whole image, resized to a square; see `Square`."""

    name = "resized"

    def squared(self, image: Image) -> Image:
        """Resize by area averaging downwards, bilinear upwards."""
        return resize(image, self.size)

    def back(self, heat: Heat, shape: tuple[int, int]) -> Heat:
        """Give it as it is: the square shows the whole image."""
        return heat
