"""What parameters are chosen by: a figure of the tuning split, the same for all rows of a suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError
from dfbench.models.base import Labels

_TINY = np.finfo(np.float64).eps
"""Probabilities nearer to 0 count as this far, as in scikit-learn."""


@dataclass(frozen=True)
class Criterion:
    """A figure that trials of a study are compared by.

    Attributes
    ----------
    figure
        Of class numbers, shape (n,), probabilities or scores, shape (n, K), and the positive class
        of two. Raises `DataError` where the class numbers are all one.
    lower
        Whether less is better.
    of_probabilities
        Whether the scores that order images do not do.
    """

    figure: Callable[[Labels, NDArray[np.float64], int | None], float]
    lower: bool = False
    of_probabilities: bool = False

    def better(self, value: float, than: float) -> bool:
        """Whether a figure is better than another."""
        return value < than if self.lower else value > than

    def possible(self, value: float) -> bool:
        """Whether a figure may be this."""
        return 0 <= value < np.inf and (self.lower or value <= 1)


def roc_auc(y: Labels, scores: NDArray[np.float64], positive: int | None = None) -> float:
    """Area under the ROC curve; of several classes the macro mean of one against the rest.

    Classes that ``y`` holds none of are left out of the mean.

    Raises
    ------
    DataError
        If fewer than two classes are there.
    """
    from sklearn.metrics import roc_auc_score

    return _one_against_rest(roc_auc_score, y, scores, positive)


def average_precision(y: Labels, scores: NDArray[np.float64], positive: int | None = None) -> float:
    """Average precision, without interpolation; of several classes as `roc_auc`, which see."""
    from sklearn.metrics import average_precision_score

    return _one_against_rest(average_precision_score, y, scores, positive)


def balanced_accuracy(
    y: Labels, probabilities: NDArray[np.float64], positive: int | None = None
) -> float:
    """Mean of the recall of the classes that ``y`` holds; decided for is the most probable one."""
    right = probabilities.argmax(axis=1) == y
    return float(np.mean([right[y == k].mean() for k in _present(y)]))


def log_loss(y: Labels, probabilities: NDArray[np.float64], positive: int | None = None) -> float:
    """Mean of minus the logarithm of the probability of the right class, of all images alike."""
    _present(y)
    own = probabilities[np.arange(len(y)), y]
    return float(-np.log(np.clip(own, _TINY, None)).mean())


def _one_against_rest(
    figure: Callable[..., Any], y: Labels, scores: NDArray[np.float64], positive: int | None
) -> float:
    present = _present(y)
    if scores.shape[1] == 2:
        which = 1 if positive is None else positive
        return float(figure(y == which, scores[:, which]))
    return float(np.mean([figure(y == k, scores[:, k]) for k in present]))


def _present(y: Labels) -> Labels:
    present = np.unique(y)
    if len(present) < 2:
        raise DataError(
            "the tuning split has images of one class only: nothing can be chosen by it"
        )
    return present


CRITERIA = {
    "roc_auc": Criterion(roc_auc),
    "log_loss": Criterion(log_loss, lower=True, of_probabilities=True),
    "balanced_accuracy": Criterion(balanced_accuracy, of_probabilities=True),
    "average_precision": Criterion(average_precision),
}
"""By the names that suites give them; the first is the default."""
