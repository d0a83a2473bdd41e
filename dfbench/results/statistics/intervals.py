"""Intervals by formula: of an ROC AUC or a rate, of a difference, of a share of images.

Those from resamples are in `bootstrap`. `benchmarks/intervals.py` measures how they do.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dfbench.results.statistics.design import Design
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.sample import Floats

LEVEL = 0.95
"""Share of data sets whose interval holds the truth."""
_Z = 1.959963984540054
"""97.5 % quantile of the normal distribution."""


def log_odds(
    value: float,
    error: float,
    design: Design,
    *,
    degrees: float | None = None,
    level: float = LEVEL,
) -> tuple[float, float] | None:
    """Give the interval of an ROC AUC or a rate, symmetric in log odds: it stays within 0 to 1.

    Pepe (2003), "The statistical evaluation of medical tests", section 5.2. Rows that order all
    images rightly have no error to go by: of the pairs of the i-th positive with the i-th
    negative, which are independent, all are right with probability AUC^m, which bounds it.

    Parameters
    ----------
    value, error
        The figure and its standard error.
    design
        Gives the degrees of freedom, and how many units a class has (`Design.fewest`).
    degrees
        Degrees of freedom of the error, where they are known better (`influence.Influence`).
    level
        Of the interval.

    Returns
    -------
    (low, high) or None
        None where the figure is not defined or a class has fewer than two units, of folds in one.
    """
    from scipy.special import expit, logit
    from scipy.stats import t

    if not np.isfinite(value) or not design.sound or not np.isfinite(error):
        return None
    tail = (1 - level) / 2
    if value in (0.0, 1.0):
        bound = tail ** (1 / design.fewest)
        return (bound, 1.0) if value == 1 else (0.0, 1 - bound)
    quantile = t.ppf(1 - tail, design.degrees if degrees is None else degrees)
    reach = quantile * error / (value * (1 - value))
    return float(expit(logit(value) - reach)), float(expit(logit(value) + reach))


def symmetric(
    value: float, error: float, degrees: float, *, level: float = LEVEL
) -> tuple[float, float]:
    """Give the interval of a difference: its value and Student's quantile times its error."""
    from scipy.stats import t

    reach = float(t.ppf((1 + level) / 2, degrees)) * error
    return value - reach, value + reach


def wilson(
    hits: Floats, groups: NDArray[np.integer] | None = None, *, widening: float = 1.0
) -> Estimate:
    """Give the share of images that something holds of, with its 95 % interval.

    Wilson (1927), Journal of the American Statistical Association 22, on the number of images; of
    images in groups, on the number of independent images that would scatter as much (Dean and
    Pagano 2015, "Evaluating confidence interval methods for binomial proportions in clustered
    surveys", Journal of Survey Statistics and Methodology 3), which of a share of 0 or 1 is
    n^2 over the sum of squares of the groups' sizes.

    Parameters
    ----------
    hits
        Whether each image counts, or the share of the seeds that it counts for, shape (n,). Where
        one is NaN nothing is known.
    groups
        Of each image; None where each is its own.
    widening
        Of standard errors, `Design.widening`.
    """
    n = hits.size
    if not n:
        return Estimate()
    p = float(hits.mean())
    if math.isnan(p):
        return Estimate()
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
    effective /= widening**2
    centre = (p + _Z**2 / (2 * effective)) / (1 + _Z**2 / effective)
    root = math.sqrt(p * (1 - p) / effective + (_Z / (2 * effective)) ** 2)
    reach = _Z * root / (1 + _Z**2 / effective)
    return Estimate(value=p, low=max(0.0, centre - reach), high=min(1.0, centre + reach))
