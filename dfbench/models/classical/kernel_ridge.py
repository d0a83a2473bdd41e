"""Kernel ridge classifier over joined feature vectors, whose extractors' weights it learns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from dfbench.models.base import Labels, Task
from dfbench.models.classical.common import copies, platt
from dfbench.models.classical.common.blocks import Features, Vectors, checked_blocks, size_beside
from dfbench.models.classical.common.distances import (
    Kernel,
    among,
    crossed,
    expansion,
)
from dfbench.models.classical.common.machine_check import array_of, belongs, positive
from dfbench.models.classical.common.weighting import (
    WEIGHTS,
    BlockScale,
    factorised,
    left_out,
    targets_of,
    weights_of,
    widths_of,
)
from dfbench.models.classical.estimator import Estimator, Solver
from dfbench.models.held import most_held
from dfbench.models.kept import Kept
from dfbench.models.rows import BLOCK, blocks, row_bytes
from dfbench.parameters import Count, CountOrNone, Positive

_Floats = NDArray[np.float64]
_Scale = BlockScale  # kept models of before hold it by this name
_Pieces = Callable[[], Iterator[tuple[slice, Features]]]
_Images = Iterator[tuple[NDArray[np.intp], Features]]

_PIECE = 64 << 20
"""Bytes of the kernels with the landmarks that are held at once."""
_LEFT_OUT = "logistic, out of fold"
_TUNING = "logistic, tuning split"
_CLOSE = 1e-7
"""Share of the targets that a solution in float32 may miss."""


class KernelRidge(Estimator):
    """Kernel ridge classifier (least-squares SVM) with an RBF kernel and a weight a block.

    A block is the vector of one extractor (`Model.blocks`). Each feature is standardised, drawn
    together by arcsinh and standardised again: counts and moments have long tails that the squared
    distance would follow. The squared distance of two images is the mean of the blocks' squared
    distances under weights that sum to 1, each block's divided by its variance.

    The targets are the classes one against the rest, less their mean. The scores become
    probabilities by multinomial logistic regression on the scores that leave each training image
    out, with its changed copies, which come in closed form with the solution; where these tell
    nothing, on those of the tuning split.

    Parameters
    ----------
    gamma
        How fast the kernel falls with distance, in units of half the mean squared distance: with
        ``width`` and without arcsinh, those of scikit-learn's ``scale``.
    ridge
        Added to the kernel's diagonal: the larger, the smoother.
    weights
        Whether blocks count ``equal``, by their ``width`` (which for one block, or none, is the
        plain machine), or start from their width and are ``learned``: in up to three sweeps a
        block's weight is halved, doubled or set to 0 wherever that lowers the leave-one-out error.
    arcsinh
        Whether features are drawn together.
    sample
        Training images at most that weights are learned on.
    solver
        ``exact``, or ``nystroem``: restricted to kernels at landmarks. ``auto`` decides by the
        number of training images, see ``max_exact``.
    max_exact
        Training images up to which ``auto`` means ``exact``.
    landmarks
        Training images, drawn at random, that ``nystroem`` has kernels at.

    Notes
    -----
    Time grows with n^3, memory with 16 n^2 bytes. Above ``max_exact`` training images the solution
    is restricted to kernels at ``landmarks`` of them (Nystroem features; Williams and Seeger,
    2001); ``params["solver"]`` says after `fit` which one it was.

    The machine is solved by a Cholesky factor in float32, refined in float64 until the targets are
    met (Higham, "Accuracy and stability of numerical algorithms", chapter 12). The inverse, which
    leaving rows out needs, is computed for models that are kept alone.

    References
    ----------
    J. Suykens, J. Vandewalle, "Least squares support vector machine classifiers", Neural
    Processing Letters 9, 1999. G. Cawley, N. Talbot, "Fast exact leave-one-out cross-validation of
    sparse least-squares support vector machines", Neural Networks 17, 2004.
    """

    name = "kernel-ridge"
    references = ("suykens1999", "cawley2004")
    version = 3
    libraries = ("scipy.linalg", "sklearn.linear_model")
    # the second is what it was called in models that were kept before
    trusted = (
        "dfbench.models.classical.common.weighting.BlockScale",
        "dfbench.models.classical.kernel_ridge._Scale",
    )
    estimators = ("sklearn.linear_model._logistic.LogisticRegression",)
    by_block = True
    allowed: ClassVar = {
        "gamma": Positive,
        "ridge": Positive,
        "weights": Literal[*WEIGHTS],
        "sample": Count,
        "solver": Solver,
        "max_exact": CountOrNone,
        "landmarks": Count,
    }
    calibrates = True

    _trial: tuple[_Floats, ...]
    """Between the two steps of a fit: the factors of the solution at landmarks, or nothing."""

    weights: _Floats
    """After `fit`: the blocks' weights, shape (n_blocks,), summing to 1."""

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return {
            "gamma": 0.15,
            "ridge": 0.03,
            "weights": "learned",
            "arcsinh": True,
            "sample": 1_000,
            "solver": "auto",
            "max_exact": 13_000,
            "landmarks": 3_000,
        }

    @classmethod
    def memory(cls, task: Task, params: Mapping[str, Any]) -> int:
        """Estimate it; see `Model.memory`."""
        n, d = task.n_train, task.n_inputs
        if cls._solver_of(params, n) == "exact":
            # distances, their kernel and its inverse; rows for all and of three fits; for scores
            own = 16 * n * n + 16 * n * d + min(most_held(), 4 * n * n)
        else:
            m = min(int(params["landmarks"]), n)
            # factors of three fits
            own = 64 * m * m + 20 * m * d + 24 * n * task.n_classes + 3 * _PIECE
        return own + 8 * BLOCK

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space."""
        return {
            "gamma": trial.suggest_float("gamma", 0.03, 3.0, log=True),
            "ridge": trial.suggest_float("ridge", 0.001, 1.0, log=True),
            "weights": trial.suggest_categorical("weights", list(WEIGHTS)),
        }

    @property
    def probability(self) -> str:  # type: ignore[override]
        """How the logistic regression was fitted."""
        return self._way

    def block_weights(self) -> _Floats:
        """Give the weights that the kernel has; see `Model.block_weights`."""
        return self.weights

    def restore(self, kept: Kept) -> Self:
        """Take up what was kept; see `Model.restore`."""
        super().restore(kept)
        k = len(self._classes)
        belongs(type(self._scale) is BlockScale)
        columns = self._scale.checked(self.weights)
        m = len(array_of(self._rows, np.float32, (None, columns)))
        array_of(self._dual, np.float64, (m, k))
        array_of(self._logistic.coef_, np.float64, (1 if k == 2 else k, k))
        array_of(self._logistic.intercept_, np.float64, (1 if k == 2 else k,))
        belongs(np.array_equal(self._logistic.classes_, self._classes))
        positive(self._gamma)
        positive(self._unit)
        return self

    def _fit(self, X: Vectors, y: Labels) -> None:
        widths = widths_of(self.blocks, X.shape[1])
        arcsinh = bool(self.params["arcsinh"])
        # a block's variance is 1, so that the mean squared distance is 2
        self._gamma, ridge = float(self.params["gamma"]), float(self.params["ridge"])
        self._scale = self._once(("scale", arcsinh), lambda: BlockScale(X, widths, arcsinh))
        targets = targets_of(y, self._classes)
        self.weights = weights_of(
            str(self.params["weights"]), self._scale, X, targets, gamma=self._gamma, ridge=ridge,
            sample=int(self.params["sample"]), seed=self.seed, once=self._once, groups=self.groups,
        )  # fmt: skip
        self.params["solver"] = solver = self._solver_of(self.params, len(X))
        if solver == "exact":
            self._rows = self._scale.weighted(self._scaled(X), self.weights)
            kernel = self._kernel(X)
            self._dual = _solved(kernel, targets, ridge)
            self._trial = ()
        else:
            m = min(int(self.params["landmarks"]), len(X))
            chosen = np.sort(self._rng().permutation(len(X))[:m])
            self._rows = self._weighted(np.asarray(X[chosen], dtype=np.float32))
            found = _nystroem(self._pieces(X), self._rows, targets, self._gamma, ridge)
            self._dual, self._trial = found[0], found[1:]

    def _calibrate(self, X: Vectors, y: Labels, X_val: Vectors, y_val: Labels) -> None:
        fresh = np.concatenate(list(self._scores(X_val)))
        left_out = self._left_out(X, y)
        self._unit = max(float(left_out.std()), 1e-12)
        self._logistic, self._way = _logistic(left_out / self._unit, y, fresh / self._unit, y_val)

    def _recalibrate(self, X: Vectors, y: Labels, chosen: Self) -> None:
        left_out = self._left_out(X, y)
        self._unit = max(float(left_out.std()), 1e-12)
        machine = _following(left_out / self._unit, y, left_out / self._unit)
        self._logistic, self._way = machine, _LEFT_OUT
        if machine is None:
            self._unit, self._logistic, self._way = chosen._unit, chosen._logistic, chosen._way

    def _left_out(self, X: Vectors, y: Labels) -> _Floats:
        """Give the scores that leave each row out, shape (n, K)."""
        targets, ridge = targets_of(y, self._classes), float(self.params["ridge"])
        if self.params["solver"] == "exact":
            kernel = self._kernel(X).astype(np.float64)
            found = left_out(kernel, targets, ridge, self.groups)
        else:
            found = _nystroem_left_out(
                self._images(X), self._rows, targets, self._gamma, *self._trial
            )
        del self._trial
        return found

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    def _scaled(self, X: Vectors) -> Features:
        """Give all rows of the training part, scaled."""

        def make() -> Features:
            out = np.empty((len(X), X.shape[1]), dtype=np.float32)
            for place, block in checked_blocks(X):
                out[place] = self._scale(block)
            return out

        return self._once(("rows", self._scale.arcsinh), make)

    def _weighted(self, X: Features) -> Features:
        return self._scale.weighted(self._scale(X), self.weights)

    def _kernel(self, X: Vectors) -> Features:
        """Give the kernel matrix of the training part, (n, n)."""
        name = ("squares", self.params["weights"], self._scale.arcsinh)
        distances = self._once(name, lambda: among(self._rows), tag=self.weights.tobytes())
        kernel = distances * np.float32(-self._gamma)
        np.exp(kernel, out=kernel)
        np.minimum(kernel, np.float32(1.0), out=kernel)
        kernel.flat[:: len(kernel) + 1] = 1.0
        return kernel

    def _pieces(self, X: Vectors) -> _Pieces:
        """Give rows of the training part, weighted, piece by piece, as often as it is called."""

        def pieces() -> Iterator[tuple[slice, Features]]:
            size = min(BLOCK, size_beside(X, len(self._rows), _PIECE))
            for place, block in checked_blocks(X, size):
                yield place, self._weighted(block)

        return pieces

    def _images(self, X: Vectors) -> _Images:
        """Give rows of the training part, weighted, piece by piece: whole images at a time.

        With each piece the places of its rows, shape (images, rows of each).
        """
        if self.groups is None:
            for place, rows in self._pieces(X)():
                yield np.arange(place.start, place.stop)[:, None], rows
            return
        size = min(BLOCK, size_beside(X, len(self._rows), _PIECE)) // row_bytes(X)
        for places in copies.together(self.groups):
            step = max(1, size // places.shape[1])
            for first in range(0, len(places), step):
                own = places[first : first + step]
                yield own, self._weighted(np.asarray(X[own.ravel()], dtype=np.float32))

    def _scores(self, X: Vectors) -> Iterator[_Floats]:
        for _, block in checked_blocks(X):
            yield expansion(self._weighted(block), self._rows, self._dual, self._gamma)

    def _ranking(self, X: Vectors, part: str | None) -> NDArray[Any]:
        if part is None or self.params["solver"] == "nystroem":
            return np.concatenate(list(self._scores(X)))
        # the same images are asked for by every trial
        name = ("cross", part, self.params["weights"], self._scale.arcsinh)

        def distances() -> Iterator[Features]:
            return crossed(X, self._weighted, self._rows)

        size, tag = 4 * len(X) * len(self._rows), self.weights.tobytes()
        return np.concatenate(
            [
                np.exp(np.float32(-self._gamma) * each) @ self._dual
                for each in self._each(name, distances, size, tag)
            ]
        )

    def _proba(self, X: Vectors) -> NDArray[Any]:
        found = [self._logistic.predict_proba(each / self._unit) for each in self._scores(X)]
        return np.concatenate(found)


def _solved(kernel: Features, targets: _Floats, ridge: float) -> _Floats:
    """Solve (kernel + ridge) dual = targets; give the dual coefficients, shape (n, K)."""
    from scipy.linalg.lapack import spotrf as factorise
    from scipy.linalg.lapack import spotrs as solve

    copy = kernel.copy()
    copy.flat[:: len(copy) + 1] += np.float32(ridge)
    # transposed, symmetric as it is, so that LAPACK need not copy it
    lower, failed = factorise(copy.T, lower=1, overwrite_a=1)
    if not failed:
        dual = np.zeros_like(targets)
        missing, before = targets, np.inf
        size = float(np.linalg.norm(targets))
        while (missed := float(np.linalg.norm(missing))) < 0.5 * before:
            if missed <= _CLOSE * size:
                return dual
            step, _ = solve(lower, missing.astype(np.float32), lower=1)
            dual = dual + step
            missing, before = targets - ridge * dual, missed
            for place, rows in blocks(kernel):
                missing[place] -= rows.astype(np.float64) @ dual
    del copy, lower
    wide = factorised(kernel.astype(np.float64), ridge)
    from scipy.linalg import cho_solve

    return np.asarray(cho_solve((wide, True), targets))


def _logistic(left_out: _Floats, y: Labels, fresh: _Floats, y_val: Labels) -> tuple[Any, str]:
    """Fit a regression from scores to probabilities that follows them, and say on which.

    Where rows are far from each other, what leaves a row out says of it that it is of the others'
    classes: then those of the tuning split are taken. Where they tell nothing either, each class
    follows its own score as far as `platt.LEAST` says, about its share of the training part.
    """
    from sklearn.linear_model import LogisticRegression

    classes, counts = np.unique(y, return_counts=True)
    scores = fresh if len(fresh) >= platt.ENOUGH else left_out
    if (machine := _following(left_out, y, scores)) is not None:
        return machine, _LEFT_OUT
    known = np.isin(y_val, classes)
    if len(np.unique(y_val[known])) == len(classes):
        other = _following(fresh[known], y_val[known], fresh[known])
        if other is not None:
            return other, _TUNING
    own = platt.LEAST / (_spread(scores) or 1.0) * np.eye(len(classes))
    base = np.log(counts / len(y))
    one = len(classes) == 2
    machine = LogisticRegression(max_iter=1_000).fit(left_out, y)
    machine.coef_ = np.diff(own, axis=0) / 2 if one else own
    machine.intercept_ = (np.diff(base) if one else base) - machine.coef_ @ scores.mean(axis=0)
    return machine, platt.ORDER


def _following(scores: _Floats, y: Labels, fresh: _Floats) -> Any:
    """Fit a regression from scores to probabilities; None where it says nothing of fresh ones."""
    from sklearn.linear_model import LogisticRegression

    machine = LogisticRegression(max_iter=1_000).fit(scores, y)
    return machine if _along(machine.coef_) * _spread(fresh) >= platt.LEAST else None


def _spread(scores: _Floats) -> float:
    return float(np.mean([platt.spread(its) for its in scores.T]))


def _along(weights: _Floats) -> float:
    """Give how much log odds rise with a score: of two classes with that of the second."""
    if len(weights) == 1:
        return float(weights[0, 1] - weights[0, 0])
    return float(np.trace(weights - weights.mean(axis=0))) / (len(weights) - 1)


def _nystroem(
    pieces: _Pieces, landmarks: Features, targets: _Floats, gamma: float, ridge: float
) -> tuple[_Floats, _Floats, _Floats, _Floats]:
    """Solve with kernels at the landmarks alone.

    Returns
    -------
    tuple
        Coefficients, shape (m, K); factor of the landmarks' kernel; factor of the system; its
        solution halfway.
    """
    from scipy.linalg import cholesky, solve_triangular

    kernel = Kernel(landmarks, gamma)
    own = kernel(landmarks)
    own.flat[:: len(own) + 1] += 1e-6
    lower = cholesky(own, lower=True, overwrite_a=True)
    gram = ridge * np.eye(len(own))
    right = np.zeros((len(own), targets.shape[1]))
    for place, rows in pieces():
        part = solve_triangular(lower, kernel(rows).T, lower=True, overwrite_b=True)
        gram += part @ part.T
        right += part @ targets[place]
    half = cholesky(gram, lower=True, overwrite_a=True)
    solved = solve_triangular(half, right, lower=True)
    primal = solve_triangular(half, solved, lower=True, trans="T")
    return np.asarray(solve_triangular(lower, primal, lower=True, trans="T")), lower, half, solved


def _nystroem_left_out(
    images: _Images,
    landmarks: Features,
    targets: _Floats,
    gamma: float,
    lower: _Floats,
    half: _Floats,
    solved: _Floats,
) -> _Floats:
    """Give the scores that leave each row out, as `left_out`, from what `_nystroem` gave."""
    from scipy.linalg import solve_triangular

    kernel = Kernel(landmarks, gamma)
    left_out = np.empty_like(targets)
    for places, rows in images:
        part = solve_triangular(lower, kernel(rows).T, lower=True, overwrite_b=True)
        part = solve_triangular(half, part, lower=True, overwrite_b=True)
        residual = targets[places] - (part.T @ solved).reshape(*places.shape, -1)
        if places.shape[1] == 1:
            leverage = np.einsum("ij,ij->j", part, part)[:, None, None]
            left_out[places] = targets[places] - residual / np.maximum(1 - leverage, 1e-9)
        else:
            its = part.T.reshape(*places.shape, -1)
            rest = (1 + 1e-9) * np.eye(places.shape[1]) - its @ its.swapaxes(1, 2)
            left_out[places] = targets[places] - np.linalg.solve(rest, residual)
    return left_out
