"""k-nearest neighbours over feature vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from dfbench.models.base import Labels, Task
from dfbench.models.classical.common.blocks import Features, Vectors, checked_blocks
from dfbench.models.classical.common.machine_check import array_of
from dfbench.models.classical.common.neighbours import Neighbours, squared_lengths, unit
from dfbench.models.classical.common.scaling import Standard, moments
from dfbench.models.classical.estimator import Estimator
from dfbench.models.held import most_held
from dfbench.models.kept import Kept, KeptError
from dfbench.models.rows import BLOCK
from dfbench.parameters import Count

_MOST = 51
"""The largest number of neighbours that the search space holds."""
_METRICS = ["manhattan", "euclidean", "cosine"]
_WEIGHTS = ["uniform", "distance"]
_BY_CLASS = "by-class"
_SCALINGS = ["standard", "none"]


class KNN(Estimator):
    """k-nearest neighbours on standardised features (Cover and Hart, 1967).

    The probability of a class is its share among the neighbours.

    Parameters
    ----------
    n_neighbors
        How many of the nearest training images count; above the number of training images, all.
    weights
        What each counts: all the same (``uniform``), or by its inverse ``distance``, where images
        at distance 0, if there are any, have all the weight. ``by-class``: as many are found of
        each class, and a class counts by the inverse of their mean distance; with one of them an
        image is of the class of its nearest image, and what orders images is how much nearer that
        is than the nearest of the others (Ojha et al., 2023).
    metric
        What distance is; of ``cosine`` 1 less the cosine of the angle.
    scaling
        ``standard``: each feature to mean 0 and deviation 1 over the training images.

    Notes
    -----
    The search is exact (`dfbench.models.classical.common.neighbours`). The training rows are held
    in float32; of rows at the same distance the first are taken. The trials of a study that differ
    in ``n_neighbors`` or ``weights`` share one search.
    """

    name = "knn"
    references = ("cover1967", "ojha2023")
    version = 2
    libraries = ("dfbench.models.classical.common.neighbour_kernels",)
    estimators = ()
    allowed: ClassVar = {
        "n_neighbors": Count,
        "weights": Literal[*_WEIGHTS, _BY_CLASS],
        "metric": Literal[*_METRICS],
        "scaling": Literal[*_SCALINGS],
    }
    by_block = True

    @property
    def probability(self) -> str:  # type: ignore[override]
        """What they are."""
        by_class = self.params["weights"] == _BY_CLASS
        return "share by distance of each class" if by_class else "share of neighbours"

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
    def memory(cls, task: Task, params: Mapping[str, Any]) -> int:
        """Estimate it; see `Model.memory`."""
        n = task.n_train
        most = max(_MOST, int(params["n_neighbors"]))
        # rows of each scaling; neighbours of as many tuning images, by scaling and metric
        neighbours = min(most_held(), 16 * n * most * len(_METRICS) * len(_SCALINGS))
        return 16 * n * task.n_inputs + 64 * n + neighbours + 8 * BLOCK

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space."""
        return {
            "n_neighbors": trial.suggest_int("n_neighbors", 1, _MOST, step=2),
            "weights": trial.suggest_categorical("weights", _WEIGHTS),
            "metric": trial.suggest_categorical("metric", _METRICS),
            "scaling": trial.suggest_categorical("scaling", _SCALINGS),
        }

    def restore(self, kept: Kept) -> Self:
        """Take up what was kept; see `Model.restore`."""
        super().restore(kept)
        scale = Standard.restored(self._mean, self._factor)
        n = len(array_of(self._rows, np.float32, (None, len(scale.mean))))
        array_of(self._lengths, np.float64, (n,))
        members = array_of(self._members, np.int64, (n,))
        if not n or not np.array_equal(np.unique(members), np.arange(len(self._classes))):
            raise KeptError("the neighbours are not what they must be")
        return self

    def _fit(self, X: Vectors, y: Labels) -> None:
        scaling, metric = str(self.params["scaling"]), str(self.params["metric"])

        def scale() -> Standard:
            if scaling == "standard":
                return Standard.of(X)
            # a shift changes no distance, and brings rows to where float32 is finest; but an angle
            mean = np.zeros(X.shape[1]) if metric == "cosine" else moments(X)[0]
            return Standard(mean, np.ones(X.shape[1]))

        def rows() -> tuple[Features, NDArray[np.float64]]:
            its = found.all(X)
            its = unit(its) if metric == "cosine" else its
            return its, squared_lengths(its)

        # one copy for all trials of this scaling
        kind = (scaling, metric == "cosine")
        found = self._once(("scale", kind), scale)
        self._mean, self._factor = found.mean, found.factor
        self._rows, self._lengths = self._once(("rows", kind), rows)
        self._members = np.searchsorted(self._classes, y)

    def _ranking(self, X: Vectors, part: str | None) -> NDArray[Any]:
        if part is None:
            return self._proba(X)
        most = max(_MOST, int(self.params["n_neighbors"]))
        by_class = self.params["weights"] == _BY_CLASS
        own = (self.params["metric"], self.params["scaling"], most, by_class)
        if by_class:
            return self._nearness(
                self._once(("neighbours", part, *own), lambda: self._far(X, most))
            )
        return self._shares(*self._once(("neighbours", part, *own), lambda: self._found(X, most)))

    def _proba(self, X: Vectors) -> NDArray[Any]:
        count = int(self.params["n_neighbors"])
        if self.params["weights"] == _BY_CLASS:
            return self._nearness(self._far(X, count))
        return self._shares(*self._found(X, count))

    def _found(
        self, X: Vectors, count: int, taken: slice | NDArray[np.bool_] = slice(None)
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Find the nearest of the rows that are taken, as `Neighbours` does."""
        metric = str(self.params["metric"])
        search = Neighbours(self._rows[taken], self._lengths[taken], metric)
        scale = Standard(self._mean, self._factor)
        found = []
        for _, block in checked_blocks(X):
            queries = unit(scale(block)) if metric == "cosine" else scale(block)
            found.append(search(queries, min(count, len(search.rows))))
        numbers, distances = zip(*found, strict=True)
        return np.concatenate(numbers), np.concatenate(distances)

    def _far(self, X: Vectors, count: int) -> list[NDArray[np.float64]]:
        """Give the distances to the nearest of each class, shape (n, count) or fewer."""
        classes = range(len(self._classes))
        return [self._found(X, count, self._members == c)[1] for c in classes]

    def _nearness(self, distances: list[NDArray[np.float64]]) -> NDArray[Any]:
        """Give each class's share of the inverses of its mean distance, shape (n, K)."""
        count = int(self.params["n_neighbors"])
        mean = np.stack([each[:, :count].mean(axis=1) for each in distances], axis=1)
        # of what lies on an image of a class, all is that class's
        smallest = mean.min(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares: NDArray[Any] = np.where(smallest == 0, mean == 0, smallest / mean)
        shares = shares / shares.sum(axis=1, keepdims=True)
        return shares

    def _shares(self, numbers: NDArray[np.int64], distances: NDArray[np.float64]) -> NDArray[Any]:
        """Give each class's share of the first ``n_neighbors`` neighbours, shape (n, K)."""
        count = int(self.params["n_neighbors"])
        members, distances = self._members[numbers[:, :count]], distances[:, :count]
        weights = np.ones_like(distances)
        if self.params["weights"] == "distance":
            same = distances == 0
            any_same = same.any(axis=1, keepdims=True)
            with np.errstate(divide="ignore"):
                weights = np.where(any_same, same, 1.0 / distances)
        shares = np.empty((len(members), len(self._classes)))
        for c in range(len(self._classes)):
            shares[:, c] = (weights * (members == c)).sum(axis=1)
        shares /= shares.sum(axis=1, keepdims=True)
        return shares
