"""What came from a file, checked before compiled code of scikit-learn follows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dfbench.models.kept import KeptError

_MOST = 1_000_000
"""Objects that are looked at."""
_UNSAFE = frozenset({"BaseLibSVM", "NeighborsBase"})
"""Classes of scikit-learn whose compiled code goes wherever arrays of a file tell it to."""
_WALKERS = frozenset({"BaseForest", "BaseGradientBoosting"})
"""Classes of scikit-learn whose trees are given rows without a check of their own."""


def check_held(estimator: Any) -> None:
    """Check every tree that an estimator holds, and that it holds none that is not kept.

    Parameters
    ----------
    estimator
        With what it holds: attributes, lists, tuples, arrays of objects.

    Raises
    ------
    KeptError
        If a tree leads outside itself, round in a circle, or to a feature that its owner is not
        given; on an estimator of another package, or one whose compiled code nothing here checks.
    """
    waiting, seen = [estimator], {id(estimator)}
    while waiting:
        its = waiting.pop()
        _check_safe(its)
        for each in _in(its):
            if _is_tree(each):
                _check(its, each)
            elif id(each) not in seen:
                seen.add(id(each))
                waiting.append(each)
        if len(seen) > _MOST:
            raise KeptError("holds too much to be looked at")


def _in(its: Any) -> Sequence[Any]:
    if isinstance(its, dict):
        return list(its.values())
    if isinstance(its, list | tuple):
        return its
    if isinstance(its, np.ndarray):
        found: list[Any] = its.ravel().tolist() if its.dtype == object else []
        return found
    return list(vars(its).values()) if hasattr(its, "__dict__") else []


def _is_tree(its: Any) -> bool:
    return type(its).__module__ == "sklearn.tree._tree" and type(its).__name__ == "Tree"


def _check_safe(its: Any) -> None:
    names = [base.__name__ for base in type(its).__mro__]
    theirs = type(its).__module__.startswith("sklearn.")
    if not theirs and hasattr(type(its), "fit") and hasattr(type(its), "get_params"):
        raise KeptError(f"{type(its).__name__} is not kept: only estimators of scikit-learn are")
    if theirs and _UNSAFE.intersection(names):
        raise KeptError(
            f"{type(its).__name__} is not kept: its compiled code would follow whatever a file"
            " says; the models knn and svm are kept"
        )
    if _WALKERS.intersection(names):
        # these hand rows to their trees unseen
        members = np.ravel(np.asarray(getattr(its, "estimators_", []), dtype=object))
        widths = {_width(each) for each in (its, *members)}
        if len(widths) > 1:
            raise KeptError("holds a tree that is not what it must be")


def _width(its: Any) -> int | None:
    width = getattr(its, "n_features_in_", None)
    return int(width) if isinstance(width, int | np.integer) else None


def _check(owner: Any, tree: Any) -> None:
    """Check a tree; scikit-learn sees to it that rows have as many features as its owner says."""
    n_features = _width(owner)
    n = int(tree.node_count)
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    at = np.arange(n)
    leaf = left == -1
    whole = (
        n > 0
        and n_features is not None
        and tree.n_features == n_features
        and (right[leaf] == -1).all()
        # children come after their parents: no walk is without end
        and (left[~leaf] > at[~leaf]).all()
        and (right[~leaf] > at[~leaf]).all()
        and (left < n).all()
        and (right < n).all()
        and (feature[~leaf] >= 0).all()
        and (feature[~leaf] < n_features).all()
        and len(tree.value) == n
        and np.isfinite(tree.value).all()
    )
    if not whole:
        raise KeptError("holds a tree that is not what it must be")
