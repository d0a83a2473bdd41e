"""k-nearest neighbours over feature vectors."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dfbench.models.base import Labels, Task
from dfbench.models.classical.estimator import Estimator, Features
from dfbench.models.classical.machine_check import check_neighbours
from dfbench.models.kept import Kept


class KNN(Estimator):
    """k-nearest neighbours on standardised features (Cover and Hart, 1967).

    The probability of a class is its share among the neighbours, weighted by inverse distance
    where ``weights`` is ``distance``. ``n_neighbors`` above the number of training images means
    all of them.
    """

    name = "knn"
    libraries = ("sklearn.neighbors", "sklearn.pipeline", "sklearn.preprocessing")
    estimators = (
        "sklearn.neighbors._classification.KNeighborsClassifier",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.StandardScaler",
    )

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

    def restore(self, kept: Kept) -> Self:
        """Take up what was kept; see `Model.restore`."""
        super().restore(kept)
        check_neighbours(self._pipeline, len(self._classes))
        self._pipeline[-1].set_params(n_jobs=self.n_threads)
        return self

    def _fit(self, X: Features, y: Labels) -> None:
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        neighbours = KNeighborsClassifier(
            n_neighbors=min(int(self.params["n_neighbors"]), len(X)),
            weights=self.params["weights"],
            metric=self.params["metric"],
            # in so many dimensions a tree saves nothing, and would be kept beside the vectors
            algorithm="brute",
            n_jobs=self.n_threads,
        )
        scaler = StandardScaler() if self.params["scaling"] == "standard" else "passthrough"
        self._pipeline = make_pipeline(scaler, neighbours).fit(_wide(X), y)

    def _proba(self, X: Features) -> NDArray[Any]:
        return np.asarray(self._pipeline.predict_proba(_wide(X)))


def _wide(X: Features) -> NDArray[np.float64]:
    # in float32 how near the nearest is would hang on the images beside it
    return X.astype(np.float64)
