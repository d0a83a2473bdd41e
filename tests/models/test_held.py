"""The bound of what models hold to save time: it changes what they take, and no score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dfbench.models.base import Task
from dfbench.models.classical.common.distances import Squares
from dfbench.models.held import BOUNDS, MOST, holding_at_most, most_held
from dfbench.models.rows import Chosen
from dfbench.models.shared import Shared
from dfbench.registry import MODELS, Registry

KINDS = [
    ("knn", {}),
    ("knn", {"metric": "cosine", "weights": "uniform"}),
    ("svm", {}),
    ("svm", {"solver": "nystroem", "landmarks": 60}),
    ("kernel-ridge", {}),
    ("kernel-ridge", {"solver": "nystroem", "landmarks": 60}),
]


@pytest.mark.parametrize("width", [20, 150])
@pytest.mark.parametrize(("name", "params"), KINDS)
def test_no_score_hangs_on_the_bound(
    name: str, params: dict[str, Any], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dfbench.models.classical.common import distances

    monkeypatch.setattr(distances, "BLOCK", 4 * 300 * 37)  # several pieces, the last a smaller one
    rng = np.random.default_rng(0)
    X, X_val = (rng.normal(size=(n, width)).astype(np.float32) for n in (300, 130))
    y, y_val = ((each[:, 0] + rng.normal(size=len(each)) > 0).astype(int) for each in (X, X_val))
    rows, rows_val = Chosen(X, np.arange(300)), Chosen(X_val, np.arange(130))
    model_class = Registry(MODELS).get(name).load()

    def scores() -> list[np.ndarray]:
        shared = Shared({"train": rows, "tune": rows_val})
        found = []
        for own in [{}, {"C": 1.0}, {"gamma": 0.5}, {"n_neighbors": 3}]:
            if not own.keys() <= model_class.defaults().keys():
                continue
            model = model_class(n_classes=2, **params, **own)
            model.shared = shared
            model.fit_ranking(rows, y, rows_val, y_val)
            found += [model.ranking(rows_val)]
            found += [model.calibrate(rows, y, rows_val, y_val).predict_proba(rows_val)]
        return found

    usual = scores()
    for bound in (0, 4 * 130 * 300, 4 * 300 * 300):
        with holding_at_most(bound):
            for one, other in zip(usual, scores(), strict=True):
                np.testing.assert_array_equal(one, other)


def test_a_kernel_that_is_made_whole_is_shared() -> None:
    n = 20_000  # as many as the exact machine takes by default
    assert Registry(MODELS).get("svm").load().defaults()["max_exact"] == n
    whole = Squares.matrix_bytes(n, 500)
    assert whole == 4 * n * n
    assert Shared().holds(whole)


def test_the_bound_is_that_of_the_block() -> None:
    assert most_held() == MOST == BOUNDS[0]
    with holding_at_most(7):
        assert Shared().holds(7)
        assert not Shared().holds(8)
    assert most_held() == MOST


@pytest.mark.parametrize(
    ("name", "params"),
    [*KINDS, ("cnn-3conv", {"offline": {"copies": 2, "augment": {}}, "image_size": 32})],
)
def test_under_a_lower_bound_less_is_expected(name: str, params: dict[str, Any]) -> None:
    model = Registry(MODELS).get(name).load()
    task = Task(200_000 if name == "knn" or "solver" in params else 12_000, 200, 2)
    every = {**model.defaults(), **params}
    if "landmarks" in params:
        every["landmarks"] = 1_000
    told = []
    for bound in BOUNDS:
        with holding_at_most(bound):
            told.append(model.memory(task, every))
    assert told == sorted(told, reverse=True)
    if name != "kernel-ridge" or not params:  # at landmarks it holds nothing
        assert told[0] > told[-1]
