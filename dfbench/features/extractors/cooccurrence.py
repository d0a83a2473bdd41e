"""Co-occurrences of noise residuals: how the finest detail of neighbouring pixels goes together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.errors import ParameterError
from dfbench.features.base import Extractor, Vectors
from dfbench.features.common.borders import extended
from dfbench.features.common.checks import rgb
from dfbench.features.common.colours import CHANNELS, planes
from dfbench.features.common.workspace import scratch
from dfbench.images import Image

LARGEST = 16384
"""Most tuples, (2 * threshold + 1) ** order, that are counted."""

# counters and pixels that the first-level cache holds
_WIDE = 4096
_LINE = 2048

HISTOGRAMS = (
    *("first_along", "second_along", "third_along"),
    *("first_across", "second_across", "third_across"),
    *("kb", "kv"),
)
"""Kinds of histograms of each channel, in the order of the features."""

RESIDUALS = ("first", "second", "third", "kb", "kv")
"""Kinds of histograms across colours, in the order of the features."""

_LINES = {"first": [[-1, 1]], "second": [[1, -2, 1]], "third": [[1, -3, 3, -1]]}
_SQUARES = {
    "kb": [[-1, 2, -1], [2, -4, 2], [-1, 2, -1]],
    "kv": [
        [-1, 2, -2, 2, -1],
        [2, -6, 8, -6, 2],
        [-2, 8, -12, 8, -2],
        [2, -6, 8, -6, 2],
        [-1, 2, -2, 2, -1],
    ],
}


class Cooccurrence(Extractor):
    """Co-occurrences of truncated noise residuals, after Fridrich and Kodovsky (2012).

    For each channel, residuals r are the image filtered by five of the linear ("spam") kernels of
    the spatial rich model: differences of first, second and third order, along rows and along
    columns, and the squares KB (3 x 3) and KV (5 x 5). They are only taken where the kernel lies
    wholly inside the image. Each is divided by ``step`` times the kernel's largest weight (1, 2,
    3, 4, 12), rounded to whole numbers (halves away from 0) and truncated to ``-threshold ..
    threshold``. Then ``order`` values next to each other in a row or column make a tuple, and
    the tuples are counted in eight histograms:

    ``first_along``, ``second_along``, ``third_along``
        tuples in the direction of the difference, those of rows and of columns together.
    ``first_across``, ``second_across``, ``third_across``
        tuples at right angles to it, likewise together.
    ``kb``, ``kv``
        tuples of both directions.

    A tuple, its mirror image, its negative and both at once count as one: 169 of 625 tuples
    remain of the model's order 4.

    With ``cross_color``, five more histograms (``first``, ``second``, ``third``, ``kb``, ``kv``;
    rows and columns together) count the tuples of red's, green's and blue's value at the same
    pixel, as the colour rich model does. A tuple and its negative count as one: 63 of 125.

    Each histogram sums to 1. With ``root`` the square roots of that are given, whose Euclidean
    distances are the Hellinger distances of the histograms.

    Images with a side too short for a tuple of the largest kernel (``order + 4`` pixels) are first
    extended to it by repeating the last row or column.

    Parameters
    ----------
    order
        Number of neighbours in a tuple.
    threshold
        Largest value kept; ``(2 * threshold + 1) ** order`` may be at most 16384, and with
        ``cross_color`` 12 is the largest.
    step
        Quantisation step q in multiples of the kernel's largest weight.
    color
        ``"gray"`` (luma), ``"rgb"`` or ``"ycrcb"``: the channels of the first eight histograms.
    cross_color
        Whether to count across red, green and blue too.
    root
        Whether to take square roots.

    References
    ----------
    J. Fridrich, J. Kodovsky, "Rich models for steganalysis of digital images", IEEE TIFS 7(3),
    2012. M. Goljan, J. Fridrich, R. Cogranne, "Rich model for steganalysis of color images", IEEE
    WIFS, 2014 (``cross_color``). L. Nataraj et al., "Detecting GAN generated fake images using
    co-occurrence matrices", arXiv 1903.06836, 2019 (of pixels, without residuals).
    """

    name = "cooccurrence"
    references = ("fridrich2012", "goljan2014", "nataraj2019")

    def __init__(
        self,
        order: Annotated[int, Field(ge=1, le=8)] = 3,
        threshold: Annotated[int, Field(ge=1, le=16)] = 2,
        step: Annotated[float, Field(ge=0.1, le=64)] = 1.5,
        color: Literal["gray", "rgb", "ycrcb"] = "gray",
        cross_color: bool = True,
        root: bool = True,
    ) -> None:
        self.order = order
        self.threshold = threshold
        self.step = step
        self.color = color
        self.cross_color = cross_color
        self.root = root

    def check_params(self) -> None:
        """Raise `ParameterError` where one is out of its range, or makes too many tuples."""
        super().check_params()
        threshold = int(self.threshold)
        for length, given in (
            (int(self.order), f"order={self.order}"),
            (3 * self.cross_color, f"cross_color={self.cross_color}"),
        ):
            if (2 * threshold + 1) ** length > LARGEST:
                problem = f"{given} with threshold={threshold} makes too many tuples"
                hint = f"(2 * threshold + 1) ** {length} may be at most {LARGEST}"
                raise ParameterError(problem, where=self.name, hint=hint)

    def _parameters(self) -> _Parameters:
        self.check_params()
        channels = CHANNELS[self.color]
        return _Parameters(int(self.order), int(self.threshold), float(self.step), channels)

    def transform(self, X: Sequence[Image]) -> Vectors:  # type: ignore[override]
        """Turn a batch of n images into features.

        Parameters
        ----------
        X
            RGB arrays of shape (H, W, 3) and dtype uint8, each of its own size.

        Returns
        -------
        ndarray of shape (n, channels * 8 * tuples + 5 * tuples across colours), dtype float32
            In the order channel, residual, tuple; then those across colours by residual, tuple.

        Raises
        ------
        ParameterError
            If a parameter or an image is not what it must be.
        """
        given = self._parameters()
        place, between = _places(given.order, given.threshold), _opposites(given.threshold)
        inner = len(given.channels) * len(HISTOGRAMS) * (int(place.max()) + 1)
        outer = self.cross_color * len(RESIDUALS) * (int(between.max()) + 1)
        out = np.empty((len(X), inner + outer), np.float32)
        for row, image in zip(out, X, strict=True):
            pixels = extended(rgb(self.name, image), given.order + 4)
            if self.cross_color:
                counts = _counts_between(planes(pixels, "rgb"), given)
                _fill(row[inner:], counts, between)
            parts = np.split(row[:inner], len(given.channels))
            for part, plane in zip(parts, planes(pixels, self.color), strict=True):
                _fill(part, _counts(plane, given), place)
        return np.sqrt(out, out=out) if self.root else out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names such as ``gray_first_along_-2,0,1``: channel, residual, tuple."""
        given = self._parameters()
        labels = _labels(_places(given.order, given.threshold), given.order, given.threshold)
        names = [f"{c}_{k}_{t}" for c in given.channels for k in HISTOGRAMS for t in labels]
        if self.cross_color:
            labels = _labels(_opposites(given.threshold), 3, given.threshold)
            names += [f"cross_{k}_{t}" for k in RESIDUALS for t in labels]
        return np.array(names, dtype=object)


