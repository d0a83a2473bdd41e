"""What each family of features, and which of their bins, add to the evidence for a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfbench.detectors.explaining.evidence import log_odds
from dfbench.detectors.explaining.shapley import shapley
from dfbench.models.base import Both, Inputs, Model, apart

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
        Its family and its own name, such as ``lbp:r1_07``.
    value, typical
        Of this picture, and the median of the training images.
    contribution
        In log odds; see `Contributions.exact`.
    """

    name: str
    value: float
    typical: float
    contribution: float


@dataclass(frozen=True)
class Contributions:
    """What the features of one picture add to the evidence of one model.

    Attributes
    ----------
    base
        The evidence before any feature of the picture is known, in log odds.
    families
        In the expression's order; with ``base`` they sum to the model's evidence.
    bins
        Those that add or take most, the strongest first.
    exact
        Whether families are sums of their bins, as TreeSHAP has it. Otherwise a bin's contribution
        is what is lost where it alone is replaced by its typical value.
    """

    base: float
    families: tuple[Family, ...]
    bins: tuple[Bin, ...]
    exact: bool


def contributions(
    model: Model,
    X: Inputs,
    k: int,
    *,
    typical: NDArray[np.float32],
    widths: Sequence[int],
    families: Sequence[str],
    bins: Sequence[str],
    most: int = 12,
) -> Contributions:
    """Explain a model's evidence for class k on one picture by the features that it was given.

    A model that can tell by itself does (`Model.contributions`: XGBoost's TreeSHAP). Of any other,
    families get their Shapley values: what is lost by setting a family's features to their typical
    values, over all sets of families that may be so set beside it (a mean over random orders where
    there are too many). Then bins of the families that spoke most are set to their typical
    values one at a time.

    Parameters
    ----------
    model
        Fitted.
    X
        What it takes of the one picture: shape (1, d), or `Both` of that length. An image beside
        the features stays as it is.
    k
        Number of the class that is explained.
    typical
        Shape (d,): the median of each feature over the training images.
    widths, families, bins
        The columns of each family, their names, and the d names of the features.
    most
        Bins to give.

    Notes
    -----
    Medians of all features together need be no image's features, and features that move together
    share what they tell: contributions tell how this model came to its score, not what is wrong
    with the picture. All bins of a histogram set to their medians no longer sum to 1.
    """
    images, features = apart(X)
    row = (images if features is None else features)[0]
    own = model.contributions(X, np.array([k]))
    if own is not None:
        return _of_columns(own[0], row, typical, widths, families, bins, most)
    asked = _Asked(model, X, row, typical, k)
    ends = np.cumsum(widths)
    blocks = [np.arange(end - width, end) for width, end in zip(widths, ends, strict=True)]
    member = np.repeat(np.arange(len(widths)), widths)

    values = shapley(
        lambda coalitions: asked(coalitions[:, member]),
        len(blocks),
        most=_COALITIONS if features is None else _WITH_IMAGES,
    )
    strongest = np.argsort(-np.abs(values), kind="stable")[:_FAMILIES]
    tried = np.concatenate([_furthest(blocks[i], row, typical) for i in strongest])
    kept = np.ones((len(tried) + 2, len(row)), bool)
    kept[np.arange(len(tried)), tried] = False
    kept[-1] = False
    evidence = asked(kept)
    lost = evidence[-2] - evidence[:-2]
    return Contributions(
        float(evidence[-1]),
        _families(families, values),
        _strongest(bins, row, typical, tried, lost, most),
        exact=False,
    )


class _Asked:
    """A model's evidence where only some of a picture's features are known."""

    def __init__(
        self,
        model: Model,
        X: Inputs,
        row: NDArray[np.float32],
        typical: NDArray[np.float32],
        k: int,
    ) -> None:
        self._model, self._X, self._row, self._typical, self._k = model, X, row, typical, k

    def __call__(self, known: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Give the log odds of each line of ``known``, shape (m, d)."""
        rows = np.where(known, self._row, self._typical)
        if isinstance(self._X, Both):
            images = np.repeat(self._X.images, len(rows), axis=0)
            return log_odds(self._model.predict_proba(Both(images, rows)), self._k)
        return log_odds(self._model.predict_proba(rows), self._k)


def _of_columns(
    own: NDArray[np.float64],
    row: NDArray[np.float32],
    typical: NDArray[np.float32],
    widths: Sequence[int],
    families: Sequence[str],
    bins: Sequence[str],
    most: int,
) -> Contributions:
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]])
    columns = own[:-1]
    return Contributions(
        float(own[-1]),
        _families(families, np.add.reduceat(columns, starts)),
        _strongest(bins, row, typical, np.arange(len(columns)), columns, most),
        exact=True,
    )


def _furthest(
    block: NDArray[np.int64], row: NDArray[np.float32], typical: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Give the columns of a family that are furthest from typical, where it has too many."""
    far = np.argsort(-np.abs(row[block] - typical[block]), kind="stable")
    return np.sort(block[far[:_BINS]])


def _families(names: Sequence[str], values: NDArray[np.float64]) -> tuple[Family, ...]:
    return tuple(Family(name, float(value)) for name, value in zip(names, values, strict=True))


def _strongest(
    names: Sequence[str],
    row: NDArray[np.float32],
    typical: NDArray[np.float32],
    columns: NDArray[np.int64],
    values: NDArray[np.float64],
    most: int,
) -> tuple[Bin, ...]:
    order = np.argsort(-np.abs(values), kind="stable")[:most]
    return tuple(
        Bin(
            names[columns[i]], float(row[columns[i]]), float(typical[columns[i]]), float(values[i])
        )
        for i in order
        if values[i] != 0
    )
