"""The figures of a row, from its scores, for one sample or for many resamples at once.

Each figure is that of scikit-learn with its defaults (``roc_auc_score``,
``average_precision_score``, ``accuracy_score``, ``balanced_accuracy_score``, ``f1_score``,
``matthews_corrcoef``, ``log_loss``, ``brier_score_loss``), and what scikit-learn lacks has its
source below. They are written out again in a weighted form because a bootstrap needs them a
thousand times a row: a resample is a vector of counts, and one matrix of counts gives the figures
of all resamples together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfbench.results.statistics.sample import Floats, Sample, prepare

FEWEST_FALSE = 5
"""False positives that a rate must allow for: with fewer negatives the figure says nothing."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Weighted sums over the images of B samples, which all figures follow from.

    Attributes
    ----------
    actual, decided, right
        Weight of the images of each class, of those decided for it, of both: shape (B, K).
    log_loss, brier
        Shape (B,).
    confidence, hits
        Over the images of each bin of confidence: of the confidence, and the weight of those whose
        largest probability is right: shape (B, bins).
    roc_auc, average_precision, eer
        Of the curve, shape (B,); NaN where a class has no weight, or where not defined.
    reached
        By false positive rate the highest true positive rate, shape (B,); NaN likewise.
    """

    actual: Floats
    decided: Floats
    right: Floats
    log_loss: Floats
    brier: Floats
    confidence: Floats
    hits: Floats
    roc_auc: Floats
    average_precision: Floats
    eer: Floats
    reached: Mapping[float, Floats]

    @property
    def total(self) -> Floats:
        """Weight of all images, shape (B,)."""
        return np.asarray(self.actual.sum(axis=1))

    @property
    def correct(self) -> Floats:
        """Weight of the images that were decided rightly, shape (B,)."""
        return np.asarray(self.right.sum(axis=1))


@dataclass(frozen=True, slots=True)
class Metric:
    """All that is to be said of one figure: a new one is an entry of `ENTRIES`.

    Attributes
    ----------
    name
        Key in stored files.
    title
        Heading of its column.
    value
        From the weighted sums, shape (B,); NaN where it is not defined. 0 / 0 may occur.
    short
        Heading where columns are narrow, for those in every table.
    in_every_table
        These come first.
    lower_is_better
        Whether it counts errors.
    flawless
        Its value without a mistake, where the interval then needs a bound (`bootstrap.interval`).
    false_rate
        False positive rate at which it is the true positive rate.
    references
        Publications that it is from, keys of ``dfbench/references.bib``.
    """

    name: str
    title: str
    value: Callable[[Sums], Floats]
    short: str = ""
    in_every_table: bool = False
    lower_is_better: bool = False
    flawless: float | None = None
    false_rate: float | None = None
    references: tuple[str, ...] = ()


def _mean_of_present(values: Floats) -> Floats:
    """Mean along the classes without those that do not occur (0/0 = NaN)."""
    present = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(present, values, 0.0).sum(axis=1) / present.sum(axis=1)
    return mean


def _mcc(of: Sums) -> Floats:
    total = of.total
    covariance = of.correct * total - (of.actual * of.decided).sum(axis=1)
    spread = (total**2 - (of.actual**2).sum(axis=1)) * (total**2 - (of.decided**2).sum(axis=1))
    # as scikit-learn: nothing can be said of a constant, 0
    constant = np.where((total > 0) & ~np.isnan(spread), 0.0, np.nan)
    return np.where(spread > 0, covariance / np.sqrt(spread), constant)


def _ece(of: Sums) -> Floats:
    gaps: Floats = np.abs(of.confidence - of.hits).sum(axis=1)
    return gaps / of.total


def _reached(rate: float, name: str, title: str) -> Metric:
    return Metric(name, title, lambda of: of.reached[rate], flawless=1.0, false_rate=rate)


ENTRIES = (
    Metric(
        "roc_auc",
        "ROC AUC",
        lambda of: of.roc_auc,
        short="ROC\nAUC",
        in_every_table=True,
        references=("hanley1982",),
    ),
    Metric(
        "accuracy",
        "accuracy",
        lambda of: of.correct / of.total,
        short="acc.",
        in_every_table=True,
        flawless=1.0,
    ),
    Metric(
        "balanced_accuracy",
        "balanced accuracy",
        lambda of: _mean_of_present(of.right / of.actual),
        short="bal.",
        in_every_table=True,
        flawless=1.0,
    ),
    Metric(
        "f1_macro",
        "macro F1",
        lambda of: _mean_of_present(2 * of.right / (of.actual + of.decided)),
        short="F1",
        in_every_table=True,
        flawless=1.0,
    ),
    Metric("average_precision", "average precision", lambda of: of.average_precision, flawless=1.0),
    Metric("eer", "EER", lambda of: of.eer, lower_is_better=True, flawless=0.0),
    _reached(0.01, "tpr_at_fpr_1pct", "TPR at FPR 1 %"),
    _reached(0.001, "tpr_at_fpr_01pct", "TPR at FPR 0.1 %"),
    Metric("mcc", "MCC", _mcc, flawless=1.0, references=("matthews1975",)),
    Metric("log_loss", "log loss", lambda of: of.log_loss / of.total, lower_is_better=True),
    Metric(
        "brier",
        "Brier score",
        lambda of: of.brier / of.total,
        lower_is_better=True,
        references=("brier1950",),
    ),
    Metric("ece", "ECE", _ece, lower_is_better=True, references=("guo2017",)),
)
"""All figures, in the order of the tables.

