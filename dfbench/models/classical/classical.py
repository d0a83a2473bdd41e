"""k-nearest neighbours, support vector machine and gradient-boosted trees over feature vectors."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError, DfbenchError
from dfbench.models.base import Labels, Model, Probabilities, Task
from dfbench.models.devices import native_threads, require

Features = NDArray[np.float32]
"""Shape (n, d), dtype float32."""

_CALIBRATION_FOLDS = 3


class _Estimator(Model):
    """What the scikit-learn models share: checks, threads, and one column for every class."""

    _classes: Labels
    """The classes that the training part holds, ascending."""

    def fit(self, X: NDArray[Any], y: Labels, X_val: NDArray[Any], y_val: Labels) -> Self:
        """Fit; see `Model.fit`."""
        X = _checked(X)
        self._classes = np.unique(y)
        if len(self._classes) < 2:
            raise DataError(f"{self.name} needs two classes in the training part, it has one")
        with native_threads(self.n_threads):
            self._fit(X, y)
        return self

    def predict_proba(self, X: NDArray[Any]) -> Probabilities:
        """Give class probabilities; see `Model.predict_proba`."""
        with native_threads(self.n_threads):
            known = self._proba(_checked(X))
        return _all_classes(known, self._classes, self.n_classes)

    @abstractmethod
    def _fit(self, X: Features, y: Labels) -> None: ...

    @abstractmethod
    def _proba(self, X: Features) -> NDArray[Any]:
        """Probabilities of `_classes`, shape (n, len(_classes))."""


class KNN(_Estimator):
    """k-nearest neighbours on standardised features (Cover and Hart, 1967).

    The probability of a class is its share among the neighbours, weighted by inverse distance
    where ``weights`` is ``distance``. ``n_neighbors`` above the number of training images means
    all of them.
    """

    name = "knn"
    libraries = ("sklearn.neighbors", "sklearn.pipeline", "sklearn.preprocessing")

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return {
            "n_neighbors": 11,
            "weights": "distance",
            "metric": "manhattan",
            "scaling": "standard",
        }

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space."""
        return {
            "n_neighbors": trial.suggest_int("n_neighbors", 1, 51, step=2),
            "weights": trial.suggest_categorical("weights", ["uniform", "distance"]),
            "metric": trial.suggest_categorical("metric", ["manhattan", "euclidean", "cosine"]),
            "scaling": trial.suggest_categorical("scaling", ["standard", "none"]),
        }

    def _fit(self, X: Features, y: Labels) -> None:
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        neighbours = KNeighborsClassifier(
            n_neighbors=min(int(self.params["n_neighbors"]), len(X)),
            weights=self.params["weights"],
            metric=self.params["metric"],
            n_jobs=self.n_threads,
        )
        scaler = StandardScaler() if self.params["scaling"] == "standard" else "passthrough"
        self._pipeline = make_pipeline(scaler, neighbours).fit(X, y)

    def _proba(self, X: Features) -> NDArray[Any]:
        return np.asarray(self._pipeline.predict_proba(X))


