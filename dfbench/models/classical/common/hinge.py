"""Linear machines of the squared hinge loss, solved in the primal, reading features by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Blocks = Callable[[], Iterator[tuple[slice, NDArray[np.float32]]]]
"""Gives the features block by block, each with its place, as often as it is called."""

_ROUNDS = 50
_ENOUGH = 1e-5
"""Length of the gradient that ends it, as a share of that at 0."""


def machines(
    blocks: Blocks,
    signs: Floats,
    taken: NDArray[np.bool_],
    penalty: float,
    width: int,
    start: Floats | None = None,
) -> Floats:
    """Minimise |w|^2 / 2 + C sum max(0, 1 - s w.x)^2 for each column of signs.

    Newton's method: the Hessian is summed up block by block over the rows inside the margin
    (Keerthi and DeCoste, JMLR 6, 2005; Chapelle, Neural Computation 19, 2007). The optimum is that
    of scikit-learn's ``LinearSVC``, whose intercept is one more weight, too.

    Parameters
    ----------
    blocks
        Features, shape (n, width) in all.
    signs
        -1 or 1, shape (n, K): a machine a column.
    taken
        Rows that have a part in it, shape (n,).
    penalty
        C.
    width
        Number of features.
    start
        Weights of similar machines.

    Returns
    -------
    ndarray of shape (width + 1, K)
        The intercepts in the last row.
    """
    n, k = signs.shape
    weights = np.zeros((width + 1, k))
    margins = np.zeros((n, k))
    open_ = np.zeros(k, dtype=bool)
    at_zero, _ = _derivatives(blocks, signs, taken, margins, weights, penalty, open_)
    least = _ENOUGH * np.linalg.norm(at_zero, axis=0)
    if start is not None:
        weights = start.copy()
        margins = signs * decisions(blocks, weights, n)
    open_[:] = True
    for _ in range(_ROUNDS):
        gradient, hessian = _derivatives(blocks, signs, taken, margins, weights, penalty, open_)
        length = np.linalg.norm(gradient, axis=0)
        open_ &= length > least
        if not open_.any():
            break
        step = np.zeros_like(weights)
        for c in np.flatnonzero(open_):
            step[:, c] = -np.linalg.solve(hessian[c], gradient[:, c])
        along = signs * decisions(blocks, step, n)
        for c in np.flatnonzero(open_):
            share = _line(weights[:, c], step[:, c], margins[taken, c], along[taken, c], penalty)
            weights[:, c] += share * step[:, c]
            margins[:, c] += share * along[:, c]
            open_[c] = share > 0
    return weights


def decisions(blocks: Blocks, weights: Floats, n: int) -> Floats:
    """Give the value of each machine at each row, shape (n, K)."""
    out = np.empty((n, weights.shape[1]))
    for place, rows in blocks():
        out[place] = rows.astype(np.float64) @ weights[:-1] + weights[-1]
    return out


def _derivatives(
    blocks: Blocks,
    signs: Floats,
    taken: NDArray[np.bool_],
    margins: Floats,
    weights: Floats,
    penalty: float,
    wanted: NDArray[np.bool_],
) -> tuple[Floats, list[Floats]]:
    """Give gradients, shape (width + 1, K), and the Hessians of the machines that are wanted."""
    size = len(weights)
    gradient = weights.copy()
    hessian = [np.eye(size) if each else np.empty(0) for each in wanted]
    for place, rows in blocks():
        whole = np.hstack([rows, np.ones((len(rows), 1), dtype=np.float32)])
        inside = (margins[place] < 1) & taken[place, None]
        pull = np.where(inside, signs[place] * (1 - margins[place]), 0.0)
        gradient -= 2 * penalty * (whole.astype(np.float64).T @ pull)
        for c in np.flatnonzero(wanted):
            within = whole[inside[:, c]]
            # how exact it is says how fast this ends, not where
            hessian[c] += 2 * penalty * (within.T @ within)
    return gradient, hessian


def _line(weights: Floats, step: Floats, margins: Floats, along: Floats, penalty: float) -> float:
    """Give the share of a step that leads to the lowest point on its line."""
    own, cross, base = float(step @ step), float(weights @ step), 2 * penalty
    share = 1.0
    low, high = 0.0, np.inf
    for _ in range(30):
        missing = 1 - margins - share * along
        inside = missing > 0
        slope = cross + share * own - base * float(missing[inside] @ along[inside])
        bend = own + base * float(along[inside] @ along[inside])
        if slope > 0:
            high = share
        else:
            low = share
        if abs(slope) <= 1e-10 * max(bend, 1e-300) * max(share, 1e-12):
            break
        share -= slope / bend
        if not low < share < high:
            share = (low + min(high, 2 * low + 2)) / 2
    return share
