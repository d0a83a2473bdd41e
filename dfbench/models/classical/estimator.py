"""What the models over feature vectors share: threads, a column for every class, two-step fits."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError, UnavailableError
from dfbench.models.base import Labels, Model, Probabilities
from dfbench.models.classical.common.blocks import checked
from dfbench.models.devices import native_threads
from dfbench.models.kept import Kept, KeptError
from dfbench.models.shared import Shared

T = TypeVar("T")

Solver = Literal["auto", "exact", "nystroem"]
"""Of a kernel machine: as it is, or restricted to landmarks; ``auto`` decides by the images."""


class Estimator(Model):
    """What these models share: threads, checks, and one column for every class.

    One with `by_block` is given what `fit` was given, and reads it by
    `dfbench.models.classical.common.blocks.checked_blocks`; others are given checked arrays.
    """

    _classes: Labels
    """The classes that the training part holds, ascending."""

    @staticmethod
    def _solver_of(params: Mapping[str, Any], n: int) -> str:
        """Give the solver, of `Solver`, that ``auto`` means for n training images."""
        if params["solver"] == "auto":
            return "exact" if n <= int(params["max_exact"]) else "nystroem"
        return str(params["solver"])

    def fit(self, X: Any, y: Labels, X_val: Any, y_val: Labels) -> Self:
        """Fit; see `Model.fit`."""
        alone = self.shared is None
        if alone:
            # both steps need some of the same
            self.shared = Shared()
        try:
            return self.fit_ranking(X, y, X_val, y_val).calibrate(X, y, X_val, y_val)
        finally:
            if alone:
                self.shared = None

    def fit_ranking(self, X: Any, y: Labels, X_val: Any, y_val: Labels) -> Self:
        """Fit what orders images; see `Model.fit_ranking`."""
        X = X if self.by_block else checked(X)
        self._classes = present_classes(self.name, y)
        with native_threads(self.n_threads):
            self._fit(X, y)
        return self

    def calibrate(self, X: Any, y: Labels, X_val: Any, y_val: Labels) -> Self:
        """Fit what makes probabilities of scores; see `Model.calibrate`."""
        if not self.calibrates:
            return self
        its, val = (X, X_val) if self.by_block else (checked(X), checked(X_val))
        with native_threads(self.n_threads):
            self._calibrate(its, y, val, y_val)
        return self

    def refit(self, chosen: Self, X: Any, y: Labels) -> Self:
        """Fit on both parts; see `Model.refit`.

        Raises
        ------
        DataError
            If the tuning part has a class that the training part lacks.
        """
        if not np.array_equal(chosen._classes, np.unique(y)):
            raise DataError("the tuning part has a class that train lacks", where=self.name)
        self.shared = Shared()
        try:
            Estimator.fit_ranking(self, X, y, X, y)
            if self.calibrates:
                with native_threads(self.n_threads):
                    self._recalibrate(X if self.by_block else checked(X), y, chosen)
        finally:
            self.shared = None
        return self

    def ranking(self, X: Any) -> NDArray[np.float64]:
        """Give scores that order images; see `Model.ranking`."""
        part = None if self.shared is None else self.shared.part(X)
        with native_threads(self.n_threads):
            known = self._ranking(X if self.by_block else checked(X), part)
        if not self.calibrates:  # these are the probabilities
            return _all_classes(known, self._classes, self.n_classes)
        full = np.zeros((len(known), self.n_classes))
        full[:, self._classes] = known
        return full

    def predict_proba(self, X: Any) -> Probabilities:
        """Give class probabilities; see `Model.predict_proba`."""
        with native_threads(self.n_threads):
            known = self._proba(X if self.by_block else checked(X))
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

    def _once(self, name: Any, make: Callable[[], T], tag: Any = None) -> T:
        """Take from what is shared by the fits of a study; see `Shared.get`."""
        return make() if self.shared is None else self.shared.get((self.name, name), make, tag)

    def _each(
        self, name: Any, make: Callable[[], Iterable[T]], n_bytes: int, tag: Any = None
    ) -> Iterable[T]:
        """Take pieces from what is shared, see `_once`, or make each when it is its turn.

        Parameters
        ----------
        name, tag
            As of `Shared.get`.
        make
            Gives the pieces.
        n_bytes
            Of all of them: they are held as far as that may be.
        """
        if self.shared is None or not self.shared.holds(n_bytes):
            return make()
        return self._once(name, lambda: list(make()), tag)

    @abstractmethod
    def _fit(self, X: Any, y: Labels) -> None: ...

    def _calibrate(self, X: Any, y: Labels, X_val: Any, y_val: Labels) -> None:
        """Fit what `_proba` needs beyond `_ranking`."""

    def _recalibrate(self, X: Any, y: Labels, chosen: Self) -> None:
        """Fit what `_proba` needs on the training part alone, or take it from the one chosen."""
        raise UnavailableError("cannot be refitted: its calibration says no way", where=self.name)

    def _ranking(self, X: Any, part: str | None) -> NDArray[Any]:
        """Scores of `_classes`, shape (n, len(_classes)); ``part`` as in `Shared.part`."""
        return self._proba(X)

    @abstractmethod
    def _proba(self, X: Any) -> NDArray[Any]:
        """Probabilities of `_classes`, shape (n, len(_classes))."""


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
    # to divide by a rounded 1 would change the order of what is close
    full /= np.where(np.abs(total - 1.0) < 1e-12, 1.0, total)
    return full
