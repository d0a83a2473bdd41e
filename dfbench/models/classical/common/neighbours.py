"""Nearest neighbours among rows in memory, exact, of a block of queries at a time.

Distances of all rows are computed in float32, where a processor does most at once. The few rows
that may be among the nearest are then measured again in float64; where the error bound leaves
doubt whether all of the nearest are among those few, all rows are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.models.classical.common.blocks import Features

Floats = NDArray[np.float64]

_BLOCK = 64 << 20
"""Bytes of the distances that are held at once."""
_SPARE = 16
"""Rows measured again beyond those that are asked for."""
_FAR = 1e36
"""Squared length above which products of float32 may not be finite."""
_COLUMNS = 128
"""Rows that are compared with one query after another, and stay in the processor's cache."""


def unit(rows: Features) -> Features:
    """Bring rows to length 1, in place, but for those of length 0."""
    for start in range(0, len(rows), 1_024):
        part = rows[start : start + 1_024]
        lengths = np.sqrt(squared_lengths(part))
        part /= np.where(lengths > 0, lengths, 1.0)[:, None]
    return rows


def squared_lengths(rows: Features) -> Floats:
    """Give the squared length of each row, shape (n,)."""
    lengths: Floats = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    return lengths


@dataclass(frozen=True)
class Neighbours:
    """Finds the nearest rows, and how far they are; of rows equally far the first come first.

    Attributes
    ----------
    rows
        Shape (n, d); for ``cosine`` those of `unit`.
    lengths
        Their `squared_lengths`.
    metric
        ``euclidean``, ``manhattan`` or ``cosine``, as in scikit-learn.
    """

    rows: Features
    lengths: Floats
    metric: str

    def __call__(self, queries: Features, count: int) -> tuple[NDArray[np.int64], Floats]:
        """Find the nearest rows of each query.

        Parameters
        ----------
        queries
            Shape (q, d), dtype float32; for ``cosine`` those of `unit`.
        count
            How many of the rows, at most all.

        Returns
        -------
        tuple of ndarray
            Their numbers and distances, shape (q, count), the nearest first.
        """
        numbers = np.empty((len(queries), count), dtype=np.int64)
        distances = np.empty((len(queries), count))
        step = max(1, _BLOCK // (4 * len(self.rows)))
        for start in range(0, len(queries), step):
            place = slice(start, start + step)
            self._find(queries[place], numbers[place], distances[place])
        if self.metric == "euclidean":
            np.sqrt(distances, out=distances)
        return numbers, distances

    def _find(self, queries: Features, numbers: NDArray[Any], distances: NDArray[Any]) -> None:
        count, n = numbers.shape[1], len(self.rows)
        some, every = count + _SPARE, np.arange(n)
        least = self._at_least(queries) if some < n and self._tellable(queries) else None
        for q, query in enumerate(queries):
            wanted, bound = every, np.inf
            if least is not None:
                near = np.argpartition(least[q], some)[: some + 1]
                wanted, bound = np.sort(near), float(least[q, near[-1]])
            for _ in range(2):
                its = self._measured(query, wanted)
                order = np.lexsort((wanted, its))[:count]
                numbers[q], distances[q] = wanted[order], its[order]
                if distances[q, -1] < bound:
                    break
                wanted, bound = every, np.inf  # one that was left out may be as near

    def _tellable(self, queries: Features) -> bool:
        """Whether float32 holds all distances."""
        longest = max(self.lengths.max(), squared_lengths(queries).max())
        return bool(longest < _FAR)

    def _at_least(self, queries: Features) -> Features:
        """Give bounds that no distance lies below, shape (q, n): float32, less its error.

        An inner product of d terms is wrong by at most d u |a| |b| (Higham, "Accuracy and stability
        of numerical algorithms", section 3.1), u being 2^-24; and by what underflows.
        """
        error = (queries.shape[1] + 8) * 2.0**-24
        vanished = (queries.shape[1] + 8) * float(np.finfo(np.float32).tiny)
        if self.metric == "manhattan":
            near = _city_blocks(queries, self.rows)
            near *= np.float32(1.0 - error)
            return near
        near = queries @ self.rows.T
        near *= np.float32(-2.0)
        near += ((1.0 - error) * self.lengths).astype(np.float32)
        near += ((1.0 - error) * squared_lengths(queries) - vanished).astype(np.float32)[:, None]
        if self.metric == "cosine":
            near *= np.float32(0.5)
            near += _lost(self.lengths).astype(np.float32)
            near += _lost(squared_lengths(queries)).astype(np.float32)[:, None]
        return near

    def _measured(self, query: Features, wanted: NDArray[Any]) -> Floats:
        from dfbench.models.classical.common import neighbour_kernels as compiled

        out = np.empty(len(wanted))
        compiled.exact(query, self.rows, wanted, self.metric == "manhattan", out)
        if self.metric == "cosine":
            # of vectors of length 1, half the squared distance
            out /= 2
            out += _lost(self.lengths[wanted]) + _lost(squared_lengths(query[None]))
        return out


def _lost(lengths: Floats) -> Floats:
    """Give what a vector of length 0 adds to its cosine distance, which is 1 to any other."""
    return np.where(lengths > 0, 0.0, 0.5)


def _city_blocks(queries: Features, rows: Features) -> Features:
    from dfbench.models.classical.common import neighbour_kernels as compiled

    q = len(queries)
    padded = np.zeros((q + -q % 4, queries.shape[1]), dtype=np.float32)
    padded[:q] = queries
    near = np.empty((len(padded), len(rows)), dtype=np.float32)
    part = np.empty((len(padded), _COLUMNS), dtype=np.float32)
    for start in range(0, len(rows), _COLUMNS):
        columns = np.ascontiguousarray(rows[start : start + _COLUMNS].T)
        its = part[:, : columns.shape[1]]
        if columns.shape[1] < _COLUMNS:
            its = np.empty(its.shape, dtype=np.float32)
        compiled.city_blocks(padded, columns, its)
        near[:, start : start + columns.shape[1]] = its
    return near[:q]
