"""Ranks that only real differences set apart, and what a data set could have shown at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dfbench.results.statistics import auc
from dfbench.results.statistics.measured import Measured
from dfbench.results.statistics.metrics import Floats
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
        Shape (R, R): DeLong's test, Holm-corrected over all pairs.
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


def rank(rows: Sequence[Measured]) -> Ranking:
    """Compare rows that were scored on the same images and have an ROC AUC each."""
    aucs = np.array([row.values["roc_auc"] for row in rows])
    design = rows[0].images.design
    errors, p_values = auc.compare(
        aucs, design.scatter(np.stack([row.shares for row in rows])), design
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
        smallest = smallest_difference(error)
        smallest_corrected = smallest_difference(error, ALPHA / upper[0].size)
    ranks = [1 + int(n) for n in better.sum(axis=1)]
    return Ranking(ranks, corrected, best, smallest, smallest_corrected)


def smallest_difference(error: float, level: float = ALPHA) -> float | None:
    """Give the smallest difference that a two-sided test would find with a power of 80 %.

    Parameters
    ----------
    error
        Standard error of the difference.
    level
        Of the test.

    Returns
    -------
    float or None
        The error times the sum of both quantiles of the normal distribution (Cohen 1988,
        "Statistical power analysis for the behavioral sciences"); None where it is not known or 0.
    """
    from scipy.stats import norm

    if not error > 0:
        return None
    return (float(norm.ppf(1 - level / 2)) + float(norm.ppf(POWER))) * error
