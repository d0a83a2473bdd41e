"""Features standardised by the mean and deviation of the training rows, found block by block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfbench.models.classical.common.blocks import Features, Vectors, checked_blocks
from dfbench.models.kept import KeptError

Floats = NDArray[np.float64]
_LARGEST = float(np.finfo(np.float32).max)
_SMALL = 8 << 20
"""Bytes of a block of float32 of which a copy in float64 is made."""


def moments(
    X: Vectors, change: Callable[[Features], Features] | None = None
) -> tuple[Floats, Floats]:
    """Give mean and variance of each column, of shape (d,), after what ``change`` makes of a block.

    Blocks are joined in float64 (Chan, Golub, LeVeque, "Algorithms for computing the sample
    variance", The American Statistician 37, 1983).
    """
    count = 0
    mean = np.zeros(X.shape[1])
    squares = np.zeros(X.shape[1])
    for _, block in checked_blocks(X, _SMALL):
        wide = (block if change is None else change(block)).astype(np.float64)
        own = wide.mean(axis=0)
        wide -= own
        shift = own - mean
        total = count + len(block)
        squares += np.einsum("ij,ij->j", wide, wide) + shift**2 * (count * len(block) / total)
        mean += shift * (len(block) / total)
        count = total
    return mean, squares / max(count, 1)


@dataclass(frozen=True)
class Standard:
    """Standardisation; a column that does not vary is only centred.

    Attributes
    ----------
    mean
        Of each column, shape (d,), dtype float64.
    factor
        What its difference from the mean is multiplied by, shape (d,).
    variance
        Of the training rows, once standardised: the share of the columns that vary.
    """

    mean: Floats
    factor: Floats
    variance: float = 1.0

    @classmethod
    def of(cls, X: Vectors) -> Standard:
        """Find mean and deviation of each column, those of scikit-learn's ``StandardScaler``."""
        mean, variance = moments(X)
        eps, n = np.finfo(np.float64).eps, len(X)
        # what is left of a constant is rounding
        constant = variance <= n * eps * variance + (n * mean * eps) ** 2
        factor = 1.0 / np.sqrt(np.where(constant, 1.0, variance))
        return cls(mean, factor, float(1.0 - constant.mean()))

    @classmethod
    def restored(cls, mean: object, factor: object) -> Standard:
        """Take arrays that were kept, if they are what they must be."""
        for each in (mean, factor):
            if not (type(each) is np.ndarray and each.dtype == np.float64 and each.ndim == 1):
                raise KeptError("its scaling is not what it must be")
        assert isinstance(mean, np.ndarray)
        assert isinstance(factor, np.ndarray)
        if not (
            mean.shape == factor.shape and np.isfinite(mean).all() and np.isfinite(factor).all()
        ):
            raise KeptError("its scaling is not what it must be")
        return cls(mean, factor)

    def __call__(self, X: Features) -> Features:
        """Standardise a few rows."""
        if X.shape[1] != len(self.mean):
            # a single column would be stretched to any number, and compiled code follow it
            raise ValueError(f"{len(self.mean)} features are needed, not {X.shape[1]}")
        wide = X.astype(np.float64)
        wide -= self.mean
        wide *= self.factor
        np.clip(wide, -_LARGEST, _LARGEST, out=wide)
        return wide.astype(np.float32)

    def all(self, X: Vectors) -> Features:
        """Standardise all rows, as one array."""
        out = np.empty((len(X), X.shape[1]), dtype=np.float32)
        for place, block in checked_blocks(X, _SMALL):
            out[place] = self(block)
        return out
