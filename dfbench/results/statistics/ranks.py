"""Ranks that only real differences set apart: of rows on a data set, and over several.

On one data set also what its images could have shown at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dfbench.results.statistics import delong, repeated
from dfbench.results.statistics.measured import Measured
from dfbench.results.statistics.repeated import Repeated
from dfbench.results.statistics.sample import Floats
from dfbench.results.statistics.significance import ALPHA, holm

POWER = 0.8


@dataclass(frozen=True, slots=True)
class Ranking:
    """R rows compared on the same images by ROC AUC, each pair with the others' number in mind.

    Attributes
    ----------
    ranks
        1 and the number of rows that are significantly better: rows that cannot be told apart
        from any better one share a rank.
    p_values
        Shape (R, R): DeLong's test, of splits the corrected one, Holm-corrected over all pairs.
    best
        Index of the highest ROC AUC.
    smallest
        Smallest difference of ROC AUC that these images could have shown with a power of 80 %
        between the best row and the median other one: alone at 5 %; None with fewer than two rows.
    smallest_corrected
        The same at the level that the first step of the correction asks for.
    """

    ranks: list[int]
    p_values: Floats
    best: int
    smallest: float | None
    smallest_corrected: float | None

    def is_best(self, index: int) -> bool:
        """Whether a row is not significantly worse than the best."""
        return index == self.best or not self.p_values[self.best, index] < ALPHA


def rank(rows: Sequence[Measured] | Sequence[Repeated]) -> Ranking:
    """Compare rows that were scored on the same images, or splits, and have an ROC AUC each."""
    aucs = np.array([row.values["roc_auc"] for row in rows])
    whole = [row for row in rows if isinstance(row, Measured)]
    split = [row for row in rows if isinstance(row, Repeated)]
    degrees = math.inf
    if split:
        errors, p_values = repeated.compare(split)
        degrees = len(split[0].splits) - 1
    else:
        design = whole[0].images.design
        errors, p_values = delong.compare(
            aucs, design.scatter(np.stack([row.shares for row in whole])), design
        )
    upper = np.triu_indices(len(rows), 1)
    corrected = np.zeros_like(p_values)
    corrected[upper] = holm(p_values[upper])
    corrected += corrected.T
    better = (aucs[None, :] > aucs[:, None]) & (corrected < ALPHA)
    best = int(aucs.argmax())
    others = np.delete(errors[best], best)
    known = others[others > 0]
    smallest = smallest_corrected = None
    if known.size:
        error = float(np.median(known))
        smallest = smallest_difference(error, degrees=degrees)
        smallest_corrected = smallest_difference(error, ALPHA / upper[0].size, degrees=degrees)
    ranks = [1 + int(n) for n in better.sum(axis=1)]
    return Ranking(ranks, corrected, best, smallest, smallest_corrected)


def smallest_difference(
    error: float, level: float = ALPHA, *, degrees: float = math.inf
) -> float | None:
    """Give the smallest difference that a two-sided test would find with a power of 80 %.

    Parameters
    ----------
    error
        Standard error of the difference.
    level
        Of the test.
    degrees
        Of freedom that the error has.

    Returns
    -------
    float or None
        The error times the sum of both quantiles of Student's distribution (Cohen 1988,
        "Statistical power analysis for the behavioral sciences"); None where it is not known or 0.
    """
    from scipy.stats import t

    if not (error > 0 and degrees > 0):
        return None
    return (float(t.ppf(1 - level / 2, degrees)) + float(t.ppf(POWER, degrees))) * error


@dataclass(frozen=True, slots=True)
class Friedman:
    """Whether R rows differ over N data sets, and from which distance of mean ranks on.

    Attributes
    ----------
    ranks
        Mean rank of each row, 1 the best; equal figures share theirs.
    p_value
        Of Friedman's test; None for fewer than three rows or two data sets.
    critical
        Nemenyi's critical difference of mean ranks at 5 %; None likewise for fewer than two.
    n_datasets
        N.
    """

    ranks: tuple[float, ...]
    p_value: float | None
    critical: float | None
    n_datasets: int


def friedman(values: Floats) -> Friedman:
    """Compare rows over data sets by their ranks.

    Friedman (1937), Journal of the American Statistical Association 32; Nemenyi (1963); Demsar
    (2006), "Statistical comparisons of classifiers over multiple data sets", JMLR 7, whose
    procedure this is.

    Parameters
    ----------
    values
        Shape (N, R): figures of R rows on N data sets, larger is better, without gaps.
    """
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    n, r = values.shape
    ranks = rankdata(-values, axis=1).mean(axis=0) if n and r else np.full(r, np.nan)
    p_value: float | None = None
    # ranks that never differ have no statistic
    if r >= 3 and n >= 2 and np.any(values != values[:, :1]):
        p_value = float(friedmanchisquare(*values.T).pvalue)
    critical: float | None = None
    if r >= 2 and n >= 2:
        q = float(studentized_range.ppf(1 - ALPHA, r, np.inf)) / np.sqrt(2)
        critical = q * float(np.sqrt(r * (r + 1) / (6 * n)))
    return Friedman(tuple(map(float, ranks)), p_value, critical, n)


def cliques(ranks: Floats, critical: float) -> list[tuple[int, int]]:
    """Find the sets of rows that a critical difference cannot tell apart.

    Parameters
    ----------
    ranks
        Mean ranks in ascending order, shape (R,).

    Returns
    -------
    list of (first, last)
        Positions of the ends of each largest set of two or more, for the bars of a
        critical-difference diagram.
    """
    found: list[tuple[int, int]] = []
    for first in range(len(ranks)):
        last = int(np.searchsorted(ranks, ranks[first] + critical, side="right")) - 1
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found
