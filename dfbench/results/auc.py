"""ROC AUC as a sum over images: its standard error, interval, and tests between rows.

An ROC AUC is a mean over pairs, so each image has a share in how far it may be off: how much the
figure would move if that image were drawn once more. DeLong, DeLong and Clarke-Pearson (1988),
"Comparing the areas under two or more correlated receiver operating characteristic curves",
Biometrics 44, is the sum of squares of these shares over images within their class; Obuchowski
(1997), "Nonparametric analysis of clustered ROC curve data", Biometrics 53, sums them over the
images of a group first. The mean over several one-vs-rest curves has the mean of their shares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfbench.results.metrics import Floats, Sample

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
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

    @property
    def fewest(self) -> int:
        """Fewest independent units (images, or groups) that hold an image of a class."""
        if self.groups is None:
            counts = np.unique(self.labels, return_counts=True)[1]
            return int(counts.min()) if counts.size else 0
        held = [np.unique(self.groups[self.labels == k]).size for k in np.unique(self.labels)]
        return min(held, default=0)

    @property
    def degrees(self) -> float:
        """Degrees of freedom of a standard error: groups less one, or infinite for images."""
        if self.groups is None:
            return float("inf")
        return max(1.0, float(np.unique(self.groups).size - 1))

    def scatter(self, shares: Floats) -> Floats:
        """Give what the covariance of R rows is the matrix product of: ``S @ S.T``.

        Parameters
        ----------
        shares
            Shape (R, n), from `shares`.

        Returns
        -------
        ndarray of shape (R, u), dtype float64
            Over images, centred in their class, or over groups; scaled by u / (u - 1), so that
            sums of squares are unbiased.
        """
        if self.groups is None:
            out = np.array(shares, dtype=np.float64)
            for k in np.unique(self.labels):
                own = self.labels == k
                m = int(own.sum())
                out[:, own] -= out[:, own].mean(axis=1, keepdims=True)
                out[:, own] *= np.sqrt(m / (m - 1)) if m > 1 else np.nan
            return out
        n_groups = int(self.groups.max()) + 1
        sums = np.zeros((shares.shape[0], n_groups))
        for row, own in zip(sums, shares, strict=True):
            row += np.bincount(self.groups, weights=own, minlength=n_groups)
        scale = np.sqrt(n_groups / (n_groups - 1)) if n_groups > 1 else np.nan
        return sums * scale


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
    auc: float, error: float, design: Design, *, level: float = LEVEL
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
    reach = t.ppf(1 - tail, design.degrees) * error / (auc * (1 - auc))
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
