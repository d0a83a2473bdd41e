"""Figures of a row among some of its images: one kind of fake, one class against the rest.

They are taken from the scores at hand, with the decisions and models of the row as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dfbench.results.board.board import Estimate
from dfbench.results.statistics import auc
from dfbench.results.statistics.measured import Measured, number
from dfbench.results.statistics.metrics import Floats

_Z = 1.959963984540054
"""97.5 % quantile of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Area:
    """A ROC AUC, or a mean or difference of several.

    Attributes
    ----------
    value
        NaN where it is not defined.
    shares
        Of each image in its error (`auc.shares`), shape (n,), float64.
    """

    value: float
    shares: Floats

    def __sub__(self, other: Area) -> Area:
        return Area(self.value - other.value, self.shares - other.shares)


def mean(areas: list[Area]) -> Area:
    """Average areas over the same images."""
    return Area(
        float(np.mean([area.value for area in areas])),
        np.mean([area.shares for area in areas], axis=0),
    )


def whole(measured: Measured) -> Area:
    """Give the ROC AUC of a row over all its images."""
    return Area(measured.values["roc_auc"], measured.shares)


def of_kind(measured: Measured, chosen: NDArray[np.bool_]) -> Area:
    """Give the ROC AUC of a binary row where some of the positives alone count, over its seeds.

    Parameters
    ----------
    measured
        The row.
    chosen
        The positives that count, shape (n,); all negatives do.
    """
    found = []
    for sample in measured.samples:
        parts = tuple(
            replace(each, positives=each.positives[own], below=each.below[own], upto=each.upto[own])
            for each in sample.comparisons
            if (own := chosen[each.positives]).any()
        )
        found.append(Area(*auc.shares(replace(sample, comparisons=parts))))
    return mean(found)


def of_class(measured: Measured, label: int) -> Area:
    """Give the ROC AUC of one of several classes against the rest, over the seeds."""
    return mean(
        [
            Area(*auc.shares(replace(sample, comparisons=sample.comparisons[label : label + 1])))
            for sample in measured.samples
        ]
    )


def design(
    measured: Measured, strata: NDArray[np.integer], inside: NDArray[np.bool_]
) -> auc.Design:
    """Give the design of some of the images of a row.

    Parameters
    ----------
    measured
        Its images' groups are kept.
    strata
        What each image is one of, shape (n,): real, or a kind of fake.
    inside
        Which images count, shape (n,).
    """
    groups = measured.images.design.groups
    if groups is not None:
        groups = np.unique(groups[inside], return_inverse=True)[1].astype(np.int64)
    return auc.Design(strata[inside].astype(np.int64), groups)


def area_figure(area: Area, of: auc.Design, inside: NDArray[np.bool_]) -> Estimate:
    """Give an area with its 95 % interval; ``of`` is the design of the images ``inside``."""
    error, degrees = auc.error_of(area.shares[inside], of)
    ends = auc.interval(area.value, error, of, degrees=degrees)
    if ends is None or math.isnan(area.value):
        return Estimate(value=number(area.value))
    return Estimate(value=area.value, low=ends[0], high=ends[1])


def difference_figure(area: Area, of: auc.Design, inside: NDArray[np.bool_]) -> Estimate:
    """Give a difference of areas with its 95 % interval, from the paired shares of the images.

    DeLong's, as in the tests between rows: symmetric, with Student's quantile for groups.
    """
    from scipy.stats import t

    error = _error(area, of, inside)
    if of.fewest < 2 or not math.isfinite(area.value) or not math.isfinite(error):
        return Estimate(value=number(area.value))
    reach = float(t.ppf(0.975, of.degrees)) * error
    return Estimate(value=area.value, low=area.value - reach, high=area.value + reach)


def _error(area: Area, of: auc.Design, inside: NDArray[np.bool_]) -> float:
    if of.fewest < 2:
        return math.nan
    scatter = of.scatter(area.shares[None, inside])
    # fsum: the same to the last digit in whatever order
    return math.sqrt(math.fsum(scatter.ravel() ** 2))


def share_figure(hits: Floats, groups: NDArray[np.integer] | None = None) -> Estimate:
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
