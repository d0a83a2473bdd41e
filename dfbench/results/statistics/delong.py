"""DeLong's method: the share of each image in the error of an ROC AUC, and the test between rows.

An ROC AUC is a mean over pairs, so each image has a share in how far it may be off: how much the
figure would move if that image were drawn once more. DeLong, DeLong and Clarke-Pearson (1988),
"Comparing the areas under two or more correlated receiver operating characteristic curves",
Biometrics 44, is the sum of squares of these shares over images within their class; Obuchowski
(1997), "Nonparametric analysis of clustered ROC curve data", Biometrics 53, sums them over the
images of a group first. The mean over several one-vs-rest curves has the mean of their shares.
`benchmarks/intervals.py` measures how intervals and tests do.
"""

from __future__ import annotations

import numpy as np

from dfbench.results.statistics.design import Design
from dfbench.results.statistics.sample import Floats, Sample


def shares(sample: Sample) -> tuple[float, Floats]:
    """Give the ROC AUC of a row and each image's share in its error.

    Parameters
    ----------
    sample
        From `sample.prepare`.

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
