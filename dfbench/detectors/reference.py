"""What the training images of a model were like, as arrays: by it a picture is told to be unlike.

Vectors are standardised, drawn together by arcsinh (counts and moments have long tails) and held
against a Gaussian of few directions: probabilistic PCA (Tipping and Bishop, "Probabilistic
principal component analysis", Journal of the Royal Statistical Society B 61, 1999). A picture is
far from the training images where its likelihood is below that of all but 1 % of the tuning part,
which the Gaussian was not fitted on: that is conformal anomaly detection (Laxhammar and Falkman,
"Sequential conformal anomaly detection in trajectories based on Hausdorff distance", FUSION 2011),
and so 1 % of new pictures of the same source are called far, whatever their distribution. A tuning
part of n < 99 cannot tell so little: there 1 in n + 1 is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfbench.models.base import Array, Inputs, Model, apart, vectors_of
from dfbench.models.rows import blocks

ALPHA = 0.01
"""Share of pictures like those of the tuning part that are called far."""
ENOUGH = 99
"""Pictures of the tuning part by which that share can be told; of fewer none is farther."""
MOST_ROWS = 2_000
"""Training images that the Gaussian is fitted to."""
_MOST_DIRECTIONS = 32
_COLUMNS = 128 << 20
"""Bytes of columns that are held at once."""
PLACES = 16
"""Directions along which sets of pictures are held against each other."""
_DECIMALS = 4
"""Of places."""

_Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Gaussian:
    """Vectors of the training images, d numbers each, as a Gaussian of k directions.

    Attributes
    ----------
    mean, scale
        Shape (d,), float32: of the vectors; a feature that never varies has the scale 1.
    centre
        Shape (d,), float32: mean of what is drawn together.
    directions
        Shape (k, d), float32: orthonormal rows.
    variances
        Shape (k,), float32: along them, falling.
    rest
        Variance along each other direction.
    farthest
        Distance above which a picture is far; infinite where the tuning part is empty.
    """

    mean: _Floats
    scale: _Floats
    centre: _Floats
    directions: _Floats
    variances: _Floats
    rest: float
    farthest: float

    def distances(self, X: _Floats) -> NDArray[np.float64]:
        """Give the squared Mahalanobis distance of vectors, shape (n, d), from the centre.

        It is the negative log-likelihood but for a factor and a constant.
        """
        return self._distances(*self._along(X))

    def _along(self, X: _Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give how far vectors lie along the directions, and the square of how far in all."""
        rows = _drawn(X, self.mean, self.scale) - self.centre
        return rows @ self.directions.T.astype(np.float64), np.einsum("ij,ij->i", rows, rows)

    def _distances(
        self, along: NDArray[np.float64], squares: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        off = squares - (along**2).sum(axis=1)
        found: NDArray[np.float64] = (along**2 / self.variances).sum(axis=1)
        found += np.maximum(off, 0.0) / self.rest
        return found

    def places(self, X: _Floats) -> NDArray[np.float32]:
        """Say where vectors lie, shape (n, k'): along the first directions, and how far off.

        In units of the spread of the training images; see `dfbench.detectors.together`.
        """
        along, squares = self._along(X)
        distances = np.sqrt(self._distances(along, squares))
        along = (along / np.sqrt(self.variances))[:, :PLACES]
        # equal vectors lie at equal places, whatever order a library sums in
        return np.round(np.column_stack([along, distances]), _DECIMALS).astype(np.float32)

    def far(self, X: _Floats) -> NDArray[np.bool_]:
        """Say which vectors are far from the training images."""
        return ~(self.distances(X) <= self.farthest)

    def arrays(self) -> dict[str, NDArray[np.float32] | NDArray[np.float64]]:
        """Give what `of_arrays` takes."""
        return {
            "mean": self.mean,
            "scale": self.scale,
            "centre": self.centre,
            "directions": self.directions,
            "variances": self.variances,
            "limits": np.array([self.rest, self.farthest], np.float64),
        }

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[np.float32]]) -> Gaussian:
        """Take arrays up.

        Raises
        ------
        ValueError
            If their shapes do not belong together, or they are no numbers to count with.
        """
        shaped = {key: arrays[key] for key in ("mean", "scale", "centre")}
        d, k = arrays["mean"].shape[0], arrays["variances"].shape[0]
        wanted = {"directions": (k, d), "variances": (k,), "limits": (2,)} | dict.fromkeys(
            shaped, (d,)
        )
        for name, shape in wanted.items():
            if arrays[name].shape != shape:
                raise ValueError(f"{name} has shape {arrays[name].shape}, not {shape}")
            if name != "limits" and not np.isfinite(arrays[name]).all():
                raise ValueError(f"{name} is not finite")
        rest, farthest = arrays["limits"].tolist()
        if not (0 < rest < math.inf and farthest >= 0
                and (arrays["scale"] > 0).all() and (arrays["variances"] > 0).all()):  # fmt: skip
            raise ValueError("a spread is not above 0")
        return cls(**shaped, directions=arrays["directions"], variances=arrays["variances"],
                   rest=rest, farthest=farthest)  # fmt: skip


