"""Common estimators under short names, with search spaces of their own."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from dfbench.models.base import Task
from dfbench.models.brought.imported import Imported
from dfbench.parameters import Count, CountOrNone, NotNegative, Positive


class Logistic(Imported):
    """Logistic regression with an L2 penalty, by scikit-learn."""

    name = "logistic"
    references = ("cox1958",)
    path = "sklearn.linear_model:LogisticRegression"
    given: ClassVar = {"max_iter": 1_000}

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space."""
        return {"C": trial.suggest_float("C", 1e-4, 1e3, log=True)}


class LinearSVM(Imported):
    """Linear support vector machine (squared hinge), by scikit-learn's liblinear."""

    name = "linear-svm"
    references = ("cortes1995", "fan2008")
    path = "sklearn.svm:LinearSVC"
    given: ClassVar = {"C": 0.1, "dual": "auto", "max_iter": 5_000}

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space."""
        return {"C": trial.suggest_float("C", 1e-4, 1e2, log=True)}


class LDA(Imported):
    """Linear discriminant analysis with a shrunk covariance (Ledoit and Wolf, 2004)."""

    name = "lda"
    references = ("fisher1936", "ledoit2004")
    path = "sklearn.discriminant_analysis:LinearDiscriminantAnalysis"
    given: ClassVar = {"solver": "lsqr", "shrinkage": 0.1}

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space."""
        return {"shrinkage": trial.suggest_float("shrinkage", 1e-4, 1.0, log=True)}


class RandomForest(Imported):
    """Random forest (Breiman, 2001), by scikit-learn."""

    name = "random-forest"
    references = ("breiman2001",)
    path = "sklearn.ensemble:RandomForestClassifier"
    given: ClassVar = {"n_estimators": 300, "max_features": "sqrt"}

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space."""
        return _forest(trial)


class ExtraTrees(Imported):
    """Extremely randomised trees (Geurts, Ernst and Wehenkel, 2006), by scikit-learn."""

    name = "extra-trees"
    references = ("geurts2006",)
    path = "sklearn.ensemble:ExtraTreesClassifier"
    given: ClassVar = {"n_estimators": 300, "max_features": "sqrt"}

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space."""
        return _forest(trial)


def _forest(trial: Any) -> dict[str, Any]:
    return {
        "max_features": trial.suggest_categorical("max_features", ["sqrt", "log2", 0.1, 0.3]),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 10),
        "criterion": trial.suggest_categorical("criterion", ["gini", "entropy"]),
    }


class LightGBM(Imported):
    """Gradient-boosted trees grown leaf by leaf (Ke et al., 2017), by LightGBM."""

    name = "lightgbm"
    references = ("ke2017",)
    path = "lightgbm:LGBMClassifier"
    given: ClassVar = {"n_estimators": 300, "reg_lambda": 1.0, "subsample_freq": 1}
    # as its documentation has them
    allowed: ClassVar = {
        **Imported.allowed,
        "n_estimators": Count,
        "learning_rate": Positive,
        "num_leaves": Annotated[int, Field(ge=2, le=131_072)],
        "min_child_samples": CountOrNone,
        "subsample": Annotated[float, Field(gt=0, le=1)],
        "subsample_freq": CountOrNone,
        "colsample_bytree": Annotated[float, Field(gt=0, le=1)],
        "reg_alpha": NotNegative,
        "reg_lambda": NotNegative,
    }

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.3, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 7, 127, log=True),
            "min_child_samples": trial.suggest_int("min_child_samples", 5, 50),
            "subsample": trial.suggest_float("subsample", 0.5, 1.0),
            "colsample_bytree": trial.suggest_float("colsample_bytree", 0.2, 1.0),
            "reg_lambda": trial.suggest_float("reg_lambda", 1e-3, 10.0, log=True),
        }


class MLP(Imported):
    """A network of one hidden layer over features, by scikit-learn, with early stopping."""

    name = "mlp"
    references = ("rumelhart1986",)
    path = "sklearn.neural_network:MLPClassifier"
    given: ClassVar = {"hidden_layer_sizes": [100], "early_stopping": True, "max_iter": 200}

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space."""
        return {
            "alpha": trial.suggest_float("alpha", 1e-5, 1.0, log=True),
            "learning_rate_init": trial.suggest_float("learning_rate_init", 1e-4, 1e-2, log=True),
        }
