"""Compiled kernels of `dfbench.models.classical.common.neighbours`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.jit import kernel

Array = NDArray[Any]


@kernel
def city_blocks(queries: Array, columns: Array, out: Array) -> None:
    """Write sums of absolute differences, float32.

    Parameters
    ----------
    queries
        Shape (q, d), q a multiple of four.
    columns
        Rows to compare with, transposed: shape (d, m).
    out
        Shape (q, m).
    """
    d, m = columns.shape
    for first in range(0, len(queries), 4):
        a, b, c, e = out[first], out[first + 1], out[first + 2], out[first + 3]
        for j in range(m):
            a[j] = b[j] = c[j] = e[j] = np.float32(0.0)
        for k in range(d):
            row = columns[k]
            p, q = queries[first, k], queries[first + 1, k]
            r, s = queries[first + 2, k], queries[first + 3, k]
            for j in range(m):
                value = row[j]
                a[j] += abs(p - value)
                b[j] += abs(q - value)
                c[j] += abs(r - value)
                e[j] += abs(s - value)


@kernel
def exact(query: Array, rows: Array, numbers: Array, city_block: bool, out: Array) -> None:
    """Write the distance of one query to some rows in float64: city block, or squared Euclidean."""
    d = len(query)
    sums = np.empty(8)
    for at in range(len(numbers)):
        row = rows[numbers[at]]
        sums[:] = 0.0
        k = 0
        # eight sums, so that none has to wait for the one before it
        while k + 8 <= d:
            for j in range(8):
                difference = np.float64(query[k + j]) - np.float64(row[k + j])
                sums[j] += abs(difference) if city_block else difference * difference
            k += 8
        while k < d:
            difference = np.float64(query[k]) - np.float64(row[k])
            sums[0] += abs(difference) if city_block else difference * difference
            k += 1
        out[at] = sums.sum()
