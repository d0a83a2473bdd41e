"""The kernel ridge classifier against plain scikit-learn, and the weights that it learns."""

import numpy as np
import optuna
import pytest
from sklearn.kernel_ridge import KernelRidge as Plain
from sklearn.preprocessing import StandardScaler

from dfbench.errors import DataError, ParameterError
from dfbench.models.base import Task
from dfbench.models.classical.common.distances import Kernel, expansion
from dfbench.models.classical.common.weighting import left_out as left_out_of
from dfbench.models.classical.kernel_ridge import (
    KernelRidge,
    _nystroem,
    _nystroem_left_out,
    _solved,
)


def blobs(n, k, seed=0, noise=40):
    """Six columns that tell the classes, as a block, and one of columns that do not."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    centres = np.random.default_rng(99).standard_normal((k, 6))
    told = centres[y] + rng.standard_normal((n, 6))
    X = np.hstack([told * np.geomspace(0.01, 100, 6) + 3, 5 * rng.standard_normal((n, noise))])
    return X.astype(np.float32), y


def fitted(k=3, n=240, blocks=(6, 40), **params):
    X, y = blobs(n, k)
    X_val, y_val = blobs(150, k, seed=1)
    model = KernelRidge(n_classes=k, seed=3, **params)
    model.blocks = blocks
    return model.fit(X, y, X_val, y_val), X, y, X_val, y_val


def accuracy(model, X, y):
    return float((model.predict_proba(X).argmax(axis=1) == y).mean())


def targets_of(y, k):
    targets = np.eye(k)[y]
    return targets - targets.mean(axis=0)


@pytest.mark.parametrize("k", [2, 3])
def test_scores_are_those_of_the_plain_machine(k):
    model, X, y, X_val, _ = fitted(k, weights="width", arcsinh=False, gamma=0.7, ridge=0.2)
    scaler = StandardScaler().fit(X)
    # the blocks together have variance 1, so scikit-learn's "scale" is 1 / columns
    plain = Plain(alpha=0.2, kernel="rbf", gamma=0.7 / X.shape[1])
    plain.fit(scaler.transform(X), targets_of(y, k))
    rows = model._scale.weighted(model._scale(X_val), model.weights)
    scores = expansion(rows, model._rows, model._dual, model._gamma)
    np.testing.assert_allclose(scores, plain.predict(scaler.transform(X_val)), atol=1e-4)
    # and the probabilities order the images of two classes as the scores do
    if k == 2:
        order = np.argsort(scores[:, 1])
        assert np.all(np.diff(model.predict_proba(X_val)[order, 1]) >= 0)


def test_left_out_scores_are_those_of_fits_without_the_row():
    X, y = blobs(40, 3)
    rows = StandardScaler().fit_transform(X).astype(np.float32)
    targets = targets_of(y, 3)
    left_out = left_out_of(Kernel(rows, 0.02)(rows), targets, 0.1)

    def pieces():
        yield from ((slice(at, at + 16), rows[at : at + 16]) for at in range(0, 40, 16))

    _, *factors = _nystroem(pieces, rows, targets, 0.02, 0.1)
    images = ((np.arange(its.start, min(its.stop, 40))[:, None], own) for its, own in pieces())
    near = _nystroem_left_out(images, rows, targets, 0.02, *factors)
    for i in (0, 7, 39):
        kept = np.arange(40) != i
        plain = Plain(alpha=0.1, kernel="rbf", gamma=0.02).fit(rows[kept], targets[kept])
        expected = plain.predict(rows[i : i + 1])[0]
        np.testing.assert_allclose(left_out[i], expected, atol=1e-6)
        # all rows as landmarks: the same machine
        np.testing.assert_allclose(near[i], expected, atol=1e-3)


@pytest.mark.parametrize("ridge", [1e-7, 1e-3, 1.0])
def test_a_solution_refined_in_double_precision_is_the_direct_one(ridge):
    X, y = blobs(300, 3)
    rows = StandardScaler().fit_transform(X).astype(np.float32)
    kernel = Kernel(rows, 1e-3)(rows).astype(np.float32)
    found = _solved(kernel, targets_of(y, 3), ridge)
    system = kernel.astype(np.float64) + ridge * np.eye(300)
    np.testing.assert_allclose(system @ found, targets_of(y, 3), atol=2e-5)


def test_nystroem_with_all_rows_as_landmarks_is_the_exact_machine():
    exact, *_, X_val, _ = fitted(weights="width")
    near, *_ = fitted(weights="width", max_exact=100, landmarks=240)
    assert (exact.params["solver"], near.params["solver"]) == ("exact", "nystroem")
    np.testing.assert_allclose(near.predict_proba(X_val), exact.predict_proba(X_val), atol=5e-3)
    few, *_, y_val = fitted(max_exact=100, landmarks=60)
    assert accuracy(few, X_val, y_val) > accuracy(exact, X_val, y_val)


def test_learned_weights_leave_out_a_block_of_noise():
    learned, *_, X_val, y_val = fitted(n=450)
    assert learned.weights.sum() == pytest.approx(1)
    assert learned.weights[0] > 0.8
    width, *_ = fitted(n=450, weights="width")
    np.testing.assert_allclose(width.weights, [6 / 46, 40 / 46])
    equal, *_ = fitted(n=450, weights="equal")
    np.testing.assert_allclose(equal.weights, [0.5, 0.5])
    assert accuracy(learned, X_val, y_val) > accuracy(width, X_val, y_val) + 0.05


def test_blocks_unknown_or_of_another_matrix_are_one_block():
    whole, *_, X_val, _ = fitted(blocks=())
    other, *_ = fitted(blocks=(3, 4))
    width, *_ = fitted(weights="width")
    np.testing.assert_array_equal(whole.weights, [1.0])
    np.testing.assert_array_equal(whole.predict_proba(X_val), other.predict_proba(X_val))
    np.testing.assert_allclose(whole.predict_proba(X_val), width.predict_proba(X_val), atol=1e-4)


def test_an_outlier_in_one_column_hides_less_under_arcsinh():
    drawn, *_, X_val, y_val = fitted(n=450, weights="width", blocks=())
    raw, *_ = fitted(n=450, weights="width", blocks=(), arcsinh=False)
    X_val[:, 10] += 100
    assert accuracy(drawn, X_val, y_val) > accuracy(raw, X_val, y_val) + 0.05


def test_same_seed_same_probabilities():
    one, *_, X_val, _ = fitted(sample=100)
    two, *_ = fitted(sample=100)
    np.testing.assert_array_equal(one.predict_proba(X_val), two.predict_proba(X_val))


def test_probabilities_are_calibrated():
    model, *_, X_val, y_val = fitted(2, n=450)
    proba = model.predict_proba(X_val)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert abs(proba[:, 1].mean() - y_val.mean()) < 0.05
    loss = -np.log(proba[np.arange(len(y_val)), y_val]).mean()
    assert loss < 0.9 * np.log(2)


def test_classes_absent_from_training_and_constant_blocks():
    X, y = blobs(90, 3)
    X[:, 6:] = 7.0
    model = KernelRidge(n_classes=4)
    model.blocks = (6, 40)
    proba = model.fit(X, y, X, y).predict_proba(X)
    assert np.all(proba[:, 3] == 0)
    assert np.isfinite(proba).all()
    np.testing.assert_array_equal(model.weights, [1.0, 0.0])
    for blocks in ((), (20, 20)):
        model = KernelRidge(n_classes=3)
        model.blocks = blocks
        constant = model.fit(X[:, 6:], y, X[:, 6:], y).predict_proba(X[:, 6:])
        np.testing.assert_allclose(constant, 1 / 3, atol=1e-6)
    with pytest.raises(ValueError, match="40 features are needed, not 1"):
        model.predict_proba(X[:, :1])
    with pytest.raises(DataError, match="two classes"):
        KernelRidge(n_classes=2).fit(X, np.zeros(90, np.int64), X, y)


@pytest.mark.parametrize(
    "params",
    [{"weights": "best"}, {"solver": "fast"}, {"ridge": 0}, {"gamma": np.inf}, {"landmarks": 0.5}],
)
def test_wrong_parameters_are_told(params):
    with pytest.raises(ParameterError, match=next(iter(params))):
        KernelRidge.check_params(params)


def test_defaults_lie_in_the_space():
    trial = optuna.create_study().ask()
    drawn = KernelRidge.suggest(trial, Task(100, 10, 2))
    defaults = KernelRidge.defaults()
    assert set(drawn) <= set(defaults)
    for name, distribution in trial.distributions.items():
        assert distribution._contains(distribution.to_internal_repr(defaults[name]))
