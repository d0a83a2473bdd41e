"""Two rows on the same images: how far their figures differ, and whether that is chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dfbench.results.statistics import metrics
from dfbench.results.statistics.influence import Influence
from dfbench.results.statistics.intervals import symmetric
from dfbench.results.statistics.measured import Measured
from dfbench.results.statistics.recomputed import FEWEST
from dfbench.results.statistics.sample import Floats
from dfbench.results.statistics.significance import mcnemar, paired, paired_error, two_sided

Test = Literal["DeLong", "McNemar", "bootstrap", "paired t", "corrected t"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Of a figure between two rows on the same images.

    Attributes
    ----------
    value
        The first row's figure less the second's, the mean over seeds; NaN where not defined.
    low, high
        95 % interval: the value and Student's quantile times its standard error. NaN where there
        are too few images, or groups.
    p_value
        Two-sided, of the rows being equal; not corrected. NaN likewise.
    test
        That gives it: DeLong's for ROC AUC, McNemar's for accuracy (Student's of the differences
        where folds were scored), else the paired bootstrap, of groups where images have them; of
        splits the corrected one of `repeated`.
    """

    value: float
    low: float
    high: float
    p_value: float
    test: Test


def of_auc(a: Measured, b: Measured) -> Difference:
    """Compare the ROC AUC of two rows on the same images by DeLong's test (`delong.compare`)."""
    design = a.images.design
    step = a.roc_auc.averaged - b.roc_auc.averaged
    # what is left of equal rows after subtraction is rounding
    value, error = step.value, 0.0 if step.error < 1e-6 * a.roc_auc.error else step.error
    p_value = two_sided(value, error, design.degrees)
    return _difference(a, value, error, design.degrees, p_value, "DeLong")


def of_accuracy(a: Measured, b: Measured) -> Difference:
    """Compare the accuracy of two rows on the same images by McNemar's test.

    The interval is that of a mean of differences, whose error heeds classes and groups as that of
    ROC AUC does (`Design.scatter`).
    """
    design = a.images.design
    each = a.right - b.right
    value = a.values["accuracy"] - b.values["accuracy"]
    step = Influence(np.array([value]), ((design, (each - each.mean()) / each.size),))
    degrees = design.effective - 1
    if design.folds is not None:  # McNemar's test does not know what models of folds share
        p_value = two_sided(value, step.error, degrees)
        return _difference(a, value, step.error, degrees, p_value, "paired t")
    p_value = mcnemar(a.right, b.right, design.groups)
    return _difference(a, value, step.error, degrees, p_value, "McNemar")


def of_others(a: Measured, b: Measured) -> dict[str, Difference]:
    """Compare all other figures of two rows on the same images by their common resamples."""
    resamples = a.images.resamples
    found = {}
    for name in a.names:
        if name not in ("roc_auc", "accuracy"):
            value = a.values[name] - b.values[name]
            both = _paired(a, b, name)
            error = paired_error(*both, resamples.effective, resamples.widening)
            p_value = paired(*both, value, resamples.effective, resamples.widening)
            if error == 0 and value and name not in metrics.METRICS:
                error = math.nan  # what no resample moves tells nothing of chance
            degrees = resamples.effective - 1
            found[name] = _difference(a, value, error, degrees, p_value, "bootstrap")
    return found


def _paired(a: Measured, b: Measured, name: str) -> tuple[Floats, Floats]:
    """Give a figure of both rows on the resamples that it was computed on for both."""
    found_a, found_b = a.on_resamples(name), b.on_resamples(name)
    n = min(found_a.size, found_b.size)
    if name not in metrics.METRICS and n < FEWEST:
        n = 0
    return found_a[:n], found_b[:n]


def differences(a: Measured, b: Measured) -> dict[str, Difference]:
    """Compare all figures of two rows that were measured on the same images.

    Returns
    -------
    dict
        By metric, in the order of `Measured.names`.

    Raises
    ------
    ValueError
        Where they were not.
    """
    if a.images is not b.images:
        raise ValueError("the rows were not measured on the same images")
    if a.further != b.further:
        raise ValueError("the rows were not measured by the same figures")
    return {"roc_auc": of_auc(a, b), "accuracy": of_accuracy(a, b)} | of_others(a, b)


def _difference(
    a: Measured, value: float, error: float, degrees: float, p_value: float, test: Test
) -> Difference:
    if math.isnan(value) or math.isnan(error) or not a.images.resamples.sound:
        return Difference(value, math.nan, math.nan, math.nan, test)
    low, high = symmetric(value, error, degrees)
    return Difference(value, low, high, p_value, test)
