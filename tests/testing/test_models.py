"""Planted faults of models: each is told by its name, and sound ones pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import dfbench
from dfbench.errors import PluginError
from dfbench.models.base import Model
from dfbench.registry import MODELS, Registry
from dfbench.testing import Report, check_model
from dfbench.testing.examining import examine
from dfbench.testing.subject import subject_of

QUICK = {
    "random-forest": {"n_estimators": 8},
    "extra-trees": {"n_estimators": 8},
    "xgboost": {"n_estimators": 20},
    "mlp": {"max_iter": 60},
}
"""Parameters that make some of them quick."""


def classical() -> list[str]:
    lazy = [part for part in Registry(MODELS) if part.built_in and ":" not in part.name]
    return [part.name for part in lazy if part.load().inputs == "features"]


class Bayes(Model):
    """Gaussian naive Bayes: what faults are planted in."""

    name = "bayes"

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        return {"smoothing": 1e-6}

    @classmethod
    def suggest(cls, trial: Any, task: Any) -> dict[str, Any]:
        return {"smoothing": trial.suggest_float("smoothing", 1e-9, 1e-3, log=True)}

    def fit(self, X: Any, y: Any, X_val: Any, y_val: Any) -> Any:
        self.bayes = GaussianNB(var_smoothing=self.params["smoothing"]).fit(X, y)
        return self

    def predict_proba(self, X: Any) -> Any:
        found = np.zeros((len(X), self.n_classes))
        found[:, self.bayes.classes_] = self.bayes.predict_proba(X)
        return found


class Validation(Bayes):
    def fit(self, X: Any, y: Any, X_val: Any, y_val: Any) -> Any:
        return super().fit(np.concatenate([X, X_val]), np.concatenate([y, y_val]), X, y)


class Seedless(Bayes):
    def fit(self, X: Any, y: Any, X_val: Any, y_val: Any) -> Any:
        X = X + np.random.default_rng().normal(size=X.shape)
        return super().fit(X, y, X_val, y_val)


class Sums(Bayes):
    def predict_proba(self, X: Any) -> Any:
        return super().predict_proba(X) * 0.9


class Reversed(Bayes):
    def predict_proba(self, X: Any) -> Any:
        return (
            super().predict_proba(X)[:, ::-1] if self.n_classes == 2 else super().predict_proba(X)
        )


class Forgets(Bayes):
    def predict_proba(self, X: Any) -> Any:
        return self.bayes.predict_proba(X)


class Shifts(Bayes):
    def predict_proba(self, X: Any) -> Any:
        known = self.bayes.predict_proba(X)
        return np.pad(known, ((0, 0), (0, self.n_classes - known.shape[1])))


class Blind(Bayes):
    def fit(self, X: Any, y: Any, X_val: Any, y_val: Any) -> Any:
        return super().fit(np.random.default_rng(0).permutation(X), y, X_val, y_val)


class Together(Bayes):
    def predict_proba(self, X: Any) -> Any:
        return super().predict_proba(X - X.mean(axis=0) + 0.7)


class Noisy(Bayes):
    def predict_proba(self, X: Any) -> Any:
        noise = np.random.default_rng().normal(scale=0.1, size=X.shape)
        return super().predict_proba(X + noise)


class InPlace(Bayes):
    def fit(self, X: Any, y: Any, X_val: Any, y_val: Any) -> Any:
        X += 1
        return super().fit(X - 1, y, X_val, y_val)


class Lost(Bayes):
    def keep(self) -> Any:
        kept = super().keep()
        type(self).prior = self.bayes.class_prior_
        return kept

    def restore(self, kept: Any) -> Any:
        super().restore(kept)
        self.bayes.theta_ = self.bayes.theta_ + 1
        return self


class Outside(Bayes):
    @classmethod
    def suggest(cls, trial: Any, task: Any) -> dict[str, Any]:
        return {"smoothing": trial.suggest_float("smoothing", 1e-3, 1, log=True)}


class Global(Bayes):
    def fit(self, X: Any, y: Any, X_val: Any, y_val: Any) -> Any:
        np.random.seed(self.seed)  # noqa: NPY002 - the fault
        return super().fit(X, y, X_val, y_val)


class Flat(Bayes):
    def fit(self, X: Any, y: Any, X_val: Any, y_val: Any) -> Any:
        with np.errstate(invalid="ignore", divide="ignore"):
            return super().fit((X - X.mean(axis=0)) / X.std(axis=0), y, X_val, y_val)


class Breaks(Bayes):
    def fit(self, X: Any, y: Any, X_val: Any, y_val: Any) -> Any:
        raise ZeroDivisionError("oh")


FAULTS: dict[type[Model], tuple[str, str]] = {
    Validation: ("validation", "fits on the validation labels"),
    Seedless: ("seed", "ignores its seed"),
    Sums: ("scores", "do not sum to 1: 0.9 for an image"),
    Reversed: ("polarity", "gives the second class low scores where it is: ROC AUC 0.0"),
    Forgets: ("classes", "gives 2 scores an image where there are 3 classes"),
    Shifts: (
        "classes",
        "scores of class 2 in the column of class 1, where the training part holds 0 and 2",
    ),
    Blind: ("signal", "does not learn to tell two classes apart"),
    Together: ("batch", "another score alone than in the whole test part"),
    InPlace: ("input", "writes into the training part"),
    Lost: ("kept", "other scores after it was kept and loaded"),
    Outside: ("parameters", "draws smoothing from 0.001..1.0, where its default 1e-06 is not"),
    Global: ("random", "seeds the global random state"),
    Flat: ("flat", "Input X contains NaN"),
    Breaks: ("runs", "raises ZeroDivisionError: oh, fitting on planted data"),
}


def checked(part: Any) -> Report:
    return examine(subject_of(part, {}), apart=False)


@pytest.mark.parametrize("part", FAULTS, ids=lambda part: part.__name__)
def test_a_planted_fault_is_told_by_its_name_and_nothing_else(part: type[Model]) -> None:
    failed = {each.check: each.found for each in checked(part).among("failed")}
    check, words = FAULTS[part]
    assert list(failed) == [check]
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(failed[check])


class Fixed(Bayes):
    def fit(self, X: Any, y: Any, X_val: Any, y_val: Any) -> Any:
        kept = np.random.RandomState(42).permutation(len(X))[: len(X) // 2]
        return super().fit(X[kept], y[kept], X_val, y_val)


def test_a_seed_of_its_own_is_a_warning() -> None:
    report = checked(Fixed)
    [warning] = report.among("warning")
    assert warning.check == "seed"
    assert "takes one of its own instead (42)" in warning.found
    assert report.sound


def test_scores_by_chance_are_told() -> None:
    failed = {each.check: each.found for each in checked(Noisy).among("failed")}
    assert "when it is asked again" in failed["state"]


def test_the_model_that_faults_are_planted_in_is_sound() -> None:
    check_model(Bayes, apart=False)


@pytest.mark.parametrize("name", classical())
def test_built_in_models_are_sound(name: str) -> None:
    try:
        report = check_model(name, apart=False, **QUICK.get(name, {}))
    except AssertionError as error:
        if "is not installed" in str(error):
            pytest.skip("a package is absent")
        raise
    assert not report.among("warning")


class Forgetful(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator that is sound for dfbench, and breaks some of scikit-learn's rules."""

    def fit(self, X: Any, y: Any) -> Any:
        self.classes_ = np.unique(y)
        self.means_ = np.stack([X[y == k].mean(axis=0) for k in self.classes_])
        return self

    def predict_proba(self, X: Any) -> Any:
        far = ((X[:, None] - self.means_) ** 2).sum(axis=2)
        near = np.exp(far.min(axis=1, keepdims=True) - far)
        return near / near.sum(axis=1, keepdims=True)


