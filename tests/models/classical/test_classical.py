"""The classical models against plain scikit-learn and XGBoost, and at their edges."""

import tracemalloc

import numpy as np
import pytest
import scipy.spatial
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from dfbench.errors import DataError, ParameterError, UnknownNameError
from dfbench.models.base import Task
from dfbench.models.classical import svm
from dfbench.models.classical.common import nystroem
from dfbench.models.classical.common.distances import Squares
from dfbench.models.classical.common.scaling import Standard
from dfbench.models.classical.kernel_ridge import KernelRidge
from dfbench.models.classical.knn import KNN
from dfbench.models.classical.svm import SVM
from dfbench.models.classical.xgboost import XGBoost
from dfbench.models.shared import Shared

ALL = [KNN, SVM, XGBoost]


def blobs(n, d, k, seed=0, shift=1.0):
    """Classes whose means differ in their own column, at scales that differ by column."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    X = rng.standard_normal((n, d))
    X[np.arange(n), y] += shift
    return (X * np.geomspace(0.01, 100, d) + 3).astype(np.float32), y


def fitted(model_class, k=2, n=240, d=12, shift=1.0, **params):
    X, y = blobs(n, d, k, shift=shift)
    X_val, y_val = blobs(120, d, k, seed=1, shift=shift)
    model = model_class(n_classes=k, seed=3, **params).fit(X, y, X_val, y_val)
    return model, X, y, X_val, y_val


@pytest.mark.parametrize("metric", ["manhattan", "euclidean", "cosine"])
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_knn_is_the_plain_pipeline(metric, weights):
    model, X, y, X_val, _ = fitted(KNN, n_neighbors=7, metric=metric, weights=weights)
    plain = make_pipeline(
        StandardScaler(), KNeighborsClassifier(7, metric=metric, weights=weights)
    ).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X_val), plain.predict_proba(X_val), atol=1e-6)


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("count", [1, 4])
def test_knn_by_class_compares_the_nearest_of_each(k, count):
    """The rule of Ojha et al. (2023): an image is of the class of the nearest one, by cosine."""
    params = {"n_neighbors": count, "weights": "by-class", "metric": "cosine", "scaling": "none"}
    model, X, y, X_val, y_val = fitted(KNN, k, **params)
    apart = scipy.spatial.distance.cdist(X_val, X, "cosine")
    mean = np.stack(
        [np.sort(apart[:, y == c], axis=1)[:, :count].mean(axis=1) for c in range(k)], axis=1
    )
    wanted = (1 / mean) / (1 / mean).sum(axis=1, keepdims=True)
    found = model.predict_proba(X_val)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)
    if count == 1:
        np.testing.assert_array_equal(found.argmax(1), y[apart.argmin(axis=1)])
    # within a study, trials share the search, and give the same
    model.shared = Shared({"tuning": X_val})
    np.testing.assert_allclose(model.ranking(X_val), found, rtol=1e-6)
    other = KNN(n_classes=k, seed=3, **{**params, "n_neighbors": 2})
    other.shared = model.shared
    other.fit_ranking(X, y, X_val, y_val)
    alone = fitted(KNN, k, **{**params, "n_neighbors": 2})[0].predict_proba(X_val)
    np.testing.assert_allclose(other.ranking(X_val), alone, rtol=1e-6)


def test_knn_by_class_of_an_image_that_was_trained_on_is_sure():
    model, X, y, *_ = fitted(KNN, weights="by-class", n_neighbors=1)
    np.testing.assert_array_equal(model.predict_proba(X[:20]), np.eye(2)[y[:20]])


def test_knn_without_scaling_is_the_plain_classifier():
    model, X, y, X_val, _ = fitted(KNN, scaling="none")
    plain = KNeighborsClassifier(11, metric="manhattan", weights="distance").fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X_val), plain.predict_proba(X_val), atol=1e-6)


@pytest.mark.parametrize("k", [2, 5])
def test_svm_is_the_plain_pipeline(k):
    model, X, y, X_val, _ = fitted(SVM, k, C=2.0, gamma=1.0, arcsinh=False)
    plain = make_pipeline(
        StandardScaler(),
        CalibratedClassifierCV(SVC(C=2.0, gamma="scale"), method="sigmoid", cv=3, ensemble=False),
    ).fit(X, y)
    # both stop at a gap of 1e-3, about that far apart; a vote between two classes may then change
    apart = np.abs(model.predict_proba(X_val) - plain.predict_proba(X_val)).max(axis=1)
    assert np.mean(apart > 2e-2) <= (0 if k == 2 else 0.02)
    assert model.params["solver"] == "exact"


def test_svm_with_distances_held_and_computed_is_the_same(monkeypatch):
    model, *_, X_val, _ = fitted(SVM, 3)
    monkeypatch.setattr("dfbench.models.classical.common.distances._NARROW", 0)
    other, *_ = fitted(SVM, 3)
    np.testing.assert_allclose(model.predict_proba(X_val), other.predict_proba(X_val), atol=5e-3)


def test_svm_makes_distances_that_are_not_shared_once_a_step(monkeypatch):
    made = []
    monkeypatch.setattr(svm, "Squares", lambda rows: made.append(len(rows)) or Squares(rows))
    X, y = blobs(60, 5, 2)
    model = SVM(n_classes=2)
    model.shared = Shared(limit=0)
    model.fit(X, y, X, y)
    assert made == [60, 60]  # of the fit, and of its calibration
    plain = SVM(n_classes=2).fit(X, y, X, y)
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))


def test_svm_above_its_cap_is_approximate_and_says_so():
    exact, *_, X_val, y_val = fitted(SVM)
    model, *_ = fitted(SVM, max_exact=100, landmarks=200)
    assert model.params["solver"] == "nystroem"
    near = roc_auc_score(y_val, model.predict_proba(X_val)[:, 1])
    assert near == pytest.approx(roc_auc_score(y_val, exact.predict_proba(X_val)[:, 1]), abs=0.05)


def test_xgboost_is_the_plain_booster():
    model, X, y, X_val, y_val = fitted(XGBoost)
    plain = xgboost.XGBClassifier(
        n_estimators=200,
        early_stopping_rounds=15,
        tree_method="hist",
        learning_rate=0.2,
        max_depth=4,
        min_child_weight=1.0,
        subsample=0.8,
        colsample_bytree=0.4,
        reg_lambda=1.0,
        max_bin=model.params["max_bin"],
        random_state=3,
        n_jobs=1,
    ).fit(X, y, eval_set=[(X_val, y_val)], verbose=False)
    np.testing.assert_allclose(model.predict_proba(X_val), plain.predict_proba(X_val), atol=1e-6)
    assert model.best_iteration == plain.best_iteration


def test_xgboost_stops_early_where_there_is_nothing_to_learn():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 8)).astype(np.float32)
    y = rng.integers(0, 2, 300)
    model = XGBoost(n_classes=2).fit(X[:200], y[:200], X[200:], y[200:])
    assert model.best_iteration < 30
    assert model._booster.num_boosted_rounds() <= model.best_iteration + 16


@pytest.mark.parametrize("model_class", ALL)
@pytest.mark.parametrize("k", [2, 5])
def test_probabilities_rank_the_classes(model_class, k):
    model, *_, X_val, y_val = fitted(model_class, k, n=400, shift=2.0)
    proba = model.predict_proba(X_val)
    assert proba.shape == (len(X_val), k)
    assert proba.dtype == np.float64
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-9)
    assert proba.min() >= 0
    aucs = [roc_auc_score(y_val == c, proba[:, c]) for c in range(k)]
    assert min(aucs) > 0.6


@pytest.mark.parametrize(
    ("model_class", "params"),
    [
        (SVM, {"gamma": 10.0}),
        (SVM, {"gamma": 10.0, "solver": "nystroem"}),
        (KernelRidge, {"gamma": 3.0, "weights": "width"}),
        (KernelRidge, {"gamma": 3.0, "weights": "width", "solver": "nystroem"}),
    ],
)
def test_probabilities_of_rows_far_from_each_other_keep_the_order(model_class, params):
    # a row that is left out is told apart by nothing but that its class lacks it
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((160, 300)).astype(np.float32), np.arange(160) % 2
    model = model_class(n_classes=2, **params).fit(X[:81], y[:81], X[81:], y[81:])
    order = np.argsort(model.ranking(X[81:])[:, 1])
    found = model.predict_proba(X[81:])[order, 1]
    assert (np.diff(found) > 0).all()
    assert np.ptp(found) > 0.1
    assert model.probability in ("Platt, tuning split", "logistic, tuning split", "order alone")


@pytest.mark.parametrize("model_class", ALL)
def test_same_seed_same_scores(model_class):
    first, *_, X_val, _ = fitted(model_class, 3)
    second, *_ = fitted(model_class, 3)
    np.testing.assert_array_equal(first.predict_proba(X_val), second.predict_proba(X_val))


def test_xgboost_seed_matters():
    X, y = blobs(240, 12, 2)
    scores = [
        XGBoost(n_classes=2, seed=s).fit(X[:160], y[:160], X[160:], y[160:]).predict_proba(X)
        for s in (0, 1)
    ]
    assert not np.array_equal(*scores)


@pytest.mark.parametrize("model_class", ALL)
@pytest.mark.parametrize("k", [3, 5])
def test_a_class_absent_from_training_keeps_its_column(model_class, k):
    X, y = blobs(90, 6, k)
    keep = y != 1
    model = model_class(n_classes=k).fit(X[keep], y[keep], X[keep], y[keep])
    proba = model.predict_proba(X[:10])
    assert proba.shape == (10, k)
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-9)
    assert proba[:, 1].max() < 0.1


@pytest.mark.parametrize("model_class", ALL)
def test_one_class_is_refused(model_class):
    X, _ = blobs(20, 4, 2)
    y = np.zeros(20, dtype=np.int64)
    with pytest.raises(DataError, match="two classes"):
        model_class(n_classes=2).fit(X, y, X, y)


@pytest.mark.parametrize("model_class", ALL)
def test_values_that_are_not_finite_are_named(model_class):
    X, y = blobs(20, 4, 2)
    bad = X.copy()
    bad[3, 2] = np.nan
    with pytest.raises(DataError, match="feature 2 of row 3"):
        model_class(n_classes=2).fit(bad, y, X, y)


@pytest.mark.parametrize("model_class", ALL)
@settings(max_examples=15, deadline=None)
@given(
    n=st.integers(4, 14),
    d=st.integers(1, 5),
    k=st.sampled_from([2, 3]),
    constant=st.booleans(),
    seed=st.integers(0, 99),
)
def test_tiny_and_constant_data_work(model_class, n, d, k, constant, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)).astype(np.float32)
    if constant:
        X[:] = 7.0
    y = np.arange(n) % k  # the last classes may have a single image
    proba = model_class(n_classes=k).fit(X, y, X, y).predict_proba(X)
    assert proba.shape == (n, k)
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-9)


@pytest.mark.parametrize(
    ("model_class", "params"),
    [
        (KNN, {}),
        (KNN, {"scaling": "none", "metric": "euclidean"}),
        (SVM, {}),
        (SVM, {"solver": "nystroem"}),
        (KernelRidge, {}),
        (KernelRidge, {"solver": "nystroem"}),
    ],
)
@pytest.mark.parametrize("unit", [1e-40, 1e-10, 1e37])
def test_values_of_any_size_have_probabilities(model_class, params, unit):
    X, y = blobs(60, 5, 2)
    X = (X / 1e3 * unit).astype(np.float32)
    far = np.float32(3e38) * np.array([[1, -1, 1, -1, 1], [1, 1, 1, 1, 1]], np.float32)
    model = model_class(n_classes=2, **params).fit(X, y, far, y[:2])
    assert np.isfinite(model.predict_proba(np.vstack([X, far]))).all()


@pytest.mark.parametrize("d", [1, 3])
def test_svm_of_narrow_kernels_and_long_tails_is_the_plain_one(d):
    rng = np.random.default_rng(0)
    y = np.arange(300) % 2
    X = np.exp(3 * rng.standard_normal((300, d)) + 0.3 * y[:, None]).astype(np.float32)
    rows = StandardScaler().fit_transform(X.astype(np.float64))
    plain = SVC(C=3.0, gamma=1e6 / d).fit(rows, y).decision_function(rows)
    model = SVM(n_classes=2, C=3.0, gamma=1e6, arcsinh=False).fit_ranking(X, y, X, y)
    np.testing.assert_allclose(model.ranking(X)[:, 1], plain, atol=0.1)


@pytest.mark.parametrize("model_class", ALL)
def test_defaults_lie_inside_the_search_space(model_class):
    import optuna

    fixed = optuna.trial.FixedTrial(model_class.defaults())
    params = model_class.suggest(fixed, Task(n_train=100, n_inputs=10, n_classes=2))
    defaults = model_class.defaults()
    assert params == {key: defaults[key] for key in params}
    for name, distribution in fixed.distributions.items():
        value = distribution.to_internal_repr(defaults[name])
        assert distribution._contains(value)


@pytest.mark.parametrize(
    ("model_class", "params"),
    [
        (KNN, {"n_neighbors": 0}),
        (KNN, {"n_neighbors": 0.5}),
        (KNN, {"metric": "minkowski"}),
        (KNN, {"weights": "cubic"}),
        (KNN, {"scaling": "minmax"}),
        (SVM, {"solver": "fast"}),
        (SVM, {"C": 0.0}),
        (SVM, {"gamma": np.nan}),
        (SVM, {"landmarks": 0}),
    ],
)
def test_a_value_that_means_nothing_is_told(model_class, params):
    with pytest.raises(ParameterError, match=next(iter(params))):
        model_class.check_params(params)


@pytest.mark.parametrize("model_class", [KNN, SVM, KernelRidge])
def test_what_a_fit_takes_is_told(model_class):
    taken, told = [], []
    for n in (60, 300, 1_200):  # the first compiles
        X, y = blobs(n, 150, 2)
        model = model_class(n_classes=2)
        tracemalloc.start()
        model.fit(X, y, X, y).predict_proba(X[:50])
        taken.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        told.append(model_class.memory(Task(n, 150, 2), model.params))
    assert 0 < taken[2] - taken[1] < told[2] - told[1] < 20 * (taken[2] - taken[1])


def test_features_of_narrow_rows_are_made_in_pieces(monkeypatch):
    monkeypatch.setattr(nystroem, "WORK", 8 * 20 * 100)
    X, _ = blobs(1_000, 2, 2)
    scale = Standard.of(X)
    mapped = nystroem.Mapped(X, scale, nystroem.Nystroem(scale(X[:20]), 0.1))
    assert {len(rows) for _, rows in mapped()} == {100}


def test_an_unknown_parameter_is_refused():
    with pytest.raises(UnknownNameError, match="depth"):
        XGBoost(n_classes=2, depth=3)
