"""dfbench: a benchmark toolkit for deepfake image classification.

Examples
--------
A feature of one's own is a function from an image to a vector::

    import dfbench

    @dfbench.extractor
    def mean_colour(image):          # RGB, uint8, (H, W, 3)
        return image.mean(axis=(0, 1))

``dfbench run --suite all --plugin mean_colour.py`` then puts it into the leaderboard.
"""

from dfbench._version import __version__
from dfbench.plugins import extractor

__all__ = ["__version__", "extractor"]