class _Parameters(NamedTuple):
    order: int
    threshold: int
    step: float
    channels: tuple[str, ...]


class _Residual(NamedTuple):
    """A kernel, as the compiled `digits` takes it, and where its tuples are counted."""

    taps: NDArray[np.int16]
    levels: NDArray[np.int16]
    shape: tuple[int, int]
    rows: int
    columns: int
    between: int


@lru_cache(maxsize=8)
def _residuals(threshold: int, step: float) -> tuple[_Residual, ...]:
    residuals = []
    for between, name in enumerate(RESIDUALS):
        if name in _SQUARES:
            at = HISTOGRAMS.index(name)
            places = [(np.array(_SQUARES[name]), at, at)]
        else:
            along, across = HISTOGRAMS.index(f"{name}_along"), HISTOGRAMS.index(f"{name}_across")
            kernel = np.array(_LINES[name])
            places = [(kernel, along, across), (kernel.T, across, along)]
        for kernel, rows, columns in places:
            taps = [(y, x, weight) for (y, x), weight in np.ndenumerate(kernel) if weight]
            taps += [(0, 0, 0)] * (len(taps) % 2)  # they are taken in pairs
            unit = step * int(abs(kernel).max())
            levels = [math.ceil((k - 0.5) * unit) for k in range(1, threshold + 1)]
            shape = (kernel.shape[0], kernel.shape[1])
            numbers = np.array(taps, np.int16), np.array(levels, np.int16)
            residuals.append(_Residual(*numbers, shape, rows, columns, between))
    return tuple(residuals)