class SVM(_Estimator):
    """Support vector machine with an RBF kernel on standardised features.

    Scores become probabilities by Platt's sigmoid, fitted on the decision values of a
    3-fold cross-validation inside the training part (Platt, 1999); several classes are combined
    one against the rest. A class with a single training image leaves no fold: then the sigmoid of
    the raw decision value stands in.

    ``gamma`` is in units of scikit-learn's ``scale``, 1 / (d Var(X)). Small ``gamma`` with large
    ``C`` approaches the linear machine (Keerthi and Lin, 2003), so the space has no second kernel.

    Notes
    -----
    The exact machine takes time and memory that grow with n^2. Above ``max_exact`` training
    images, ``solver`` ``auto`` means a linear machine over ``landmarks`` Nystroem features of the
    same kernel (Williams and Seeger, 2001); ``params["solver"]`` says after `fit` which one it
    was. Up to 5,000 images the kernel matrix is computed at once by BLAS, which for thousands of
    features is an order of magnitude faster than libsvm's own.
    """

    name = "svm"
    libraries = ("sklearn.calibration", "sklearn.pipeline", "sklearn.preprocessing", "sklearn.svm")

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return {
            "C": 3.0,
            "gamma": 1.0,
            "solver": "auto",
            "max_exact": 20_000,
            "landmarks": 1_000,
        }

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space."""
        return {
            "C": trial.suggest_float("C", 0.01, 1_000.0, log=True),
            "gamma": trial.suggest_float("gamma", 0.003, 10.0, log=True),
        }

    def _fit(self, X: Features, y: Labels) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.preprocessing import StandardScaler

        self._scaler = StandardScaler().fit(X)
        scaled = self._scaler.transform(X)
        variance = float(scaled.var(dtype=np.float64))
        scale = 1.0 / (scaled.shape[1] * variance) if variance > 0 else 1.0
        gamma = float(self.params["gamma"]) * scale
        solver = self.params["solver"]
        if solver == "auto":
            solver = "exact" if len(X) <= int(self.params["max_exact"]) else "nystroem"
        self.params["solver"] = solver
        self._kernel: _Gram | None = None
        if solver == "nystroem":
            machine, inputs = self._linear(gamma, len(X)), scaled
        else:
            machine, inputs = self._exact(gamma, scaled)
        # fewer members than folds cannot be split: fewer folds then
        folds = min(_CALIBRATION_FOLDS, int(np.unique(y, return_counts=True)[1].min()))
        with warnings.catch_warnings():
            # the iteration limit is ours, see _exact
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._machine = _calibrated(machine, folds).fit(inputs, y)

    def _exact(self, gamma: float, scaled: Features) -> tuple[Any, NDArray[Any]]:
        from sklearn.svm import SVC

        # bounds the worst case (large C on overlapping classes), far above what the rest needs
        limit = max(100_000, 100 * len(scaled))
        options = {"C": float(self.params["C"]), "cache_size": 500, "max_iter": limit}
        if len(scaled) > _Gram.max_rows:
            return SVC(kernel="rbf", gamma=gamma, **options), scaled
        self._kernel = _Gram(scaled, gamma)
        return SVC(kernel="precomputed", **options), self._kernel(scaled)

    def _linear(self, gamma: float, n: int) -> Any:
        from sklearn.kernel_approximation import Nystroem
        from sklearn.pipeline import make_pipeline
        from sklearn.svm import LinearSVC

        # each fold of the calibration must hold that many rows
        landmarks = min(int(self.params["landmarks"]), max(1, n // 2))
        return make_pipeline(
            Nystroem(gamma=gamma, n_components=landmarks, random_state=self.seed),
            LinearSVC(C=float(self.params["C"]), dual=False, random_state=self.seed),
        )

    def _proba(self, X: Features) -> NDArray[Any]:
        scaled = self._scaler.transform(X)
        inputs = scaled if self._kernel is None else self._kernel(scaled)
        if hasattr(self._machine, "predict_proba"):
            return np.asarray(self._machine.predict_proba(inputs))
        return _squashed(np.asarray(self._machine.decision_function(inputs)))


class _Gram:
    """RBF kernel between rows and the training rows, by one matrix product."""

    max_rows = 5_000

    def __init__(self, rows: Features, gamma: float) -> None:
        self._rows = rows.astype(np.float64)
        self._norms = np.einsum("ij,ij->i", self._rows, self._rows)
        self._gamma = gamma

    def __call__(self, X: Features) -> NDArray[np.float64]:
        wide = X.astype(np.float64)
        distances: NDArray[np.float64] = wide @ self._rows.T
        distances *= -2.0
        distances += np.einsum("ij,ij->i", wide, wide)[:, None]
        distances += self._norms
        # rounding may leave a distance to itself just below zero
        np.maximum(distances, 0.0, out=distances)
        distances *= -self._gamma
        return np.exp(distances, out=distances)


def _calibrated(machine: Any, folds: int) -> Any:
    from sklearn.calibration import CalibratedClassifierCV

    if folds < 2:
        return machine
    return CalibratedClassifierCV(machine, method="sigmoid", cv=folds, ensemble=False)


class XGBoost(Model):
    """Gradient-boosted trees (Chen and Guestrin, 2016) with early stopping on validation.

    Histogram method, on a GPU when the device is ``cuda``. Features are not scaled: a tree's
    splits do not change under a monotone map of a feature. Boosting stops after ``patience``
    rounds without a lower validation log loss, and the best round counts.
    """

    name = "xgboost"
    libraries = ("xgboost",)

    @classmethod
    def check_available(cls, params: Mapping[str, Any]) -> None:
        """Raise `UnavailableError` where the package is absent."""
        require("xgboost")

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return {
            "learning_rate": 0.2,
            "max_depth": 4,
            "min_child_weight": 1.0,
            "subsample": 0.8,
            "colsample_bytree": 0.4,
            "reg_lambda": 1.0,
            "max_bin": 32,
            "n_estimators": 200,
            "patience": 15,
        }

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space."""
        return {
            "learning_rate": trial.suggest_float("learning_rate", 0.08, 0.4, log=True),
            "max_depth": trial.suggest_int("max_depth", 2, 7),
            "min_child_weight": trial.suggest_float("min_child_weight", 0.5, 10.0, log=True),
            "subsample": trial.suggest_float("subsample", 0.5, 1.0),
            "colsample_bytree": trial.suggest_float("colsample_bytree", 0.2, 1.0),
            "reg_lambda": trial.suggest_float("reg_lambda", 0.1, 20.0, log=True),
        }

    def fit(self, X: NDArray[Any], y: Labels, X_val: NDArray[Any], y_val: Labels) -> Self:
        """Fit; see `Model.fit`."""
        import xgboost

        X, X_val = _checked(X), _checked(X_val)
        if len(np.unique(y)) < 2:
            raise DataError(f"{self.name} needs two classes in the training part, it has one")
        settings = {
            **{k: v for k, v in self.params.items() if k not in ("n_estimators", "patience")},
            "tree_method": "hist",
            "device": self.device,
            "nthread": self.n_threads,
            "seed": self.seed,
            "verbosity": 0,
        }
        if self.n_classes == 2:
            settings |= {"objective": "binary:logistic", "eval_metric": "logloss"}
        else:
            # the number of classes is given, so that one absent from training keeps its column
            settings |= {
                "objective": "multi:softprob",
                "eval_metric": "mlogloss",
                "num_class": self.n_classes,
            }
        try:
            train, valid = self._matrices(X, y, X_val, y_val)
            self._booster = xgboost.train(
                settings,
                train,
                num_boost_round=int(self.params["n_estimators"]),
                evals=[(valid, "validation")],
                early_stopping_rounds=int(self.params["patience"]),
                verbose_eval=False,
            )
        except xgboost.core.XGBoostError as error:
            raise _xgboost_error(error, self.device) from error
        self.best_iteration = int(self._booster.best_iteration)
        return self

    def predict_proba(self, X: NDArray[Any]) -> Probabilities:
        """Give class probabilities; see `Model.predict_proba`."""
        X = _checked(X)
        rounds = (0, self.best_iteration + 1)
        if self.device == "cuda":
            import xgboost

            raw = self._booster.predict(xgboost.DMatrix(X), iteration_range=rounds)
        else:
            raw = self._booster.inplace_predict(X, iteration_range=rounds)
        raw = np.asarray(raw, dtype=np.float64)
        if self.n_classes == 2:
            return np.column_stack([1.0 - raw, raw])
        proba: Probabilities = raw / raw.sum(axis=1, keepdims=True)
        return proba

    def _matrices(self, X: Features, y: Labels, X_val: Features, y_val: Labels) -> tuple[Any, Any]:
        import xgboost

        threads = self.n_threads
        if self.device == "cuda":
            # binned on the GPU, when training begins
            return (
                xgboost.DMatrix(X, y, nthread=threads),
                xgboost.DMatrix(X_val, y_val, nthread=threads),
            )
        bins = int(self.params["max_bin"])
        train = xgboost.QuantileDMatrix(X, y, max_bin=bins, nthread=threads)
        valid = xgboost.QuantileDMatrix(X_val, y_val, ref=train, max_bin=bins, nthread=threads)
        return train, valid


