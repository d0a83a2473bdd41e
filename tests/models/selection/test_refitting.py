"""A chosen model, fitted once more on all images: against fits that know no tuning part."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from dfbench.errors import DataError, UnavailableError
from dfbench.models.base import Model
from dfbench.models.brought import manners
from dfbench.models.brought.ready import LinearSVM, Logistic
from dfbench.models.classical.common import platt
from dfbench.models.classical.kernel_ridge import KernelRidge
from dfbench.models.classical.knn import KNN
from dfbench.models.classical.svm import SVM
from dfbench.models.classical.xgboost import XGBoost
from dfbench.models.selection.problem import Problem
from dfbench.models.selection.refitting import refitted
from dfbench.registry import MODELS, Registry


def data(n=180, k=2, seed=0, apart=0.9):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    X = rng.standard_normal((n, 6)).astype(np.float32)
    X[:, 0] += apart * y
    return X, y


def both(model_class, k=2, parts=None, **params):
    """Give a model that was fitted on train, and the same fitted once more on both parts."""
    X, y = data(k=k) if parts is None else parts
    cut = 2 * len(y) // 3
    problem = Problem(model_class, X[:cut], y[:cut], X[cut:], y[cut:], n_classes=k, seed=0)
    chosen, _ = problem.fit(params)
    problem.finish(chosen)
    model, seconds = refitted(replace(problem, X=X, y=y), chosen)
    assert seconds > 0
    return chosen, model


NEW, _ = data(60, seed=9)


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("model_class", [KNN, SVM, KernelRidge, Logistic, LinearSVM])
def test_it_is_what_a_fit_on_all_images_gives(model_class, k):
    X, y = data(k=k)
    chosen, model = both(model_class, k=k)
    # their fits look at no tuning part, as far as calibration out of fold tells enough
    wanted = model_class(n_classes=k).fit(X, y, X, y)
    np.testing.assert_allclose(model.predict_proba(NEW), wanted.predict_proba(NEW), atol=1e-12)
    assert np.abs(model.predict_proba(NEW) - chosen.predict_proba(NEW)).max() > 1e-3
    assert model.probability == wanted.probability
    assert model.shared is None


def test_neighbours_are_among_all_images_and_scaled_by_them():
    X, y = data()
    _, model = both(KNN, n_neighbors=7, metric="euclidean", weights="uniform")
    scale = StandardScaler().fit(X)
    wanted = KNeighborsClassifier(7).fit(scale.transform(X), y)
    shares = wanted.predict_proba(scale.transform(NEW))
    np.testing.assert_allclose(model.predict_proba(NEW), shares, atol=1e-9)


def test_a_machine_is_solved_on_all_images():
    X, y = data()
    _, model = both(SVM, C=2.0, gamma=0.5, arcsinh=False)
    scale = StandardScaler().fit(X)
    wanted = SVC(C=2.0, gamma=0.5 / X.shape[1]).fit(scale.transform(X), y)
    values = wanted.decision_function(scale.transform(NEW))
    np.testing.assert_allclose(model.ranking(NEW)[:, 1], values, atol=0.01)


@pytest.mark.parametrize("sets", [1, 3])
@pytest.mark.parametrize("k", [2, 3])
def test_trees_grow_for_as_many_rounds_as_were_best(sets, k):
    parts = data(300, k=k, apart=2.0)
    params = {"column_sets": sets, "learning_rate": 0.1, "subsample": 1.0, "patience": 8}
    chosen, model = both(XGBoost, k=k, parts=parts, **params)
    rounds = chosen.best_iteration + 1
    assert 1 < rounds < 200, "validation ended it"
    trees = len(model._booster.get_dump())
    assert trees == rounds * (1 if k == 2 else k)
    X, y = parts
    # validation that never gets worse stops nothing: that is how all of its rounds are had
    params |= {"n_estimators": rounds, "patience": 1_000}
    wanted = XGBoost(n_classes=k, **params).fit(X, y, X, y)
    assert wanted.best_iteration == rounds - 1
    np.testing.assert_allclose(model.predict_proba(NEW), wanted.predict_proba(NEW), atol=1e-6)


def test_trees_of_an_estimator_do_so_too():
    model_class = Registry(MODELS).get("xgboost:XGBClassifier").load()
    chosen, model = both(
        model_class, parts=data(300, apart=2.0), n_estimators=300, patience=4, learning_rate=0.2
    )
    rounds = chosen._estimator.best_iteration + 1
    assert 1 < rounds < 300
    assert model._estimator.get_booster().num_boosted_rounds() == rounds
    assert not hasattr(model, "_grown"), "it would be kept"


@pytest.mark.parametrize(
    ("package", "told", "params", "found"),
    [
        ("lightgbm", {"best_iteration_": 7}, {"n_estimators": 100}, {"n_estimators": 7}),
        ("lightgbm", {"best_iteration_": 0}, {"n_estimators": 100}, {}),  # nothing ended it
        ("catboost", {"tree_count_": 9}, {"iterations": 500}, {"iterations": 9}),
        ("catboost", {"tree_count_": 9}, {}, {"n_estimators": 9}),
        ("xgboost", {"early_stopping_rounds": None}, {"n_estimators": 100}, {}),
        ("sklearn", {"n_iter_": 9}, {"max_iter": 100}, {}),
    ],
)
def test_rounds_are_read_where_each_library_tells_them(package, told, params, found):
    its = type("Its", (), {"__module__": package, "get_params": lambda self: params, **told})()
    assert manners.rounds(its) == found


def noise(taken):
    return np.zeros((np.count_nonzero(~taken), 2))


def test_sigmoids_are_out_of_fold_or_those_of_the_machine_before():
    X, y = data(apart=1.5)
    known = platt.TUNING, np.array([[-3.0, 0.25]])

    def decide(taken):
        return np.column_stack([-X[~taken, 0], X[~taken, 0]])

    curves, ways = platt.recalibrated(y, decide, known[1], [known[0]])
    values = np.empty(len(y))
    for _, held in StratifiedKFold(3).split(X, y):
        values[held] = X[held, 0]
    np.testing.assert_allclose(curves[0], platt.fitted(values, y == 1))
    assert ways == [platt.OUT_OF_FOLD]
    curves, ways = platt.recalibrated(y, noise, known[1], [known[0]])
    assert (curves.tolist(), ways) == (known[1].tolist(), [known[0]])
    alone = np.array([0, 0, 0, 1])  # cannot be divided into folds
    curves, ways = platt.recalibrated(alone, decide, known[1], [known[0]])
    assert (curves.tolist(), ways) == (known[1].tolist(), [known[0]])


def test_a_kernel_machine_takes_the_map_of_the_one_before_where_its_own_says_nothing():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((60, 400)).astype(np.float32), np.arange(60) % 2
    chosen, model = both(KernelRidge, parts=(X, y), gamma=3.0, ridge=0.001)
    assert chosen.probability != "logistic, out of fold"
    assert model.probability == chosen.probability
    assert (model._unit, model._logistic) == (chosen._unit, chosen._logistic)
    # in the order of its own scores, which are of all images
    order = model.ranking(X)[:, 1] - model.ranking(X)[:, 0]
    assert (np.diff(model.predict_proba(X)[np.argsort(order), 1]) >= 0).all()


def test_a_class_that_train_lacks_is_told():
    X, y = data(k=3)
    few = y < 2
    problem = Problem(KNN, X[few], y[few], X, y, n_classes=3, seed=0)
    chosen, _ = problem.fit({})
    with pytest.raises(DataError, match="a class that train lacks"):
        refitted(replace(problem, X=X, y=y), chosen)


def test_a_model_that_says_no_way_cannot_be():
    class Bare(KNN):
        name = "bare"
        refit = Model.refit

    with pytest.raises(UnavailableError, match="it has no method refit"):
        both(Bare)
