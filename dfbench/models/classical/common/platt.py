"""Platt's sigmoid: from the decision values of a machine to probabilities, in the same order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from dfbench.models.classical.common.copies import numbered

Floats = NDArray[np.float64]
Curve = tuple[float, float]
"""Slope a and offset b of 1 / (1 + exp(a decision + b)); a is below 0 where the order is kept."""

OUT_OF_FOLD = "Platt, out of fold"
TUNING = "Platt, tuning split"
ORDER = "order alone"

LEAST = 0.1
"""Slope that says something, per standard deviation of the decision values of fresh images: two
of them that are one apart then differ by 2.5 points. A ROC AUC of 0.53 is worth as much."""
_FOLDS = 3
ENOUGH = 10
"""Fresh images that tell by themselves how far decision values are from each other."""
_STRAIGHT = 15.0
"""Log odds up to which the sigmoid is one. Beyond, numbers below 1 would soon run out."""


def fitted(decision: Floats, member: NDArray[np.bool_]) -> Curve:
    """Fit slope and offset by maximum likelihood.

    Newton's method with a line search on the regularised targets of Platt (1999), as in H.-T. Lin,
    C.-J. Lin, R. Weng, "A note on Platt's probabilistic outputs for support vector machines",
    Machine Learning 68, 2007. The slope may come out flat, or turn the order round: see `learnt`.

    Parameters
    ----------
    decision
        Shape (n,), of rows that had no part in the machine.
    member
        Whether each is of the class.
    """
    positive = float(member.sum())
    negative = len(member) - positive
    target = np.where(member, (positive + 1) / (positive + 2), 1 / (negative + 2))
    # decision values of any size, about any value
    centre, unit = float(decision.mean()), spread(decision) or 1.0
    x = (decision - centre) / unit
    a, b = 0.0, float(np.log((negative + 1) / (positive + 1)))

    def loss(a: float, b: float) -> float:
        return float((np.logaddexp(0.0, a * x + b) - (1 - target) * (a * x + b)).sum())

    value = loss(a, b)
    for _ in range(100):
        p = _logistic(a * x + b)
        slope = target - p
        gradient = np.array([float((slope * x).sum()), float(slope.sum())])
        if np.abs(gradient).max() < 1e-7 * len(x):
            break
        bend = p * (1 - p)
        off = float((bend * x).sum())
        hessian = np.array(
            [[float((bend * x * x).sum()) + 1e-10, off], [off, float(bend.sum()) + 1e-10]]
        )
        step = -np.linalg.solve(hessian, gradient)
        length = 1.0
        while length > 1e-10:
            new = a + length * step[0], b + length * step[1]
            its = loss(*new)
            if its < value + 1e-4 * length * float(gradient @ step):
                (a, b), value = new, its
                break
            length /= 2
        else:
            break
    return float(a / unit), float(b - a * centre / unit)


def learnt(curve: Curve, deviation: float) -> bool:
    """Whether a sigmoid tells images apart whose decision values have this standard deviation."""
    return -curve[0] * deviation >= LEAST


def of_fresh(decision: Floats, member: NDArray[np.bool_], share: float) -> tuple[Curve, str]:
    """Fit on images of the tuning split; where they tell nothing, keep the order alone.

    Parameters
    ----------
    decision, member
        As of `fitted`.
    share
        Of the class in the training part. Where the split tells nothing, or that the order should
        be turned round, probabilities are about this, and differ by as much as `LEAST` says.

    Returns
    -------
    tuple
        The curve, and `TUNING` or `ORDER`.
    """
    if 0 < member.sum() < len(member):
        curve = fitted(decision, member)
        if learnt(curve, spread(decision)):
            return curve, TUNING
    a = -LEAST / (spread(decision) or 1.0)
    centre = float(decision.mean()) if len(decision) else 0.0
    return (a, float(np.log((1 - share) / share)) - a * centre), ORDER


def calibrated(
    y: NDArray[np.int64],
    decide: Callable[[NDArray[np.bool_]], Floats],
    fresh: Floats,
    y_fresh: NDArray[np.int64],
    groups: NDArray[np.intp] | None = None,
    sources: NDArray[np.intp] | None = None,
) -> tuple[Floats, list[str]]:
    """Fit the sigmoid of each class, and say how.

    It is fitted on the values of a 3-fold cross-validation inside the training part (Platt, 1999).
    Few images may teach it nothing: machines of the folds differ in their intercepts, and where
    rows are far from each other, what a machine says of a row that it was fitted without is its
    intercept, which leans away from the class that lost the row. The sigmoid is then that of the
    tuning split, see `of_fresh`.

    Parameters
    ----------
    y
        Classes of the training part, shape (n,).
    decide
        Told which rows to fit a machine on, gives the decision values of all others by class,
        ascending, shape (n - m, K).
    fresh
        Decision values of the tuning split by the machine of all rows, shape (f, K).
    y_fresh
        Its classes, shape (f,).
    groups
        Number of the image that each row of the training part is of, shape (n,): copies of one are
        held out together. None: each row is an image.
    sources
        Number of the source of each row's image, shape (n,): all images of one are held out
        together, for a machine that knows the source is sure of what else is from it. None: no
        images share one.

    Returns
    -------
    ndarray of shape (K, 2)
        Slope and offset of each class, one against the rest; of the second alone where there are
        two.
    list of str
        `OUT_OF_FOLD`, `TUNING` or `ORDER` for each.
    """
    classes = np.unique(y)
    held_out = _held_out(y, classes, decide, groups, sources)
    curves, ways = [], []
    for c in [1] if len(classes) == 2 else range(len(classes)):
        its, member = fresh[:, c], y == classes[c]
        curve, way = (0.0, 0.0), OUT_OF_FOLD
        if held_out is not None:
            curve = fitted(held_out[:, c], member)
        scale = its if held_out is None or len(its) >= ENOUGH else held_out[:, c]
        if not learnt(curve, spread(scale)):
            curve, way = of_fresh(its, y_fresh == classes[c], float(member.mean()))
        curves.append(curve)
        ways.append(way)
    return np.array(curves), ways


def recalibrated(
    y: NDArray[np.int64],
    decide: Callable[[NDArray[np.bool_]], Floats],
    before: Floats,
    ways: Sequence[str],
    groups: NDArray[np.intp] | None = None,
    sources: NDArray[np.intp] | None = None,
) -> tuple[Floats, list[str]]:
    """Fit the sigmoid of each class of a machine that was fitted once more, on all images.

    There are no fresh ones left: a sigmoid that learnt nothing out of fold is that of the machine
    before, of the same parameters, which had not seen the tuning split.

    Parameters
    ----------
    y, decide, groups, sources
        As of `calibrated`.
    before, ways
        What `calibrated` gave for the machine before.
    """
    classes = np.unique(y)
    held_out = _held_out(y, classes, decide, groups, sources)
    if held_out is None:
        return before, list(ways)
    curves, found = before.copy(), list(ways)
    for place, c in enumerate([1] if len(classes) == 2 else range(len(classes))):
        curve = fitted(held_out[:, c], y == classes[c])
        if learnt(curve, spread(held_out[:, c])):
            curves[place], found[place] = curve, OUT_OF_FOLD
    return curves, found


def told(ways: Sequence[str]) -> str:
    """Word how the sigmoids of the classes were fitted.

    Examples
    --------
    >>> told(["order alone"])
    'order alone'
    >>> told(["Platt, out of fold", "order alone", "Platt, out of fold"])
    'Platt, out of fold (2 classes); order alone (1)'
    """
    counts = Counter(ways)
    if len(counts) == 1:
        return ways[0]
    first, *others = counts.items()
    return "; ".join(
        [f"{first[0]} ({first[1]} class{'es'[: 2 * (first[1] > 1)]})"]
        + [f"{way} ({n})" for way, n in others]
    )


def sigmoid(decision: Floats, a: float, b: float) -> Floats:
    """Give 1 / (1 + exp(a decision + b)), where values that differ stay apart.

    Beyond log odds of 15, a chance of 3 in 10 million that no set of images here could show, what
    is missing to 0 or 1 falls with the inverse of one plus their logarithm: as numbers of 64 bits
    the values of a sigmoid become one soon after.
    """
    with np.errstate(over="ignore"):
        odds = a * decision + b
    value = _logistic(np.clip(odds, -_STRAIGHT, _STRAIGHT))
    far = np.abs(odds) > _STRAIGHT
    if far.any():
        rest = 1 / (1 + np.log(np.abs(odds[far]) / _STRAIGHT)) / (1 + np.exp(_STRAIGHT))
        value[far] = np.where(odds[far] > 0, rest, 1 - rest)
    return value


def probabilities(scores: Floats, sigmoids: Floats) -> Floats:
    """Give probabilities of decision values by class, shape (n, K), by those of `calibrated`.

    Of several classes they do not sum to 1 yet.
    """
    if scores.shape[1] == 2:
        a, b = sigmoids[0]
        # both by themselves: where one is close to 1 the other keeps its digits
        return np.column_stack([sigmoid(scores[:, 1], its, o) for its, o in ((-a, -b), (a, b))])
    return np.column_stack([sigmoid(scores[:, c], *its) for c, its in enumerate(sigmoids)])


def _held_out(
    y: NDArray[np.int64],
    classes: NDArray[np.int64],
    decide: Callable[[NDArray[np.bool_]], Floats],
    groups: NDArray[np.intp] | None,
    sources: NDArray[np.intp] | None,
) -> Floats | None:
    """Give decision values of rows by machines without them; None where there are no two folds."""
    # images in the order of their first rows: without copies these are the rows
    image_of, firsts = numbered(np.arange(len(y)) if groups is None else groups)
    if sources is not None and len(np.unique(sources)) < len(firsts):
        folds = _of_sources(y, classes, sources)
    else:
        folds = _of_images(y, classes, image_of, firsts)
    if folds is None:
        return None
    scores = np.empty((len(y), len(classes)))
    for taken in folds:
        scores[~taken] = decide(taken)
    return scores


def _of_images(
    y: NDArray[np.int64],
    classes: NDArray[np.int64],
    image_of: NDArray[np.intp],
    firsts: NDArray[np.intp],
) -> list[NDArray[np.bool_]] | None:
    """Give the rows that each machine is fitted on; None where a class has one image."""
    from sklearn.model_selection import StratifiedKFold

    own = y[firsts]
    # fewer members than folds cannot be split: fewer folds then
    folds = min(_FOLDS, *((own == c).sum() for c in classes))
    if folds < 2:
        return None
    parts = StratifiedKFold(int(folds)).split(np.zeros(len(own)), own)
    return [~np.isin(image_of, held) for _, held in parts]


def _of_sources(
    y: NDArray[np.int64], classes: NDArray[np.int64], sources: NDArray[np.intp]
) -> list[NDArray[np.bool_]] | None:
    """Give the same with whole sources in each fold; None where one has all of a class."""
    from sklearn.model_selection import StratifiedGroupKFold

    most = min(_FOLDS, *(len(np.unique(sources[y == c])) for c in classes))
    for folds in range(most, 1, -1):
        parts = StratifiedGroupKFold(folds).split(np.zeros(len(y)), y, sources)
        found = [np.isin(np.arange(len(y)), kept) for kept, _ in parts]
        # sources of several classes, or of very unlike sizes, may leave a machine none of a class
        if all(len(np.unique(y[taken])) == len(classes) and not taken.all() for taken in found):
            return found
    return None


def _logistic(odds: Floats) -> Floats:
    value: Floats = 1.0 / (1.0 + np.exp(np.clip(odds, -700.0, 700.0)))
    return value


def spread(decision: Floats) -> float:
    """Give the standard deviation; 0 where it is rounding, or there are no two values.

    So it is below 1e-300, of which the inverse soon is none.
    """
    if len(decision) < 2:
        return 0.0
    largest = float(np.abs(decision).max())
    unit = largest if largest > 0 else 1.0
    found = float((decision / unit).std())
    return found * unit if found > 1e-12 and found * unit > 1e-300 else 0.0
