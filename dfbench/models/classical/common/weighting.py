"""Blocks of features: scaled to one variance each, and weights that a kernel learns for them.

A block is the vector of one extractor (`dfbench.models.base.Model.blocks`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import ParameterError
from dfbench.models.base import Labels
from dfbench.models.classical.common import copies
from dfbench.models.classical.common.blocks import Features, Vectors
from dfbench.models.classical.common.distances import squares
from dfbench.models.classical.common.machine_check import array_of, belongs
from dfbench.models.classical.common.scaling import moments

Floats = NDArray[np.float64]

WEIGHTS = ("equal", "width", "learned")
_FACTORS = (0.0, 0.5, 2.0)
_SWEEPS = 3
_GAIN = 1e-3
"""Share of the error that a change of weight must save: less is noise."""
_FAR = np.float32(1e15)


def widths_of(blocks: tuple[int, ...], width: int) -> tuple[int, ...]:
    """Give the widths of the blocks of rows; one of all columns where they are not told."""
    return blocks if sum(blocks) == width else (width,)


def targets_of(y: Labels, classes: Labels) -> Floats:
    """Give the classes one against the rest, shape (n, K), less their mean."""
    targets: Floats = (y[:, None] == classes[None]).astype(np.float64)
    targets -= targets.mean(axis=0)
    return targets


class BlockScale:
    """Standardises features, and gives every block the variance 1."""

    def __init__(self, X: Vectors, widths: tuple[int, ...], arcsinh: bool) -> None:
        self._cuts = np.cumsum(widths)[:-1]
        self._steps: list[tuple[Features, Features]] = []
        self.arcsinh = arcsinh
        for _ in range(1 + arcsinh):
            mean, variance = moments(X, self._standard)
            spread = np.sqrt(variance)
            # a constant's deviation is rounding
            constant = spread <= np.maximum(1e-6 * np.abs(mean), np.finfo(np.float32).tiny)
            factor = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, spread))
            self._steps.append((mean.astype(np.float32), factor.astype(np.float32)))
        varying = [np.count_nonzero(part) for part in np.split(factor, self._cuts)]
        self.alive = np.array([n > 0 for n in varying], dtype=np.float64)
        self._norms = np.repeat(1 / np.sqrt(np.maximum(varying, 1)), widths).astype(np.float32)
        self._widths = widths

    @property
    def widths(self) -> tuple[int, ...]:
        """Of the blocks."""
        return self._widths

    def _standard(self, X: Features) -> Features:
        for mean, factor in self._steps:
            X = self._standardised(X, mean, factor)
            if self.arcsinh:
                X = np.arcsinh(X)
        return X

    @staticmethod
    def _standardised(X: Features, mean: Features, factor: Features) -> Features:
        """Standardise, and cut off values whose squares float32 could not hold."""
        with np.errstate(over="ignore"):
            rows = (X - mean) * factor
        return np.clip(rows, -_FAR, _FAR, out=rows)

    def __call__(self, X: Features) -> Features:
        """Scale a few rows."""
        if X.shape[1] != len(self._norms):
            # a single column would be stretched to any number
            raise ValueError(f"{len(self._norms)} features are needed, not {X.shape[1]}")
        rows = X
        for number, (mean, factor) in enumerate(self._steps):
            rows = np.arcsinh(rows) if number else rows
            rows = self._standardised(rows, mean, factor)
        return rows * self._norms

    def checked(self, weights: Floats) -> int:
        """Check it after it was loaded, and give the number of columns that have a weight."""
        steps, widths = self._steps, self._widths
        belongs(type(steps) is list and type(self.arcsinh) is bool)
        belongs(len(steps) == 1 + self.arcsinh and all(len(step) == 2 for step in steps))
        belongs(type(widths) is tuple and all(type(each) is int and each > 0 for each in widths))
        for each in (self._norms, *(each for step in steps for each in step)):
            array_of(each, np.float32, (sum(widths),))
        array_of(weights, np.float64, (len(widths),))
        belongs(bool((weights >= 0).all()))
        return int(np.repeat(np.sqrt(weights).astype(np.float32) > 0, widths).sum())

    def split(self, rows: Features) -> list[Features]:
        """Give the columns of each block."""
        return np.split(rows, self._cuts, axis=1)

    def weighted(self, rows: Features, weights: Floats) -> Features:
        """Multiply by the roots of the blocks' weights, leaving out the blocks without one."""
        roots = np.repeat(np.sqrt(weights), self._widths).astype(np.float32)
        kept = roots > 0
        return rows[:, kept] * roots[kept]


