"""Dual of the support vector machine, solved by working sets over any source of kernel rows.

A few hundred variables that violate optimality most are optimised among themselves by sequential
minimal optimisation, then the gradient of all is brought up to date by their kernel rows, which
are computed many at a time (Joachims, 1999; Wen et al., "ThunderSVM", JMLR 19, 2018). The pair of
the inner problem is chosen by second-order information as in libsvm (Fan, Chen, Lin, JMLR 6,
2005), and it stops where libsvm does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Floats = NDArray[np.float64]
KernelRows = Callable[[NDArray[np.int64], NDArray[np.float32]], None]
"""From numbers of rows, shape (q,), to their kernel with all n rows, written to (q, n)."""

GAP = 1e-3
"""Largest violation of optimality that ends it, as in libsvm."""
_HALF = 256
"""Half of the variables that are optimised together."""
_BOUND = 1e-12
"""Share of the bound that is rounding."""


@dataclass(frozen=True, slots=True)
class Solution:
    """A machine of two classes.

    Attributes
    ----------
    weights
        Dual coefficients with the sign of their class, shape (n,).
    intercept
        What is added to the kernel expansion.
    decision
        Its value at each of the n rows, those without a part in it included, shape (n,).
    """

    weights: Floats
    intercept: float
    decision: Floats


def solve(
    rows: KernelRows,
    sign: Floats,
    cap: Floats,
    start: Solution | None = None,
    *,
    limit: int,
    tolerance: float = GAP,
) -> Solution:
    """Maximise the margin, the kernel having 1 on its diagonal.

    Parameters
    ----------
    rows
        Kernel rows; asked for some hundreds at a time.
    sign
        Class of each row, -1 or 1, shape (n,).
    cap
        Upper bound of each dual variable: C, or 0 for rows that have no part in the machine.
    start
        A similar machine of the same rows, from which fewer steps are needed.
    limit
        Most steps, of a pair each.
    tolerance
        Largest violation of optimality that ends it.
    """
    from dfbench.models.classical.common import smo_kernels as compiled

    n = len(sign)
    half = min(n, _HALF)
    # written over again and again: fresh memory would cost more than what is computed in it
    memory = np.empty((2, half, n), dtype=np.float32)
    gradient, alpha = -sign, np.zeros(n)
    if start is not None:
        alpha = _feasible(start.weights * sign, sign, cap)
        gradient = start.decision - start.intercept - sign
        change = alpha * sign - start.weights
        changed = np.flatnonzero(change)
        for part in np.array_split(changed, 1 + len(changed) // half):
            rows(part, memory[0, : len(part)])
            compiled.add_rows(gradient, memory[0, : len(part)], change[part])
    sets = [np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)]
    steps, side = 0, 0
    while True:
        low, high = compiled.bounds(gradient, alpha, sign, cap)
        gap = high - low
        if gap < tolerance or steps >= limit:
            break
        # half of the set is new, the other half was new in the last round
        sets[side] = _violators(gradient, alpha, sign, cap, sets[1 - side], half)
        rows(sets[side], memory[side, : len(sets[side])])
        chosen = np.concatenate(sets)
        blocks = [memory[at, : len(each)] for at, each in enumerate(sets)]
        inner = np.concatenate([block[:, chosen] for block in blocks])
        before, after = alpha[chosen], alpha[chosen]
        # a rough solution of the few is enough while all are far from theirs
        done = compiled.optimise(
            inner, gradient[chosen], after, sign[chosen], cap[chosen],
            0.9 * max(tolerance, 0.1 * gap), min(limit - steps, 40 * half),
        )  # fmt: skip
        if not done:
            break
        steps += done
        alpha[chosen] = after
        changes = np.split((after - before) * sign[chosen], [len(sets[0])])
        for block, change in zip(blocks, changes, strict=True):
            compiled.add_rows(gradient, block, change)
        side = 1 - side
    intercept = _intercept(gradient, alpha, sign, cap)
    return Solution(alpha * sign, intercept, gradient + sign + intercept)


def _violators(
    gradient: Floats, alpha: Floats, sign: Floats, cap: Floats, beside: Array, most: int
) -> NDArray[np.int64]:
    """Take those that violate optimality most, of both kinds, without those in ``beside``."""
    from dfbench.models.classical.common import smo_kernels as compiled

    rising, falling = np.zeros((2, len(alpha)), np.bool_)
    compiled.movable(alpha, sign, cap, rising, falling)
    rising[beside] = falling[beside] = False
    first = _least(np.flatnonzero(rising), gradient, most // 2)
    falling[first] = False
    second = _least(np.flatnonzero(falling), -gradient, most - len(first))
    return np.concatenate([first, second])


def _least(candidates: Array, value: Floats, count: int) -> NDArray[np.int64]:
    if len(candidates) <= count:
        return candidates
    return np.sort(candidates[np.argpartition(value[candidates], count)[:count]])


def _feasible(alpha: Floats, sign: Floats, cap: Floats) -> Floats:
    """Bring variables inside their bounds, and both classes to the same sum."""
    alpha = np.clip(alpha, 0.0, cap)
    one = sign > 0
    excess = alpha[one].sum() - alpha[~one].sum()
    # of few rows all, so that few have changed
    side = np.flatnonzero(one == (excess > 0))
    before = np.cumsum(alpha[side]) - alpha[side]
    alpha[side] -= np.clip(abs(excess) - before, 0.0, alpha[side])
    return alpha


def _intercept(gradient: Floats, alpha: Floats, sign: Floats, cap: Floats) -> float:
    """Give the mean over variables between their bounds, or the middle of what is allowed."""
    from dfbench.models.classical.common import smo_kernels as compiled

    free = (alpha > _BOUND * cap) & (alpha < cap * (1 - _BOUND))
    if free.any():
        return float(-gradient[free].mean())
    low, high = compiled.bounds(gradient, alpha, sign, cap)
    return float(-(low + high) / 2)
