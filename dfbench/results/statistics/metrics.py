"""The figures of a row, from its scores, for one sample or for many resamples at once.

Each figure is that of scikit-learn with its defaults (``roc_auc_score``,
``average_precision_score``, ``accuracy_score``, ``balanced_accuracy_score``, ``f1_score``,
``matthews_corrcoef``, ``log_loss``, ``brier_score_loss``), and what scikit-learn lacks has its
source below. They are written out again in a weighted form because a bootstrap needs them a
thousand times a row: a resample is a vector of counts, and one matrix of counts gives the figures
of all resamples together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

METRICS = (
    "roc_auc",
    "accuracy",
    "balanced_accuracy",
    "f1_macro",
    "average_precision",
    "eer",
    "tpr_at_fpr_1pct",
    "tpr_at_fpr_01pct",
    "mcc",
    "log_loss",
    "brier",
    "ece",
)
"""Names of the figures, in the order of the tables.

``eer``: equal error rate, where the ROC curve (with straight lines between its points) crosses
FPR = 1 - TPR. ``tpr_at_fpr_1pct``, ``tpr_at_fpr_01pct``: highest true positive rate among the
thresholds whose false positive rate is at most 1 %, 0.1 %. ``brier``: Brier (1950), of two classes
the half form. ``ece``: expected calibration error of the probability of the decision, 15 bins of
equal width (Guo et al. 2017, "On calibration of modern neural networks", ICML, equation 3).
Several classes: ROC AUC and average precision are means of one class against the rest, EER and the
rates are not defined.
"""
MAIN = METRICS[:4]
"""Those that stand in every table."""
LOWER_IS_BETTER = frozenset({"eer", "log_loss", "brier", "ece"})
RATES = {"tpr_at_fpr_1pct": 0.01, "tpr_at_fpr_01pct": 0.001}
"""False positive rate at which the true positive rate is taken."""
FEWEST_FALSE = 5
"""False positives that a rate must allow for: with fewer negatives the figure says nothing."""
N_BINS = 15
_GRAIN = 2.0**-28
"""What losses are rounded to, 4e-9: their sums over whole numbers of images are then exact, and
do not depend on the order in which a library adds them."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One class against the rest, sorted once so that each resample needs sums only."""

    positives: NDArray[np.intp]
    negatives: NDArray[np.intp]
    """Image numbers by rising score."""
    below: NDArray[np.intp]
    """For each positive, how many negatives score strictly less."""
    upto: NDArray[np.intp]
    """The same, those of equal score among them."""
    truth: NDArray[np.bool_]
    """Of each image, whether it is positive."""
    order: NDArray[np.intp]
    """All images by falling score."""
    last: NDArray[np.bool_]
    """In that order: whether the next image has a lower score."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Scores of n images over K classes, made ready for `evaluate`.

    Attributes
    ----------
    n, n_classes
        Number of images, of classes.
    comparisons
        What ROC AUC is the mean of: the positive class of a binary task, or each class against
        the rest. Empty where a class has no image.
    columns
        Shape (n, 3K + 2 + 2 bins), float64: what the other figures are sums of. One-hot of the
        label, of the decision, of both where they agree; log loss and Brier score of the image;
        for each bin of confidence the confidence, and whether the largest probability is right.
    right
        Shape (n,): whether the decision is right.
    n_negatives
        Of a binary task; 0 otherwise.
    """

    n: int
    n_classes: int
    comparisons: tuple[_Comparison, ...]
    columns: Floats
    right: NDArray[np.bool_]
    n_negatives: int


def prepare(
    labels: NDArray[np.integer],
    probabilities: Floats,
    *,
    positive: int | None = None,
    threshold: float | None = None,
) -> Sample:
    """Sort the scores and take the decisions of one row.

    Parameters
    ----------
    labels
        Class numbers 0..K-1, shape (n,).
    probabilities
        Shape (n, K). The decision is the first class of the largest probability.
    positive
        Positive class of a binary task, whose column is the score; the last class by default.
        Not looked at where there are more than two classes.
    threshold
        Of a binary task: the decision is the positive class where its score is at least this.

    Raises
    ------
    ValueError
        On shapes that do not fit, labels outside 0..K-1, or scores that are not finite.
    """
    labels = np.asarray(labels)
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1]:
        raise ValueError(
            f"labels of shape {labels.shape} do not fit scores of shape {probabilities.shape}"
        )
    n, n_classes = probabilities.shape
    if n_classes < 2:
        raise ValueError("scores of at least two classes are needed")
    if n and not (labels.min() >= 0 and labels.max() < n_classes):
        raise ValueError(f"labels must lie in 0..{n_classes - 1}")
    if not np.isfinite(probabilities).all():
        raise ValueError("scores are not finite")

    scored = [1 if positive is None else positive] if n_classes == 2 else range(n_classes)
    decisions = decide(probabilities, positive=positive, threshold=threshold)
    classes = np.arange(n_classes)
    truth = labels[:, None] == classes
    decided = decisions[:, None] == classes
    columns = np.concatenate(
        [truth, decided, truth & decided, _losses(truth, probabilities, scored)], axis=1
    )
    comparisons: tuple[_Comparison, ...] = ()
    if truth.any(axis=0).all():
        comparisons = tuple(_compare(truth[:, k], probabilities[:, k]) for k in scored)
    negatives = int((~truth[:, scored[0]]).sum()) if n_classes == 2 else 0
    right = decisions == labels
    return Sample(n, n_classes, comparisons, columns.astype(np.float64), right, negatives)