def weights_of(
    how: str,
    scale: BlockScale,
    X: Vectors,
    targets: Floats,
    *,
    gamma: float,
    ridge: float,
    sample: int,
    seed: int,
    once: Callable[..., Any],
    groups: copies.Groups | None = None,
) -> Floats:
    """Give the weights of blocks, shape (n_blocks,), summing to 1.

    Parameters
    ----------
    how
        Of `WEIGHTS`.
    scale
        Of the rows.
    X, targets
        Of the training part.
    gamma, ridge
        As of `learned`.
    sample
        Rows at most that weights are learned on, drawn by ``seed``.
    once
        Shares what fits of a study have in common, see `Estimator._once`.
    groups
        See `dfbench.models.base.Model.groups`.
    """
    weights = np.array(scale.widths, dtype=np.float64)
    if how == "equal":
        weights[:] = 1.0
    weights *= scale.alive
    if how == "learned" and np.count_nonzero(weights) > 1:
        chance = np.random.default_rng(seed)
        if groups is None:
            chosen = np.sort(chance.permutation(len(X))[:sample])
        else:
            chosen = copies.drawn(groups, sample, chance)

        def make() -> list[Floats]:
            rows = scale(np.asarray(X[chosen], dtype=np.float32))
            return [squares(part) for part in scale.split(rows)]

        found = once(("sample", scale.arcsinh), make, tag=(sample, seed))
        own = None if groups is None else groups[chosen]
        weights = learned(found, targets[chosen], weights, gamma, ridge, own)
    its: Floats = weights / max(weights.sum(), 1e-300)
    return its


def learned(
    squares: Sequence[Floats],
    targets: Floats,
    weights: Floats,
    gamma: float,
    ridge: float,
    groups: copies.Groups | None = None,
) -> Floats:
    """Change one weight at a time while that lowers the leave-one-out error of kernel ridge.

    In up to three sweeps each is halved, doubled or set to 0 wherever that helps.

    Parameters
    ----------
    squares
        Of each block: squared distances of n rows, shape (n, n).
    targets
        Shape (n, K), see `targets_of`.
    weights
        To start from, shape (n_blocks,).
    gamma, ridge
        Of the kernel, as of `dfbench.models.classical.kernel_ridge.KernelRidge`.
    groups
        Of the rows, see `left_out`.
    """

    def error(exponent: Floats) -> float:
        scores = left_out(np.exp(exponent, out=exponent), targets, ridge, groups)
        return float(np.square(scores - targets).mean())

    def total(candidate: Floats) -> Floats:
        out = np.zeros_like(squares[0])
        for weight, block in zip(candidate, squares, strict=True):
            if weight:
                out += weight * block
        return out

    least = error(total(weights) * (-gamma / weights.sum()))
    for _ in range(_SWEEPS):
        before = least
        for block in np.flatnonzero(weights).tolist():
            own = np.arange(len(weights)) == block
            others = total(weights * ~own)
            trials = [weights * np.where(own, f, 1) for f in _FACTORS]
            errors = [
                error((others + t[block] * squares[block]) * (-gamma / t.sum()))
                if t.sum() > 0
                else np.inf
                for t in trials
            ]
            best = int(np.argmin(errors))
            if errors[best] < least * (1 - _GAIN):
                weights, least = trials[best], errors[best]
        if least == before:
            break
    return weights


def factorised(kernel: Floats, ridge: float) -> Floats:
    """Give the lower Cholesky factor; the kernel is overwritten."""
    from scipy.linalg.lapack import dpotrf as factorise

    kernel.flat[:: len(kernel) + 1] += ridge
    lower, failed = factorise(kernel.T, lower=1, overwrite_a=1)
    if failed:
        raise ParameterError(f"ridge={ridge} is too small")
    return np.asarray(lower)


def left_out(
    kernel: Floats, targets: Floats, ridge: float, groups: copies.Groups | None = None
) -> Floats:
    """Give the scores that leave each row out, shape (n, K), with all others of its image.

    Of the inverse's part for an image and its dual coefficients the residuals follow: S. An, W.
    Liu, S. Venkatesh, "Fast cross-validation algorithms for least squares support vector machine
    and kernel ridge regression", Pattern Recognition 40, 2007. The kernel is overwritten.
    """
    from scipy.linalg.lapack import dlauum as product
    from scipy.linalg.lapack import dtrtri as invert

    half, _ = invert(factorised(kernel, ridge), lower=1, overwrite_c=1)
    dual: Floats = half.T @ (half @ targets)
    # the diagonal of the inverse, which is half's transpose times half: all that single rows need
    found: Floats = targets - dual / np.einsum("ij,ij->j", half, half)[:, None]
    several = () if groups is None else [r for r in copies.together(groups) if r.shape[1] > 1]
    if several:
        inverse, _ = product(half, lower=1, overwrite_c=1)
    for rows in several:
        across, down = rows[:, None, :], rows[:, :, None]
        own = inverse[np.maximum(across, down), np.minimum(across, down)]
        found[rows] = targets[rows] - np.linalg.solve(own, dual[rows])
    return found
