"""What each family of features, and which of their bins, add to the evidence for a class."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dfbench.detectors.explaining.evidence import log_odds
from dfbench.detectors.explaining.shapley import shapley
from dfbench.detectors.part import Part
from dfbench.models.base import Both, Inputs, apart, weights_of_blocks
from dfbench.plain import told_apart

_COALITIONS = 1024
_WITH_IMAGES = 128
"""Where a network reads an image for each of them."""
_FAMILIES = 3
"""Of so many, those that add or take most, bins are tried."""
_BINS = 256
"""Of each of them at most."""


@dataclass(frozen=True)
class Family:
    """What one extractor's features together add.

    Attributes
    ----------
    name
        The extractor's; with a number where an expression has several of them.
    contribution
        In log odds of the class that is explained; below 0 it speaks against it.
    """

    name: str
    contribution: float


@dataclass(frozen=True)
class Bin:
    """What one feature adds.

    Attributes
    ----------
    name
        Its family and its own name, such as ``fft: gray_0.4861``.
    value, typical
        Of this picture, and the median of the training images.
    contribution
        In log odds; see `Contributions.summed`.
    """

    name: str
    value: float
    typical: float
    contribution: float


@dataclass(frozen=True)
class Contributions:
    """What the features of one picture add to a model's evidence.

    Attributes
    ----------
    base
        The evidence before any feature of the picture is known, in log odds. Where a network sees
        the picture beside them, that of the picture.
    families
        In the expression's order; with ``base`` they sum to the evidence of the model.
    bins
        Those that were looked at and add or take anything, the strongest first.
    summed
        Whether families are the sums of their bins, as with TreeSHAP. Otherwise the contribution of
        a bin is what is lost where it alone takes its typical value.
    weights
        What the model weighs each family by, whatever the picture: shares that sum to 1, in the
        order of ``families``; empty where it has no such weights, or one family alone.
    """

    base: float
    families: tuple[Family, ...]
    bins: tuple[Bin, ...]
    summed: bool
    weights: tuple[float, ...] = ()


def contributions(part: Part, X: Inputs, k: int) -> Contributions | None:
    """Explain the evidence of a model for class k by the features that it is given of one picture.

    A model that can tell by itself does (`Model.contributions`: XGBoost's TreeSHAP). Of any other,
    families get their Shapley values: what is lost by giving a family's features their typical
    values, over all sets of other families that have theirs (a mean over random orders where the
    sets are too many). Then bins of the families that add or take most are given their typical
    values one at a time.

    Parameters
    ----------
    part
        The model, with the names and the typical values of its features.
    X
        What it is given of the picture, see `Part.inputs`: one row. An image beside the features
        stays as it is.
    k
        Number of the class.

    Returns
    -------
    Contributions or None
        None where the model is given no features.

    Notes
    -----
    Typical values of all features together need be those of no image (medians of a histogram do not
    sum to 1), and features that move together share what they tell. So this tells how the model
    came to its score, not what is wrong with the picture.
    """
    if part.typical is None:
        return None
    images, features = apart(X)
    row = (images if features is None else features)[:1][0]
    own = part.contributions(X, np.array([k]))
    if own is not None:
        values = own[0, :-1]
        starts = np.cumsum([0, *part.widths[:-1]])
        return Contributions(
            float(own[0, -1]),
            _families(part, np.add.reduceat(values, starts)),
            _bins(part, row, np.arange(len(values)), values),
            summed=True,
        )
    asked = _Asked(part, X, row, part.typical, k)
    member = np.repeat(np.arange(len(part.widths)), part.widths)
    of_families = shapley(
        lambda coalitions: asked(coalitions[:, member]),
        len(part.widths),
        most=_COALITIONS if features is None else _WITH_IMAGES,
    )
    each = _BINS if features is None else _WITH_IMAGES // _FAMILIES
    tried = _tried(part, row, part.typical, of_families, each)
    kept = np.ones((len(tried) + 2, len(row)), bool)
    kept[np.arange(len(tried)), tried] = False
    kept[-1] = False
    *without, whole, nothing = asked(kept)
    return Contributions(
        float(nothing),
        _families(part, of_families),
        _bins(part, row, tried, whole - np.array(without)),
        summed=False,
        weights=weights_of_blocks(part.model, len(part.widths)),
    )


@dataclass(frozen=True)
class _Asked:
    """A model's evidence where only some of a picture's features are known."""

    part: Part
    X: Inputs
    row: NDArray[np.float32]
    typical: NDArray[np.float32]
    k: int

    def __call__(self, known: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Give the log odds for each row of ``known``, shape (m, d)."""
        rows = np.where(known, self.row, self.typical)
        if isinstance(self.X, Both):
            images = np.repeat(self.X.images, len(rows), axis=0)
            return log_odds(self.part.proba(Both(images, rows)), self.k)
        return log_odds(self.part.proba(rows), self.k)


def _tried(
    part: Part,
    row: NDArray[np.float32],
    typical: NDArray[np.float32],
    of_families: NDArray[np.float64],
    most: int,
) -> NDArray[np.int64]:
    """Give the columns to try: of the strongest families the few that are furthest from typical."""
    blocks = list(pairwise(np.cumsum([0, *part.widths])))
    far = np.abs(row - typical)
    found = []
    for family in np.argsort(-np.abs(of_families), kind="stable")[:_FAMILIES]:
        start, end = blocks[family]
        order = np.argsort(-far[start:end], kind="stable")[:most]
        found.append(start + order)
    return np.concatenate(found)


def _families(part: Part, values: NDArray[np.float64]) -> tuple[Family, ...]:
    names = [extractor.title for extractor in part.extractors]
    return tuple(
        Family(name, float(value)) for name, value in zip(told_apart(names), values, strict=True)
    )


def _bins(
    part: Part,
    row: NDArray[np.float32],
    columns: NDArray[np.int64],
    values: NDArray[np.float64],
) -> tuple[Bin, ...]:
    assert part.typical is not None  # of a model that is given features
    names = part.feature_names()
    order = np.argsort(-np.abs(values), kind="stable")
    return tuple(
        Bin(names[column], float(row[column]), float(part.typical[column]), float(value))
        for column, value in zip(columns[order], values[order], strict=True)
        if value
    )
