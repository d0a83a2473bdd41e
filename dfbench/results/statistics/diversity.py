"""How often two detectors err on the same images: what an ensemble of them can gain from.

Measures of pairs of Kuncheva and Whitaker (2003), "Measures of diversity in classifier ensembles
and their relationship with the ensemble accuracy", Machine Learning 51, from the shares of images
that both, one or none of two detectors decide rightly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dfbench.results.statistics.sample import Floats


@dataclass(frozen=True, slots=True)
class Diversity:
    """Of two detectors on the same images.

    Attributes
    ----------
    disagreement
        Share of the images that one of them alone decides rightly.
    q
        Yule's Q of their decisions being right: 1 where one is never wrong alone, 0 where they err
        independently, below 0 where they err on different images. NaN where that cannot be told.
    correlation
        The same as a correlation (phi); never further from 0 than Q.
    double_fault
        Share of the images that both decide wrongly.
    """

    disagreement: float
    q: float
    correlation: float
    double_fault: float


def diversity(right_a: Floats, right_b: Floats) -> Diversity:
    """Measure how unlike the errors of two detectors are.

    Parameters
    ----------
    right_a, right_b
        Whether each decides an image rightly, shape (n,); NaN where nothing is decided.

    Returns
    -------
    Diversity
        All NaN without images, or where anything is undecided.

    Examples
    --------
    >>> import numpy as np
    >>> a, b = np.array([1, 1, 1, 1, 0, 0]), np.array([1, 1, 1, 0, 1, 0])
    >>> found = diversity(a, b)
    >>> round(found.disagreement, 3), found.q, found.correlation, round(found.double_fault, 3)
    (0.333, 0.5, 0.25, 0.167)
    """
    a, b = np.asarray(right_a, dtype=np.float64), np.asarray(right_b, dtype=np.float64)
    if not a.size or np.isnan(a).any() or np.isnan(b).any():
        return Diversity(math.nan, math.nan, math.nan, math.nan)
    both, none = float((a * b).sum()), float(((1 - a) * (1 - b)).sum())
    only_a, only_b = float((a * (1 - b)).sum()), float(((1 - a) * b).sum())
    cross, sums = both * none - only_a * only_b, both * none + only_a * only_b
    margins = (both + only_a) * (only_b + none) * (both + only_b) * (only_a + none)
    return Diversity(
        disagreement=(only_a + only_b) / a.size,
        q=cross / sums if sums else math.nan,
        correlation=cross / math.sqrt(margins) if margins else math.nan,
        double_fault=none / a.size,
    )


def mean_diversity(of: Sequence[Diversity]) -> Diversity:
    """Give the mean of each measure over those where it is defined; NaN where it is nowhere."""

    def mean(name: str) -> float:
        known = [value for each in of if not math.isnan(value := getattr(each, name))]
        return sum(known) / len(known) if known else math.nan

    return Diversity(*map(mean, ("disagreement", "q", "correlation", "double_fault")))
