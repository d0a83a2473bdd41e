"""Changed copies of an image among the rows: what is told of it without it is told without them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.svm import SVC

from dfbench.models.classical.common import platt
from dfbench.models.classical.common.copies import drawn, numbered, together
from dfbench.models.classical.common.distances import Kernel
from dfbench.models.classical.common.weighting import left_out
from dfbench.models.classical.kernel_ridge import KernelRidge, _nystroem, _nystroem_left_out
from dfbench.models.classical.svm import SVM
from dfbench.registry import MODELS, Registry

groups_of = st.lists(st.integers(0, 5), min_size=1, max_size=20).map(np.array)


@given(groups_of)
def test_rows_of_an_image_stand_together_each_once(groups: NDArray[np.intp]) -> None:
    which, firsts = numbered(groups)
    assert (groups[firsts][which] == groups).all()
    assert (np.diff(firsts) > 0).all()
    found = list(together(groups))
    assert sorted(np.concatenate([rows.ravel() for rows in found])) == list(range(len(groups)))
    for rows in found:
        for its in rows:
            assert set(np.flatnonzero(groups == groups[its[0]])) == set(its)


@given(groups_of, st.integers(1, 20), st.integers(0, 3))
def test_images_are_drawn_whole(groups: NDArray[np.intp], most: int, seed: int) -> None:
    rows = drawn(groups, most, np.random.default_rng(seed))
    assert set(np.flatnonzero(np.isin(groups, groups[rows]))) == set(rows)
    assert len(rows) <= most or len(np.unique(groups[rows])) == 1


def with_copies(n: int, k: int, copies: int, seed: int = 0) -> tuple[Any, Any, Any]:
    """Rows that tell their class badly in 30 columns, each with copies close by."""
    chance = np.random.default_rng(seed)
    y = np.arange(n) % k
    X = chance.standard_normal((n, 30))
    X[:, 0] += 1.2 * y
    near = [X + 0.05 * chance.standard_normal(X.shape) for _ in range(copies)]
    order = chance.permutation(n * (1 + copies))
    which = np.tile(np.arange(n), 1 + copies)[order]
    return np.vstack([X, *near])[order].astype(np.float32), y[which], which


@pytest.mark.parametrize("k", [2, 3])
def test_a_solution_without_an_image_is_that_of_a_fit_without_its_rows(k: int) -> None:
    X, y, groups = with_copies(20, k, 2)
    groups[groups == 3] = 4  # an image with six rows
    kernel = np.exp(-0.05 * np.square(X[:, None] - X[None]).sum(-1, dtype=np.float64))
    targets = np.eye(k)[y] - np.eye(k)[y].mean(axis=0)
    found = left_out(kernel.copy(), targets, 0.1, groups)
    for group in np.unique(groups):
        out = groups == group
        rest = kernel[np.ix_(~out, ~out)] + 0.1 * np.eye((~out).sum())
        dual = np.linalg.solve(rest, targets[~out])
        np.testing.assert_allclose(found[out], kernel[np.ix_(out, ~out)] @ dual, atol=1e-9)


def test_so_it_is_where_it_is_restricted_to_landmarks() -> None:
    X, y, groups = with_copies(30, 2, 2)
    targets, landmarks = np.eye(2)[y] - 0.5, X[:12]
    gamma, ridge = 0.05, 0.1

    def pieces() -> Any:
        yield from ((slice(at, at + 20), X[at : at + 20]) for at in range(0, len(X), 20))

    parts = _nystroem(pieces, landmarks, targets, gamma, ridge)[1:]
    images = ((rows, X[rows.ravel()]) for rows in together(groups))
    found = _nystroem_left_out(images, landmarks, targets, gamma, *parts)
    kernel = Kernel(landmarks, gamma)
    own = kernel(landmarks) + 1e-6 * np.eye(12)
    features = np.linalg.solve(np.linalg.cholesky(own), kernel(X).T).T
    for group in np.unique(groups):
        out = groups == group
        gram = features[~out].T @ features[~out] + ridge * np.eye(12)
        primal = np.linalg.solve(gram, features[~out].T @ targets[~out])
        np.testing.assert_allclose(found[out], features[out] @ primal, atol=1e-5)


def test_folds_hold_out_whole_images_and_are_those_of_old_without_copies() -> None:
    seen: list[NDArray[np.bool_]] = []

    def decide(taken: NDArray[np.bool_]) -> NDArray[np.float64]:
        seen.append(taken)
        return np.zeros(((~taken).sum(), 2))

    _, y, groups = with_copies(31, 2, 2)
    platt.calibrated(y, decide, np.zeros((10, 2)), np.arange(10) % 2, groups)
    assert len(seen) == 3
    assert (np.sum([~taken for taken in seen], axis=0) == 1).all()
    for taken in seen:
        assert not set(groups[taken]) & set(groups[~taken])
        assert abs(y[~taken].mean() - y.mean()) < 0.05
    alone, seen[:] = np.arange(31) % 2, []
    platt.calibrated(alone, decide, np.zeros((10, 2)), np.arange(10) % 2, np.arange(31))
    named, seen[:] = list(seen), []
    platt.calibrated(alone, decide, np.zeros((10, 2)), np.arange(10) % 2)
    np.testing.assert_array_equal(named, seen)


MACHINES = [
    (SVM, {"C": 100.0, "solver": "exact"}),
    (SVM, {"C": 100.0, "solver": "nystroem", "landmarks": 300}),
    (KernelRidge, {"ridge": 0.001, "gamma": 0.5, "solver": "exact"}),
    (KernelRidge, {"ridge": 0.001, "gamma": 0.5, "solver": "nystroem", "landmarks": 300}),
    (Registry(MODELS).get("sklearn.svm:SVC").load(), {"C": 100.0}),
]


@pytest.mark.parametrize(("machine", "params"), MACHINES)
def test_probabilities_stay_calibrated_and_would_not_without_the_groups(
    machine: Any, params: dict[str, Any]
) -> None:
    """A machine that knows an image's copy by heart would be sure of what it is not sure of."""
    X, y, groups = with_copies(150, 2, 3)
    X_val, y_val, _ = with_copies(60, 2, 0, seed=1)
    fresh, truth, _ = with_copies(1_500, 2, 0, seed=2)

    def loss(its: NDArray[np.intp] | None) -> float:
        model = machine(n_classes=2, seed=0, **params)
        model.groups = its
        model.fit(X, y, X_val, y_val)
        p = model.predict_proba(fresh)[np.arange(len(truth)), truth]
        return float(-np.log(np.clip(p, 1e-12, None)).mean())

    heeded, unheeded = loss(groups), loss(None)
    # nobody who knows nothing does worse than ln 2
    assert heeded < np.log(2) + 0.02
    assert unheeded > heeded + 0.1


def test_the_decision_values_left_out_are_those_of_scikit_learn_without_the_image() -> None:
    X, y, groups = with_copies(60, 2, 2)
    model = SVM(n_classes=2, C=3.0, gamma=1.0, arcsinh=False, solver="exact")
    model.groups = groups
    kept: dict[str, Any] = {}
    original = platt.fitted

    def spied(decision: Any, member: Any) -> Any:
        kept.setdefault("decision", decision)
        return original(decision, member)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(platt, "fitted", spied)
        model.fit(X, y, X[:20], y[:20])
    rows = (X - X.mean(axis=0, dtype=np.float64)) / X.std(axis=0, dtype=np.float64)
    image_of, firsts = numbered(groups)
    from sklearn.model_selection import StratifiedKFold

    for _, held in StratifiedKFold(3).split(np.zeros(60), y[firsts]):
        out = np.isin(image_of, held)
        plain = SVC(C=3.0, gamma=1 / rows.shape[1]).fit(rows[~out], y[~out])
        expected = plain.decision_function(rows[out])
        np.testing.assert_allclose(kept["decision"][out], expected, atol=0.02)
