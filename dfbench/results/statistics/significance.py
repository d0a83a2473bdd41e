"""Tests between two rows on the same images: McNemar's, the paired bootstrap; Holm's correction.

DeLong's is in `delong`, tests over data sets in `ranks`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dfbench.results.statistics.sample import Floats

ALPHA = 0.05


def mcnemar(
    right_a: NDArray[np.bool_] | Floats,
    right_b: NDArray[np.bool_] | Floats,
    groups: NDArray[np.integer] | None = None,
) -> float:
    """Test two rows for equal accuracy on the same images.

    Without groups the mid-p form of the exact test (Fagerland, Lydersen and Laake 2013, "The
    McNemar test for binary matched-pairs data", BMC Medical Research Methodology 13): the exact
    one rejects far less often than it says. With groups the sum of differences of a group stands
    for its images (Eliasziw and Donner 1991, Statistics in Medicine 10; Durkalski et al. 2003,
    Statistics in Medicine 22), on G - 1 degrees of freedom; so do the shares of several seeds.

    Parameters
    ----------
    right_a, right_b
        Shape (n,): whether each row was right, or the share of its seeds that were.
    groups
        Group of each image, shape (n,).

    Returns
    -------
    float
        Two-sided p-value; 1 where the rows differ on no image.
    """
    from scipy.stats import binom, t

    differences = np.asarray(right_a, dtype=np.float64) - np.asarray(right_b, dtype=np.float64)
    if not differences.any():
        return 1.0
    better, worse = int((differences == 1).sum()), int((differences == -1).sum())
    if groups is None and better + worse == np.count_nonzero(differences):
        fewer, n = min(better, worse), better + worse
        p = 2 * binom.cdf(fewer, n, 0.5) - binom.pmf(fewer, n, 0.5)
        return float(min(1.0, p))
    unit = np.arange(differences.size) if groups is None else groups
    names, unit = np.unique(unit, return_inverse=True)
    sums = np.bincount(unit, weights=differences)
    total, spread = abs(float(sums.sum())), float(np.sqrt((sums**2).sum()))
    if total == 0 or names.size < 2:
        return 1.0
    return float(2 * t.sf(total / spread, names.size - 1))


def paired_error(
    values_a: Floats, values_b: Floats, effective: float = np.inf, widening: float = 1.0
) -> float:
    """Give the standard error of a difference by the same resamples of the same images.

    Parameters
    ----------
    values_a, values_b
        Figures of both rows on each resample, shape (B,); NaN where not defined.
    effective
        Units that were drawn (`Design.effective`): resamples of u units spread by
        sqrt((u - 1) / u) too little.
    widening
        Of what their spread tells (`Design.widening`).

    Returns
    -------
    float
        NaN where fewer than half of the resamples have both figures.
    """
    differences = values_a - values_b
    known = differences[~np.isnan(differences)]
    if 2 * known.size < differences.size or known.size < 2 or effective <= 1:
        return float("nan")
    widen = 1.0 if np.isinf(effective) else np.sqrt(effective / (effective - 1))
    return float(known.std(ddof=1) * widen * widening)


def paired(
    values_a: Floats,
    values_b: Floats,
    difference: float,
    effective: float = np.inf,
    widening: float = 1.0,
) -> float:
    """Test two figures for equality by the same resamples of the same images.

    Parameters
    ----------
    values_a, values_b, effective, widening
        As for `paired_error`.
    difference
        Of the figures themselves.

    Returns
    -------
    float
        Two-sided p-value from the standard deviation of the resampled differences and Student's
        distribution (Efron and Tibshirani 1993, chapter 12): a share of B resamples could not fall
        below 1 / B, which a correction for many pairs would need. NaN where fewer than half of the
        resamples have both figures.
    """
    from scipy.stats import t

    error = paired_error(values_a, values_b, effective, widening)
    if np.isnan(error) or np.isnan(difference):
        return float("nan")
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return float(2 * t.sf(abs(difference) / error, effective - 1))


def two_sided(value: float, error: float, degrees: float) -> float:
    """Give the p-value of a difference with a standard error, by Student's distribution.

    1 where nothing differs; NaN where something does and the error is 0 or not known.
    """
    from scipy.stats import t

    if abs(value) < 1e-12:
        return 1.0
    return float(2 * t.sf(abs(value) / error, degrees)) if error > 0 else float("nan")


def holm(p_values: Floats) -> Floats:
    """Correct p-values for their number by Holm's step-down method.

    Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6: what stays below alpha is wrong somewhere with probability alpha at most.

    Parameters
    ----------
    p_values
        Shape (m,); NaN is left out and stays.

    Returns
    -------
    ndarray of shape (m,), dtype float64
        Adjusted, at most 1.
    """
    found = np.asarray(p_values, dtype=np.float64).copy()
    known = np.flatnonzero(~np.isnan(found))
    order = known[np.argsort(found[known], kind="stable")]
    steps = found[order] * np.arange(order.size, 0, -1)
    found[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return found
