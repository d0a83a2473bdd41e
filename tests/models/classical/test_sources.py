"""Images that share a source: no machine that calibrates another's images has seen the source."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dfbench.models.classical.common import platt
from dfbench.models.classical.kernel_ridge import KernelRidge
from dfbench.models.classical.svm import SVM
from dfbench.models.networks.cnn import Cnn2Conv
from dfbench.registry import MODELS, Registry

FRESH = np.zeros((10, 2)), np.arange(10) % 2


def folds(
    y: NDArray[np.int64],
    groups: NDArray[np.intp] | None = None,
    sources: NDArray[np.intp] | None = None,
) -> list[NDArray[np.bool_]]:
    """Give the rows that each machine was fitted on."""
    seen: list[NDArray[np.bool_]] = []

    def decide(taken: NDArray[np.bool_]) -> NDArray[np.float64]:
        seen.append(taken)
        return np.column_stack([-y[~taken], y[~taken]]).astype(np.float64)

    platt.calibrated(y, decide, *FRESH, groups, sources)
    return seen


@pytest.mark.parametrize("mixed", [False, True])
def test_sources_are_held_out_whole(mixed: bool) -> None:
    sources = np.repeat(np.arange(12), 5)
    y = np.arange(60) % 2 if mixed else sources % 2
    order = np.random.default_rng(0).permutation(60)
    y, sources = y[order], sources[order]
    found = folds(y, sources=sources)
    assert len(found) == 3
    assert (np.sum([~taken for taken in found], axis=0) == 1).all()
    for taken in found:
        assert not set(sources[taken]) & set(sources[~taken])
        assert len(np.unique(y[taken])) == 2
    plain = folds(y)
    assert any(set(sources[taken]) & set(sources[~taken]) for taken in plain)


def test_copies_go_with_the_source_of_their_image() -> None:
    images = np.repeat(np.arange(30), 2)
    sources, y = images // 3, images // 3 % 2
    for taken in folds(y, images, sources):
        assert not set(sources[taken]) & set(sources[~taken])


def test_where_no_images_share_a_source_folds_are_those_of_images() -> None:
    y = np.arange(31) % 2
    np.testing.assert_array_equal(folds(y, sources=np.arange(31)[::-1]), folds(y))
    images = np.repeat(np.arange(20), 2)
    found = folds(images % 2, images, images + 3)
    np.testing.assert_array_equal(found, folds(images % 2, images))


@pytest.mark.parametrize(
    ("sources", "n"),
    [
        (np.array([0] * 10 + [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]), 0),  # all of a class from one
        (np.array([0] * 5 + [1] * 5 + [2, 2, 3, 3, 4, 4, 5, 5, 6, 6]), 2),
    ],
)
def test_as_many_folds_as_leave_each_machine_all_classes(sources: NDArray[np.intp], n: int) -> None:
    y = np.repeat([0, 1], 10)
    assert len(folds(y, sources=sources)) == n


def frames(n: int, seed: int) -> tuple[Any, Any, Any]:
    """Rows of videos of 12 frames that are almost alike, and tell their class badly."""
    chance = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = chance.standard_normal((n, 30))
    X[:, 0] += 1.2 * y
    which = chance.permutation(np.repeat(np.arange(n), 12))
    near = X[which] + 0.05 * chance.standard_normal((len(which), 30))
    return near.astype(np.float32), y[which], which


MACHINES = [
    (SVM, {"C": 100.0, "solver": "exact"}),
    (SVM, {"C": 100.0, "solver": "nystroem", "landmarks": 300}),
    (Registry(MODELS).get("sklearn.svm:SVC").load(), {"C": 100.0}),
]


@pytest.mark.parametrize(("machine", "params"), MACHINES)
def test_probabilities_are_calibrated_for_images_of_other_sources(
    machine: Any, params: dict[str, Any]
) -> None:
    X, y, sources = frames(60, 0)
    X_val, y_val, _ = frames(30, 1)
    fresh, truth, _ = frames(200, 2)

    def fitted(its: NDArray[np.intp] | None) -> tuple[NDArray[np.float64], float]:
        model = machine(n_classes=2, seed=0, **params)
        model.sources = its
        model.fit(X, y, X_val, y_val)
        p = model.predict_proba(fresh)
        loss = -np.log(np.clip(p[np.arange(len(truth)), truth], 1e-12, None)).mean()
        return p[:, 1].argsort(kind="stable"), float(loss)

    (order, heeded), (before, unheeded) = fitted(sources), fitted(None)
    np.testing.assert_array_equal(order, before)
    assert heeded < np.log(2) + 0.02
    assert unheeded > heeded + 0.1


def test_who_heeds_sources() -> None:
    known = Registry(MODELS)
    assert SVM.holds_out_sources(SVM.defaults())
    for name, heeds in (("linear-svm", True), ("logistic", False), ("sklearn.svm:SVC", True)):
        model = known.get(name).load()
        assert model.holds_out_sources(model.defaults()) is heeds
    for other in (KernelRidge, Cnn2Conv):
        assert not other.holds_out_sources(other.defaults())
