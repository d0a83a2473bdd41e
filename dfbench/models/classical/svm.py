"""Support vector machine over feature vectors, exact or by Nystroem features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from dfbench.models.base import Labels, Task
from dfbench.models.classical.common import hinge, platt, smo
from dfbench.models.classical.common.blocks import Features, Vectors, checked_blocks
from dfbench.models.classical.common.distances import Squares, crossed, expansion
from dfbench.models.classical.common.machine_check import array_of, belongs, positive
from dfbench.models.classical.common.nystroem import WORK, Mapped, Nystroem
from dfbench.models.classical.common.weighting import (
    WEIGHTS,
    BlockScale,
    targets_of,
    weights_of,
    widths_of,
)
from dfbench.models.classical.estimator import Estimator, Solver
from dfbench.models.held import most_held
from dfbench.models.kept import Kept
from dfbench.models.rows import BLOCK
from dfbench.parameters import Count, CountOrNone, Positive

Floats = NDArray[np.float64]

_GAMMA, _RIDGE = 0.15, 0.03
"""Of the kernel ridge that weights are learned by: the same in all trials."""
_BLOCKS = 12
"""Extractors that a row is expected to have at most."""


@dataclass(frozen=True)
class _Trial:
    """What of a fit its calibration goes on from.

    Attributes
    ----------
    weights
        Of all rows, shape (n, P), or of the Nystroem features.
    rows
        They are of.
    pairs
        The machine of each pair of classes, where they are exact.
    """

    weights: Floats
    rows: Features
    pairs: list[smo.Solution]


class SVM(Estimator):
    """Support vector machine with an RBF kernel on standardised features, and a weight a block.

    A block is the vector of one extractor (`Model.blocks`). The squared distance of two images is
    the mean of the blocks' squared distances under weights that sum to 1, each block's divided by
    its variance. Weights are learned on the training part as `KernelRidge` learns them with its
    defaults, once for all trials; machines of folds have them too.

    Scores become probabilities by Platt's sigmoid, fitted on the decision values of a
    3-fold cross-validation inside the training part (Platt, 1999); several classes are combined
    one against the rest. A sigmoid that learnt nothing there, or for want of folds could not, is
    that of the tuning split (`dfbench.models.classical.common.platt`). Changed copies of an image
    are in the fold of the image.

    Small ``gamma`` with large ``C`` approaches the linear machine (Keerthi and Lin, 2003), so the
    space has no second kernel.

    Parameters
    ----------
    C
        What a training image on the wrong side of the margin costs, against the margin's width.
    gamma
        How fast the kernel falls with distance, in units of half the mean squared distance: with
        ``width`` and without arcsinh, those of scikit-learn's ``scale``, 1 / (d Var(X)).
    weights
        Whether blocks count ``equal``, by their ``width`` (which for one block, or none, is the
        plain machine), or start from their width and are ``learned``: a block's weight is halved,
        doubled or set to 0 wherever that lowers the leave-one-out error of kernel ridge.
    arcsinh
        Whether features are drawn together, which have long tails.
    sample
        Training images at most that weights are learned on.
    solver
        ``exact``, or ``nystroem``: restricted to features of the landmarks. ``auto`` decides by
        the number of training images, see ``max_exact``.
    max_exact
        Training images up to which ``auto`` means ``exact``.
    landmarks
        Training images, drawn at random, that ``nystroem`` makes features of.

    Notes
    -----
    The exact machine solves the dual of each pair (`dfbench.models.classical.common.smo`)
    as scikit-learn's ``SVC`` does, to the same tolerance; its time grows with n^2. Above
    ``max_exact`` training images, ``solver`` ``auto`` means a machine of the squared hinge over
    ``landmarks`` Nystroem features of the same kernel, one class against the rest;
    ``params["solver"]`` says after `fit` which one it was.

    All trials of a study share one matrix of squared distances, whatever their ``gamma``. The
    machines of the folds start from that of all images.
    """

    name = "svm"
    references = ("cortes1995", "platt1999", "lin2007", "cawley2004")
    version = 4
    libraries = (
        *("scipy.linalg", "sklearn.model_selection"),
        "dfbench.models.classical.common.smo_kernels",
    )
    trusted = ("dfbench.models.classical.common.weighting.BlockScale",)
    estimators = ()
    allowed: ClassVar = {
        "C": Positive,
        "gamma": Positive,
        "weights": Literal[*WEIGHTS],
        "sample": Count,
        "solver": Solver,
        "max_exact": CountOrNone,
        "landmarks": Count,
    }
    by_block = True
    calibrates = True

    _trial: _Trial
    """Between the two steps of a fit."""

    weights: Floats
    """After `fit`: the blocks' weights, shape (n_blocks,), summing to 1."""

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return {
            "C": 10.0,
            "gamma": 0.4,
            "weights": "learned",
            "arcsinh": True,
            "sample": 1_000,
            "solver": "auto",
            "max_exact": 20_000,
            "landmarks": 1_000,
        }

    @classmethod
    def memory(cls, task: Task, params: Mapping[str, Any]) -> int:
        """Estimate it; see `Model.memory`."""
        n, d, k = task.n_train, task.n_inputs, task.n_classes
        if cls._solver_of(params, n) == "exact":
            pairs = k * (k - 1) // 2
            # rows for all, and support vectors of three fits; kernel rows; for scores
            own = 28 * n * d + n * (2_048 + 64 * pairs) + min(most_held(), 4 * n * n)
            own += Squares.matrix_bytes(n, d)
        else:
            m = min(int(params["landmarks"]), n)
            features = 4 * n * m if 4 * n * m <= most_held() else 0
            own = features + 24 * m * d + 8 * m * m * (4 + k) + 64 * n * k + 4 * WORK
        # distances of each block, of the images that weights are learned on
        return own + 8 * _BLOCKS * min(n, int(params["sample"])) ** 2 + 4 * BLOCK

    @classmethod
    def holds_out_sources(cls, params: Mapping[str, Any]) -> bool:
        """Tell it of all; see `Model.holds_out_sources`."""
        return True

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space."""
        return {
            "C": trial.suggest_float("C", 0.01, 1_000.0, log=True),
            "gamma": trial.suggest_float("gamma", 0.003, 10.0, log=True),
        }

    @property
    def probability(self) -> str:  # type: ignore[override]
        """How the sigmoids were fitted."""
        return platt.told(self._ways)

    def block_weights(self) -> Floats:
        """Give the weights that the kernel has; see `Model.block_weights`."""
        return self.weights

    def restore(self, kept: Kept) -> Self:
        """Take up a fitted machine; see `Model.restore`."""
        super().restore(kept)
        k = len(self._classes)
        pairs = 1 if k == 2 else k * (k - 1) // 2 if self.params["solver"] == "exact" else k
        belongs(type(self._scale) is BlockScale)
        columns = self._scale.checked(self.weights)
        m = len(array_of(self._vectors, np.float32, (None, columns)))
        array_of(self._weights, np.float64, (m, pairs))
        array_of(self._intercepts, np.float64, (pairs,))
        array_of(self._sigmoids, np.float64, (None, 2))
        belongs(len(self._sigmoids) == (1 if k == 2 else k))
        positive(self._gamma)
        return self

    def _fit(self, X: Vectors, y: Labels) -> None:
        arcsinh, widths = bool(self.params["arcsinh"]), widths_of(self.blocks, X.shape[1])
        self._scale = self._once(("scale", arcsinh), lambda: BlockScale(X, widths, arcsinh))
        self.weights = self._weighed(X, y)
        # the blocks' variance is 1, so that the mean squared distance is 2
        self._gamma = float(self.params["gamma"])
        self.params["solver"] = self._solver_of(self.params, len(X))
        fit = self._fit_exact if self.params["solver"] == "exact" else self._fit_nystroem
        fit(X, y)

    def _weighed(self, X: Vectors, y: Labels) -> Floats:
        """Give the blocks' weights, shape (n_blocks,), summing to 1."""
        how, sample = str(self.params["weights"]), int(self.params["sample"])

        def make() -> Floats:
            return weights_of(
                how, self._scale, X, targets_of(y, self._classes), gamma=_GAMMA, ridge=_RIDGE,
                sample=sample, seed=self.seed, once=self._once, groups=self.groups,
            )  # fmt: skip

        return self._once(("weights", how, self._scale.arcsinh), make, tag=(sample, self.seed))

    def _weighted(self, X: Features) -> Features:
        """Scale a few rows so that their distances are those of the kernel."""
        return self._scale.weighted(self._scale(X), self.weights)

    @property
    def _kind(self) -> tuple[str, bool]:
        """What rows hang on beside the weights."""
        return str(self.params["weights"]), self._scale.arcsinh

    def _calibrate(self, X: Vectors, y: Labels, X_val: Vectors, y_val: Labels) -> None:
        fresh = np.concatenate(list(self._scores(X_val)))
        decide = self._decided(X, y)
        found = platt.calibrated(y, decide, fresh, y_val, self.groups, self.sources)
        self._sigmoids, self._ways = found

    def _recalibrate(self, X: Vectors, y: Labels, chosen: Self) -> None:
        decide = self._decided(X, y)
        before = chosen._sigmoids, chosen._ways
        found = platt.recalibrated(y, decide, *before, self.groups, self.sources)
        self._sigmoids, self._ways = found

    def _decided(self, X: Vectors, y: Labels) -> Callable[[NDArray[np.bool_]], Floats]:
        """Give what gives scores of the classes of rows that machines are fitted without."""
        start = self._trial
        del self._trial
        without = self._without(X, y, start)
        return lambda taken: self._of_classes(without(taken)[~taken])

    def _fit_exact(self, X: Vectors, y: Labels) -> None:
        order, rows, squares = self._rows(X, y)
        found, weights, _ = self._pairs(squares, y[order], np.ones(len(y), bool))
        self._trial = _Trial(weights, rows, found)
        told = np.flatnonzero(weights.any(axis=1))
        self._vectors, self._weights = rows[told], weights[told]
        self._intercepts = np.array([each.intercept for each in found])

    def _rows(self, X: Vectors, y: Labels) -> tuple[NDArray[np.int64], Features, Squares]:
        """Give the order of rows by class, the rows in it, and their squared distances."""

        def make() -> tuple[NDArray[np.int64], Features]:
            order = np.argsort(y, kind="stable")
            parts = [self._weighted(block) for _, block in checked_blocks(X)]
            return order, np.concatenate(parts)[order]

        tag = self.weights.tobytes()
        order, rows = self._once(("rows", self._kind), make, tag)
        return order, rows, self._once(("squares", self._kind), lambda: Squares(rows), tag)

    def _pairs(
        self,
        squares: Squares,
        y: Labels,
        taken: NDArray[np.bool_],
        start: list[smo.Solution] | None = None,
    ) -> tuple[list[smo.Solution], Floats, Floats]:
        """Solve the machine of each pair of classes.

        Parameters
        ----------
        squares, y
            Of rows in the order of their classes.
        taken
            Which have a part in it.
        start
            Machines to start from; those that are found then serve the calibration alone, for
            which a tenth of the accuracy is enough.

        Returns
        -------
        tuple
            The machines; their dual coefficients for all rows, shape (n, P); their decision values
            at the rows of either class, shape (n, P). They are above 0 for the first class of a
            pair, but for the second where there are two classes alone.
        """
        ends = np.searchsorted(y, self._classes, side="right")
        pieces = [slice(int(b), int(e)) for b, e in zip([0, *ends[:-1]], ends, strict=True)]
        pairs = list(combinations(range(len(pieces)), 2))
        weights, decision = np.zeros((2, len(y), len(pairs)))
        machines = []
        for p, (first, second) in enumerate(pairs):
            columns = [pieces[first], pieces[second]]
            if len(pieces) == 2:
                columns = [slice(0, len(y))]
            at = np.concatenate([np.arange(each.start, each.stop) for each in columns])
            sign = np.where((y[at] == self._classes[first]) == (len(pieces) > 2), 1.0, -1.0)

            def kernel(
                wanted: NDArray[np.int64],
                out: Features,
                at: NDArray[np.int64] = at,
                columns: list[slice] = columns,
            ) -> None:
                squares.kernel(at[wanted], columns, self._gamma, out)

            found = smo.solve(
                kernel,
                sign,
                np.where(taken[at], float(self.params["C"]), 0.0),
                None if start is None else start[p],
                # bounds the worst case (large C on overlapping classes), far above the rest
                limit=max(100_000, 100 * len(at)),
                tolerance=smo.GAP if start is None else 10 * smo.GAP,
            )
            machines.append(found)
            weights[at, p], decision[at, p] = found.weights, found.decision
        return machines, weights, decision

    def _without(
        self, X: Vectors, y: Labels, start: _Trial
    ) -> Callable[[NDArray[np.bool_]], Floats]:
        """Give what gives decision values, (n, P), of machines in which some rows have a part."""
        if self.params["solver"] == "nystroem":
            mapped, signs = self._mapped(X), self._signs(y)

            def linear(taken: NDArray[np.bool_]) -> Floats:
                weights = hinge.machines(
                    mapped, signs, taken, float(self.params["C"]), mapped.features.width,
                    start.weights,
                )  # fmt: skip
                return hinge.decisions(mapped, weights, len(y))

            return linear
        # once for all folds: where it is too large to be shared it is made anew
        order, _, squares = self._rows(X, y)

        def exact(taken: NDArray[np.bool_]) -> Floats:
            found, weights, decision = self._pairs(squares, y[order], taken[order], start.pairs)
            if weights.shape[1] > 1:
                # a row's value under the pairs that its class has no part in
                held = np.flatnonzero(~taken[order])
                for some in np.array_split(held, 1 + len(held) // 512):
                    kernel = np.empty((len(some), len(y)), dtype=np.float32)
                    squares.kernel(some, [slice(0, len(y))], self._gamma, kernel)
                    decision[some] = kernel @ weights + [each.intercept for each in found]
            out = np.empty_like(decision)
            out[order] = decision
            return out

        return exact

    def _fit_nystroem(self, X: Vectors, y: Labels) -> None:
        mapped = self._mapped(X)
        found = hinge.machines(
            mapped, self._signs(y), np.ones(len(y), bool), float(self.params["C"]),
            mapped.features.width,
        )  # fmt: skip
        self._trial = _Trial(found, mapped.features.landmarks, [])
        self._vectors = mapped.features.landmarks
        self._weights = mapped.features.whitening @ found[:-1]
        self._intercepts = found[-1].copy()

    def _mapped(self, X: Vectors) -> Mapped:
        def make() -> Mapped:
            m = min(int(self.params["landmarks"]), len(X))
            chosen = np.random.default_rng(self.seed).permutation(len(X))[:m]
            rows = self._weighted(np.asarray(X[np.sort(chosen)], dtype=np.float32))
            return Mapped(X, self._weighted, Nystroem(rows, self._gamma))

        tag = self._gamma, self.weights.tobytes(), self.params["landmarks"], self.seed
        return self._once("mapped", make, tag)

    def _signs(self, y: Labels) -> Floats:
        wanted = self._classes[1:] if len(self._classes) == 2 else self._classes
        return np.where(y[:, None] == wanted[None], 1.0, -1.0)

    def _of_classes(self, decision: Floats) -> Floats:
        """Give scores of the classes, shape (n, K), from decision values of machines, (n, P)."""
        k = len(self._classes)
        if k == 2:
            return np.hstack([-decision, decision])
        if self.params["solver"] == "nystroem":
            return decision
        # votes of the pairs; what is between equal votes is told by the sum of their values
        votes, sums = np.zeros((2, len(decision), k))
        for p, (first, second) in enumerate(combinations(range(k), 2)):
            won = decision[:, p] >= 0
            votes[:, first] += won
            votes[:, second] += ~won
            sums[:, first] += decision[:, p]
            sums[:, second] -= decision[:, p]
        out: Floats = votes + sums / (3 * (np.abs(sums) + 1))
        return out

    def _scores(self, X: Vectors) -> Iterator[Floats]:
        for _, block in checked_blocks(X):
            value = expansion(self._weighted(block), self._vectors, self._weights, self._gamma)
            yield self._of_classes(value + self._intercepts)

    def _ranking(self, X: Vectors, part: str | None) -> NDArray[Any]:
        if part is None or self.params["solver"] == "nystroem" or not hasattr(self, "_trial"):
            return np.concatenate(list(self._scores(X)))
        weights, rows = self._trial.weights, self._trial.rows

        def squares() -> Iterator[Features]:
            return crossed(X, self._weighted, rows)

        # the same images are asked for by every trial
        decision = [
            np.exp(np.float32(-self._gamma) * each) @ weights + self._intercepts
            for each in self._each(
                ("cross", part, self._kind), squares, 4 * len(X) * len(rows), self.weights.tobytes()
            )
        ]
        return self._of_classes(np.concatenate(decision))

    def _proba(self, X: Vectors) -> NDArray[Any]:
        each = [platt.probabilities(scores, self._sigmoids) for scores in self._scores(X)]
        return np.concatenate(each)
