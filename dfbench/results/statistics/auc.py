"""ROC AUC as a sum over images: its standard error, interval, and tests between rows.

An ROC AUC is a mean over pairs, so each image has a share in how far it may be off: how much the
figure would move if that image were drawn once more. DeLong, DeLong and Clarke-Pearson (1988),
"Comparing the areas under two or more correlated receiver operating characteristic curves",
Biometrics 44, is the sum of squares of these shares over images within their class; Obuchowski
(1997), "Nonparametric analysis of clustered ROC curve data", Biometrics 53, sums them over the
images of a group first. The mean over several one-vs-rest curves has the mean of their shares.
`benchmarks/intervals.py` measures how intervals and tests do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dfbench.results.statistics.metrics import Floats, Sample

LEVEL = 0.95


@dataclass(frozen=True)
class Design:
    """How the images of a data set were drawn: what is independent of what.

    Attributes
    ----------
    labels
        Class numbers, shape (n,).
    groups
        Numbers of the groups 0..G-1, shape (n,); None where each image is its own.
    """

    labels: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None

    def within(
        self,
        inside: NDArray[np.bool_],
        labels: NDArray[np.integer] | NDArray[np.bool_] | None = None,
    ) -> Design:
        """Give the design of some of the images.

        Parameters
        ----------
        inside
            Which, shape (n,).
        labels
            What all images are one of, shape (n,), where not their class counts: kinds of fake.
        """
        its = self.labels if labels is None else labels
        groups = self.groups
        if groups is not None:
            groups = np.unique(groups[inside], return_inverse=True)[1].astype(np.int64)
        return Design(its[inside].astype(np.int64), groups)

    @cached_property
    def units(self) -> NDArray[np.int64]:
        """Number of the independent unit (image, or group) of each image, shape (n,)."""
        return np.arange(self.labels.size) if self.groups is None else self.groups

    @cached_property
    def fewest(self) -> int:
        """Fewest units that hold an image of a class."""
        units = self.units
        held = [np.unique(units[self.labels == k]).size for k in np.unique(self.labels)]
        return min(held, default=0)

    @cached_property
    def of_one_class(self) -> bool:
        """Whether no unit holds images of two classes, so that classes were drawn apart."""
        units = self.units
        pairs = units * (self.labels.max(initial=0) + 1) + self.labels
        return bool(np.unique(pairs).size == np.unique(units).size)

    @cached_property
    def effective(self) -> float:
        """Number of units of equal size that would tell as much: n^2 over the sum of squares.

        Where classes were drawn apart, that of the class with the fewest. Kish (1965), "Survey
        sampling", section 11.7. Carter, Schnepel and Steigerwald (2017), "Asymptotic behavior of a
        t-test robust to cluster heterogeneity", Review of Economics and Statistics 99: it is what
        counts of unequal groups.
        """
        everything = np.ones(self.labels.size, dtype=np.bool_)
        parts = [self.labels == k for k in np.unique(self.labels)]
        found = []
        for part in parts if self.of_one_class else [everything]:
            sizes = np.bincount(self.units[part]).astype(np.float64)
            found.append(float(sizes.sum() ** 2 / (sizes**2).sum()))
        return min(found, default=0.0)

    @property
    def degrees(self) -> float:
        """Degrees of freedom of a standard error: of groups, their effective number less one."""
        return float("inf") if self.groups is None else max(1.0, self.effective - 1)

    def scatter(self, shares: Floats) -> Floats:
        """Give what the covariance of R rows is the matrix product of: ``S @ S.T``.

        Parameters
        ----------
        shares
            Shape (R, n), from `shares`.

        Returns
        -------
        ndarray of shape (R, u), dtype float64
            Sums over units. Where classes were drawn apart the shares are centred in their class.
            What a unit has of a class is scaled by 1 / sqrt(1 - its part of that class), since it
            has moved the figure towards itself (Bell and McCaffrey 2002, "Bias reduction in
            standard errors for linear regression with multi-stage samples", Survey Methodology
            28); for units of equal size that is DeLong's and Obuchowski's m / (m - 1).
        """
        units = self.units
        n_units = int(units.max(initial=-1)) + 1
        out = np.zeros((shares.shape[0], n_units))
        apart = self.of_one_class
        for k in np.unique(self.labels):
            own = self.labels == k
            held = np.bincount(units[own], minlength=n_units)
            found = shares[:, own]
            if apart:
                found = found - found.mean(axis=1, keepdims=True)
            with np.errstate(divide="ignore", invalid="ignore"):
                scale = np.sqrt(1 / (1 - held / held.sum()))
                # one unit alone holds the class: how far it may be off cannot be seen
                scale[np.isinf(scale)] = np.nan
            for row, values in zip(out, found, strict=True):
                row += scale * np.bincount(units[own], weights=values, minlength=n_units)
        return out


def shares(sample: Sample) -> tuple[float, Floats]:
    """Give the ROC AUC of a row and each image's share in its error.

    Parameters
    ----------
    sample
        From `metrics.prepare`.

    Returns
    -------
    auc
        Of the positive class, or the mean of one class against the rest; NaN where a class is
        missing.
    shares
        Shape (n,), float64; they sum to 0. Of a positive image: how much better than the mean it
        stands against the negatives, over the number of positives; of a negative likewise.
    """
    if not sample.comparisons:
        return float("nan"), np.full(sample.n, np.nan)
    found = np.zeros(sample.n)
    total = 0.0
    for each in sample.comparisons:
        m, n = each.positives.size, each.negatives.size
        # share of the negatives that a positive beats, ties by half; and the other way round
        beaten = (each.below + each.upto) / (2 * n)
        passed = np.bincount(each.below, minlength=n + 1) + np.bincount(each.upto, minlength=n + 1)
        above = 1 - np.cumsum(passed)[:n] / (2 * m)
        auc = float(beaten.mean())
        total += auc
        found[each.positives] += (beaten - auc) / m
        found[each.negatives] += (above - auc) / n
    return total / len(sample.comparisons), found / len(sample.comparisons)


def interval(
    auc: float,
    error: float,
    design: Design,
    *,
    degrees: float | None = None,
    level: float = LEVEL,
) -> tuple[float, float] | None:
    """Give the interval of an ROC AUC, symmetric in log odds so that it stays within 0 to 1.

    Pepe (2003), "The statistical evaluation of medical tests", section 5.2. Rows that order all
    images rightly have no error to go by: of the pairs of the i-th positive with the i-th
    negative, which are independent, all are right with probability AUC^m, which bounds it.

    Parameters
    ----------
    auc, error
        The figure and its standard error.
    design
        Gives the degrees of freedom, and how many units a class has.
    degrees
        Degrees of freedom of the error, where they are known better (`influence.Influence`).
    level
        Of the interval.

    Returns
    -------
    (low, high) or None
        None where the figure is not defined or a class has fewer than two units.
    """
    from scipy.special import expit, logit
    from scipy.stats import t

    if not np.isfinite(auc) or design.fewest < 2 or not np.isfinite(error):
        return None
    tail = (1 - level) / 2
    if auc in (0.0, 1.0):
        bound = tail ** (1 / design.fewest)
        return (bound, 1.0) if auc == 1 else (0.0, 1 - bound)
    quantile = t.ppf(1 - tail, design.degrees if degrees is None else degrees)
    reach = quantile * error / (auc * (1 - auc))
    return float(expit(logit(auc) - reach)), float(expit(logit(auc) + reach))


def compare(aucs: Floats, scatter: Floats, design: Design) -> tuple[Floats, Floats]:
    """Test all pairs of R rows for equal ROC AUC on the same images.

    Parameters
    ----------
    aucs
        Shape (R,).
    scatter
        From `Design.scatter`, shape (R, u).

    Returns
    -------
    errors, p_values
        Shape (R, R), float64: standard error of the difference, and the two-sided p-value of
        DeLong's test (with groups: on G - 1 degrees of freedom). Equal scores give p = 1.
    """
    from scipy.stats import t

    covariance = scatter @ scatter.T
    own = np.diag(covariance)
    variance = own[:, None] + own[None, :] - 2 * covariance
    # what is left of equal rows after subtraction is rounding, not variance
    variance[variance < 1e-12 * (own[:, None] + own[None, :])] = 0.0
    errors = np.sqrt(variance)
    difference = np.abs(aucs[:, None] - aucs[None, :])
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(difference > 1e-12, difference / errors, 0.0)
    p_values = 2 * t.sf(z, design.degrees)
    p_values[np.isnan(difference) | np.isnan(errors)] = np.nan
    return errors, p_values
