"""Trees of scikit-learn that came from a file, checked before compiled code walks them."""

from __future__ import annotations

from typing import Any

import numpy as np

from dfbench.models.kept import KeptError

_MOST = 1_000_000
"""Objects that are looked at."""


def check_trees(estimator: Any, n_features: int) -> None:
    """Check every tree that an estimator holds.

    Parameters
    ----------
    estimator
        With what it holds: attributes, lists, tuples, arrays of objects.
    n_features
        That rows will have.

    Raises
    ------
    KeptError
        If a tree leads outside itself, round in a circle, or to a feature that there is not.
    """
    waiting, seen = [estimator], set()
    while waiting:
        its = waiting.pop()
        if id(its) in seen:
            continue
        seen.add(id(its))
        if len(seen) > _MOST:
            raise KeptError("holds too much to be looked at")
        if type(its).__module__ == "sklearn.tree._tree" and type(its).__name__ == "Tree":
            _check(its, n_features)
        elif isinstance(its, dict):
            waiting += its.values()
        elif isinstance(its, list | tuple):
            waiting += its
        elif isinstance(its, np.ndarray):
            waiting += its.ravel().tolist() if its.dtype == object else []
        elif hasattr(its, "__dict__"):
            waiting += vars(its).values()


def _check(tree: Any, n_features: int) -> None:
    n = int(tree.node_count)
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    at = np.arange(n)
    leaf = left == -1
    whole = (
        n > 0
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