def _xgboost_error(error: Exception, device: str) -> Exception:
    text = str(error)
    if device == "cuda" and ("memory" in text or "CUDA" in text or "cuda" in text):
        first = text.strip().splitlines()[-1] if "memory" not in text else "GPU memory ran out"
        return DfbenchError(f"xgboost failed on the GPU: {first}", hint="use --device cpu")
    return error


def _checked(X: NDArray[Any]) -> Features:
    array = np.ascontiguousarray(X, dtype=np.float32)
    if array.ndim != 2:
        raise DataError(f"features must have shape (n, d), not {array.shape}")
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise DataError(f"feature {column} of row {row} is not finite")
    return array


def _all_classes(known: NDArray[Any], classes: Labels, n_classes: int) -> Probabilities:
    """Give every class a column, 0 where the training part had none of it; rows sum to 1."""
    full = np.zeros((len(known), n_classes), dtype=np.float64)
    full[:, classes] = known
    total = full.sum(axis=1, keepdims=True)
    # far from every support vector all one-against-rest sigmoids may underflow
    flat = total[:, 0] <= 0
    full[flat] = 1.0 / n_classes
    total[flat] = 1.0
    full /= total
    return full


def _squashed(decision: NDArray[Any]) -> NDArray[np.float64]:
    if decision.ndim == 1:
        one = 1.0 / (1.0 + np.exp(-decision))
        return np.column_stack([1.0 - one, one])
    odds: NDArray[np.float64] = np.exp(decision - decision.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    return odds