def compared(model: Model, inputs: Inputs) -> _Floats | None:
    """Give what pictures are held against the training images by, shape (n, d).

    Features where the model is given nothing else, else a network's own; None where it has none.
    """
    if len(apart(inputs)[0].shape) == 4:
        return model.embed(inputs)
    vectors = vectors_of(inputs)
    return None if vectors is None else np.asarray(vectors)


def typical(vectors: Array) -> _Floats:
    """Give the median of each feature, shape (d,): some columns at a time of rows on disk."""
    if isinstance(vectors, np.ndarray):
        return np.median(vectors, axis=0).astype(np.float32)
    n, d = vectors.shape
    step = max(1, _COLUMNS // (n * vectors.dtype.itemsize))
    found = []
    for start in range(0, d, step):
        chosen = slice(start, start + step)
        columns = np.concatenate([block[:, chosen] for _, block in blocks(vectors)])
        found.append(np.median(columns, axis=0).astype(np.float32))
    return np.concatenate(found)


def gaussian(train: _Floats, tune: _Floats, *, seed: int = 0) -> Gaussian | None:
    """Fit the Gaussian to training vectors, and find how far those of the tuning part lie.

    Parameters
    ----------
    train
        Shape (n, d), float32.
    tune
        Shape (m, d), float32, not among them.
    seed
        Of the search for the directions.

    Returns
    -------
    Gaussian or None
        None where fewer than four vectors are there, they are of one number, or none varies.
    """
    from sklearn.decomposition import PCA

    k = min(_MOST_DIRECTIONS, len(train) // 4, train.shape[1] - 1)
    if k < 1:
        return None
    mean = train.mean(axis=0, dtype=np.float64).astype(np.float32)
    scale = train.std(axis=0, dtype=np.float64).astype(np.float32)
    # a constant's deviation is rounding
    scale[scale <= 1e-6 * np.maximum(np.abs(mean), 1e-12)] = 1.0
    drawn = _drawn(train, mean, scale).astype(np.float32)
    if not np.any(drawn.std(axis=0) > 0):
        return None
    pca = PCA(k, svd_solver="randomized" if min(drawn.shape) > 4 * k else "full",
              random_state=seed).fit(drawn)  # fmt: skip
    rest = max(float(pca.noise_variance_), 1e-6)
    found = Gaussian(
        mean,
        scale,
        pca.mean_.astype(np.float32),
        pca.components_.astype(np.float32),
        np.maximum(pca.explained_variance_, rest).astype(np.float32),
        rest,
        math.inf,
    )
    return Gaussian(**{**vars(found), "farthest": _limit(found.distances(tune))})


def _limit(distances: NDArray[np.float64]) -> float:
    """Give the distance that a new picture of the same source passes with probability 1 % at most.

    Where the tuning part is too small for that, its greatest; see `ENOUGH`.
    """
    if not len(distances):
        return math.inf
    place = math.ceil((1 - ALPHA) * (len(distances) + 1))
    return float(np.sort(distances)[min(place, len(distances)) - 1])


def _drawn(X: _Floats, mean: _Floats, scale: _Floats) -> NDArray[np.float64]:
    drawn: NDArray[np.float64] = np.arcsinh((X.astype(np.float64) - mean) / scale)
    return drawn
