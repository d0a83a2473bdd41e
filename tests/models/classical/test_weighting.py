"""Weights of blocks: against a search by hand over fits that leave each row out."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge as Plain
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from dfbench.models.classical.common import weighting
from dfbench.models.classical.common.weighting import BlockScale, learned, targets_of
from dfbench.models.classical.kernel_ridge import KernelRidge
from dfbench.models.classical.svm import SVM
from dfbench.models.selection.problem import Problem
from dfbench.models.shared import Shared

WIDTHS = (3, 5, 12)


def blocks(n=60, seed=0, k=2, shift=1.5):
    """Classes that differ in the first block alone; the last is wide, and noise."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    X = rng.standard_normal((n, sum(WIDTHS)))
    X[:, 0] += shift * y
    return (X * np.geomspace(0.1, 10, sum(WIDTHS))).astype(np.float32), y


def fitted(model_class=SVM, n=240, k=2, widths=WIDTHS, **params):
    X, y = blocks(n, k=k)
    model = model_class(n_classes=k, **params)
    model.blocks = widths
    return model.fit(X, y, X, y)


def naive_error(rows, targets, weights, gamma, ridge):
    """Give the mean square of what fits without each row miss of it."""
    scaled = np.hstack(
        [w**0.5 * each for w, each in zip(weights / weights.sum(), rows, strict=True)]
    )
    missed = []
    for i in range(len(scaled)):
        kept = np.arange(len(scaled)) != i
        plain = Plain(alpha=ridge, kernel="rbf", gamma=gamma).fit(scaled[kept], targets[kept])
        missed.append(plain.predict(scaled[i : i + 1])[0] - targets[i])
    return float(np.square(missed).mean())


def naive_search(rows, targets, weights, gamma, ridge):
    least = naive_error(rows, targets, weights, gamma, ridge)
    for _ in range(3):
        before = least
        for block in range(len(weights)):
            if weights[block] == 0:
                continue
            trials = [weights.copy() for _ in range(3)]
            for trial, factor in zip(trials, (0.0, 0.5, 2.0), strict=True):
                trial[block] *= factor
            found = [
                naive_error(rows, targets, its, gamma, ridge) if its.sum() else np.inf
                for its in trials
            ]
            best = int(np.argmin(found))
            if found[best] < least * (1 - 1e-3):
                weights, least = trials[best], found[best]
        if least == before:
            break
    return weights


def scaled(X, arcsinh=False):
    """Standardise by scikit-learn, and give each block the variance 1."""
    rows = StandardScaler().fit_transform(X.astype(np.float64))
    if arcsinh:
        rows = StandardScaler().fit_transform(np.arcsinh(rows))
    return [each / each.shape[1] ** 0.5 for each in np.split(rows, np.cumsum(WIDTHS)[:-1], axis=1)]


@pytest.mark.parametrize("arcsinh", [False, True])
def test_blocks_are_standardised_and_have_one_variance(arcsinh):
    X, _ = blocks()
    rows = BlockScale(X, WIDTHS, arcsinh)(X)
    np.testing.assert_allclose(rows, np.hstack(scaled(X, arcsinh)), atol=1e-5)


@pytest.mark.parametrize("k", [2, 3])
def test_learned_weights_are_those_of_a_search_by_hand(k):
    X, y = blocks(36, k=k)
    rows, targets = scaled(X), targets_of(y, np.arange(k))
    start = np.array(WIDTHS, dtype=np.float64)
    wanted = naive_search(rows, targets, start, 0.15, 0.03)
    found = learned(
        [euclidean_distances(r, squared=True) for r in rows], targets, start, 0.15, 0.03
    )
    np.testing.assert_array_equal(found, wanted)
    assert not np.array_equal(found, start)


@pytest.mark.parametrize("arcsinh", [False, True])
@pytest.mark.parametrize("how", weighting.WEIGHTS)
def test_a_machine_is_that_of_libsvm_on_weighted_blocks(how, arcsinh):
    model = fitted(weights=how, arcsinh=arcsinh, C=2.0, gamma=0.7)
    X, y = blocks(240)
    assert model.weights.sum() == pytest.approx(1)
    rows = np.hstack(
        [w**0.5 * each for w, each in zip(model.weights, scaled(X, arcsinh), strict=True)]
    )
    plain = SVC(C=2.0, gamma=0.7).fit(rows, y)
    new, _ = blocks(50, seed=7)
    scale = BlockScale(X, WIDTHS, arcsinh)
    values = plain.decision_function(scale(new) * np.repeat(model.weights**0.5, WIDTHS))
    np.testing.assert_allclose(model.ranking(new)[:, 1], values, atol=5e-3)


def test_weights_are_by_width_equal_or_learned():
    width, equal, own = (
        fitted(weights=how, arcsinh=False).weights for how in ("width", "equal", "learned")
    )
    np.testing.assert_allclose(width, np.array(WIDTHS) / sum(WIDTHS))
    np.testing.assert_allclose(equal, 1 / 3)
    np.testing.assert_array_equal(own, [1, 0, 0])  # the others are noise
    # those that kernel ridge learns with its own defaults
    np.testing.assert_array_equal(own, fitted(KernelRidge, arcsinh=False).weights)


@pytest.mark.parametrize("widths", [(), (3, 4), (sum(WIDTHS),)])
def test_one_block_or_none_is_the_plain_machine(widths):
    X, _ = blocks(240)
    plain = fitted(weights="width", widths=WIDTHS)
    np.testing.assert_allclose(
        fitted(widths=widths).predict_proba(X), plain.predict_proba(X), atol=5e-3
    )


@pytest.mark.parametrize("solver", ["exact", "nystroem"])
def test_weights_are_learned_once_for_all_trials(monkeypatch, solver):
    calls = []
    plain = weighting.learned
    monkeypatch.setattr(weighting, "learned", lambda *a: calls.append(1) or plain(*a))
    X, y = blocks(120)
    problem = Problem(SVM, X[:80], y[:80], X[80:], y[80:], n_classes=2, seed=0, blocks=WIDTHS)
    models = []
    for params in ({"C": 1.0}, {"C": 9.0, "gamma": 0.1}, {"weights": "width"}, {"C": 3.0}):
        model, _ = problem.fit({**params, "solver": solver, "landmarks": 40})
        problem.finish(model)
        models.append(model)
    assert len(calls) == 1
    alone = SVM(n_classes=2, C=3.0, solver=solver, landmarks=40)
    alone.blocks = WIDTHS
    alone.fit(X[:80], y[:80], X[80:], y[80:])
    np.testing.assert_array_equal(models[-1].predict_proba(X), alone.predict_proba(X))


def test_what_is_shared_or_not_gives_the_same():
    X, y = blocks(90, k=3)
    found = []
    for limit in (0, 1 << 30):
        model = SVM(n_classes=3)
        model.blocks, model.shared = WIDTHS, Shared(limit=limit)
        found.append(model.fit(X, y, X, y).predict_proba(X))
    np.testing.assert_array_equal(*found)


def test_a_constant_block_has_no_weight():
    X, y = blocks(90)
    X[:, 3:8] = 7.0
    model = SVM(n_classes=2, weights="equal")
    model.blocks = WIDTHS
    model.fit(X, y, X, y)
    np.testing.assert_allclose(model.weights, [0.5, 0.0, 0.5])
    assert np.isfinite(model.predict_proba(X)).all()
