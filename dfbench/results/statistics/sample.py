"""The scores of a row made ready: sorted once, decided, and what figures are sums of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

N_BINS = 15
"""Of confidence, for the calibration error."""
_GRAIN = 2.0**-28
"""What losses are rounded to, 4e-9: their sums over whole numbers of images are then exact, and
do not depend on the order in which a library adds them."""

_FAINT = 2.0**-10
"""What other classes have beside a score tells more than the score where it is less than this;
where it is more, its last digits are those of sums and quotients."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One class against the rest, sorted once so that each resample needs sums only.

    Of scores that several models gave, each its own images, images are compared with those of the
    same model alone.
    """

    positives: NDArray[np.intp]
    negatives: NDArray[np.intp]
    """Image numbers by rising score."""
    below: NDArray[np.intp]
    """For each positive, how many negatives score strictly less."""
    upto: NDArray[np.intp]
    """The same, those of equal score among them."""
    truth: NDArray[np.bool_]
    """Of each image that is compared, whether it is positive."""
    order: NDArray[np.intp]
    """The images that are compared by falling score, numbered among them."""
    last: NDArray[np.bool_]
    """In that order: whether the next image has a lower score."""
    inside: NDArray[np.intp] | None = None
    """Numbers of the images that are compared; None: all."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Scores of n images over K classes, made ready for `metrics.evaluate`.

    Attributes
    ----------
    n, n_classes
        Number of images, of classes.
    comparisons
        What ROC AUC is the mean of: the positive class of a binary task, or each class against
        the rest; of pooled samples those of the first, then of the next. Empty where a class has
        no image.
    columns
        Shape (n, 3K + 2 + 2 bins), float64: what the other figures are sums of. One-hot of the
        label, of the decision, of both where they agree; log loss and Brier score of the image;
        for each bin of confidence the confidence, and whether the largest probability is right.
    right
        Shape (n,): whether the decision is right; NaN where nothing is decided.
    labels, decisions
        Class numbers, shape (n,).
    probabilities
        Shape (n, K).
    positive
        Positive class of a binary task; the last class where none was told.
    whole
        Whether there are decisions, and the scores are probabilities.
    probable
        Whether the scores are probabilities.
    """

    n: int
    n_classes: int
    comparisons: tuple[_Comparison, ...]
    columns: Floats
    right: NDArray[np.bool_] | Floats
    labels: NDArray[np.int64] = field(repr=False)
    decisions: NDArray[np.int64] = field(repr=False)
    probabilities: Floats = field(repr=False)
    positive: int
    whole: bool
    probable: bool = True


def prepare(
    labels: NDArray[np.integer],
    probabilities: Floats,
    *,
    positive: int | None = None,
    threshold: float | None = None,
    decides: bool = True,
    probable: bool = True,
    decisions: NDArray[np.integer] | None = None,
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
    decides
        Whether there are decisions. Scores of which nobody said where the classes part have none,
        and no figure that counts them.
    probable
        Whether the scores are probabilities. Of others log loss, Brier score and calibration error
        are not defined.
    decisions
        Class numbers, shape (n,), where they are taken already; ``threshold`` is not looked at.

    Raises
    ------
    ValueError
        On shapes that do not fit, labels outside 0..K-1, or scores that are not finite.
    """
    labels = np.asarray(labels)
    probabilities = np.asarray(probabilities, dtype=np.float64)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1]:
        raise ValueError(
            f"labels of shape {labels.shape} do not fit scores of shape {probabilities.shape}:"
            " scores are of shape (n, K), a column a class"
        )
    n, n_classes = probabilities.shape
    if n_classes < 2:
        raise ValueError("scores of at least two classes are needed")
    if n and not (labels.min() >= 0 and labels.max() < n_classes):
        raise ValueError(f"labels must lie in 0..{n_classes - 1}")
    if not np.isfinite(probabilities).all():
        raise ValueError("scores are not finite")

    scored = [1 if positive is None else positive] if n_classes == 2 else range(n_classes)
    if decisions is None:
        decisions = decide(probabilities, positive=positive, threshold=threshold)
    classes = np.arange(n_classes)
    truth = labels[:, None] == classes
    decided = decisions[:, None] == classes
    said = np.concatenate([decided, truth & decided], axis=1).astype(np.float64)
    losses = _losses(truth, probabilities, scored) if probable else np.full((n, 4), np.nan)
    right: NDArray[np.bool_] | Floats = decisions == labels
    if not decides:
        said[:], right = np.nan, np.full(n, np.nan)
    columns = np.concatenate([truth, said, losses], axis=1)
    comparisons: tuple[_Comparison, ...] = ()
    if truth.any(axis=0).all():
        comparisons = tuple(_compare(truth[:, k], ranked(probabilities, k)) for k in scored)
    return Sample(
        n,
        n_classes,
        comparisons,
        columns.astype(np.float64),
        right,
        labels.astype(np.int64, copy=False),
        decisions.astype(np.int64, copy=False),
        probabilities,
        scored[0] if n_classes == 2 else n_classes - 1,
        decides and probable,
        probable,
    )