``eer``: equal error rate, where the ROC curve (with straight lines between its points) crosses
FPR = 1 - TPR. ``tpr_at_fpr_1pct``, ``tpr_at_fpr_01pct``: highest true positive rate of the
thresholds whose false positive rate is at most 1 %, 0.1 %. ``brier``: Brier (1950), of two classes
the half form. ``ece``: expected calibration error of the probability of the decision, 15 bins of
equal width (Guo et al. 2017, "On calibration of modern neural networks", ICML, equation 3).
Several classes: ROC AUC and average precision are means of one class against the rest, EER and the
rates are not defined.
"""
METRICS = tuple(each.name for each in ENTRIES)
"""Names of the figures."""
MAIN = tuple(each.name for each in ENTRIES if each.in_every_table)
"""Those that stand in every table: the first of `METRICS`."""
LOWER_IS_BETTER = frozenset(each.name for each in ENTRIES if each.lower_is_better)
RATES = {each.name: each.false_rate for each in ENTRIES if each.false_rate is not None}
"""False positive rate at which the true positive rate is taken."""


def evaluate(sample: Sample, weights: NDArray[np.number]) -> dict[str, Floats]:
    """Figures of B weighted samples at once.

    Parameters
    ----------
    sample
        From `sample.prepare`.
    weights
        Shape (B, n): how often each image counts; a resample has whole numbers here.

    Returns
    -------
    dict
        Metric to its values, shape (B,), float64. Where a class has no weight the figures of the
        curve (ROC AUC, average precision, EER, rates) are NaN. Balanced accuracy and F1 are means
        over the classes that occur (F1: in labels or decisions). A rate that the sample has too
        few negatives for is NaN, as is what is not defined for several classes.
    """
    sums = _sums(sample, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {each.name: each.value(sums) for each in ENTRIES}


def _sums(sample: Sample, weights: NDArray[np.number]) -> Sums:
    # the weights of an image beside each other: all samples are walked through together
    counts: Floats = np.ascontiguousarray(np.asarray(weights).T, dtype=np.float64)
    k = sample.n_classes
    sums: Floats = counts.T @ sample.columns
    bins = sums[:, 3 * k + 2 :]
    held = bins.shape[1] // 2
    curve = _curves(sample, counts)
    return Sums(
        actual=sums[:, :k],
        decided=sums[:, k : 2 * k],
        right=sums[:, 2 * k : 3 * k],
        log_loss=sums[:, 3 * k],
        brier=sums[:, 3 * k + 1],
        confidence=bins[:, :held],
        hits=bins[:, held:],
        roc_auc=curve[:, 0],
        average_precision=curve[:, 1],
        eer=curve[:, 2],
        reached={rate: curve[:, 3 + i] for i, rate in enumerate(RATES.values())},
    )


def _curves(sample: Sample, counts: Floats) -> Floats:
    """Figures that hang on the order of the scores alone, shape (B, 3 + rates), of (n, B)."""
    from dfbench.results.statistics.curve import curve

    rates = np.array(list(RATES.values()))
    found = np.full((counts.shape[1], 3 + rates.size), np.nan)
    if not sample.comparisons:
        return found
    each = np.empty_like(found)
    binary = sample.n_classes == 2
    found[:, : None if binary else 2] = 0.0
    for one in sample.comparisons:
        own = counts if one.inside is None else np.ascontiguousarray(counts[one.inside])
        curve(own, one.truth, one.order, one.last, rates, each)
        if binary:
            each[:, 3:][:, one.negatives.size * rates < FEWEST_FALSE] = np.nan
        found += each  # of several classes there is no EER: that stays NaN
    return found / len(sample.comparisons)


def against_the_rest(sample: Sample, k: int) -> tuple[float, float]:
    """Give ROC AUC and average precision of class k alone, which those of `evaluate` are means of.

    NaN where it has no image, or no other class has.
    """
    score = sample.probabilities[:, k]
    rest = np.delete(sample.probabilities, k, axis=1).sum(axis=1)
    labels = (sample.labels == k).astype(np.int64)
    scores = np.column_stack([rest, score])
    one = prepare(labels, scores, positive=1, decides=False, probable=False)
    found = evaluate(one, np.ones((1, one.n)))
    return float(found["roc_auc"][0]), float(found["average_precision"][0])


def figures(
    labels: NDArray[np.integer],
    probabilities: Floats,
    *,
    positive: int | None = None,
    threshold: float | None = None,
) -> dict[str, float]:
    """Figures of one row.

    Parameters are those of `prepare`.

    Returns
    -------
    dict
        Metric to value, as measured: an ROC AUC below 0.5 is neither clipped nor flipped. NaN
        where a figure is not defined (ROC AUC with a class missing, no image at all).
    """
    sample = prepare(labels, probabilities, positive=positive, threshold=threshold)
    values = evaluate(sample, np.ones((1, sample.n)))
    return {name: float(value[0]) for name, value in values.items()}


def recall(sample: Sample) -> Floats:
    """Accuracy among the images of each class, shape (K,); NaN for classes without an image."""
    k = sample.n_classes
    sums = sample.columns.sum(axis=0)
    with np.errstate(invalid="ignore"):
        found: Floats = sums[2 * k : 3 * k] / sums[:k]
    return found
