"""What libraries do each in their own way: seeds, being quiet, early stopping."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from dfbench.models.base import Labels

_QUIET: dict[str, dict[str, Any]] = {
    "lightgbm": {"verbosity": -1},
    # it writes a folder where it is run otherwise
    "catboost": {"verbose": False, "allow_writing_files": False},
}
"""Parameters by package, unless a suite says otherwise."""
_ROUNDS = ("n_estimators", "iterations", "num_boost_round", "num_trees")
"""Names that the number of rounds goes by."""


def taught(made: Any, params: Mapping[str, Any]) -> Any:
    """Give an unfitted estimator that writes neither lines nor files while it is fitted."""
    wanted = _QUIET.get(_package(made), {})
    made.set_params(**{name: its for name, its in wanted.items() if params.get(name) is None})
    return made


def parameters(made: Any) -> dict[str, Any]:
    """Give the parameters of an estimator, those of its steps too, by name.

    CatBoost names those alone that were set, and takes a seed by one of two names.
    """
    found: dict[str, Any] = made.get_params(deep=True)
    if _package(made) != "catboost":
        return found
    seed = {} if "random_seed" in found else {"random_state": None}
    return {"thread_count": None, **seed, **found}


def further(path: str) -> frozenset[str] | None:
    """Name what a class that takes parameters by any name knows of; None where nobody says."""
    if path.partition(":")[0].partition(".")[0] != "lightgbm":
        return None
    from lightgbm import basic

    told = getattr(getattr(basic, "_ConfigAliases", None), "_get_all_param_aliases", None)
    if told is None:
        return None
    known: dict[str, list[str]] = told()
    return frozenset([*known, *(name for names in known.values() for name in names)])


def validation(made: Any, rows: Callable[[], Any], y: Labels, patience: int) -> dict[str, Any]:
    """Give what ``fit`` is told of the validation part, and of when to stop; often nothing."""
    package = _package(made)
    rounds = made.get_params().get("early_stopping_rounds") or patience
    if package == "lightgbm":
        import lightgbm

        stop = lightgbm.early_stopping(patience, verbose=False)
        return {"eval_set": [(rows(), y)], "callbacks": [stop]}
    if package == "catboost":
        return {"eval_set": (rows(), y), "early_stopping_rounds": rounds}
    if package == "xgboost":
        if "RF" in type(made).__name__:
            return {}  # a forest has no rounds
        made.set_params(early_stopping_rounds=rounds)
        return {"eval_set": [(rows(), y)], "verbose": False}
    known = inspect.signature(made.fit).parameters
    if "X_val" in known and "y_val" in known:
        return {"X_val": rows(), "y_val": y}
    return {}


def rounds(fitted: Any) -> dict[str, Any]:
    """Give the parameter by which as many rounds are grown again as validation left; often none."""
    package = _package(fitted)
    found: Any = None
    if package == "lightgbm":
        found = fitted.best_iteration_
    elif package == "catboost":
        found = fitted.tree_count_
    elif package == "xgboost" and getattr(fitted, "early_stopping_rounds", None):
        found = fitted.best_iteration + 1
    if not found or found < 1:
        return {}
    known = fitted.get_params()
    return {next((name for name in _ROUNDS if name in known), _ROUNDS[0]): int(found)}


def _package(made: Any) -> str:
    return type(made).__module__.partition(".")[0]
