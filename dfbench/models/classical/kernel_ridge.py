"""Kernel ridge classifier over joined feature vectors, whose extractors' weights it learns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import ParameterError
from dfbench.models.base import Labels, Task
from dfbench.models.classical.estimator import Estimator, Features

_Floats = NDArray[np.float64]

_FACTORS = (0.0, 0.5, 2.0)
_SWEEPS = 3
_GAIN = 1e-3
"""Share of the error that a change of weight must save: less is noise."""
_WEIGHTS = ("equal", "width", "learned")


class KernelRidge(Estimator):
    """Kernel ridge classifier (least-squares SVM) with an RBF kernel and a weight a block.

    A block is the vector of one extractor (`Model.blocks`). Each feature is standardised, drawn
    together by arcsinh and standardised again: counts and moments have long tails that the squared
    distance would follow. The squared distance of two images is the mean of the blocks' squared
    distances under weights that sum to 1, each block's divided by its variance. ``weights`` says
    whether blocks count ``equal``, by their ``width`` (which for one block, or none, is the plain
    machine), or start from their width and are ``learned``: in up to three sweeps a block's weight
    is halved, doubled or set to 0 wherever that lowers the leave-one-out error on at most
    ``sample`` training images.

    The targets are the classes one against the rest, less their mean; ``ridge`` is added to the
    kernel's diagonal. The scores become probabilities by multinomial logistic regression on the
    scores that leave each training image out, which come in closed form with the solution.

    ``gamma`` is in units of half the mean squared distance: with ``width`` and without arcsinh,
    those of scikit-learn's ``scale``.

    Notes
    -----
    Time grows with n^3, memory with 8 n^2 bytes. Above ``max_exact`` training images the solution
    is restricted to kernels at ``landmarks`` of them (Nystroem features; Williams and Seeger,
    2001); ``params["solver"]`` says after `fit` which one it was.

    References
    ----------
    J. Suykens, J. Vandewalle, "Least squares support vector machine classifiers", Neural
    Processing Letters 9, 1999. G. Cawley, N. Talbot, "Fast exact leave-one-out cross-validation of
    sparse least-squares support vector machines", Neural Networks 17, 2004.
    """

    name = "kernel-ridge"
    libraries = ("scipy.linalg", "sklearn.linear_model")
    trusted = ("dfbench.models.classical.kernel_ridge._Scale",)
    estimators = ("sklearn.linear_model._logistic.LogisticRegression",)

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
    def check_params(cls, params: Any) -> None:
        """Raise where a suite got parameters wrong; see `Model.check_params`."""
        super().check_params(params)
        for name, known in (("weights", _WEIGHTS), ("solver", ("auto", "exact", "nystroem"))):
            if params.get(name, known[0]) not in known:
                problem = f"{name}={params[name]!r} is none of {', '.join(known)}"
                raise ParameterError(problem, where=cls.name)
        for name in ("gamma", "ridge", "sample", "landmarks"):
            if params.get(name, 1) <= 0:
                raise ParameterError(f"{name}={params[name]!r} is not above 0", where=cls.name)

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space."""
        return {
            "gamma": trial.suggest_float("gamma", 0.03, 3.0, log=True),
            "ridge": trial.suggest_float("ridge", 0.001, 1.0, log=True),
            "weights": trial.suggest_categorical("weights", list(_WEIGHTS)),
        }

    def _fit(self, X: Features, y: Labels) -> None:
        from sklearn.linear_model import LogisticRegression

        widths = self.blocks if sum(self.blocks) == X.shape[1] else (X.shape[1],)
        gamma, ridge = float(self.params["gamma"]), float(self.params["ridge"])
        self._scale = _Scale(X, widths, bool(self.params["arcsinh"]))
        rows = self._scale(X)
        targets = (y[:, None] == self._classes[None]).astype(np.float64)
        targets -= targets.mean(axis=0)
        rng = np.random.default_rng(self.seed)
        self.weights = np.array(widths, dtype=np.float64)
        if self.params["weights"] == "equal":
            self.weights[:] = 1.0
        self.weights *= self._scale.alive
        if self.params["weights"] == "learned" and len(widths) > 1:
            chosen = np.sort(rng.permutation(len(rows))[: int(self.params["sample"])])
            squares = [_squares(part[chosen], part[chosen]) for part in self._scale.split(rows)]
            self.weights = _learned(squares, targets[chosen], self.weights, gamma, ridge)
        self.weights /= max(self.weights.sum(), 1e-300)
        rows = self._scale.weighted(rows, self.weights)
        # a block's variance is 1, so that the mean squared distance is 2
        self._gamma = gamma
        solver = self.params["solver"]
        if solver == "auto":
            solver = "exact" if len(X) <= int(self.params["max_exact"]) else "nystroem"
        self.params["solver"] = solver
        if solver == "exact":
            self._rows = rows
            self._dual, left_out = _exact(_kernel(rows, rows, gamma), targets, ridge)
        else:
            m = min(int(self.params["landmarks"]), len(rows))
            self._rows = rows[np.sort(rng.permutation(len(rows))[:m])]
            self._dual, left_out = _nystroem(rows, self._rows, targets, gamma, ridge)
        self._unit = max(float(left_out.std()), 1e-12)
        self._logistic = LogisticRegression(max_iter=1_000).fit(left_out / self._unit, y)

    def _proba(self, X: Features) -> NDArray[Any]:
        rows = self._scale.weighted(self._scale(X), self.weights)
        scores = np.concatenate(
            [
                _kernel(part, self._rows, self._gamma) @ self._dual
                for part in np.array_split(rows, 1 + len(rows) // 2_000)
            ]
        )
        return np.asarray(self._logistic.predict_proba(scores / self._unit))


class _Scale:
    """Standardises features, and gives every block the variance 1."""

    def __init__(self, X: Features, widths: tuple[int, ...], arcsinh: bool) -> None:
        self._cuts = np.cumsum(widths)[:-1]
        self._steps: list[tuple[Features, Features]] = []
        self._arcsinh = arcsinh
        for _ in range(1 + arcsinh):
            rows = self._standard(X)
            mean = rows.mean(axis=0, dtype=np.float64)
            spread = rows.std(axis=0, dtype=np.float64)
            # a constant's deviation is rounding
            constant = spread <= 1e-6 * np.abs(mean)
            factor = np.where(constant, 0.0, 1.0 / np.where(constant, 1.0, spread))
            self._steps.append((mean.astype(np.float32), factor.astype(np.float32)))
        varying = [np.count_nonzero(part) for part in np.split(factor, self._cuts)]
        self.alive = np.array([n > 0 for n in varying], dtype=np.float64)
        self._norms = np.repeat(1 / np.sqrt(np.maximum(varying, 1)), widths).astype(np.float32)
        self._widths = widths

    def _standard(self, X: Features) -> Features:
        for mean, factor in self._steps:
            X = (X - mean) * factor
            if self._arcsinh:
                X = np.arcsinh(X)
        return X

    def __call__(self, X: Features) -> Features:
        rows = X
        for number, (mean, factor) in enumerate(self._steps):
            rows = np.arcsinh(rows) if number else rows
            rows = (rows - mean) * factor
        return rows * self._norms

    def split(self, rows: Features) -> list[Features]:
        return np.split(rows, self._cuts, axis=1)

    def weighted(self, rows: Features, weights: _Floats) -> Features:
        """Multiply by the roots of the blocks' weights, leaving out the blocks without one."""
        roots = np.repeat(np.sqrt(weights), self._widths).astype(np.float32)
        kept = roots > 0
        return rows[:, kept] * roots[kept]


def _squares(A: Features, B: Features) -> _Floats:
    """Squared distances between rows, shape (len(A), len(B))."""
    wide, other = A.astype(np.float64), B.astype(np.float64)
    out: _Floats = wide @ other.T
    out *= -2.0
    out += np.einsum("ij,ij->i", wide, wide)[:, None]
    out += np.einsum("ij,ij->i", other, other)
    # rounding may leave a distance to itself just below zero
    return np.maximum(out, 0.0, out=out)


def _kernel(A: Features, B: Features, gamma: float) -> _Floats:
    out = _squares(A, B)
    out *= -gamma
    return np.exp(out, out=out)


def _exact(kernel: _Floats, targets: _Floats, ridge: float) -> tuple[_Floats, _Floats]:
    """Solve; give the dual coefficients and the scores that leave each row out, (n, K) each.

    The kernel is overwritten.
    """
    from scipy.linalg.blas import dsymm
    from scipy.linalg.lapack import dpotrf as factorise
    from scipy.linalg.lapack import dpotri as invert

    kernel.flat[:: len(kernel) + 1] += ridge
    # transposed, symmetric as it is, so that LAPACK need not copy it
    lower, failed = factorise(kernel.T, lower=1, overwrite_a=1)
    if failed:
        raise ParameterError(f"ridge={ridge} is too small", where=KernelRidge.name)
    inverse, _ = invert(lower, lower=1, overwrite_c=1)
    dual: _Floats = dsymm(1.0, inverse, targets, lower=1)
    return dual, targets - dual / np.diagonal(inverse)[:, None]


def _nystroem(
    rows: Features, landmarks: Features, targets: _Floats, gamma: float, ridge: float
) -> tuple[_Floats, _Floats]:
    """Solve with kernels at the landmarks alone; like `_exact`, coefficients of shape (m, K)."""
    from scipy.linalg import cholesky, solve_triangular

    own = _kernel(landmarks, landmarks, gamma)
    own.flat[:: len(own) + 1] += 1e-6
    lower = cholesky(own, lower=True, overwrite_a=True)
    gram = ridge * np.eye(len(own))
    right = np.zeros((len(own), targets.shape[1]))
    pieces = np.array_split(np.arange(len(rows)), 1 + len(rows) // 2_000)

    def features(piece: NDArray[np.int64]) -> _Floats:
        kernel = _kernel(landmarks, rows[piece], gamma)
        return np.asarray(solve_triangular(lower, kernel, lower=True, overwrite_b=True))

    for piece in pieces:
        part = features(piece)
        gram += part @ part.T
        right += part @ targets[piece]
    half = cholesky(gram, lower=True, overwrite_a=True)
    solved = solve_triangular(half, right, lower=True)
    left_out = np.empty_like(targets)
    for piece in pieces:
        part = solve_triangular(half, features(piece), lower=True)
        leverage = np.einsum("ij,ij->j", part, part)[:, None]
        residual = targets[piece] - part.T @ solved
        left_out[piece] = targets[piece] - residual / np.maximum(1 - leverage, 1e-9)
    primal = solve_triangular(half, solved, lower=True, trans="T")
    return np.asarray(solve_triangular(lower, primal, lower=True, trans="T")), left_out


def _learned(
    squares: list[_Floats], targets: _Floats, weights: _Floats, gamma: float, ridge: float
) -> _Floats:
    """Change one weight at a time while that lowers the leave-one-out error."""

    def error(candidate: _Floats) -> float:
        shares = candidate / candidate.sum()
        total = np.zeros_like(squares[0])
        for share, block in zip(shares, squares, strict=True):
            if share:
                total += (-gamma * share) * block
        _, left_out = _exact(np.exp(total, out=total), targets, ridge)
        return float(np.square(left_out - targets).mean())

    least = error(weights)
    for _ in range(_SWEEPS):
        before = least
        for block in np.flatnonzero(weights):
            trials = [weights * np.where(np.arange(len(weights)) == block, f, 1) for f in _FACTORS]
            errors = [error(t) if t.sum() > 0 else np.inf for t in trials]
            best = int(np.argmin(errors))
            if errors[best] < least * (1 - _GAIN):
                weights, least = trials[best], errors[best]
        if least == before:
            break
    return weights