def pooled(samples: Sequence[Sample]) -> Sample:
    """Put samples of different images together, each scored by a model of its own.

    Decisions and probabilities are those of all images. What follows from the order of the scores
    is taken within each sample and averaged, since scores of two models are not on one scale:
    Forman and Scholz (2010), "Apples-to-apples in cross-validation studies", SIGKDD Explorations
    12; Airola et al. (2011), Computational Statistics and Data Analysis 55.

    Parameters
    ----------
    samples
        Of the same classes, at least one; the images of the first stand first.
    """
    first = samples[0]
    whole = prepare(
        np.concatenate([its.labels for its in samples]),
        np.concatenate([its.probabilities for its in samples]),
        positive=first.positive,
        decisions=np.concatenate([its.decisions for its in samples]),
        decides=all(np.isfinite(np.asarray(its.right, dtype=np.float64)).all() for its in samples),
        probable=all(its.probable for its in samples),
    )
    starts = np.cumsum([0, *(its.n for its in samples)])[:-1].tolist()
    moved = tuple(
        _moved(each, start, its.n)
        for its, start in zip(samples, starts, strict=True)
        for each in its.comparisons
    )
    whole_order = all(its.comparisons for its in samples)
    return replace(whole, comparisons=moved if whole_order else ())


def _moved(of: _Comparison, start: int, n: int) -> _Comparison:
    """Have its images numbered from another one on."""
    inside = np.arange(n) if of.inside is None else of.inside
    return replace(
        of,
        positives=of.positives + start,
        negatives=of.negatives + start,
        inside=inside + start,
    )


def _losses(truth: NDArray[np.bool_], probabilities: Floats, scored: Sequence[int]) -> Floats:
    """Give log loss, Brier score and the bins of confidence of each image."""
    n = len(truth)
    # as scikit-learn: no probability of exactly 0 or 1, and rows that sum to 1
    eps = np.finfo(np.float64).eps
    clipped = np.clip(probabilities, eps, 1 - eps)
    log_loss = -np.log(clipped[truth] / clipped.sum(axis=1))
    squares = (probabilities - truth) ** 2
    brier = squares[:, scored[0]] if probabilities.shape[1] == 2 else squares.sum(axis=1)
    confidence, which = binned(probabilities)
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


def binned(probabilities: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Give the highest score of each image, shape (n,), and in which of `N_BINS` bins it lies.

    Bins are open below: (0, 1/15], ..., (14/15, 1].
    """
    confidence = probabilities.max(axis=1, initial=0.0)
    which = np.clip(np.ceil(confidence * N_BINS).astype(np.intp) - 1, 0, N_BINS - 1)
    return confidence, which


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


def ranked(probabilities: Floats, k: int) -> Floats:
    """Give what orders images by class k, shape (n,); images that tie have the same number.

    It is the score of the class. Where that is the same to the last digit, the lower score of the
    others goes before: near 1 a score is rounded to 1e-16, what is left beside it is not.

    Parameters
    ----------
    probabilities
        Shape (n, K).
    k
        A class.
    """
    score = probabilities[:, k]
    rest = np.delete(probabilities, k, axis=1).sum(axis=1)
    if np.array_equal(rest, 1 - score):
        return score
    finer = (rest >= 0) & (rest < _FAINT) & (np.abs(score + rest - 1) < _FAINT)
    if not finer.any():
        return score
    rest = np.where(finer, rest, np.maximum(1 - score, _FAINT))
    order = np.lexsort((-rest, score))
    score_alike = np.diff(score[order]) == 0
    alike = score_alike & (np.diff(rest[order]) == 0)
    if np.array_equal(alike, score_alike):
        return score
    places = np.empty(len(score))
    places[order] = np.concatenate([[0], np.cumsum(~alike)])
    return places


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
