"""Boosted trees in xgboost's JSON form, checked before xgboost reads them.

xgboost takes indices as they are: a file that somebody changed would have it read anywhere in
memory. So each tree is walked here first.
"""

from __future__ import annotations

import json
import math
from typing import Any

from dfbench.models.kept import KeptError
from dfbench.received.texts import from_json

_NODES = (
    "left_children", "right_children", "parents", "split_indices", "split_type", "default_left",
)  # fmt: skip
_VALUES = ("base_weights", "loss_changes", "split_conditions", "sum_hessian")
_CATEGORIES = ("categories", "categories_nodes", "categories_segments", "categories_sizes")
_NO_PARENT = 2_147_483_647


def checked_booster(content: bytes, *, n_features: int, n_classes: int, rounds: int) -> bytes:
    """Check a booster of numeric features, and write it as it was understood.

    Parameters
    ----------
    content
        As ``Booster.save_raw("json")`` gives it.
    n_features, n_classes
        That it is for.
    rounds
        That are asked of it.

    Raises
    ------
    KeptError
        If it is none, or an index in it leads nowhere.
    """
    try:
        booster: Any = from_json(content)
        _check(booster["learner"], n_features, n_classes, rounds)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise KeptError(f"the trees cannot be read: {type(error).__name__}: {error}") from error
    return json.dumps(booster).encode()


def _check(learner: Any, n_features: int, n_classes: int, rounds: int) -> None:
    of_learner = learner["learner_model_param"]
    outputs = 1 if n_classes == 2 else n_classes
    objective = "binary:logistic" if n_classes == 2 else "multi:softprob"
    _equal(learner["objective"]["name"], objective)
    if n_classes > 2:
        _equal(learner["objective"]["softmax_multiclass_param"]["num_class"], str(n_classes))
    _equal(of_learner["num_feature"], str(n_features))
    _equal(of_learner.get("num_class", "0"), "0" if n_classes == 2 else str(n_classes))
    _equal(of_learner.get("num_target", "1"), "1")
    for number in _numbers(of_learner["base_score"], outputs):
        _true(math.isfinite(number), "base_score")
    for key in ("feature_names", "feature_types"):
        _equal(learner.get(key, []), [])
    gbtree = learner["gradient_booster"]
    _equal(gbtree["name"], "gbtree")
    model = gbtree["model"]
    _equal([value for value in model.get("cats", {}).values() if value], [])
    trees = model["trees"]
    _equal(model["gbtree_model_param"]["num_trees"], str(len(trees)))
    _equal(model["gbtree_model_param"]["num_parallel_tree"], "1")
    _true(0 < rounds <= len(trees) // outputs, "rounds")
    _equal(len(trees) % outputs, 0)
    _equal(model["tree_info"], [at % outputs for at in range(len(trees))])
    _equal(
        model.get("iteration_indptr", list(range(0, len(trees) + 1, outputs))),
        list(range(0, len(trees) + 1, outputs)),
    )
    for number, tree in enumerate(trees):
        _equal(tree["id"], number)
        _check_tree(tree, n_features)


def _check_tree(tree: Any, n_features: int) -> None:
    n = len(tree["left_children"])
    _equal(tree["tree_param"]["num_nodes"], str(n))
    _equal(tree["tree_param"]["num_feature"], str(n_features))
    _equal(tree["tree_param"].get("num_deleted", "0"), "0")
    _true(tree["tree_param"].get("size_leaf_vector", "1") in ("0", "1"), "size_leaf_vector")
    for key in _CATEGORIES:
        _equal(tree.get(key, []), [])
    for key in (*_NODES, *_VALUES):
        _true(type(tree[key]) is list and len(tree[key]) == n, key)
    for key in _NODES:
        _true(all(type(value) is int for value in tree[key]), key)
    for key in _VALUES:
        _true(all(type(v) in (int, float) and abs(v) < 3.4e38 for v in tree[key]), key)
    _true(all(0 <= index < n_features for index in tree["split_indices"]), "split_indices")
    _true(set(tree["split_type"]) <= {0} and set(tree["default_left"]) <= {0, 1}, "split_type")
    _equal(tree["parents"][0], _NO_PARENT)
    reached, waiting = 0, [0]
    while waiting:
        node = waiting.pop()
        reached += 1
        _true(reached <= n, "children")
        pair = tree["left_children"][node], tree["right_children"][node]
        if pair == (-1, -1):
            continue
        for child in pair:
            _true(0 < child < n and tree["parents"][child] == node, "children")
            waiting.append(child)
    _equal(reached, n)


def _numbers(text: str, outputs: int) -> list[float]:
    """Read ``5E-1``, or ``[1E0,2E0]`` as newer versions write it."""
    parts = [float(part) for part in text.strip("[]").split(",")]
    _true(len(parts) in (1, outputs), "base_score")
    return parts


def _equal(value: object, wanted: object) -> None:
    if type(value) is not type(wanted) or value != wanted:
        raise ValueError(f"{str(value)[:40]} where {str(wanted)[:40]} belongs")


def _true(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"{what} is not what it must be")
