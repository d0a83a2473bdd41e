"""Compiled kernels of `dfbench.models.classical.common.smo`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.jit import kernel

Array = NDArray[Any]


@kernel
def add_rows(gradient: Array, block: Array, change: Array) -> None:
    """Add the weighted sum of the rows of block, shape (q, n), to the gradient, shape (n,)."""
    q, n = block.shape
    piece = 2048
    for start in range(0, n, piece):
        stop = min(start + piece, n)
        into = gradient[start:stop]
        i = 0
        while i + 4 <= q:
            a, b, c, d = change[i], change[i + 1], change[i + 2], change[i + 3]
            ra, rb = block[i, start:stop], block[i + 1, start:stop]
            rc, rd = block[i + 2, start:stop], block[i + 3, start:stop]
            for j in range(stop - start):
                into[j] += (a * ra[j] + b * rb[j]) + (c * rc[j] + d * rd[j])
            i += 4
        while i < q:
            a = change[i]
            ra = block[i, start:stop]
            for j in range(stop - start):
                into[j] += a * ra[j]
            i += 1


@kernel
def bounds(gradient: Array, alpha: Array, sign: Array, cap: Array) -> tuple[float, float]:
    """Give the least gradient of what may rise and the highest of what may fall."""
    low, high = np.inf, -np.inf
    for i in range(len(alpha)):
        if cap[i] <= 0.0:
            continue
        below, above = alpha[i] < cap[i], alpha[i] > 0.0
        if ((sign[i] > 0 and below) or (sign[i] < 0 and above)) and gradient[i] < low:
            low = gradient[i]
        if ((sign[i] < 0 and below) or (sign[i] > 0 and above)) and gradient[i] > high:
            high = gradient[i]
    return low, high


@kernel
def movable(alpha: Array, sign: Array, cap: Array, rising: Array, falling: Array) -> None:
    """Say in two arrays of False which signed variables may rise, and which may fall."""
    for i in range(len(alpha)):
        if cap[i] <= 0.0:
            continue
        below, above = alpha[i] < cap[i], alpha[i] > 0.0
        rising[i] = (sign[i] > 0 and below) or (sign[i] < 0 and above)
        falling[i] = (sign[i] < 0 and below) or (sign[i] > 0 and above)


@kernel
def optimise(
    inner: Array, gradient: Array, alpha: Array, sign: Array, cap: Array, gap: float, limit: int
) -> int:
    """Optimise the variables of one set among themselves, in place; give the steps."""
    q = len(alpha)
    g = gradient.copy()
    steps = 0
    while steps < limit:
        best, i = np.inf, -1
        for t in range(q):
            if ((sign[t] > 0 and alpha[t] < cap[t]) or (sign[t] < 0 and alpha[t] > 0)) and g[
                t
            ] < best:
                best, i = g[t], t
        if i < 0:
            break
        worst, gain, j = -np.inf, 0.0, -1
        row = inner[i]
        for t in range(q):
            if (sign[t] < 0 and alpha[t] < cap[t]) or (sign[t] > 0 and alpha[t] > 0):
                if g[t] > worst:
                    worst = g[t]
                difference = g[t] - best
                if difference > 0:
                    curvature = max(2.0 - 2.0 * row[t], 1e-12)
                    its = difference * difference / curvature
                    if its > gain:
                        gain, j = its, t
        if j < 0 or worst - best < gap:
            break
        # the signed variable of i rises by as much as that of j falls
        length = (g[j] - g[i]) / max(2.0 - 2.0 * row[j], 1e-12)
        length = min(length, cap[i] - alpha[i] if sign[i] > 0 else alpha[i])
        length = min(length, alpha[j] if sign[j] > 0 else cap[j] - alpha[j])
        new_i, new_j = alpha[i] + sign[i] * length, alpha[j] - sign[j] * length
        # exactly at a bound where it is reached: what is at its bound must be seen to be
        if new_i < 1e-12 * cap[i]:
            new_i = 0.0
        elif new_i > cap[i] * (1 - 1e-12):
            new_i = cap[i]
        if new_j < 1e-12 * cap[j]:
            new_j = 0.0
        elif new_j > cap[j] * (1 - 1e-12):
            new_j = cap[j]
        alpha[i], alpha[j] = new_i, new_j
        other = inner[j]
        for t in range(q):
            g[t] += length * (row[t] - other[t])
        steps += 1
    return steps
