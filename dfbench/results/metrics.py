"""The four figures of a row, from its scores, for one sample or for many resamples at once.

Each figure is that of scikit-learn (``roc_auc_score``, ``accuracy_score``,
``balanced_accuracy_score``, ``f1_score``) with its defaults. They are written out again in a
weighted form because a bootstrap needs them a thousand times a row: a resample is a vector of
counts, and one matrix of counts gives the figures of all resamples together. All sums run over
whole numbers, so ties and order cost no digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

METRICS = ("roc_auc", "accuracy", "balanced_accuracy", "f1_macro")
"""Names of the figures, in the order of the tables."""

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
    indicators
        Shape (n, 3K), float64: one-hot of the label, of the decision, and of both where they
        agree.
    """

    n: int
    n_classes: int
    comparisons: tuple[_Comparison, ...]
    indicators: Floats


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
    indicators = np.concatenate([truth, decided, truth & decided], axis=1).astype(np.float64)

    comparisons: tuple[_Comparison, ...] = ()
    if truth.any(axis=0).all():
        comparisons = tuple(_compare(truth[:, k], probabilities[:, k]) for k in scored)
    return Sample(n, n_classes, comparisons, indicators)


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
    return _Comparison(
        positives,
        negatives,
        np.searchsorted(reference, score[positives], side="left"),
        np.searchsorted(reference, score[positives], side="right"),
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
        Metric to its values, shape (B,), float64. ROC AUC is NaN where a class has no weight;
        the others are means over the classes that occur (F1: in labels or decisions), NaN only
        where nothing has weight.
    """
    counts: Floats = np.asarray(weights, dtype=np.float64)
    k = sample.n_classes
    sums: Floats = counts @ sample.indicators
    actual, decided, right = sums[:, :k], sums[:, k : 2 * k], sums[:, 2 * k :]
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy = right.sum(axis=1) / actual.sum(axis=1)
        recall = right / actual
        f1 = 2 * right / (actual + decided)
    return {
        "roc_auc": _roc_auc(sample, counts),
        "accuracy": accuracy,
        "balanced_accuracy": _mean_of_present(recall),
        "f1_macro": _mean_of_present(f1),
    }


def _mean_of_present(values: Floats) -> Floats:
    """Mean along the classes without those that do not occur (0/0 = NaN)."""
    present = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(present, values, 0.0).sum(axis=1) / present.sum(axis=1)
    return mean


def _roc_auc(sample: Sample, weights: Floats) -> Floats:
    """Share of pairs in the right order, ties by half: Mann-Whitney's U over the product of sizes.

    Hanley and McNeil (1982), "The meaning and use of the area under a ROC curve", Radiology 143.
    Several classes: mean of one class against the rest (macro one-vs-rest).
    """
    n_samples = weights.shape[0]
    if not sample.comparisons:
        return np.full(n_samples, np.nan)
    total = np.zeros(n_samples)
    for each in sample.comparisons:
        positive = np.take(weights, each.positives, axis=1)
        passed = np.zeros((n_samples, each.negatives.size + 1))
        np.cumsum(np.take(weights, each.negatives, axis=1), axis=1, out=passed[:, 1:])
        beaten = np.take(passed, each.below, axis=1)
        beaten += np.take(passed, each.upto, axis=1)
        pairs = positive.sum(axis=1) * passed[:, -1]
        with np.errstate(invalid="ignore"):
            total += np.einsum("bp,bp->b", positive, beaten) / (2 * pairs)
    return total / len(sample.comparisons)


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


def class_accuracy(
    labels: NDArray[np.integer],
    probabilities: Floats,
    *,
    positive: int | None = None,
    threshold: float | None = None,
) -> Floats:
    """Accuracy among the images of each class (its recall). Parameters are those of `prepare`.

    Returns
    -------
    ndarray of shape (K,), dtype float64
        NaN for classes without an image.
    """
    sample = prepare(labels, probabilities, positive=positive, threshold=threshold)
    k = sample.n_classes
    sums = sample.indicators.sum(axis=0)
    with np.errstate(invalid="ignore"):
        recall: Floats = sums[2 * k :] / sums[:k]
    return recall
