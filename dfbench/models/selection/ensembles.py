"""Ensembles of rows, calibrated and cut at a threshold.

All of it is chosen on the tuning split, or the weights on scores of all training images by members
that have not seen them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import ParameterError
from dfbench.models.base import Labels, Probabilities
from dfbench.models.devices import native_threads
from dfbench.models.selection.calibration import (
    Isotonic,
    Temperature,
    calibration_of,
    isotonic,
    parse_rule,
    temperature,
    threshold,
)
from dfbench.models.selection.pools import TINY as _TINY
from dfbench.models.selection.pools import Pool, Targets, fit_pool

_PENALTIES = (0.01, 0.1, 1.0, 10.0)
_DRAWN = (0.001, 0.01, 0.1, 1.0)
"""How strongly the weights of a pool may be drawn together."""
_FOLDS = 5
_ROUNDS = 50
"""Members that a greedy selection takes, with repetition."""


@dataclass(frozen=True, slots=True)
class Combination:
    """What a derived row does with the scores of its members; ``threshold`` is a rule or empty."""

    combine: Literal["mean", "stacking", "greedy", "by-kind"] = "mean"
    calibrate: Literal["none", "temperature", "isotonic"] = "none"
    threshold: str = ""


@dataclass(frozen=True)
class OutOfFold:
    """Scores of the training images, each by members that were fitted without its fold.

    Attributes
    ----------
    scores
        Of each member, shape (n, K).
    y
        Class numbers, shape (n,).
    folds
        Number of the fold of each image, shape (n,).
    kinds
        Kind of fake of each; None where they are not told.
    """

    scores: Sequence[Probabilities]
    y: Labels
    folds: NDArray[np.int64]
    kinds: Sequence[str] | None = None


@dataclass(frozen=True)
class Combined:
    """A fitted combination.

    Attributes
    ----------
    threshold
        Score of the positive class from which on an image is called positive; None: the class of
        the highest score.
    on_folds
        Number of folds of train that the weights were chosen on, and of their images; None where
        they were on the tuning split.
    """

    members: list[str]
    _merge: _Mean | _Stacking | Pool
    _calibration: Temperature | Isotonic | None
    threshold: float | None
    on_folds: tuple[int, int] | None = None

    def apply(self, scores: Sequence[Probabilities]) -> Probabilities:
        """Combine the members' scores, each of shape (n, K), in their order."""
        merged = self._merge(scores)
        return merged if self._calibration is None else self._calibration(merged)

    def state(self) -> dict[str, Any]:
        """Give all that `restored` takes, JSON-able."""
        calibration = None if self._calibration is None else self._calibration.describe()
        return {
            "members": self.members,
            "merge": self._merge.state(),
            "calibration": calibration,
            "threshold": self.threshold,
            **({} if self.on_folds is None else {"on_folds": list(self.on_folds)}),
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Combined:
        """Make what was fitted again of its `state`.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is none.
        """
        merge: dict[str, Any] = dict(state["merge"])
        kinds: dict[str, type[_Mean] | type[_Stacking] | type[Pool]] = {
            "mean": _Mean,
            "stacking": _Stacking,
            "by-kind": Pool,
        }
        made = kinds[merge.pop("kind")].restored(merge)
        known = state["calibration"]
        calibration = None if known is None else calibration_of(known)
        n_folds, n_images = state.get("on_folds") or (0, 0)
        return cls(
            [str(name) for name in state["members"]],
            made,
            calibration,
            state["threshold"],
            (int(n_folds), int(n_images)) if n_folds else None,
        )

    @property
    def weights(self) -> list[float] | None:
        """Of each member, where it is a mean of their probabilities."""
        return self._merge.weights if isinstance(self._merge, _Mean) else None

    @property
    def probability(self) -> str:
        """What the probabilities are, in a few words."""
        merged = "that of its member"
        if len(self.members) > 1:
            merged = self._merge.way
            if not isinstance(self._merge, _Mean):
                merged += ", tuning split" if self.on_folds is None else ", folds of train"
        if self._calibration is None:
            return merged
        return f"{merged}, {self._calibration.describe()['method']} on the tuning split"

    def describe(self) -> dict[str, Any]:
        """Give what was fitted as the record tells it, JSON-able."""
        found: dict[str, Any] = {"members": self.members, **self._merge.describe()}
        if self.on_folds is not None:
            found["folds"], found["n_fitted"] = self.on_folds
        if self._calibration is not None:
            found["calibration"] = self._calibration.describe()
        if self.threshold is not None:
            found["threshold"] = self.threshold
        return found


@dataclass(frozen=True)
class _Mean:
    """Weighted mean of probabilities."""

    weights: list[float]

    @property
    def way(self) -> str:
        return f"{'mean' if len(set(self.weights)) == 1 else 'weighted mean'} of its members"

    def __call__(self, scores: Sequence[Probabilities]) -> Probabilities:
        merged: Probabilities = np.tensordot(self.weights, np.stack(scores), axes=1)
        merged /= merged.sum(axis=1, keepdims=True)
        return merged

    def describe(self) -> dict[str, Any]:
        return {"weights": self.weights}

    def state(self) -> dict[str, Any]:
        return {"kind": "mean", "weights": self.weights}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> _Mean:
        return cls([float(weight) for weight in state["weights"]])


@dataclass(frozen=True)
class _Stacking:
    """Multinomial logistic regression on the members' logarithmic scores (Wolpert, 1992)."""

    machine: Any
    n_classes: int
    penalty: float
    classes: list[int] = field(default_factory=list)
    way: ClassVar[str] = "logistic"

    def __call__(self, scores: Sequence[Probabilities]) -> Probabilities:
        merged = np.zeros((len(scores[0]), self.n_classes))
        merged[:, self.classes] = self.machine.predict_proba(_logits(scores))
        return merged

    def describe(self) -> dict[str, Any]:
        # of a class that the images it was fitted on have not, there are no coefficients
        some = {} if len(self.classes) == self.n_classes else {"classes": self.classes}
        return {
            **some,
            "C": self.penalty,
            "coefficients": np.round(self.machine.coef_, 6).tolist(),
            "intercepts": np.round(self.machine.intercept_, 6).tolist(),
        }

    def state(self) -> dict[str, Any]:
        return {
            "kind": "stacking",
            "coefficients": self.machine.coef_.tolist(),
            "intercepts": self.machine.intercept_.tolist(),
            "classes": self.classes,
            "n_classes": self.n_classes,
            "penalty": self.penalty,
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> _Stacking:
        from sklearn.linear_model import LogisticRegression

        machine = LogisticRegression(C=float(state["penalty"]))
        machine.coef_ = np.array(state["coefficients"], dtype=np.float64)
        machine.intercept_ = np.array(state["intercepts"], dtype=np.float64)
        classes = [int(k) for k in state["classes"]]
        machine.classes_ = np.array(classes)
        machine.n_features_in_ = machine.coef_.shape[1]
        return cls(machine, int(state["n_classes"]), machine.C, classes)


_Merge = _Mean | _Stacking | Pool


def combine(
    scores: Sequence[Probabilities],
    y: Labels,
    *,
    members: Sequence[str],
    combination: Combination,
    positive: int | None,
    seed: int,
    kinds: Sequence[str] | None = None,
    classes: Sequence[str] = (),
    out_of_fold: OutOfFold | None = None,
) -> Combined:
    """Fit a combination on the tuning split, or its weights on folds of train.

    Parameters
    ----------
    scores
        Of each member, shape (n, K), on the tuning split.
    y
        Shape (n,), its class numbers.
    members
        Their names.
    combination
        ``mean`` of probabilities; ``stacking``: see `_Stacking`, the penalty by stratified 5-fold
        cross-validation; ``greedy``: ensemble selection with replacement by log loss (Caruana et
        al., ICML 2004); ``by-kind``: see `dfbench.models.selection.pools.Pool`, the penalty as for
        stacking.
    positive
        Positive class of a binary task, for thresholds.
    seed
        Of the folds of that cross-validation.
    kinds
        Of fake of each image of the tuning split; None where they are not told.
    classes
        Their names; their numbers where none are given.
    out_of_fold
        What weights are fitted on, and by whose folds a penalty is chosen; None: the tuning split.
        Calibration and threshold are fitted on the tuning split in either case, which the members
        scored as they are used.

    Raises
    ------
    ParameterError
        On a threshold for several classes, or a rule that is none.
    DataError
        If the tuning split has one class only and a threshold is wanted.
    """
    its, how = out_of_fold, combination.combine
    classes = list(classes) or [str(k) for k in range(scores[0].shape[1])]
    if its is None:
        folds = _drawn(y, seed) if how in ("stacking", "by-kind") else None
        merge = _merged(how, scores, y, kinds, positive, classes, folds)
    else:
        merge = _merged(how, its.scores, its.y, its.kinds, positive, classes, its.folds)
    merged = merge(scores)
    calibration: Temperature | Isotonic | None = None
    if combination.calibrate != "none":
        fit = temperature if combination.calibrate == "temperature" else isotonic
        calibration = fit(merged, y)
        merged = calibration(merged)
    cut: float | None = None
    if combination.threshold:
        rule = parse_rule(combination.threshold)
        if merged.shape[1] != 2:
            raise ParameterError("a threshold is for two classes", hint="leave it out here")
        which = 1 if positive is None else positive
        cut = threshold(merged[:, which], y == which, rule)
    on_folds = None if its is None else (len(np.unique(its.folds)), len(its.y))
    return Combined(list(members), merge, calibration, cut, on_folds)


def _merged(
    how: str,
    scores: Sequence[Probabilities],
    y: Labels,
    kinds: Sequence[str] | None,
    positive: int | None,
    classes: Sequence[str],
    folds: NDArray[np.int64] | None,
) -> _Merge:
    """Fit what makes one score of several; ``folds`` are those that a penalty is chosen by."""
    if how == "mean" or len(scores) == 1:
        return _Mean([1.0 / len(scores)] * len(scores))
    if how == "greedy":
        return _greedy(scores, y)
    if how == "stacking":
        return _stack(scores, y, folds)
    return _pool(scores, Targets.told(y, kinds, positive, classes), y, folds)


def _drawn(y: Labels, seed: int) -> NDArray[np.int64] | None:
    """Give the fold of each image, drawn by class; None where a class has one image."""
    from sklearn.model_selection import StratifiedKFold

    n_folds = min(_FOLDS, int(np.unique(y, return_counts=True)[1].min()))
    if n_folds < 2:
        return None
    folds = np.zeros(len(y), dtype=np.int64)
    split = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    for number, (_, left) in enumerate(split.split(y, y)):
        folds[left] = number
    return folds


def _penalty(
    penalties: Sequence[float],
    default: float,
    fit: Callable[[NDArray[np.bool_], float], _Merge],
    scores: Sequence[Probabilities],
    y: Labels,
    folds: NDArray[np.int64] | None,
) -> float:
    """Choose the penalty of the lowest log loss on folds that were left out in turn.

    A fold without which a class is lost is no use; where there is none that is, the default stands.
    """
    losses: list[list[float]] = [[] for _ in penalties]
    for number in [] if folds is None else np.unique(folds):
        left = folds == number
        if len(np.unique(y[~left])) < len(np.unique(y)):
            continue
        for own, penalty in zip(losses, penalties, strict=True):
            p = fit(~left, penalty)([its[left] for its in scores])
            own.append(float(-np.log(np.clip(p[np.arange(len(p)), y[left]], 1e-15, 1)).mean()))
    return penalties[int(np.argmin([np.mean(own) for own in losses]))] if losses[0] else default


def _logits(scores: Sequence[Probabilities]) -> Probabilities:
    """Logarithms of the members' scores, centred for each member, side by side."""
    columns = []
    for p in scores:
        logs = np.log(np.clip(p, _TINY, None))
        centred = logs - logs.mean(axis=1, keepdims=True)
        # two classes: the second logit is the first's negative
        columns.append(centred[:, 1:] if p.shape[1] == 2 else centred)
    joined: Probabilities = np.hstack(columns)
    return joined


def _stack(
    scores: Sequence[Probabilities], y: Labels, folds: NDArray[np.int64] | None
) -> _Stacking:
    from sklearn.linear_model import LogisticRegression

    X = _logits(scores)

    def fit(inside: NDArray[np.bool_], penalty: float) -> _Stacking:
        machine = LogisticRegression(C=penalty, max_iter=2_000).fit(X[inside], y[inside])
        classes = [int(k) for k in machine.classes_]
        return _Stacking(machine, scores[0].shape[1], penalty, classes)

    # a column for each member: threads would wait for each other
    with native_threads(1):
        penalty = _penalty(_PENALTIES, 0.1, fit, scores, y, folds)
        return fit(np.ones(len(y), dtype=np.bool_), penalty)


def _pool(
    scores: Sequence[Probabilities],
    targets: Targets,
    y: Labels,
    folds: NDArray[np.int64] | None,
) -> Pool:
    def fit(inside: NDArray[np.bool_], penalty: float) -> Pool:
        own = replace(targets, of=targets.of[inside])
        return fit_pool([its[inside] for its in scores], own, penalty)

    with native_threads(1):
        penalty = _penalty(_DRAWN, 0.1, fit, scores, y, folds)
        return fit_pool(scores, targets, penalty)


def _greedy(scores: Sequence[Probabilities], y: Labels) -> _Mean:
    own = np.stack([p[np.arange(len(y)), y] for p in scores])
    counts = np.zeros(len(scores), dtype=int)
    total = np.zeros(len(y))
    best_loss, best_counts = np.inf, counts
    for taken in range(1, _ROUNDS + 1):
        losses = -np.log(np.clip((total + own) / taken, _TINY, None)).mean(axis=1)
        chosen = int(np.argmin(losses))
        counts = counts + np.eye(len(scores), dtype=int)[chosen]
        total += own[chosen]
        if losses[chosen] < best_loss - 1e-12:
            best_loss, best_counts = float(losses[chosen]), counts
    return _Mean((best_counts / best_counts.sum()).tolist())
