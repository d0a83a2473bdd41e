"""Probability calibration and decision thresholds, fitted on the scores of a tuning split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError, ParameterError
from dfbench.models.base import Labels, Probabilities

_TINY = 1e-12
"""Below it a probability's logarithm says nothing."""


@dataclass(frozen=True, slots=True)
class Temperature:
    """Logits divided by one number (Guo et al., ICML 2017, section 4.2): no rank changes."""

    value: float

    def __call__(self, p: Probabilities) -> Probabilities:
        """Calibrate scores of shape (n, K)."""
        logits = np.log(np.clip(p, _TINY, None)) / self.value
        odds: Probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        return odds

    def describe(self) -> dict[str, Any]:
        """Give what was fitted."""
        return {"method": "temperature", "temperature": self.value}


def temperature(p: Probabilities, y: Labels) -> Temperature:
    """Find the temperature of the least log loss, between 1/100 and 100.

    Parameters
    ----------
    p
        Shape (n, K), rows summing to 1.
    y
        Shape (n,), class numbers.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(y))

    def loss(log_t: float) -> float:
        q = Temperature(float(np.exp(log_t)))(p)[rows, y]
        return float(-np.log(np.clip(q, _TINY, None)).mean())

    found = minimize_scalar(loss, bounds=(-np.log(100), np.log(100)), method="bounded")
    return Temperature(float(np.exp(found.x)))


@dataclass(frozen=True, slots=True)
class Isotonic:
    """A rising step function for each class, one against the rest (Zadrozny and Elkan, KDD 2002).

    Attributes
    ----------
    steps
        For each class the scores and the calibrated values at which its function bends; between
        them it is linear.
    """

    steps: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]

    def __call__(self, p: Probabilities) -> Probabilities:
        """Calibrate scores of shape (n, K)."""
        if len(self.steps) == 1:
            one = np.interp(p[:, 1], *self.steps[0])
            return np.column_stack([1.0 - one, one])
        columns = [np.interp(p[:, k], *step) for k, step in enumerate(self.steps)]
        raw: Probabilities = np.column_stack(columns)
        total = raw.sum(axis=1, keepdims=True)
        # where every class says 0 the scores stay as they were
        return np.where(total > 0, raw / np.where(total > 0, total, 1.0), p)

    def describe(self) -> dict[str, Any]:
        """Give what was fitted."""
        return {
            "method": "isotonic",
            "steps": [[x.tolist(), value.tolist()] for x, value in self.steps],
        }


def isotonic(p: Probabilities, y: Labels) -> Isotonic:
    """Fit the step functions; parameters as for `temperature`. Two classes share one function."""
    from sklearn.isotonic import IsotonicRegression

    wanted = [1] if p.shape[1] == 2 else range(p.shape[1])
    steps = []
    for k in wanted:
        fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(p[:, k], y == k)
        steps.append(
            (
                np.asarray(fitted.X_thresholds_, np.float64),
                np.asarray(fitted.y_thresholds_, np.float64),
            )
        )
    return Isotonic(tuple(steps))


def calibration_of(described: Mapping[str, Any]) -> Temperature | Isotonic:
    """Make a calibration again of what it gave to describe it.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it is none.
    """
    if described["method"] == "temperature":
        return Temperature(float(described["temperature"]))
    if described["method"] != "isotonic":
        raise ValueError(f"no calibration: {described['method']!r}")
    steps = [(np.array(x, np.float64), np.array(y, np.float64)) for x, y in described["steps"]]
    return Isotonic(tuple(steps))


@dataclass(frozen=True, slots=True)
class Rule:
    """How a threshold is chosen; ``value`` is the false positive rate, or the threshold itself."""

    kind: str
    value: float = 0.0


def parse_rule(text: str) -> Rule:
    """Read ``youden``, ``eer``, ``fpr=0.05``, or a number between 0 and 1.

    Raises
    ------
    ParameterError
        On anything else.
    """
    if text in ("youden", "eer"):
        return Rule(text)
    name, equals, number = text.rpartition("=")
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    kind = {"fpr": "fpr", "": "fixed"}.get(name if equals else "")
    if kind is None or not 0 < value < 1:
        raise ParameterError(
            f"no rule for a threshold: {text!r}",
            hint="youden, eer, fpr=0.05 (any rate between 0 and 1), or a number between 0 and 1",
        )
    return Rule(kind, value)


def threshold(score: NDArray[np.float64], is_positive: NDArray[np.bool_], rule: Rule) -> float:
    """Choose the score from which on an image is called positive.

    Parameters
    ----------
    score
        Shape (n,): probability of the positive class.
    is_positive
        Shape (n,).
    rule
        ``youden``: largest TPR - FPR (Youden, Cancer 3, 1950). ``eer``: FPR and 1 - TPR closest to
        each other. ``fpr``: the lowest threshold whose FPR is at most the value. Candidates are
        the midpoints between neighbouring scores, and what calls all or nothing positive.

    Raises
    ------
    DataError
        If one of the classes is absent.
    """
    if rule.kind == "fixed":
        return rule.value
    if is_positive.all() or not is_positive.any():
        raise DataError("a threshold needs images of both classes in the tuning split")
    values = np.unique(score)
    # a score just at the threshold would hang on the last bit
    cuts = np.concatenate([[0.0], (values[1:] + values[:-1]) / 2, [np.nextafter(values[-1], 2.0)]])
    positives, negatives = np.sort(score[is_positive]), np.sort(score[~is_positive])
    # whole numbers until the division: 3 of 10 is a rate of 0.3, 1 - 7 / 10 is more
    tpr, fpr = (
        (len(part) - np.searchsorted(part, cuts, side="left")) / len(part)
        for part in (positives, negatives)
    )
    if rule.kind == "youden":
        return float(cuts[np.argmax(tpr - fpr)])
    if rule.kind == "eer":
        return float(cuts[np.argmin(np.abs(fpr - (1.0 - tpr)))])
    return float(cuts[np.flatnonzero(fpr <= rule.value)[0]])
