"""Platt's sigmoid: from the decision values of a machine to probabilities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FOLDS = 3
_LEAST = 1e-3
"""Slope that is left at least, per unit of the largest decision value."""


def fitted(decision: Floats, member: NDArray[np.bool_]) -> tuple[float, float]:
    """Fit slope a and offset b of 1 / (1 + exp(a decision + b)) by maximum likelihood.

    Newton's method with a line search on the regularised targets of Platt (1999), as in H.-T. Lin,
    C.-J. Lin, R. Weng, "A note on Platt's probabilistic outputs for support vector machines",
    Machine Learning 68, 2007.

    The slope never rises above minus `_LEAST`. Where rows are far from each other, what a machine
    says of a row that it was fitted without is its intercept, which leans away from the class that
    lost the row: likelihood alone would turn the order of the machine round.

    Parameters
    ----------
    decision
        Shape (n,), of rows that had no part in the machine.
    member
        Whether each is of the class.
    """
    positive = float(member.sum())
    negative = len(member) - positive
    target = np.where(member, (positive + 1) / (positive + 2), 1 / (negative + 2))
    # decision values of any size: the slope is found in units of theirs
    largest = float(np.abs(decision).max())
    unit = largest if largest > 1e-12 else 1.0
    x = decision / unit
    a, b = 0.0, float(np.log((negative + 1) / (positive + 1)))

    def loss(a: float, b: float) -> float:
        return float((np.logaddexp(0.0, a * x + b) - (1 - target) * (a * x + b)).sum())

    value = loss(a, b)
    for _ in range(100):
        p = sigmoid(x, a, b)
        slope = target - p
        gradient = np.array([float((slope * x).sum()), float(slope.sum())])
        if np.abs(gradient).max() < 1e-7 * len(x):
            break
        bend = p * (1 - p)
        off = float((bend * x).sum())
        hessian = np.array(
            [[float((bend * x * x).sum()) + 1e-10, off], [off, float(bend.sum()) + 1e-10]]
        )
        step = -np.linalg.solve(hessian, gradient)
        length = 1.0
        while length > 1e-10:
            new = a + length * step[0], b + length * step[1]
            its = loss(*new)
            if its < value + 1e-4 * length * float(gradient @ step):
                (a, b), value = new, its
                break
            length /= 2
        else:
            break
    if a > -_LEAST:
        mean = float(target.mean())
        a, b = -_LEAST, float(np.log((1 - mean) / mean))
    return float(a / unit), float(b)


def sigmoid(decision: Floats, a: float, b: float) -> Floats:
    """Give 1 / (1 + exp(a decision + b)), wherever the exponent lies."""
    exponent = np.clip(a * decision + b, -700.0, 700.0)
    value: Floats = 1.0 / (1.0 + np.exp(exponent))
    return value


def cross_fitted(y: NDArray[np.int64], decide: Callable[[NDArray[np.bool_]], Floats]) -> Floats:
    """Fit the sigmoids of classes on the values of a 3-fold cross-validation (Platt, 1999).

    Parameters
    ----------
    y
        Classes, shape (n,).
    decide
        Told which rows to fit a machine on, gives the decision values of all others by class,
        ascending, shape (n - m, K).

    Returns
    -------
    ndarray of shape (K, 2)
        Slope and offset of each class, one against the rest; of the second alone where there are
        two, and none where a class has a single row, which leaves no fold.
    """
    from sklearn.model_selection import StratifiedKFold

    classes, counts = np.unique(y, return_counts=True)
    # fewer members than folds cannot be split: fewer folds then
    folds = min(_FOLDS, int(counts.min()))
    if folds < 2:
        return np.zeros((0, 2))
    scores = np.empty((len(y), len(classes)))
    for _, held in StratifiedKFold(folds).split(np.zeros(len(y)), y):
        taken = np.ones(len(y), dtype=bool)
        taken[held] = False
        scores[held] = decide(taken)
    wanted = [1] if len(classes) == 2 else range(len(classes))
    return np.array([fitted(scores[:, c], y == classes[c]) for c in wanted])


def probabilities(scores: Floats, sigmoids: Floats) -> Floats:
    """Give probabilities of decision values by class, shape (n, K).

    ``sigmoids`` are those of `cross_fitted`; where there are none, that of the raw value stands in.
    Of several classes they do not sum to 1 yet.
    """
    if not len(sigmoids):
        odds: Floats = np.exp(scores - scores.max(axis=1, keepdims=True))
        if scores.shape[1] == 2:
            one = sigmoid(scores[:, 1], -1.0, 0.0)
            odds = np.column_stack([1.0 - one, one])
        odds /= odds.sum(axis=1, keepdims=True)
        return odds
    if scores.shape[1] == 2:
        one = sigmoid(scores[:, 1], *sigmoids[0])
        return np.column_stack([1.0 - one, one])
    return np.column_stack([sigmoid(scores[:, c], *its) for c, its in enumerate(sigmoids)])
