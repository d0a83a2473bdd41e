"""The scores of a detector from elsewhere, read as probabilities: nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import ParameterError, unknown
from dfbench.models.base import Labels, Model, Probabilities, Task
from dfbench.models.classical.common import platt
from dfbench.parameters import Several

ACTIVATIONS = ("none", "sigmoid", "softmax", "calibrated")
TRAINED_ON = ("train", "other", "unknown")
_LOST = 0.01
"""Share of different scores that may become one with another by rounding."""
_SUM = 0.01
"""By how much the probabilities of an image may miss 1."""


class Detector(Model):
    """Reads off what a detector says; of the tuning part it takes two numbers, where it is told.

    Parameters
    ----------
    outputs
        The class that each number of the detector speaks for, the high ones where there is one.
    activation
        What makes probabilities of the numbers: nothing, for they are (``none``), ``sigmoid``,
        ``softmax``, or Platt's sigmoid of the tuning part (``calibrated``), in the order
        of the numbers.
    trained_on
        Told in leaderboards: the training images of the data set, other data, or unknown.
    """

    name = "detector"
    version = 2
    allowed: ClassVar = {
        "outputs": Several[str],
        "activation": Literal[*ACTIVATIONS],
        "trained_on": Literal[*TRAINED_ON],
    }
    libraries: ClassVar[tuple[str, ...]] = ("scipy.special",)

    _columns: list[int]
    """Class of each number."""
    _curve: platt.Curve | None
    _way: str = ""
    """How it was fitted."""

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Nothing is assumed of the outputs, and nothing known of the training."""
        return {"outputs": [], "activation": "none", "trained_on": ""}

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """There is nothing to tune."""
        return {}

    @classmethod
    def check_params(cls, params: Mapping[str, Any]) -> None:
        """Raise where what only its author knows is not told, or makes no sense."""
        for name in params:
            if name not in cls.defaults():
                raise unknown("parameter", name, cls.defaults(), where=cls.name)
        outputs = params.get("outputs")
        named = isinstance(outputs, list | tuple) and all(isinstance(x, str) for x in outputs)
        if not named or not outputs or len(set(map(str.lower, outputs))) < len(outputs):
            raise ParameterError(
                "outputs is to name the class of each number that it gives",
                where=cls.name,
                hint='outputs = ["fake"]: one number, high ones speak for fake;'
                ' outputs = ["real", "fake"]: two numbers',
            )
        activation = params.get("activation", "none")
        if activation not in ACTIVATIONS:
            raise ParameterError(
                f"activation={activation!r} is none of {', '.join(ACTIVATIONS)}", where=cls.name
            )
        one = len(outputs) == 1
        if activation == ("softmax" if one else "sigmoid"):
            raise ParameterError(
                f"activation={activation!r} does not go with {len(outputs)} outputs",
                where=cls.name,
                hint="sigmoid makes a probability of one number, softmax of several",
            )
        if activation == "calibrated" and len(outputs) > 2:
            raise ParameterError("activation='calibrated' is for two classes", where=cls.name)
        if params.get("trained_on") not in TRAINED_ON:
            raise ParameterError(
                "trained_on is to be told, and is shown beside the row",
                where=cls.name,
                hint="train (the training images of the data set), other (other data), or unknown",
            )

    @property
    def probability(self) -> str:  # type: ignore[override]
        """What makes probabilities of its numbers, as far as that is known here."""
        made = self.params["activation"]
        return self._way or ("as the detector gives them" if made == "none" else made)

    def fit(self, X: Any, y: Labels, X_val: Any, y_val: Labels) -> Self:
        """Find out which number is of which class; calibrate on the tuning part, if told so.

        Raises
        ------
        ParameterError
            If outputs do not name the classes of the data set.
        """
        self._columns = self._of_classes(self.params["outputs"])
        self._curve = None
        if self.params["activation"] == "calibrated":
            first = self._columns[0]
            share = (np.count_nonzero(y == first) + 1) / (len(y) + 2)  # of images that may be none
            self._curve, self._way = platt.of_fresh(self._margin(X_val), y_val == first, share)
        return self

    def predict_proba(self, X: Any) -> Probabilities:
        """Give probabilities, shape (n, K).

        Raises
        ------
        ParameterError
            If scores that are told to be probabilities are none.
        """
        found = np.empty((len(X), self.n_classes))
        if len(self._columns) == 1 or self._curve is not None:
            first = self._columns[0]
            found[:, first], found[:, 1 - first] = self._of_two(X)
            return found
        values = np.asarray(X, dtype=np.float64)
        found[:, self._columns] = self._softmax(values)
        return found

    def doubts(self, X: Any) -> list[str]:
        """Say where scores that differ came to one probability, or all are one."""
        values = np.asarray(X, dtype=np.float64)
        activation = self.params["activation"]
        if len(self._columns) > 1 and activation == "none":
            values = self.predict_proba(X)
        elif len(self._columns) <= 2:
            values = self._margin(values)[:, None]
        else:
            values = values - values.max(axis=1, keepdims=True)
        n = len(np.unique(values, axis=0))
        if n < 2 <= len(values):
            return ["the detector gives every image the same score: there is nothing to rank"]
        lost = n - len(np.unique(self.predict_proba(X), axis=0))
        if lost <= _LOST * n:
            return []
        return [
            f"activation {activation!r} rounds {n} different scores of the detector to {n - lost}:"
            " images whose scores differ tie in its figures"
        ]

    def _of_two(self, X: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give the probability of the class that the first number speaks for, and of the other."""
        from scipy.special import expit

        margin = self._margin(X)
        # both by themselves: where one is close to 1 the other keeps its digits
        if self._curve is not None:
            a, b = self._curve
            return platt.sigmoid(margin, a, b), platt.sigmoid(margin, -a, -b)
        if self.params["activation"] == "sigmoid":
            return expit(margin), expit(-margin)
        self._check(margin[:, None], sums=False)
        return margin, 1 - margin

    def _margin(self, X: Any) -> NDArray[np.float64]:
        values = np.asarray(X, dtype=np.float64)
        return values[:, 0] if values.shape[1] == 1 else values[:, 0] - values[:, 1]

    def _softmax(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        from scipy.special import softmax

        if self.params["activation"] == "softmax":
            return np.asarray(softmax(values, axis=1))
        self._check(values, sums=True)
        return np.asarray(values / values.sum(axis=1, keepdims=True))

    def _check(self, values: NDArray[np.float64], *, sums: bool) -> None:
        inside = ((values >= 0) & (values <= 1)).all()
        if not inside or (sums and (abs(values.sum(axis=1) - 1) > _SUM).any()):
            raise ParameterError(
                "its numbers are no probabilities" + (" whose sum is 1" if inside else ""),
                where=self.name,
                hint="activation says what makes some of them",
            )

    def _of_classes(self, outputs: Sequence[str]) -> list[int]:
        """Give the number of the class that each output names."""
        numbers = class_numbers(self.classes, self.positive)
        found = [numbers.get(name.lower(), -1) for name in outputs]
        whole = len(outputs) == self.n_classes or (len(outputs) == 1 and self.n_classes == 2)
        if not whole or -1 in found or len(set(found)) < len(found):
            raise ParameterError(
                f"outputs are {', '.join(outputs)}; the classes of the data set are"
                f" {', '.join(self.classes)}",
                where=self.name,
                hint="name each of them, or of two the one that high numbers speak for",
            )
        return found


def class_numbers(classes: Sequence[str], positive: int | None) -> dict[str, int]:
    """Give the number of each class by its name in small letters.

    Of two, ``fake`` is also the positive one and ``real`` the other.

    Examples
    --------
    >>> class_numbers(["Photo", "GAN"], 1)
    {'fake': 1, 'real': 0, 'photo': 0, 'gan': 1}
    """
    numbers = {name.lower(): number for number, name in enumerate(classes)}
    if len(classes) == 2 and positive is not None:
        return {"fake": positive, "real": 1 - positive} | numbers
    return numbers
