"""What the models over feature vectors share: checks, threads, a column for every class."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError
from dfbench.models.base import Labels, Model, Probabilities
from dfbench.models.devices import native_threads
from dfbench.models.kept import Kept, KeptError

Features = NDArray[np.float32]
"""Shape (n, d), dtype float32."""


class Estimator(Model):
    """What these models share: checks, threads, and one column for every class."""

    _classes: Labels
    """The classes that the training part holds, ascending."""

    def fit(self, X: NDArray[Any], y: Labels, X_val: NDArray[Any], y_val: Labels) -> Self:
        """Fit; see `Model.fit`."""
        X = checked(X)
        self._classes = present_classes(self.name, y)
        with native_threads(self.n_threads):
            self._fit(X, y)
        return self

    def predict_proba(self, X: NDArray[Any]) -> Probabilities:
        """Give class probabilities; see `Model.predict_proba`."""
        with native_threads(self.n_threads):
            known = self._proba(checked(X))
        return _all_classes(known, self._classes, self.n_classes)

    def restore(self, kept: Kept) -> Self:
        """Take up what was kept; see `Model.restore`."""
        super().restore(kept)
        classes = getattr(self, "_classes", None)
        if not (
            isinstance(classes, np.ndarray)
            and classes.dtype == np.int64
            and classes.ndim == 1
            and len(classes) >= 2
            and (np.diff(classes, prepend=-1) > 0).all()
            and classes[-1] < self.n_classes
        ):
            raise KeptError("its classes are not what they must be")
        return self

    @abstractmethod
    def _fit(self, X: Features, y: Labels) -> None: ...

    @abstractmethod
    def _proba(self, X: Features) -> NDArray[Any]:
        """Probabilities of `_classes`, shape (n, len(_classes))."""


def checked(X: NDArray[Any]) -> Features:
    """Give features as a contiguous array of float32.

    Raises
    ------
    DataError
        If the shape is not (n, d), or a value is not finite.
    """
    array = np.ascontiguousarray(X, dtype=np.float32)
    if array.ndim != 2:
        raise DataError(f"features must have shape (n, d), not {array.shape}")
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise DataError(f"feature {column} of row {row} is not finite")
    return array


def present_classes(owner: str, y: Labels) -> Labels:
    """Give the classes that a training part holds, ascending.

    Raises
    ------
    DataError
        If there is one alone.
    """
    present = np.unique(y)
    if len(present) < 2:
        raise DataError(f"{owner} needs two classes in the training part, it has one")
    return present


def _all_classes(known: NDArray[Any], classes: Labels, n_classes: int) -> Probabilities:
    """Give every class a column, 0 where the training part had none of it; rows sum to 1."""
    full = np.zeros((len(known), n_classes), dtype=np.float64)
    full[:, classes] = known
    total = full.sum(axis=1, keepdims=True)
    # far from every support vector all one-against-rest sigmoids may underflow
    flat = total[:, 0] <= 0
    full[flat] = 1.0 / n_classes
    total[flat] = 1.0
    full /= total
    return full
