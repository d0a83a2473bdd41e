"""Support vector machine over feature vectors, exact or by Nystroem features."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dfbench.models.base import Labels, Task
from dfbench.models.classical.estimator import Estimator, Features
from dfbench.models.classical.machine_check import check_machine
from dfbench.models.kept import Kept

_CALIBRATION_FOLDS = 3


class SVM(Estimator):
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
    trusted = (
        "dfbench.models.classical.svm._Gram",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
    )
    estimators = (
        "sklearn.calibration.CalibratedClassifierCV",
        "sklearn.kernel_approximation.Nystroem",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.svm._classes.LinearSVC",
        "sklearn.svm._classes.SVC",
    )

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

    def restore(self, kept: Kept) -> Self:
        """Take up a fitted machine; see `Model.restore`."""
        super().restore(kept)
        check_machine(self._machine, len(self._classes))
        return self

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
            machine, inputs = self._linear(gamma, len(X)), scaled.astype(np.float64)
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
        inputs = scaled.astype(np.float64) if self._kernel is None else self._kernel(scaled)
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

    def __getstate__(self) -> dict[str, Any]:
        return {"rows": self._rows.astype(np.float32), "gamma": self._gamma}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["rows"], state["gamma"])  # type: ignore[misc]

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


def _squashed(decision: NDArray[Any]) -> NDArray[np.float64]:
    if decision.ndim == 1:
        one = 1.0 / (1.0 + np.exp(-decision))
        return np.column_stack([1.0 - one, one])
    odds: NDArray[np.float64] = np.exp(decision - decision.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    return odds
