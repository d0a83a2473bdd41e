"""A figure with its 95 % interval, and the intervals of figures that are shares of something."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from dfbench.results.statistics.metrics import Floats

_Z = 1.959963984540054
"""97.5 % quantile of the normal distribution."""


class Estimate(BaseModel):
    """A measured value with its 95 % interval; None where it is not defined.

    Of several seeds the value is the mean, and `spread` the standard deviation over them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float | None = None
    low: float | None = None
    high: float | None = None
    spread: float | None = None


def number(value: float) -> float | None:
    """Give None for what is not defined."""
    return None if math.isnan(value) else float(value)


def share(hits: Floats, groups: NDArray[np.integer] | None = None) -> Estimate:
    """Give a share of images with its 95 % interval.

    Wilson (1927), Journal of the American Statistical Association 22, on the number of images; of
    images in groups, on the number of independent images that would scatter as much (Dean and
    Pagano 2015, "Evaluating confidence interval methods for binomial proportions in clustered
    surveys", Journal of Survey Statistics and Methodology 3), which of a share of 0 or 1 is
    n^2 over the sum of squares of the groups' sizes.

    Parameters
    ----------
    hits
        Whether each image counts, or the share of the seeds that it counts for, shape (n,).
    groups
        Of each image; None where each is its own.
    """
    n = hits.size
    if not n:
        return Estimate()
    p = float(hits.mean())
    effective = float(n)
    if groups is not None:
        unit = np.unique(groups, return_inverse=True)[1]
        m = int(unit.max()) + 1
        if m < 2:
            return Estimate(value=p)
        sizes = np.bincount(unit).astype(np.float64)
        variance = m / (m - 1) * float((np.bincount(unit, weights=hits - p) ** 2).sum()) / n**2
        kish = n**2 / float((sizes**2).sum())
        effective = min(float(n), p * (1 - p) / variance) if variance > 0 else kish
    centre = (p + _Z**2 / (2 * effective)) / (1 + _Z**2 / effective)
    root = math.sqrt(p * (1 - p) / effective + (_Z / (2 * effective)) ** 2)
    reach = _Z * root / (1 + _Z**2 / effective)
    return Estimate(value=p, low=max(0.0, centre - reach), high=min(1.0, centre + reach))
