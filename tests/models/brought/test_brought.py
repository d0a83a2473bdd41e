"""Estimators that others wrote, held against the same estimators used by hand."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import joblib
import numpy as np
import optuna
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import dfbench
from dfbench.errors import (
    DataError,
    ParameterError,
    PluginError,
    UnavailableError,
    UnknownNameError,
)
from dfbench.models.base import Model, Task
from dfbench.models.brought.declared import declared
from dfbench.models.brought.imported import imported
from dfbench.models.classical.estimator import Estimator
from dfbench.models.kept import KeptError
from dfbench.registry import MODELS, Registry

READY = ["logistic", "linear-svm", "lda", "random-forest", "extra-trees", "mlp"]
FOREST = "sklearn.ensemble:RandomForestClassifier"


def data(n: int, k: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    X = rng.normal(size=(n, 6)).astype(np.float32) * [1, 5, 0.1, 1, 1, 1]
    X[:, 0] += 1.5 * y
    X[:, 2] += 0.1 * (y == 1)
    return X.astype(np.float32), y.astype(np.int64)


def model(name: str, k: int = 2, **params: Any) -> Model:
    found: Model = Registry(MODELS).get(name).load()(n_classes=k, seed=5, **params)
    return found


def fitted(name: str, k: int = 2, n: int = 90, **params: Any) -> Model:
    return model(name, k, **params).fit(*data(n, k), *data(30, k, seed=1))


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("name", READY)
def test_ready_models_learn_and_are_kept(name: str, k: int) -> None:
    own = fitted(name, k, n=300)
    X, y = data(60, k, seed=2)
    proba = own.predict_proba(X)
    assert proba.shape == (60, k)
    assert np.allclose(proba.sum(axis=1), 1)
    assert np.mean(proba.argmax(axis=1) == y) > 1 / k + 0.15
    again = type(own)(n_classes=k, seed=5, **own.params).restore(own.keep())
    assert np.array_equal(again.predict_proba(X), proba)


@pytest.mark.parametrize("name", [*READY, "lightgbm"])
def test_the_first_trial_lies_in_the_search_space(name: str) -> None:
    found = Registry(MODELS).get(name).load.__self__
    try:
        its = found.load()
        defaults = its.defaults()
    except UnavailableError:
        pytest.skip("the package is not installed")
    study = optuna.create_study()
    study.enqueue_trial(defaults)
    drawn = its.suggest(study.ask(), Task(100, 6, 2))
    assert drawn == {name: defaults[name] for name in drawn} != {}


def test_a_forest_is_that_of_scikit_learn() -> None:
    own = fitted(FOREST, n_estimators=20, scaling="none")
    X, y = data(90)
    theirs = RandomForestClassifier(n_estimators=20, random_state=5).fit(X, y)
    Z = data(40, seed=2)[0]
    assert np.array_equal(own.predict_proba(Z), theirs.predict_proba(Z))


@pytest.mark.parametrize("k", [2, 3])
def test_neighbours_of_scikit_learn_give_the_scores_of_ours(k: int) -> None:
    params = {"n_neighbors": 7, "weights": "distance", "metric": "manhattan"}
    Z = data(50, k, seed=2)[0]
    theirs = fitted("sklearn.neighbors:KNeighborsClassifier", k, **params).predict_proba(Z)
    assert np.allclose(theirs, fitted("knn", k, **params).predict_proba(Z), atol=1e-6)


@pytest.mark.parametrize("k", [2, 3])
def test_decision_values_are_calibrated_as_by_scikit_learn(k: int) -> None:
    X, y = data(90, k)
    Z = data(50, k, seed=2)[0]
    scale = StandardScaler().fit(X)
    theirs = CalibratedClassifierCV(LinearSVC(random_state=5), ensemble=False, cv=3)
    theirs.fit(scale.transform(X), y)
    own = fitted("sklearn.svm:LinearSVC", k)
    wanted = theirs.predict_proba(scale.transform(Z))
    assert np.allclose(own.predict_proba(Z), wanted, atol=2e-3)
    # trials are compared by the values themselves
    values = LinearSVC(random_state=5).fit(scale.transform(X), y)
    values = values.decision_function(scale.transform(Z))
    ranking = own.ranking(Z)
    assert np.allclose(ranking[:, 1] if k == 2 else ranking, values, atol=1e-5)


def test_a_class_that_training_lacks_has_a_column() -> None:
    X, y = data(90, 2)
    own = model(FOREST, 4, n_estimators=5).fit(X, 2 * y + 1, *data(30, 4))
    proba = own.predict_proba(X)
    assert proba.shape == (90, 4)
    assert (proba[:, [0, 2]] == 0).all()
    assert np.mean(proba.argmax(axis=1) == 2 * y + 1) > 0.9


def test_seed_and_threads_are_handed_on_unless_they_are_told() -> None:
    own = Registry(MODELS).get(FOREST).load()(n_classes=2, seed=5, n_threads=2, n_estimators=2)
    made = own.fit(*data(40), *data(20))._estimator
    assert (made.random_state, made.n_jobs) == (5, 2)
    told = model(FOREST, random_state=1, n_jobs=1, n_estimators=2)
    made = told.fit(*data(40), *data(20))._estimator
    assert (made.random_state, made.n_jobs) == (1, 1)


def test_early_stopping_is_told_of_the_tuning_part() -> None:
    pytest.importorskip("lightgbm")
    own = fitted("lightgbm:LGBMClassifier", n_estimators=500, patience=5)
    assert own._estimator.best_iteration_ < 500
    boosted = fitted("xgboost:XGBClassifier", n_estimators=500, patience=5)
    assert boosted._estimator.best_iteration < 499
    X, y = data(60, seed=2)
    assert min(roc_auc_score(y, its.predict_proba(X)[:, 1]) for its in (own, boosted)) > 0.7


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_estimatrs": 3}, "n_estimators"),
        ({"criterion": "giny"}, "criterion"),
        ({"n_estimators": "many"}, "n_estimators"),
        ({"scaling": "robust"}, "scaling"),
        ({"patience": 0}, "patience"),
    ],
)
def test_what_a_suite_got_wrong_is_told_before_anything_runs(params: Any, message: str) -> None:
    with pytest.raises((ParameterError, UnknownNameError), match=message) as caught:
        Registry(MODELS).get(FOREST).load().check_params(params)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("no_such_package:Classifier", UnavailableError, "pip install no_such_package"),
        ("sklearn.ensemble:NoSuchForest", PluginError, "has no NoSuchForest"),
        ("sklearn.no_such_module:Forest", PluginError, "cannot be imported"),
        ("sklearn.ensemble:RandomForestRegressor", PluginError, "no classifier"),
        ("sklearn.datasets:load_iris", PluginError, "is no class"),
        ("collections:Counter", PluginError, "no estimator: it has no fit"),
        ("sklearn.ensemble:RandomForestClasifier", PluginError, "mean 'RandomForestClassifier'"),
        ("sklearn.decomposition:PCA", PluginError, "neither predict_proba nor decision_function"),
        ("sklearn.multiclass:OneVsRestClassifier", PluginError, "is not made without estimator"),
        ("sklearn.svm.SVC", UnknownNameError, "did you mean 'sklearn.svm:SVC'"),
    ],
)
def test_paths_that_lead_nowhere(path: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Registry(MODELS).get(path).load()


def test_a_module_that_breaks_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "exits_when_imported.py").write_text("raise SystemExit(0)")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError, match="cannot be imported: SystemExit: 0"):
        Registry(MODELS).get("exits_when_imported:Forest").load()


def test_lightgbm_is_told_what_it_knows() -> None:
    pytest.importorskip("lightgbm")
    its = Registry(MODELS).get("lightgbm:LGBMClassifier").load()
    its.check_params({"num_leaf": 7, "max_bin": 63})  # an alias, and what no signature names
    with pytest.raises(UnknownNameError, match="num_leaves"):
        its.check_params({"num_leavs": 7})


def test_catboost_is_quiet_and_is_handed_the_seed_and_the_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("catboost")
    monkeypatch.chdir(tmp_path)
    path = "catboost:CatBoostClassifier"
    made = fitted(path, iterations=3)._estimator.get_params()
    assert (made["random_state"], made["thread_count"]) == (5, 1)
    assert fitted(path, iterations=3, random_seed=2)._estimator.get_params()["random_seed"] == 2
    assert [*tmp_path.iterdir()] == []
    assert capfd.readouterr().out == ""


def test_rounds_that_are_told_go_before_patience() -> None:
    own = fitted("xgboost:XGBClassifier", n_estimators=50, early_stopping_rounds=3)
    assert own._estimator.early_stopping_rounds == 3
    forest = fitted("xgboost:XGBRFClassifier", n_estimators=5)  # has no rounds
    assert forest.predict_proba(data(20)[0]).shape == (20, 2)


class Patient(LogisticRegression):
    """One that has a patience of its own, and leaves it open."""

    def __init__(self, C: float = 1.0, patience: int | None = None) -> None:
        super().__init__(C=C)
        self.patience = patience

    def fit(self, X: Any, y: Any, X_val: Any = None, y_val: Any = None) -> Patient:
        super().fit(X, y)
        return self


def test_a_patience_that_an_estimator_leaves_open_is_ours() -> None:
    model = imported(f"{__name__}:Patient")
    X, y = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32), np.arange(20) % 2
    assert model.defaults()["patience"] is None
    assert model(n_classes=2).fit(X, y, X, y).predict_proba(X).shape == (20, 2)


class Counting(RandomForestClassifier):
    """Notes how many threads add up its trees."""

    def predict_proba(self, X: Any) -> Any:
        self.threads_ = joblib.effective_n_jobs(4)
        return super().predict_proba(X)


def test_trees_are_added_up_in_one_order_whatever_the_threads() -> None:
    # in another order the last digits are others, and with them what ties
    @dfbench.model
    def counting() -> Any:
        return Counting(3)

    own = declared(counting)(n_classes=2, n_threads=4).fit(*data(40), *data(20))
    own.predict_proba(data(20)[0])
    assert (own._estimator.n_jobs, own._estimator.threads_) == (4, 1)


def test_a_name_that_is_no_path_is_unknown() -> None:
    with pytest.raises(UnknownNameError, match="random-forest"):
        Registry(MODELS).get("random_forest")


class Wrong(LogisticRegression):
    """Gives twice the probabilities."""

    def predict_proba(self, X: Any) -> Any:
        return 2 * super().predict_proba(X)


class Short(LogisticRegression):
    def predict_proba(self, X: Any) -> Any:
        return super().predict_proba(X)[:, :1]


@pytest.mark.parametrize(("its", "message"), [(Wrong, "sum to 1"), (Short, "shape")])
def test_scores_that_are_none_are_an_error(its: type, message: str) -> None:
    @dfbench.model
    def broken() -> Any:
        return its()

    own = declared(broken)(n_classes=2)
    own.fit(*data(40), *data(20))
    with pytest.raises(Exception, match=message):
        own.predict_proba(data(20)[0])


@dfbench.model
def piped(
    C: Annotated[float, (0.01, 100, "log")] = 1.0,
    quantiles: Annotated[int, (5, 40)] = 10,
    output: Literal["uniform", "normal"] = "normal",
    fit_intercept: bool = True,
) -> Any:
    """Quantiles, then a logistic regression."""
    scale = QuantileTransformer(n_quantiles=quantiles, output_distribution=output)
    return make_pipeline(scale, LogisticRegression(C=C, fit_intercept=fit_intercept))


def test_a_function_gives_a_pipeline_and_its_hints_the_space() -> None:
    its = declared(piped)
    assert its.name == "piped"
    assert {"C": 1.0, "quantiles": 10}.items() <= its.defaults().items()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trial = study.ask()
    drawn = its.suggest(trial, Task(90, 6, 2))
    assert {*drawn} == {"C", "quantiles", "output"}
    spaces = trial.distributions
    assert (spaces["C"].low, spaces["C"].high, spaces["C"].log) == (0.01, 100, True)
    assert (spaces["quantiles"].low, spaces["quantiles"].high) == (5, 40)
    own = its(n_classes=2, seed=5, C=3.0).fit(*data(90), *data(30))
    X, y = data(90)
    scale = StandardScaler().fit(X)
    theirs = piped(C=3.0).set_params(quantiletransformer__random_state=5).fit(scale.transform(X), y)
    Z = data(40, seed=2)[0]
    assert np.allclose(own.predict_proba(Z), theirs.predict_proba(scale.transform(Z)), atol=1e-5)
    again = its(n_classes=2, seed=5, C=3.0).restore(own.keep())
    assert np.array_equal(again.predict_proba(Z), own.predict_proba(Z))


@pytest.mark.parametrize("scaling", ["standard", "none"])
def test_steps_that_work_in_place_leave_the_features_as_they_are(scaling: str) -> None:
    @dfbench.model
    def in_place() -> Any:
        return make_pipeline(StandardScaler(copy=False), LogisticRegression())

    X, y = data(60)
    before = X.copy()
    declared(in_place)(n_classes=2, scaling=scaling).fit(X, y, X, y).predict_proba(X)
    assert np.array_equal(X, before)


def test_suggest_takes_the_place_of_hints() -> None:
    @dfbench.model(name="mine", suggest=lambda trial: {"C": trial.suggest_float("C", 1, 2)})
    def function(C: Annotated[float, (5, 6)] = 1.5) -> Any:
        return LogisticRegression(C=C)

    drawn = declared(function).suggest(optuna.create_study().ask(), Task(9, 2, 2))
    assert 1 <= drawn["C"] <= 2


def loose(C: float) -> Any:
    return LogisticRegression(C=C)


def outside(C: Annotated[float, (1, 2)] = 5.0) -> Any:
    return LogisticRegression(C=C)


def strange(C: Annotated[float, (2, 1)] = 1.0) -> Any:
    return LogisticRegression(C=C)


@pytest.mark.parametrize(
    ("function", "message"),
    [(loose, "need defaults: C"), (outside, "outside its range"), (strange, "no range")],
)
def test_functions_that_do_not_fit(function: Any, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        declared(dfbench.model(function))


def test_a_function_that_gives_no_estimator() -> None:
    @dfbench.model
    def nothing() -> Any:
        return 3

    with pytest.raises(PluginError, match="returns int, which is no estimator"):
        declared(nothing).check_params({})


@dfbench.model
def hard_votes() -> Any:
    return VotingClassifier([("a", LogisticRegression()), ("b", LogisticRegression())])


@dfbench.model
def luckless() -> Any:
    raise RuntimeError("no\nluck")


def test_functions_that_break_are_told_in_a_line() -> None:
    with pytest.raises(PluginError, match="luckless: cannot be made: RuntimeError: no luck"):
        declared(luckless).check_params({})
    with pytest.raises(DataError, match="VotingClassifier gives no scores"):
        declared(hard_votes)(n_classes=2).fit(*data(40), *data(20))


@dfbench.model
def of_components() -> Any:
    return make_pipeline(PCA(3), RandomForestClassifier(3))


@dfbench.model
def of_halves() -> Any:
    return BaggingClassifier(DecisionTreeClassifier(), n_estimators=3, max_features=0.5)


@dfbench.model
def soft_votes() -> Any:
    members = [("a", LogisticRegression()), ("b", RandomForestClassifier(3))]
    return VotingClassifier(members, voting="soft")


@dfbench.model
def calibrated() -> Any:
    return CalibratedClassifierCV(LinearSVC())


@pytest.mark.parametrize("function", [of_components, of_halves, soft_votes, calibrated])
def test_estimators_of_estimators_are_kept(function: Any) -> None:
    own = declared(function)(n_classes=2, seed=5).fit(*data(90), *data(30))
    again = declared(function)(n_classes=2, seed=5).restore(own.keep())
    Z = data(40, seed=2)[0]
    assert np.array_equal(again.predict_proba(Z), own.predict_proba(Z))


def test_a_tree_is_given_as_many_features_as_it_looks_at() -> None:
    # a step before it would give fewer than a tree that was put into its place takes
    own, other = (declared(of_components)(n_classes=2).fit(*data(90), *data(30)) for _ in range(2))
    wide = RandomForestClassifier(3).fit(*data(90))
    forest = other._estimator[-1]
    forest.estimators_[1] = wide.estimators_[1]
    with pytest.raises(KeptError, match="tree"):
        own.restore(Estimator.keep(other))
    del forest.estimators_[1].n_features_in_  # nothing then checks the rows
    with pytest.raises(KeptError, match="tree"):
        own.restore(Estimator.keep(other))


@pytest.mark.parametrize(
    ("path", "params"),
    [("sklearn.svm:SVC", {}), ("sklearn.neighbors:KNeighborsClassifier", {"algorithm": "brute"})],
)
def test_what_is_not_kept_is_refused_from_a_file_too(path: str, params: Any) -> None:
    own = fitted(path, **params)
    with pytest.raises(KeptError, match="is not kept"):
        own.restore(Estimator.keep(own))


def test_other_packages_are_told_that_they_are_not_kept() -> None:
    with pytest.raises(KeptError, match="XGBClassifier is not kept: only estimators of scikit"):
        fitted("xgboost:XGBClassifier", n_estimators=2).keep()


def test_what_compiled_code_would_follow_is_not_kept() -> None:
    with pytest.raises(KeptError, match="SVC is not kept"):
        fitted("sklearn.svm:SVC").keep()
    with pytest.raises(KeptError, match="KNeighborsClassifier is not kept"):
        fitted("sklearn.neighbors:KNeighborsClassifier").keep()


def test_trees_from_a_file_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    own = fitted(FOREST, n_estimators=3)
    again = type(own)(n_classes=2, seed=5, **own.params)
    again.restore(own.keep())
    tree = own._estimator.estimators_[1].tree_
    state = tree.__getstate__()
    nodes = state["nodes"].copy()  # the tree's own memory
    inner = int(np.flatnonzero(nodes["left_child"] >= 0)[-1])
    for field, value in (
        ("left_child", len(nodes) + 5),
        ("right_child", 0),  # back to the root
        ("left_child", -7),
        ("feature", 6),
        ("feature", -3),
    ):
        broken = nodes.copy()
        broken[field][inner] = value
        tree.__setstate__({**state, "nodes": broken})
        with pytest.raises(KeptError):
            type(own)(n_classes=2, seed=5, **own.params).restore(own.keep())
    tree.__setstate__({**state, "nodes": nodes})
    type(own)(n_classes=2, seed=5, **own.params).restore(own.keep())


def test_a_file_of_another_estimator_is_refused() -> None:
    forest, logistic = fitted(FOREST, n_estimators=3), fitted("logistic")
    with pytest.raises(KeptError, match="holds no LogisticRegression"):
        model("logistic").restore(forest.keep())
    with pytest.raises(KeptError, match=re.escape("holds no RandomForestClassifier")):
        model(FOREST).restore(logistic.keep())


def test_no_model_is_imported_before_it_is_asked_for() -> None:
    import subprocess

    code = (
        "import sys, dfbench; from dfbench.registry import MODELS, Registry;"
        "assert 'logistic' in Registry(MODELS); assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_fit_is_one_of_scikit_learns() -> None:
    params = {"n_neighbors": 5, "scaling": "none"}
    own = fitted("sklearn.neighbors:KNeighborsClassifier", **params)
    X, y = data(90)
    Z = data(40, seed=2)[0]
    theirs = KNeighborsClassifier(5).fit(X, y)
    assert np.array_equal(own.predict_proba(Z), theirs.predict_proba(Z))
