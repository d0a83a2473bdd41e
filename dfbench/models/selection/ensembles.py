"""Ensembles of rows, calibrated and cut at a threshold; all of it chosen on the tuning split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

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

_TINY = 1e-6
"""Scores nearer to 0 count as this far: one member must not outvote all by a logarithm."""
_PENALTIES = (0.01, 0.1, 1.0, 10.0)
_FOLDS = 5
_ROUNDS = 50
"""Members that a greedy selection takes, with repetition."""


@dataclass(frozen=True, slots=True)
class Combination:
    """What a derived row does with the scores of its members; ``threshold`` is a rule or empty."""

    combine: Literal["mean", "stacking", "greedy"] = "mean"
    calibrate: Literal["none", "temperature", "isotonic"] = "none"
    threshold: str = ""


@dataclass(frozen=True)
class Combined:
    """A fitted combination.

    Attributes
    ----------
    threshold
        Score of the positive class from which on an image is called positive; None: the class of
        the highest score.
    """

    members: list[str]
    _merge: _Mean | _Stacking
    _calibration: Temperature | Isotonic | None
    threshold: float | None

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
        kinds: dict[str, type[_Mean] | type[_Stacking]] = {"mean": _Mean, "stacking": _Stacking}
        made = kinds[merge.pop("kind")].restored(merge)
        known = state["calibration"]
        calibration = None if known is None else calibration_of(known)
        return cls([str(name) for name in state["members"]], made, calibration, state["threshold"])

    @property
    def weights(self) -> list[float] | None:
        """Of each member, where it is a mean of their probabilities."""
        return self._merge.weights if isinstance(self._merge, _Mean) else None

    @property
    def probability(self) -> str:
        """What the probabilities are, in a few words."""
        merged = "that of its member" if len(self.members) == 1 else self._merge.probability
        if self._calibration is None:
            return merged
        return f"{merged}, {self._calibration.describe()['method']} on the tuning split"

    def describe(self) -> dict[str, Any]:
        """Give what was fitted as the record tells it, JSON-able."""
        found: dict[str, Any] = {"members": self.members, **self._merge.describe()}
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
    def probability(self) -> str:
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
    probability: ClassVar[str] = "logistic, tuning split"

    def __call__(self, scores: Sequence[Probabilities]) -> Probabilities:
        merged = np.zeros((len(scores[0]), self.n_classes))
        merged[:, self.classes] = self.machine.predict_proba(_logits(scores))
        return merged

    def describe(self) -> dict[str, Any]:
        return {
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


def combine(
    scores: Sequence[Probabilities],
    y: Labels,
    *,
    members: Sequence[str],
    combination: Combination,
    positive: int | None,
    seed: int,
) -> Combined:
    """Fit a combination on the tuning split.

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
        al., ICML 2004).
    positive
        Positive class of a binary task, for thresholds.
    seed
        Of the folds.

    Raises
    ------
    ParameterError
        On a threshold for several classes, or a rule that is none.
    DataError
        If the tuning split has one class only and a threshold is wanted.
    """
    merge: _Mean | _Stacking
    if combination.combine == "mean" or len(scores) == 1:
        merge = _Mean([1.0 / len(scores)] * len(scores))
    elif combination.combine == "greedy":
        merge = _greedy(scores, y)
    else:
        merge = _stack(scores, y, seed)
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
    return Combined(list(members), merge, calibration, cut)


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


def _stack(scores: Sequence[Probabilities], y: Labels, seed: int) -> _Stacking | _Mean:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    X = _logits(scores)
    folds = min(_FOLDS, int(np.unique(y, return_counts=True)[1].min()))
    penalty = 0.1
    if folds >= 2:
        split = StratifiedKFold(folds, shuffle=True, random_state=seed)
        # a column for each member: threads would wait for each other
        with native_threads(1):
            losses = [
                -cross_val_score(
                    LogisticRegression(C=c, max_iter=2_000), X, y, cv=split, scoring="neg_log_loss"
                ).mean()
                for c in _PENALTIES
            ]
        penalty = _PENALTIES[int(np.argmin(losses))]
    with native_threads(1):
        machine = LogisticRegression(C=penalty, max_iter=2_000).fit(X, y)
    return _Stacking(machine, scores[0].shape[1], penalty, [int(k) for k in machine.classes_])


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