class Peeks(Forgetful):
    def fit(self, X: Any, y: Any, X_val: Any = None, y_val: Any = None) -> Any:
        return super().fit(np.concatenate([X, X_val]), np.concatenate([y, y_val]))


class Unsummed(Forgetful):
    def predict_proba(self, X: Any) -> Any:
        return 2 * super().predict_proba(X)


@dfbench.model
def peeking() -> Any:
    return Peeks()


@dfbench.model
def unsummed() -> Any:
    return Unsummed()


@pytest.mark.parametrize(("part", "check"), [(peeking, "validation"), (unsummed, "scores")])
def test_faults_of_estimators_have_the_same_names(part: Any, check: str) -> None:
    assert [each.check for each in checked(part).among("failed")] == [check]


class StopsEarly(Bayes):
    """Descends on a logistic loss, and takes the step that is best on validation."""

    def fit(self, X: Any, y: Any, X_val: Any, y_val: Any) -> Any:
        weights, best = np.zeros((X.shape[1] + 1, self.n_classes)), np.inf
        for _ in range(30):
            wrong = self.soft(X, weights) - np.eye(self.n_classes)[y]
            weights = weights - 0.5 * np.c_[X, np.ones(len(X))].T @ wrong / len(X)
            loss = -np.log(self.soft(X_val, weights)[np.arange(len(y_val)), y_val] + 1e-9).mean()
            if loss < best:
                self.weights, best = weights, loss
        return self

    def soft(self, X: Any, weights: Any) -> Any:
        logits = np.c_[X, np.ones(len(X))].astype(np.float64) @ weights
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    def predict_proba(self, X: Any) -> Any:
        return self.soft(X, self.weights)


def test_to_stop_early_is_no_fault() -> None:
    check_model(StopsEarly, apart=False)


@dfbench.model
def nearest_mean() -> Any:
    return Forgetful()


@dfbench.model
def scaled_logistic(C: float = 1.0) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=C))


def test_an_estimator_of_ones_own_is_held_to_the_rules_of_scikit_learn() -> None:
    report = check_model(nearest_mean, apart=False)
    [warning] = report.among("warning")
    assert warning.check == "scikit-learn"
    assert "of scikit-learn's checks: check_" in warning.found
    [note] = report.among("note")
    assert note.check == "kept"
    assert "cannot be kept" in note.found


def test_estimators_of_scikit_learn_are_not_checked_by_it() -> None:
    report = check_model(scaled_logistic, apart=False)
    assert not report.among("warning")
    assert [each.check for each in report.among("note")] == ["scikit-learn"]


def test_what_another_process_could_not_find_is_told() -> None:
    class Local(Bayes):
        pass

    with pytest.raises(PluginError, match="another process could not find it"):
        check_model(Local)
