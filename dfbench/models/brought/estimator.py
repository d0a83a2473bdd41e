"""An estimator of scikit-learn's interface as a model: one mechanism, whoever wrote it."""

from __future__ import annotations

import inspect
import warnings
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import (
    DataError,
    DfbenchError,
    ParameterError,
    PluginError,
    let_stop,
    one_line,
    worded,
)
from dfbench.models.base import Labels, Probabilities, Task
from dfbench.models.brought import constraints, manners
from dfbench.models.brought.held import check_held
from dfbench.models.classical.common import platt
from dfbench.models.classical.common.blocks import Features, checked
from dfbench.models.classical.common.scaling import Standard
from dfbench.models.classical.estimator import Estimator
from dfbench.models.kept import Kept, KeptError
from dfbench.parameters import Count
from dfbench.plugins import LOADING, staying

_PATIENCE = 15
"""Also where an estimator has a parameter of that name, which is left open."""
_OURS = {"scaling": "standard", "patience": _PATIENCE}
"""Parameters of ours beside the estimator's own."""
_HANDED_ON = ("random_state", "n_jobs", "thread_count", "device")
"""Parameters of estimators that the run sets, unless a suite does."""


class Brought(Estimator):
    """An estimator that `make` gives: ``fit``, and ``predict_proba`` or ``decision_function``.

    Features are standardised first, unless ``scaling`` is ``none``. The classes that it is given
    are numbers from 0. What only has a ``decision_function`` is calibrated as the model ``svm``
    is: by Platt's sigmoid on the values of a 3-fold cross-validation inside the training part
    (Platt, 1999), one class against the rest, or on those of the tuning split. The seed, the
    threads and the device are handed on as ``random_state``, ``n_jobs`` or ``thread_count``, and
    ``device`` where it has such parameters, those of the steps of a pipeline too.

    Where ``fit`` takes a validation part (``eval_set``, or ``X_val`` and ``y_val``), it is given
    the tuning part.

    Parameters
    ----------
    scaling
        ``standard``: each feature to mean 0 and deviation 1 over the training images.
    patience
        Rounds on the tuning part that were no better, after which LightGBM, XGBoost and CatBoost
        stop.
    """

    version = 2
    allowed: ClassVar[Mapping[str, Any]] = {
        "scaling": Literal["standard", "none"],
        "patience": Count,
    }
    trusted = (
        "sklearn.tree._tree.Tree",
        *("sklearn.utils._bunch.Bunch", "sklearn.calibration._CalibratedClassifier"),
        *(f"sklearn.neural_network._stochastic_optimizers.{n}Optimizer" for n in ("Adam", "SGD")),
    )

    @classmethod
    @abstractmethod
    def make(cls, params: Mapping[str, Any]) -> Any:
        """Make the estimator with these parameters, and defaults for all others.

        Raises
        ------
        UnavailableError
            If the package that has it is not installed.
        """

    @classmethod
    @abstractmethod
    def own_defaults(cls) -> dict[str, Any]:
        """Give its parameters with their default values, as far as a suite may set them."""

    @classmethod
    def further(cls) -> Collection[str] | None:
        """Name parameters that it takes beside those of `own_defaults`; None: any at all."""
        return ()

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        own = cls.own_defaults()
        return {**{name: its for name, its in _OURS.items() if name not in own}, **own}

    @classmethod
    def holds_out_sources(cls, params: Mapping[str, Any]) -> bool:
        """Tell it where it gives no probabilities itself; see `Model.holds_out_sources`."""
        try:
            return not hasattr(cls._made_with(params), "predict_proba")
        except DfbenchError:
            return False  # it is told elsewhere what is wrong

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space; nothing where it has none."""
        return {}

    @classmethod
    def check_params(cls, params: Mapping[str, Any]) -> None:
        """Raise where a suite got parameters wrong; see `Model.check_params`."""
        super().check_params(params)
        made = cls._made_with({**cls.defaults(), **params})
        try:
            if hasattr(made, "_parameter_constraints"):
                made._validate_params()
        except (TypeError, ValueError) as error:
            raise ParameterError(one_line(str(error)), where=cls.name) from None

    @classmethod
    def check_value(cls, name: str, value: Any) -> None:
        """Raise as `check_params` does, on one parameter: of what scikit-learn says of its own."""
        own = cls.own_defaults()
        if name in cls.allowed and (name in own or name in _OURS):
            super().check_value(name, value)
            return
        further = cls.further()
        if further is not None and name not in (*own, *_HANDED_ON, *further):
            super().check_value(name, value)  # the nearest name is told there
        constraints.check(cls.constraints().get(name), name, value, cls.name)

    @classmethod
    def allowed_words(cls, name: str) -> str:
        """Say what a parameter may be; see `Model.allowed_words`."""
        if name in cls.allowed:
            return super().allowed_words(name)
        return constraints.words(cls.constraints().get(name), name)

    @classmethod
    def constraints(cls) -> Mapping[str, Any]:
        """Give scikit-learn's constraints by parameter; nothing of other packages."""
        return {}

    def __init__(
        self,
        *,
        n_classes: int,
        seed: int = 0,
        device: str = "cpu",
        n_threads: int = 1,
        **params: Any,
    ) -> None:
        # some take parameters that they do not name
        super().__init__(n_classes=n_classes, seed=seed, device=device, n_threads=n_threads)
        for name, value in params.items():
            self.check_value(name, value)
        self.params = {**self.defaults(), **params}

    @property
    def calibrates(self) -> bool:  # type: ignore[override]
        """Whether its scores are no probabilities."""
        return not hasattr(self._estimator, "predict_proba")

    @property
    def probability(self) -> str:  # type: ignore[override]
        """How decision values became probabilities, where it gives none itself."""
        return platt.told(self._ways) if self.calibrates else super().probability

    def fit_ranking(self, X: Any, y: Labels, X_val: Any, y_val: Labels) -> Self:
        """Fit; see `Model.fit_ranking`."""
        self._validation = X_val, y_val
        try:
            return super().fit_ranking(X, y, X_val, y_val)
        finally:
            del self._validation

    def refit(self, chosen: Self, X: Any, y: Labels) -> Self:
        """Fit on both parts, without a validation part; see `Model.refit`.

        What grows in rounds grows as many as the tuning part left of the one chosen.
        """
        self._grown = manners.rounds(chosen._estimator)
        try:
            return super().refit(chosen, X, y)
        finally:
            del self._grown

    def restore(self, kept: Kept) -> Self:
        """Take up what was kept; see `Model.restore`."""
        super().restore(kept)
        estimator = getattr(self, "_estimator", None)
        wanted = type(self._made_with(self.params))
        if type(estimator) is not wanted:
            raise KeptError(f"holds no {wanted.__name__}")
        Standard.restored(self._mean, self._factor)
        check_held(estimator)
        return self

    def keep(self) -> Kept:
        """Give what the fitted estimator holds; see `Model.keep`."""
        check_held(self._estimator)
        return super().keep()

    @classmethod
    def _made_with(cls, params: Mapping[str, Any]) -> Any:
        own = cls.own_defaults()
        given = {k: v for k, v in params.items() if k in own or k not in _OURS}
        try:
            with warnings.catch_warnings(), staying(LOADING):
                warnings.filterwarnings("ignore", category=FutureWarning)
                return cls.make(given)
        except DfbenchError:
            raise
        except (TypeError, ValueError) as error:
            raise ParameterError(
                f"cannot be made: {one_line(str(error))}", where=cls.name
            ) from error
        except BaseException as error:
            let_stop(error)
            raise PluginError(f"cannot be made: {worded(error)}", where=cls.name) from error

    def _fresh(self) -> Any:
        made = self._made_with(self.params)
        handed = {
            "random_state": self.seed,
            "n_jobs": self.n_threads,
            "thread_count": self.n_threads,
            "device": self.device,
        }
        known = manners.parameters(made)
        wanted = {}
        for name, value in known.items():
            last = name.rpartition("__")[2]
            # a device that is already told is the user's own
            if last in handed and name not in self.params and (last != "device" or not value):
                wanted[name] = handed[last]
        made.set_params(**wanted, **getattr(self, "_grown", {}))
        return manners.taught(made, self.params)

    def _fit(self, X: Features, y: Labels) -> None:
        d = X.shape[1]
        self._mean, self._factor = np.zeros(d), np.ones(d)
        if self.params["scaling"] == "standard":
            scale = self._once("scale", lambda: Standard.of(X))
            self._mean, self._factor = scale.mean, scale.factor
        self._estimator = self._fitted(self._rows(X), np.searchsorted(self._classes, y))

    def _rows(self, X: Features) -> Features:
        if self.params["scaling"] == "none":
            return X.copy()  # some work in place (`copy=False`), and other trials read it too
        return Standard(self._mean, self._factor).all(X)

    def _fitted(self, X: Features, y: Labels, *, stops: bool = True) -> Any:
        made = self._fresh()
        taken: dict[str, Any] = {}
        if stops and hasattr(self, "_validation"):
            rows, labels = self._validation
            # a class that training lacks is none that the estimator could know
            known = np.isin(labels, self._classes)
            numbers = np.searchsorted(self._classes, labels[known])
            if known.any():
                taken = manners.validation(
                    made, lambda: self._rows(checked(rows)[known]), numbers,
                    int(self.params["patience"] or _PATIENCE),
                )  # fmt: skip
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning)
            made.fit(X, y, **taken)
        if not (hasattr(made, "predict_proba") or hasattr(made, "decision_function")):
            raise DataError(
                f"{type(made).__name__} gives no scores: it has neither predict_proba nor"
                " decision_function",
                where=self.name,
            )
        known_classes = getattr(made, "classes_", None)
        if known_classes is not None and not np.array_equal(known_classes, np.unique(y)):
            raise DataError(
                f"was fitted on classes {np.unique(y)}, and says that it knows {known_classes}",
                where=self.name,
            )
        return made

    def _calibrate(self, X: Features, y: Labels, X_val: Features, y_val: Labels) -> None:
        fresh = self._values(self._estimator, self._rows(X_val))
        decide = self._decided(X, y)
        found = platt.calibrated(y, decide, fresh, y_val, self.groups, self.sources)
        self._sigmoids, self._ways = found

    def _recalibrate(self, X: Features, y: Labels, chosen: Self) -> None:
        decide = self._decided(X, y)
        before = chosen._sigmoids, chosen._ways
        found = platt.recalibrated(y, decide, *before, self.groups, self.sources)
        self._sigmoids, self._ways = found

    def _decided(
        self, X: Features, y: Labels
    ) -> Callable[[NDArray[np.bool_]], NDArray[np.float64]]:
        """Give what gives decision values of rows that estimators are fitted without."""
        rows, numbers = self._rows(X), np.searchsorted(self._classes, y)

        def decide(taken: NDArray[np.bool_]) -> NDArray[np.float64]:
            made = self._fitted(rows[taken], numbers[taken], stops=False)
            return self._values(made, rows[~taken])

        return decide

    def _values(self, made: Any, rows: Features) -> NDArray[np.float64]:
        """Decision values by class, shape (n, K)."""
        with _in_order():
            values = np.asarray(made.decision_function(rows), dtype=np.float64)
        if values.ndim == 1:
            values = np.column_stack([-values, values])
        return self._checked(values, len(rows), "decision_function")

    def _checked(self, values: NDArray[Any], n: int, what: str) -> NDArray[np.float64]:
        wanted = n, len(self._classes)
        if values.shape != wanted:
            raise DataError(
                f"{what} gives values of shape {values.shape}, where {wanted} is wanted: rows by"
                " classes",
                where=self.name,
            )
        if not np.isfinite(values).all():
            raise DataError(f"{what} gives values that are not finite", where=self.name)
        return values.astype(np.float64)

    def _ranking(self, X: Features, part: str | None) -> NDArray[Any]:
        if self.calibrates:
            return self._values(self._estimator, self._rows(X))
        return self._proba(X)

    def _proba(self, X: Features) -> NDArray[Any]:
        rows = self._rows(X)
        if not self.calibrates:
            with _in_order():
                proba: Probabilities = np.asarray(self._estimator.predict_proba(rows))
            proba = self._checked(proba, len(rows), "predict_proba")
            if (proba < 0).any() or (np.abs(proba.sum(axis=1) - 1) > 1e-3).any():
                raise DataError(
                    "predict_proba gives values below 0, or rows that do not sum to 1",
                    where=self.name,
                )
            return proba
        return platt.probabilities(self._values(self._estimator, rows), self._sigmoids)


def lacking(thing: Any) -> str:
    """Name what an estimator, or its class, needs and has not; empty where it has all."""
    return ", ".join(n for n in ("fit", "get_params", "set_params") if not hasattr(thing, n))


def _in_order() -> AbstractContextManager[Any]:
    """Let forests add up their trees in one order: in another the last digits are others."""
    import joblib

    context: AbstractContextManager[Any] = joblib.parallel_config(backend="sequential")
    return context


def defaults_of(function: Any) -> tuple[dict[str, Any], bool]:
    """Give the parameters of a class or function that TOML can say, and whether it takes others.

    Those that the run hands on are left out.
    """
    found: dict[str, Any] = {}
    any_ = False
    for name, its in inspect.signature(function).parameters.items():
        any_ = any_ or its.kind is its.VAR_KEYWORD
        named = its.kind in (its.KEYWORD_ONLY, its.POSITIONAL_OR_KEYWORD)
        plain = its.default is None or isinstance(its.default, bool | int | float | str | list)
        if named and plain and name not in ("self", *_HANDED_ON):
            found[name] = its.default
    return found, any_
