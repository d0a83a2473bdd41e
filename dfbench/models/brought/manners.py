"""What libraries do each in their own way: being quiet, early stopping, what a file may hold."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from dfbench.models.base import Labels
from dfbench.models.kept import KeptError

_QUIET: dict[str, dict[str, Any]] = {
    "lightgbm": {"verbosity": -1},
    # it writes a folder where it is run otherwise
    "catboost": {"verbose": False, "allow_writing_files": False},
    "xgboost": {"verbosity": 0},
}
"""Parameters by package, unless a suite says otherwise."""
_UNSAFE = ("BaseLibSVM", "NeighborsBase")
"""Classes of scikit-learn whose compiled code goes wherever arrays of a file tell it to."""


def taught(made: Any, params: Mapping[str, Any]) -> Any:
    """Give an unfitted estimator that writes neither lines nor files while it is fitted."""
    wanted = _QUIET.get(_package(made), {})
    made.set_params(**{name: its for name, its in wanted.items() if name not in params})
    return made


def validation(made: Any, rows: Callable[[], Any], y: Labels, patience: int) -> dict[str, Any]:
    """Give what ``fit`` is told of the validation part, and of when to stop; often nothing."""
    package = _package(made)
    if package == "lightgbm":
        import lightgbm

        stop = lightgbm.early_stopping(patience, verbose=False)
        return {"eval_set": [(rows(), y)], "callbacks": [stop]}
    if package == "catboost":
        return {"eval_set": (rows(), y), "early_stopping_rounds": patience}
    if package == "xgboost":
        made.set_params(early_stopping_rounds=patience)
        return {"eval_set": [(rows(), y)], "verbose": False}
    known = inspect.signature(made.fit).parameters
    if "X_val" in known and "y_val" in known:
        return {"X_val": rows(), "y_val": y}
    return {}


def check_keepable(estimator: Any) -> None:
    """Raise `KeptError` where a file of it could not be opened without trusting who wrote it."""
    for its in _within(estimator):
        unsafe = [base.__name__ for base in type(its).__mro__ if base.__name__ in _UNSAFE]
        if unsafe and type(its).__module__.startswith("sklearn."):
            raise KeptError(
                f"{type(its).__name__} is not kept: its compiled code would follow whatever a file"
                " says; the models knn and svm are kept"
            )


def _within(estimator: Any) -> list[Any]:
    """Give an estimator and those that are its steps."""
    found = [estimator]
    for value in estimator.get_params(deep=True).values():
        if hasattr(value, "fit"):
            found.append(value)
    return found


def _package(made: Any) -> str:
    return type(made).__module__.partition(".")[0]
