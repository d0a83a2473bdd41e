"""Boosting on sets of the columns, against plain XGBoost that goes on from the scores so far."""

import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from dfbench.errors import ParameterError
from dfbench.models.base import GivenUp
from dfbench.models.classical import column_sets as module
from dfbench.models.classical.column_sets import column_sets
from dfbench.models.classical.xgboost import XGBoost
from dfbench.models.rows import Chosen
from dfbench.models.shared import Shared


@pytest.fixture
def from_few(monkeypatch):
    monkeypatch.setattr(module, "_WIDTH", 7)
    monkeypatch.setattr(module, "_FROM_COLUMNS", 4)
    monkeypatch.setattr(module, "_FROM_VALUES", 4)


def parts(k, d=30):
    """Classes that differ a little in each column, not equally many images of each."""
    rng = np.random.default_rng(0)
    y = rng.choice(k, 360, p=np.arange(1, k + 1) / np.arange(1, k + 1).sum())
    centres = 0.25 * rng.standard_normal((k, d))
    X = (rng.standard_normal((len(y), d)) + centres[y]).astype(np.float32)
    return X[:240], y[:240], X[240:], y[240:]


@given(st.integers(module._FROM_COLUMNS, 5000), st.integers(0, 3))
def test_sets_are_of_equal_size_and_hold_each_column(n_columns, seed):
    sets = column_sets(5000, n_columns, "auto", seed)
    assert len(sets) == min(8, n_columns // 384)
    assert {len(columns) for columns in sets} == {-(-n_columns // len(sets))}
    assert np.array_equal(np.unique(np.concatenate(sets)), np.arange(n_columns))
    assert all((np.diff(columns) > 0).all() for columns in sets)


@pytest.mark.parametrize("shape", [(1_000_000, 1023), (4095, 1024)])
def test_few_columns_or_rows_are_one_set(shape):
    [columns] = column_sets(*shape, "auto", seed=0)
    assert np.array_equal(columns, np.arange(shape[1]))


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.usefixtures("from_few")
def test_each_round_is_plain_xgboost_on_its_set(k):
    X, y, X_val, y_val = parts(k)
    free = {"subsample": 1.0, "colsample_bytree": 1.0}
    model = XGBoost(n_classes=k, seed=5, n_estimators=60, **free).fit(X, y, X_val, y_val)

    several = {"objective": "multi:softprob", "num_class": k, "base_score": 0.0}
    plain = {"objective": "binary:logistic", "base_score": 0.5} if k == 2 else several
    plain |= {"nthread": 1, "max_bin": 32, "learning_rate": 0.2, "max_depth": 4}
    sets = column_sets(*X.shape, "auto", seed=5)
    start = np.log(y.mean() / (1 - y.mean())) if k == 2 else 0.0
    outputs = () if k == 2 else (k,)
    known, on_val = (np.full((len(a), *outputs), start) for a in (X, X_val))
    losses, probas = [], []
    for done in range(60):
        columns = sets[done % 4]
        train = xgboost.DMatrix(X[:, columns], y, base_margin=known)
        valid = xgboost.DMatrix(X_val[:, columns], y_val, base_margin=on_val)
        booster = xgboost.train(plain, train, num_boost_round=1)
        known = booster.predict(train, output_margin=True)
        on_val = booster.predict(valid, output_margin=True)
        proba = booster.predict(valid)
        probas.append(proba if k > 2 else np.column_stack([1 - proba, proba]))
        losses.append(-np.log(probas[-1][np.arange(len(y_val)), y_val]).mean())
    best = next(at for at in range(60) if losses[at] == min(losses[: at + 16]))
    assert 4 < best < 45
    assert model.best_iteration == best
    np.testing.assert_allclose(model.predict_proba(X_val), probas[best], atol=2e-4)


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.usefixtures("from_few")
def test_trees_of_sets_are_kept_and_explained_as_others(k):
    X, y, X_val, y_val = parts(k)
    model = XGBoost(n_classes=k, n_estimators=10).fit(X, y, X_val, y_val)
    proba = model.predict_proba(X_val)
    again = XGBoost(n_classes=k).restore(model.keep())
    np.testing.assert_array_equal(again.predict_proba(X_val), proba)
    classes = proba.argmax(axis=1)
    wanted = proba[np.arange(len(proba)), classes]
    told = model.contributions(X_val, classes)
    np.testing.assert_allclose(told.sum(axis=1), np.log(wanted / (1 - wanted)), atol=1e-4)
    assert np.count_nonzero(np.abs(told[:, :-1]).sum(axis=0)) > X.shape[1] / 2


@pytest.mark.usefixtures("from_few")
def test_sets_are_shared_by_trials_and_read_by_block():
    X, y, X_val, y_val = parts(3, d=31)
    lone = XGBoost(n_classes=3, n_estimators=8).fit(X, y, X_val, y_val).predict_proba(X_val)
    shared = Shared()
    for depth in (2, 4):
        model = XGBoost(n_classes=3, n_estimators=8, max_depth=depth)
        model.shared = shared
        model.fit(X, y, X_val, y_val)
    np.testing.assert_array_equal(model.predict_proba(X_val), lone)

    rows, rows_val = (Chosen(part, np.arange(len(part))) for part in (X, X_val))
    by_block = XGBoost(n_classes=3, n_estimators=8).fit(rows, y, rows_val, y_val)
    np.testing.assert_allclose(by_block.predict_proba(X_val), lone, atol=1e-6)


@pytest.mark.usefixtures("from_few")
def test_hopeless_fits_on_sets_are_given_up():
    X, y, X_val, y_val = parts(2)
    asked = []
    model = XGBoost(n_classes=2, patience=200, n_estimators=100)
    model.hopeless = lambda step, loss: asked.append((step, loss)) or step == 60
    with pytest.raises(GivenUp):
        model.fit(X, y, X_val, y_val)
    assert [step for step, _ in asked] == [40, 60]
    whole = XGBoost(n_classes=2, patience=200, n_estimators=40).fit(X, y, X_val, y_val)
    whole.best_iteration = 39
    assert asked[0][1] == pytest.approx(log_loss(y_val, whole.predict_proba(X_val)), abs=1e-4)


def test_the_number_of_sets_is_told_and_can_be_said():
    X, y, X_val, y_val = parts(2)
    plain = XGBoost(n_classes=2, seed=5, n_estimators=20).fit(X, y, X_val, y_val)
    assert plain.params["column_sets"] == 1
    three = XGBoost(n_classes=2, seed=5, n_estimators=20, column_sets=3).fit(X, y, X_val, y_val)
    assert three.params["column_sets"] == 3
    assert not np.array_equal(three.predict_proba(X_val), plain.predict_proba(X_val))
    one = XGBoost(n_classes=2, seed=5, n_estimators=20, column_sets=1).fit(X, y, X_val, y_val)
    assert np.array_equal(one.predict_proba(X_val), plain.predict_proba(X_val))


@pytest.mark.parametrize("sets", [0, -1, 2.5, True, "many"])
def test_what_is_no_number_of_sets_is_an_error(sets):
    with pytest.raises(ParameterError, match="column_sets"):
        XGBoost.check_params({"column_sets": sets})
