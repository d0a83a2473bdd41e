"""Whether intervals hold figures of further images: how often they would, were the truth the same.

An interval is of the truth, and a figure of other images lies off it by an error of its own. Of two
sets of n images with equal errors an interval of 95 % holds the other's figure in 83 of 100 cases:
2 Phi(1.96 / sqrt(2)) - 1 (Cumming, Williams and Fidler 2004, "Replication and researchers'
understanding of confidence intervals and standard error bars", Understanding Statistics 3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfbench.results.statistics.influence import Influence

_DRAWS = 10_000


@dataclass(frozen=True)
class Held:
    """How often intervals hold figures of other images, were the truth the same.

    Attributes
    ----------
    each
        Chance of each interval, shape (R,).
    share
        Expected share of the intervals that do.
    low, high
        Between which it lies in 95 of 100 pairs of sets: rows that share images err together.
    """

    each: NDArray[np.float64]
    share: float
    low: float
    high: float


def expected(
    intervals: Sequence[tuple[float, float]], here: Sequence[Influence], there: Sequence[Influence]
) -> Held | None:
    """Say how often intervals would hold the figures of other images.

    Differences of figures are normal in log odds, with the covariance that the images of either set
    give them; images of the two are independent.

    Parameters
    ----------
    intervals
        Of R rows.
    here
        The figures that they are of, all of the same images.
    there
        Of the same rows on other images, all of the same.

    Returns
    -------
    Held or None
        None where an error is not known, or a figure is 0 or 1.
    """
    values = np.array([[each.value for each in its] for its in (here, there)])
    if not values.size or not ((values > 0) & (values < 1)).all():
        return None
    covariance = sum(_covariance(its, own) for its, own in zip((here, there), values, strict=True))
    if not np.isfinite(covariance).all() or not (np.diagonal(covariance) > 0).all():
        return None
    ends = np.array(intervals, np.float64)
    with np.errstate(divide="ignore"):
        reach = _log_odds(ends) - _log_odds(values[0])[:, None]
    errors = np.sqrt(np.diagonal(covariance))
    each = np.array(
        [_normal(high / e) - _normal(low / e) for (low, high), e in zip(reach, errors, strict=True)]
    )
    drawn = np.random.default_rng(0).multivariate_normal(
        np.zeros(len(ends)), covariance, _DRAWS, check_valid="ignore"
    )
    shares = ((drawn >= reach[:, 0]) & (drawn <= reach[:, 1])).mean(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975], method="inverted_cdf")
    return Held(each, float(each.mean()), float(low), float(high))


def _covariance(figures: Sequence[Influence], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the covariance of figures on the same images, in log odds."""
    ((design, _),) = figures[0].shares
    shares = np.array([own for each in figures for _, own in each.shares])
    scatter = design.scatter(shares) / (values * (1 - values))[:, None]
    found: NDArray[np.float64] = scatter @ scatter.T
    return found


def _log_odds(values: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.log(values) - np.log1p(-values)
    return found


def _normal(value: float) -> float:
    return (1 + math.erf(value / math.sqrt(2))) / 2
