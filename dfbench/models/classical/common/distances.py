"""Squared distances between rows and kernel expansions over them, a matrix product a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from dfbench.models.classical.common.blocks import Features, Vectors, checked_blocks
from dfbench.models.held import MOST
from dfbench.models.rows import BLOCK, row_bytes

Floats = NDArray[np.float64]
_NARROW = 128
"""Width up to which distances are computed about as fast as they are read from memory."""
_ROWS = 512
_WIDE = 1_024
_FEW = 256
_CACHE = 512 << 10
_FAR = np.float32(1e15)
"""Where values are cut off whose squares float32 could not hold: all is as far from there."""


class Squares:
    """Squared distances of n rows to each other, in float32, as RBF kernels of any ``gamma``.

    They are held whole where rows are wide, and that takes no more than `MOST` bytes; otherwise
    each is computed when it is asked for. They do not hang on what was asked before, nor on how
    much memory is free, as either way rounds in its own.
    """

    def __init__(self, rows: Features) -> None:
        self._matrix: Features | None = None
        if self.matrix_bytes(*rows.shape):
            self._matrix = among(rows)
            self._left = self._right = np.empty((0, 0), dtype=np.float32)
        else:
            self._left, self._right = _augmented(rows)

    @staticmethod
    def matrix_bytes(n: int, width: int) -> int:
        """Give the bytes of the matrix that is held of n rows; 0 where none is."""
        return 4 * n * n if width > _NARROW and 4 * n * n <= MOST else 0

    @property
    def n_bytes(self) -> int:
        """What it holds."""
        own = 0 if self._matrix is None else self._matrix.nbytes
        return own + self._left.nbytes + self._right.nbytes

    def kernel(
        self, wanted: NDArray[np.int64], columns: list[slice], gamma: float, out: Features
    ) -> None:
        """Write exp(-gamma squared distance) of some rows to those of the columns, to ``out``."""
        at = 0
        for each in columns:
            part = out[:, at : at + each.stop - each.start]
            at += part.shape[1]
            if self._matrix is None:
                self._computed(wanted, each, gamma, part)
            else:
                self._looked_up(self._matrix, wanted, each, gamma, part)

    def _computed(
        self, wanted: NDArray[np.int64], columns: slice, gamma: float, out: Features
    ) -> None:
        np.matmul(np.float32(-gamma) * self._left[wanted], self._right[columns].T, out=out)
        np.minimum(out, 0.0, out=out)  # rounding
        np.exp(out, out=out)
        own = np.flatnonzero((wanted >= columns.start) & (wanted < columns.stop))
        out[own, wanted[own] - columns.start] = 1.0

    def _looked_up(
        self,
        matrix: Features,
        wanted: NDArray[np.int64],
        columns: slice,
        gamma: float,
        out: Features,
    ) -> None:
        step = max(1, _CACHE // (4 * max(1, out.shape[1])))
        for start in range(0, len(wanted), step):
            part = out[start : start + step]
            part[...] = matrix[wanted[start : start + step], columns]
            part *= np.float32(-gamma)
            np.exp(part, out=part)


def cross(A: Features, B: Features) -> Features:
    """Give squared distances of rows to rows, shape (len(A), len(B)), in float32."""
    left, right = _augmented(A)[0], _augmented(B)[1]
    out = np.empty((len(A), len(B)), dtype=np.float32)
    for start in range(0, len(A), _ROWS):
        part = out[start : start + _ROWS]
        np.matmul(left[start : start + _ROWS], right.T, out=part)
        np.maximum(part, 0.0, out=part)  # rounding
    return out


def among(rows: Features) -> Features:
    """Give squared distances of n rows to each other, shape (n, n), in float32.

    Those below the diagonal are computed, which takes half as long, and hold above it too.
    """
    left, right = _augmented(rows)
    n = len(rows)
    out = np.empty((n, n), dtype=np.float32)
    for start in range(0, n, _ROWS):
        stop = min(start + _ROWS, n)
        part = out[start:stop, :stop]
        np.matmul(left[start:stop], right[:stop].T, out=part)
        np.maximum(part, 0.0, out=part)  # rounding
        out[:start, start:stop] = part[:, :start].T
    out.flat[:: n + 1] = 0.0
    return out


def crossed(X: Vectors, scale: Callable[[Features], Features], B: Features) -> Iterator[Features]:
    """Give squared distances of the rows of X, once scaled, to those of B, some rows at a time."""
    step = max(1, BLOCK // max(1, 4 * len(B)))
    for _, block in checked_blocks(X, step * row_bytes(X)):
        yield cross(scale(block), B)


def squares(rows: Features) -> Floats:
    """Give squared distances of rows to each other, shape (n, n), in float64."""
    wide = rows.astype(np.float64)
    norms = np.einsum("ij,ij->i", wide, wide)
    out: Floats = wide @ wide.T
    out *= -2.0
    out += norms[:, None]
    out += norms
    # rounding may leave a distance to itself just below zero
    return np.maximum(out, 0.0, out=out)


def _augmented(rows: Features) -> tuple[Features, Features]:
    """Give matrices of which the product of one with the other's transpose is the distances."""
    rows = np.clip(rows, -_FAR, _FAR)
    norms = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)[:, None].astype(np.float32)
    ones = np.ones_like(norms)
    return np.hstack([-2.0 * rows, norms, ones]), np.hstack([rows, ones, norms])


def expansion(X: Features, vectors: Features, weights: Floats, gamma: float) -> Floats:
    """Sum RBF kernels at ``vectors`` with weights.

    Parameters
    ----------
    X
        Shape (n, d).
    vectors
        Shape (m, d).
    weights
        Shape (m, K).
    gamma
        Of the kernel exp(-gamma squared distance).

    Returns
    -------
    ndarray of shape (n, K), dtype float64
        In double precision: a row's value does not hang on those beside it.
    """
    out = np.zeros((len(X), weights.shape[1]))
    for start in range(0, len(vectors), _WIDE):
        kernel = Kernel(vectors[start : start + _WIDE], gamma)
        for first in range(0, len(X), _FEW):
            place = slice(first, first + _FEW)
            out[place] += kernel(X[place]) @ weights[start : start + _WIDE]
    return out


class Kernel:
    """RBF kernel with some vectors, shape (m, d), in double precision."""

    def __init__(self, vectors: Features, gamma: float) -> None:
        wide = vectors.astype(np.float64)
        norms = np.einsum("ij,ij->i", wide, wide)[:, None]
        self._gamma = gamma
        # one product gives the whole exponent, with the norms as two more columns
        self._right = np.hstack([2 * gamma * wide, np.ones_like(norms), -gamma * norms])

    def __call__(self, X: Features) -> Floats:
        """Give the kernel of a few rows, shape (n, m)."""
        wide = X.astype(np.float64)
        norms = np.einsum("ij,ij->i", wide, wide)[:, None]
        out: Floats = np.hstack([wide, -self._gamma * norms, np.ones_like(norms)]) @ self._right.T
        # rounding may leave a distance to itself just below zero
        np.minimum(out, 0.0, out=out)
        return np.exp(out, out=out)
