"""Platt's sigmoid: from the decision values of a machine to probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

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