@lru_cache(maxsize=8)
def _places(order: int, threshold: int) -> NDArray[np.int64]:
    """Feature of each tuple, shape ((2 * threshold + 1) ** order,): mirrored, negative or both."""
    base = 2 * threshold + 1
    codes = np.arange(base**order)
    mirrored = base ** np.arange(order) @ np.array(np.unravel_index(codes, (base,) * order))
    least = np.minimum.reduce([codes, mirrored, codes[::-1], mirrored[::-1]])
    return np.unique(least, return_inverse=True)[1].reshape(-1)


@lru_cache(maxsize=8)
def _opposites(threshold: int) -> NDArray[np.int64]:
    """Feature of each tuple across colours, shape ((2 * threshold + 1) ** 3,): negative alone."""
    codes = np.arange((2 * threshold + 1) ** 3)
    return np.minimum(codes, codes[::-1])


def _labels(place: NDArray[np.int64], order: int, threshold: int) -> list[str]:
    """Give each feature the first of its tuples."""
    codes = np.unique(place, return_index=True)[1]
    tuples = np.array(np.unravel_index(codes, (2 * threshold + 1,) * order)).T - threshold
    return [",".join(map(str, values)) for values in tuples]


def _fill(to: NDArray[np.float32], counts: NDArray[Any], place: NDArray[np.int64]) -> None:
    """Write histograms, each of which sums to 1, one after the other."""
    parts = [np.bincount(place, count) / count.sum() for count in counts]
    to[:] = np.concatenate(parts)


def _counts(pixels: Image, given: _Parameters) -> NDArray[Any]:
    """Count the tuples within a channel (H, W): uint32 (8, base**order)."""
    from dfbench.features.kernels import cooccurrence as kernels

    base, order = 2 * given.threshold + 1, given.order
    stride = 1
    while stride < 4 and base ** (order + stride) <= _WIDE:
        stride += 1
    height, width = pixels.shape
    plane = scratch("plane", (height, width), np.int16)
    plane[:] = pixels
    wide = scratch("wide", (len(HISTOGRAMS), base ** (order + stride - 1)), np.uint32)
    wide[:] = 0
    tables = np.zeros((len(HISTOGRAMS), base**order), np.uint32)
    line = scratch("line", (max(width, _LINE),), np.int16)
    codes = line.view(np.uint16)
    for residual in _residuals(given.threshold, given.step):
        valid = width - residual.shape[1] + 1
        values = scratch("values", (height - residual.shape[0] + 1, width), np.uint8)
        kernels.digits(plane, residual.taps, residual.levels, line, values)
        for down, at in ((False, residual.rows), (True, residual.columns)):
            kernels.count(values, valid, down, base, order, stride, codes, wide[at], tables[at])
    for one, table in zip(wide, tables, strict=True):
        kernels.narrowed(one, base, stride, table)
    return tables


def _counts_between(pixels: Image, given: _Parameters) -> NDArray[Any]:
    """Count the tuples across planes (3, H, W): uint32 (5, base**3)."""
    from dfbench.features.kernels import cooccurrence as kernels

    channels, height, width = pixels.shape
    base = 2 * given.threshold + 1
    wide = scratch("plane", (channels, height, width), np.int16)
    wide[:] = pixels
    tables = np.zeros((len(RESIDUALS), base**channels), np.uint32)
    line = scratch("line", (max(width, _LINE),), np.int16)
    codes = line.view(np.uint16)
    for residual in _residuals(given.threshold, given.step):
        valid = width - residual.shape[1] + 1
        values = scratch("values", (channels, height - residual.shape[0] + 1, width), np.uint8)
        for plane, to in zip(wide, values, strict=True):
            kernels.digits(plane, residual.taps, residual.levels, line, to)
        kernels.count_between(values, valid, base, codes, tables[residual.between])
    return tables
