"""Detail of the middle of an image against that around it: what was put there from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.features.base import Extractor, Vectors
from dfbench.features.common.blocks import FLOOR, basis, one_block_at_least
from dfbench.features.common.checks import rgb
from dfbench.features.common.colours import CHANNELS, planes
from dfbench.features.common.workspace import scratch
from dfbench.images import Image

_EDGES = (0.45, 0.8)
_ASPECT = 0.85
_CONTRASTS = (("centre", "border"), ("ring", "border"), ("centre", "ring"))
_ZONES = ("centre", "ring", "border")


class Zones(Extractor):
    """Contrasts of block DCT energies between the centre, a ring around it, and the border.

    A face that was swapped or generated into a photograph has been resampled, smoothed or made by
    a decoder, and what lies around it has not: detail and noise of the two differ where those of
    one photograph go together (Mahdian and Saic; Nirkin et al.). On a crop of a face the face is in
    the middle.

    Each channel is cut into blocks of ``block`` x ``block`` pixels from the upper left corner on,
    and each is transformed by the orthonormal type-II DCT. With y and x the place of a block's
    middle, from -1 to 1 over all whole blocks, its zone is told by ``r = sqrt(y^2 + (x /
    0.85)^2)``: ``centre`` below 0.45, ``ring`` below 0.8, ``border`` from there on. A zone's level
    at the frequency (u, v) is the mean of ``ln(c^2 + 1/12)`` over its blocks, or over all blocks
    if it has none; the features are the differences centre - border, ring - border and centre -
    ring. All three, though two would tell the third: distances between vectors then heed each two
    zones alike.

    What an image has overall (its sharpness, its compression) falls out of the differences, and
    they do not depend on its size. An image with a side shorter than a block is first extended to
    one block by repeating its last row or column. 1/12 is the energy that rounding to 8 bits
    gives each coefficient.

    Parameters
    ----------
    block
        Side of the blocks in pixels. 8 is also JPEG's.
    color
        ``"gray"`` (luma), ``"rgb"`` or ``"ycrcb"``.

    References
    ----------
    B. Mahdian, S. Saic, "Using noise inconsistencies for blind image forensics", Image and Vision
    Computing 27, 2009. Y. Nirkin, L. Wolf, Y. Keller, T. Hassner, "DeepFake detection based on
    discrepancies between faces and their context", IEEE TPAMI 44, 2022, arXiv 2008.12262.
    """

    name = "zones"
    references = ("mahdian2009", "nirkin2022")

    def __init__(
        self,
        block: Annotated[int, Field(ge=2, le=64)] = 8,
        color: Literal["gray", "rgb", "ycrcb"] = "ycrcb",
    ) -> None:
        self.block = block
        self.color = color

    def _parameters(self) -> tuple[int, tuple[str, ...]]:
        self.check_params()
        return int(self.block), CHANNELS[self.color]

    def transform(self, X: Sequence[Image]) -> Vectors:  # type: ignore[override]
        """Turn a batch of n images into features.

        Parameters
        ----------
        X
            RGB arrays of shape (H, W, 3) and dtype uint8, each of its own size.

        Returns
        -------
        ndarray of shape (n, channels * 3 * block**2), dtype float32
            In the order channel, contrast, vertical and horizontal frequency. Differences of
            natural logarithms of squared grey levels.

        Raises
        ------
        ParameterError
            If a parameter or an image is not what it must be.
        """
        block, channels = self._parameters()
        out = np.empty((len(X), len(channels), len(_CONTRASTS), block**2), np.float32)
        for row, image in zip(out, X, strict=True):
            values = one_block_at_least(planes(rgb(self.name, image), self.color), block)
            for plane, to in zip(values, row, strict=True):
                centre, ring, border = _levels(plane, block)
                to[:] = centre - border, ring - border, centre - ring
        return out.reshape(len(X), math.prod(out.shape[1:]))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``y_centre_border_0_7``: channel, zones, vertical, horizontal frequency."""
        block, channels = self._parameters()
        pairs = [f"{c}_{a}_{b}" for c in channels for a, b in _CONTRASTS]
        at = [f"{u}_{v}" for u in range(block) for v in range(block)]
        return np.array([f"{pair}_{i}" for pair in pairs for i in at], object)


@lru_cache(maxsize=32)
def _zones(down: int, across: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Give the zone of each block, shape (down, across), and how many blocks each zone has."""
    y = (2 * np.arange(down) + 1) / down - 1
    x = (2 * np.arange(across) + 1) / across - 1
    zones = np.digitize(np.hypot(y[:, None], x / _ASPECT), _EDGES).astype(np.uint8)
    return zones, np.bincount(zones.ravel(), minlength=len(_ZONES))


def _levels(plane: NDArray[np.uint8], block: int) -> NDArray[np.float64]:
    """Mean log energies of the zones of a channel, shape (3, block**2)."""
    from dfbench.features.kernels import zones as kernels

    height, width = plane.shape
    zones, counts = _zones(height // block, width // block)
    length = block**2 * (width // block)
    sums = np.empty((len(_ZONES), block**2))
    work = scratch("band", (2, length), np.float64)
    single = scratch("log", (2, length), np.float32)
    kernels.summed(plane, basis(block), FLOOR, zones, work, single, sums)
    overall = sums.sum(axis=0) / counts.sum()
    held = (counts > 0)[:, None]
    return np.where(held, sums / np.maximum(1, counts)[:, None], overall)