def _losses(truth: NDArray[np.bool_], probabilities: Floats, scored: Sequence[int]) -> Floats:
    """Give log loss, Brier score and the bins of confidence of each image."""
    n = len(truth)
    # as scikit-learn: no probability of exactly 0 or 1, and rows that sum to 1
    eps = np.finfo(np.float64).eps
    clipped = np.clip(probabilities, eps, 1 - eps)
    log_loss = -np.log(clipped[truth] / clipped.sum(axis=1))
    squares = (probabilities - truth) ** 2
    brier = squares[:, scored[0]] if probabilities.shape[1] == 2 else squares.sum(axis=1)
    confidence = probabilities.max(axis=1, initial=0.0)
    # bins are open below: (0, 1/15], ..., (14/15, 1]
    which = np.clip(np.ceil(confidence * N_BINS).astype(np.intp) - 1, 0, N_BINS - 1)
    held = np.unique(which)
    inside = which[:, None] == held
    right = truth[np.arange(n), probabilities.argmax(axis=1)] if n else np.empty(0)
    found = np.concatenate(
        [
            log_loss[:, None],
            brier[:, None],
            inside * confidence[:, None],
            inside * right[:, None],
        ],
        axis=1,
    )
    rounded: Floats = np.round(found / _GRAIN) * _GRAIN
    return rounded


def decide(
    probabilities: Floats, *, positive: int | None = None, threshold: float | None = None
) -> NDArray[np.int64]:
    """Give the class that is decided for, shape (n,). Parameters are those of `prepare`.

    Raises
    ------
    ValueError
        On a threshold for more than two classes.
    """
    decisions: NDArray[np.int64] = probabilities.argmax(axis=1)
    if threshold is None:
        return decisions
    if probabilities.shape[1] != 2:
        raise ValueError("a threshold is for two classes")
    which = 1 if positive is None else positive
    return np.where(probabilities[:, which] >= threshold, which, 1 - which)


def _compare(is_positive: NDArray[np.bool_], score: Floats) -> _Comparison:
    order = np.argsort(score, kind="stable")
    positives = order[is_positive[order]]
    negatives = order[~is_positive[order]]
    reference = score[negatives]
    falling = order[::-1]
    sorted_score = score[falling]
    return _Comparison(
        positives,
        negatives,
        np.searchsorted(reference, score[positives], side="left"),
        np.searchsorted(reference, score[positives], side="right"),
        is_positive,
        np.ascontiguousarray(falling),
        np.append(sorted_score[:-1] != sorted_score[1:], True),
    )


def evaluate(sample: Sample, weights: NDArray[np.number]) -> dict[str, Floats]:
    """Figures of B weighted samples at once.

    Parameters
    ----------
    sample
        From `prepare`.
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
    # the weights of an image beside each other: all samples are walked through together
    counts: Floats = np.ascontiguousarray(np.asarray(weights).T, dtype=np.float64)
    k = sample.n_classes
    sums: Floats = counts.T @ sample.columns
    actual, decided, right = sums[:, :k], sums[:, k : 2 * k], sums[:, 2 * k : 3 * k]
    log_loss, brier, bins = sums[:, 3 * k], sums[:, 3 * k + 1], sums[:, 3 * k + 2 :]
    total, correct = actual.sum(axis=1), right.sum(axis=1)
    held = bins.shape[1] // 2
    curve = _curves(sample, counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = correct * total - (actual * decided).sum(axis=1)
        spread = (total**2 - (actual**2).sum(axis=1)) * (total**2 - (decided**2).sum(axis=1))
        # as scikit-learn: nothing can be said of a constant, 0
        mcc = np.where(spread > 0, covariance / np.sqrt(spread), np.where(total > 0, 0.0, np.nan))
        return {
            "roc_auc": curve[:, 0],
            "accuracy": correct / total,
            "balanced_accuracy": _mean_of_present(right / actual),
            "f1_macro": _mean_of_present(2 * right / (actual + decided)),
            "average_precision": curve[:, 1],
            "eer": curve[:, 2],
            **{name: curve[:, 3 + i] for i, name in enumerate(RATES)},
            "mcc": mcc,
            "log_loss": log_loss / total,
            "brier": brier / total,
            "ece": np.abs(bins[:, :held] - bins[:, held:]).sum(axis=1) / total,
        }


def _mean_of_present(values: Floats) -> Floats:
    """Mean along the classes without those that do not occur (0/0 = NaN)."""
    present = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(present, values, 0.0).sum(axis=1) / present.sum(axis=1)
    return mean


def _curves(sample: Sample, counts: Floats) -> Floats:
    """Figures that hang on the order of the scores alone, shape (B, 3 + rates), of (n, B)."""
    from dfbench.results.statistics.curve import curve

    rates = np.array(list(RATES.values()))
    found = np.full((counts.shape[1], 3 + rates.size), np.nan)
    if not sample.comparisons:
        return found
    each = np.empty_like(found)
    found[:, :2] = 0.0
    for one in sample.comparisons:
        curve(counts, one.truth, one.order, one.last, rates, each)
        found[:, :2] += each[:, :2]
    found[:, :2] /= len(sample.comparisons)
    if sample.n_classes == 2:
        found[:, 2:] = each[:, 2:]
        found[:, 3:][:, sample.n_negatives * rates < FEWEST_FALSE] = np.nan
    return found


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
