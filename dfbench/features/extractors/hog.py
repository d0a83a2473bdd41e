"""Histograms of oriented gradients: which way edges run in each part of the image."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.errors import ParameterError
from dfbench.features.base import Extractor, Vectors
from dfbench.features.common.checks import rgb
from dfbench.features.common.colours import planes
from dfbench.features.common.workspace import scratch
from dfbench.images import Image

EPSILON = 1e-5
"""Added to the norm of a block, in grey levels, as scikit-image does."""


class HOG(Extractor):
    """Histograms of oriented gradients on a fixed grid, after Dalal and Triggs (2005).

    The image is divided into ``cells`` x ``cells`` cells, whatever its size: cell i holds the rows
    from ``floor(i H / cells)`` up to ``floor((i + 1) H / cells)``, columns likewise. Gradients are
    central differences (0 at the border), in directions without sign, each adding its length to
    one of ``orientations`` equal parts of 180 degrees in its cell; sums are divided by the cell's
    number of pixels. Blocks of ``block`` x ``block`` cells, one at each cell that has room for it,
    are normalised by L2-Hys: ``v / sqrt(|v|^2 + 1e-10)``, cut off at 0.2, once again. Where the
    number of cells divides both sides this is ``skimage.feature.hog``. A cell of an image with
    fewer pixels than cells may be empty, and is 0 then.

    Parameters
    ----------
    cells
        Cells along each side of the image.
    orientations
        Number of directions.
    block
        Cells along each side of a block; ``cells`` at most.
    color
        ``"gray"`` (luma), or ``"rgb"``: at each pixel the channel with the longest gradient.

    References
    ----------
    N. Dalal, B. Triggs, "Histograms of oriented gradients for human detection", CVPR, 2005.
    """

    name = "hog"
    references = ("dalal2005",)

    def __init__(
        self,
        cells: Annotated[int, Field(ge=1, le=64)] = 8,
        orientations: Annotated[int, Field(ge=2, le=36)] = 9,
        block: Annotated[int, Field(ge=1, le=64)] = 2,
        color: Literal["gray", "rgb"] = "gray",
    ) -> None:
        self.cells = cells
        self.orientations = orientations
        self.block = block
        self.color = color

    def check_params(self) -> None:
        """Raise `ParameterError` where one is out of its range, or a block has too many cells."""
        super().check_params()
        if self.block > self.cells:
            message = f"block={self.block!r} is more than cells={self.cells!r}"
            raise ParameterError(message, where=self.name)

    def _parameters(self) -> tuple[int, int, int, str]:
        self.check_params()
        return int(self.cells), int(self.orientations), int(self.block), self.color

    def transform(self, X: Sequence[Image]) -> Vectors:  # type: ignore[override]
        """Turn a batch of n images into features.

        Parameters
        ----------
        X
            RGB arrays of shape (H, W, 3) and dtype uint8, each of its own size.

        Returns
        -------
        ndarray of shape (n, (cells - block + 1)**2 * block**2 * orientations), dtype float32
            In the order block's row and column, cell's row and column within it, orientation.

        Raises
        ------
        ParameterError
            If a parameter or an image is not what it must be.
        """
        from dfbench.features.kernels import hog as kernels

        cells, orientations, block, color = self._parameters()
        table = _table(orientations)
        out = np.empty((len(X), (cells - block + 1) ** 2 * block**2 * orientations), np.float32)
        for row, image in zip(out, X, strict=True):
            values = planes(rgb(self.name, image), color)
            rows, columns = (_grid(side, cells) for side in values.shape[1:])
            sums = np.zeros((cells, cells, orientations))
            lines = scratch("lines", (3, values.shape[2]), np.int32)
            lengths = scratch("lengths", (values.shape[2],), np.float64)
            kernels.oriented(values, table, rows.of, columns.of, lines, lengths, sums)
            sums /= np.maximum(1, rows.sizes[:, None] * columns.sizes)[..., None]
            row[:] = _normalised(sums, block).reshape(-1)
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``block0_3_cell1_0_20deg``: row and column, direction of the gradient."""
        cells, orientations, block, _ = self._parameters()
        blocks, within = range(cells - block + 1), range(block)
        middles = (np.arange(orientations) + 0.5) * (180 / orientations)
        return np.array(
            [
                f"block{y}_{x}_cell{v}_{u}_{middle:.4g}deg"
                for y in blocks
                for x in blocks
                for v in within
                for u in within
                for middle in middles
            ],
            dtype=object,
        )


class _Side:
    """Cells along one side: that of each pixel, and their sizes."""

    def __init__(self, size: int, cells: int) -> None:
        edges = np.arange(cells + 1) * size // cells
        self.sizes = np.diff(edges)
        self.of = np.repeat(np.arange(cells), self.sizes)


@lru_cache(maxsize=64)
def _grid(size: int, cells: int) -> _Side:
    return _Side(size, cells)


@lru_cache(maxsize=4)
def _table(orientations: int) -> NDArray[np.uint8]:
    """Orientation of each gradient, at (dy + 255) * 511 + dx + 255."""
    step = np.arange(-255, 256, dtype=np.float64)
    degrees = np.rad2deg(np.arctan2(step[:, None], step)) % 180
    places: NDArray[np.float64] = np.minimum(degrees * orientations // 180, orientations - 1)
    return places.astype(np.uint8).reshape(-1)


def _normalised(sums: NDArray[np.float64], block: int) -> NDArray[np.float64]:
    """Return the blocks, shape (blocks, blocks, block, block, orientations)."""
    windows = np.lib.stride_tricks.sliding_window_view(sums, (block, block), axis=(0, 1))
    blocks = np.moveaxis(windows, 2, -1).copy()
    for cut in (0.2, None):
        square = np.einsum("yxvuo,yxvuo->yx", blocks, blocks)
        blocks /= np.sqrt(square + EPSILON**2)[..., None, None, None]
        if cut is not None:
            np.minimum(blocks, cut, out=blocks)
    return blocks
