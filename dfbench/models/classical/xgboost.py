"""Gradient-boosted trees over feature vectors, by the library xgboost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dfbench.errors import DfbenchError
from dfbench.models.base import GivenUp, Hopeless, Labels, Model, Probabilities, Task
from dfbench.models.classical.booster_json import checked_booster
from dfbench.models.classical.column_sets import Columns, boosted, column_sets
from dfbench.models.classical.common.blocks import Vectors, checked, checked_blocks
from dfbench.models.classical.estimator import present_classes
from dfbench.models.devices import require
from dfbench.models.kept import Kept, KeptError
from dfbench.models.rows import BLOCK
from dfbench.parameters import Count, NotNegative

_BOOSTER = "booster.json"
_OURS = ("n_estimators", "patience", "column_sets", "drawn")
_DRAWN = ("width", "equal")
"""Parameters that are not the booster's."""
_ASKED = range(40, 1_000_000, 20)
"""Rounds after which it is asked whether the fit is hopeless."""


class XGBoost(Model):
    """Gradient-boosted trees (Chen and Guestrin, 2016) with early stopping on validation.

    Histogram method, on a GPU when the device is ``cuda``. Features are not scaled: a tree's
    splits do not change under a monotone map of a feature. The best round on validation counts.

    Parameters
    ----------
    learning_rate
        What of a tree's correction is taken.
    max_depth
        Of a tree; 0 is without an end.
    min_child_weight
        Sum of second derivatives that a leaf needs at least.
    subsample
        Share of the training images that a tree is grown on.
    colsample_bytree
        Share of the features that a tree may use.
    reg_lambda
        L2 penalty on the values of leaves.
    max_bin
        Bins of each feature.
    n_estimators
        Rounds at most; each grows a tree, of more than two classes one for each.
    patience
        Boosting stops after so many rounds without a lower log loss on validation.
    drawn
        By what a tree draws its share of the features: by ``width``, so that each feature is as
        likely as another; or from extractors ``equal``, so that a feature is the less likely the
        wider the vector that it is of. It tells where ``colsample_bytree`` is below 1.
    column_sets
        Sets that the features are divided into at random, of which a round sees one.

    Notes
    -----
    On the CPU the features are held as one byte each, the number of their bin; the trials of a
    study share them. Rows that are read by block are binned by block: the bins, found by merging
    sketches, may then lie a little otherwise.

    There, ``column_sets`` above 1 divides the columns at random: each round sees one set, in turn
    (`dfbench.models.classical.column_sets`), and a tree draws at most that set. ``auto`` means up
    to eight where columns and rows are many, else 1, which is the library as it is;
    ``params["column_sets"]`` says after `fit` how many they were.
    """

    name = "xgboost"
    references = ("chen2016",)
    version = 3
    libraries = ("xgboost",)
    by_block = True
    probability = "fitted by log loss"
    allowed: ClassVar = {
        "learning_rate": Annotated[float, Field(gt=0, le=1)],
        "max_depth": Annotated[int, Field(ge=0, le=64)],
        "min_child_weight": NotNegative,
        "subsample": Annotated[float, Field(gt=0, le=1)],
        "colsample_bytree": Annotated[float, Field(gt=0, le=1)],
        "reg_lambda": NotNegative,
        "max_bin": Annotated[int, Field(ge=2, le=65_535)],
        "n_estimators": Annotated[int, Field(ge=1, le=1_000_000)],
        "patience": Count,
        "drawn": Literal[*_DRAWN],
        "column_sets": Literal["auto"] | Count,
    }

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
            "drawn": "width",
            "column_sets": "auto",
        }

    @classmethod
    def memory(cls, task: Task, params: Mapping[str, Any]) -> int:
        """Estimate it; see `Model.memory`."""
        # a byte a value, by row and by column, with a tuning part of half the size
        return 5 * task.n_train * task.n_inputs + 8 * BLOCK

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

    def fit(self, X: Vectors, y: Labels, X_val: Vectors, y_val: Labels) -> Self:
        """Fit; see `Model.fit`."""
        import xgboost

        present_classes(self.name, y)
        try:
            found = self._matrices(X, y, X_val, y_val)
            self.params["column_sets"] = len(found.sets)
            self._booster, self.best_iteration = self._boosted(self._settings(), found, y, y_val)
        except xgboost.core.XGBoostError as error:
            raise _worded(error, self.device) from error
        return self

    def refit(self, chosen: Self, X: Vectors, y: Labels) -> Self:
        """Boost on both parts for the rounds that were best before; see `Model.refit`."""
        import xgboost

        present_classes(self.name, y)
        self.best_iteration = chosen.best_iteration
        rounds = chosen.best_iteration + 1
        try:
            found = self._matrices(X, y)
            if len(found.sets) > 1:
                self._booster, _ = boosted(
                    self._settings(), found.pairs, found.sets, y, None, rounds=rounds
                )
            else:
                [(train, _)] = found.pairs
                self._booster = xgboost.train(self._settings(), train, num_boost_round=rounds)
        except xgboost.core.XGBoostError as error:
            raise _worded(error, self.device) from error
        return self

    def _settings(self) -> dict[str, Any]:
        """Give the booster's own parameters."""
        settings = {
            **{name: its for name, its in self.params.items() if name not in _OURS},
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
        return settings

    def predict_proba(self, X: Vectors) -> Probabilities:
        """Give class probabilities; see `Model.predict_proba`."""
        rounds = (0, self.best_iteration + 1)
        parts = []
        for _, block in checked_blocks(X):
            if self.device == "cuda":
                import xgboost

                raw = self._booster.predict(xgboost.DMatrix(block), iteration_range=rounds)
            else:
                raw = self._booster.inplace_predict(block, iteration_range=rounds)
            parts.append(np.asarray(raw, dtype=np.float64))
        raw = np.concatenate(parts)
        if self.n_classes == 2:
            return np.column_stack([1.0 - raw, raw])
        proba: Probabilities = raw / raw.sum(axis=1, keepdims=True)
        return proba

    def contributions(self, X: NDArray[Any], classes: Labels) -> NDArray[np.float64]:
        """Show what each feature adds, by the library's TreeSHAP (Lundberg et al., 2020).

        Of several classes, the others count in proportion to what they have of the rest of the
        probability; what those proportions leave open stands in the last column.
        """
        import xgboost

        found = np.asarray(
            self._booster.predict(
                xgboost.DMatrix(checked(X), nthread=self.n_threads),
                pred_contribs=True,
                iteration_range=(0, self.best_iteration + 1),
            ),
            dtype=np.float64,
        )
        if self.n_classes == 2:
            # the trees add up to the log odds of class 1
            return found * np.where(classes == 1, 1.0, -1.0)[:, None]
        rows = np.arange(len(found))
        margins = found.sum(axis=2)
        margins[rows, classes] = -np.inf
        highest = margins.max(axis=1, keepdims=True)
        shares = np.exp(margins - highest)
        total = shares.sum(axis=1, keepdims=True)
        shares /= total
        against: NDArray[np.float64] = found[rows, classes] - np.einsum("nk,nkd->nd", shares, found)
        rest = (highest + np.log(total))[:, 0]
        against[:, -1] += found[rows, classes].sum(axis=1) - rest - against.sum(axis=1)
        return against

    def keep(self) -> Kept:
        """Give the trees in xgboost's own form; see `Model.keep`."""
        files = {_BOOSTER: bytes(self._booster.save_raw("json"))}
        known = {"best_iteration": self.best_iteration, "n_features": self._booster.num_features()}
        return Kept(files, known)

    def restore(self, kept: Kept) -> Self:
        """Take the trees up; see `Model.restore`."""
        import xgboost

        self.best_iteration = int(kept.plain["best_iteration"])
        content = checked_booster(
            kept.file(_BOOSTER),
            n_features=int(kept.plain["n_features"]),
            n_classes=self.n_classes,
            rounds=self.best_iteration + 1,
        )
        self._booster = xgboost.Booster({"device": self.device, "nthread": self.n_threads})
        try:
            self._booster.load_model(bytearray(content))
        except xgboost.core.XGBoostError as error:
            first = str(error).strip().splitlines()[-1]
            raise KeptError(f"the trees cannot be read: {first}") from error
        return self

    def _boosted(
        self, settings: dict[str, Any], found: _Matrices, y: Labels, y_val: Labels
    ) -> tuple[Any, int]:
        """Give the booster and the number of its best round, from 0."""
        import xgboost

        rounds, patience = int(self.params["n_estimators"]), int(self.params["patience"])
        hopeless = None if self.hopeless is None else _now_and_then(self.hopeless)
        if len(found.sets) > 1:
            return boosted(
                settings, found.pairs, found.sets, y, y_val,
                rounds=rounds, patience=patience, hopeless=hopeless,
            )  # fmt: skip
        [(train, valid)] = found.pairs
        booster = xgboost.train(
            settings,
            train,
            num_boost_round=rounds,
            evals=[(valid, "validation")],
            early_stopping_rounds=patience,
            verbose_eval=False,
            callbacks=[] if hopeless is None else [_asking(hopeless)],
        )
        return booster, int(booster.best_iteration)

    def _chances(self, width: int) -> NDArray[np.float32] | None:
        """Give how likely each feature is to be drawn; None where all are alike."""
        if self.params["drawn"] == "width" or len(self.blocks) < 2 or sum(self.blocks) != width:
            return None
        its = np.array(self.blocks)
        return np.repeat(1 / its, its).astype(np.float32)

    def _matrices(
        self, X: Vectors, y: Labels, X_val: Vectors | None = None, y_val: Labels | None = None
    ) -> _Matrices:
        bins = int(self.params["max_bin"])
        weights = self._chances(X.shape[1])

        def make() -> _Matrices:
            if self.device == "cuda":
                found = _on_gpu(X, y, X_val, y_val, self.n_threads)
                if weights is not None:
                    found.pairs[0][0].set_info(feature_weights=weights)
                return found
            options = {"max_bin": bins, "nthread": self.n_threads}
            sets = column_sets(len(X), X.shape[1], self.params["column_sets"], self.seed)
            pairs = [_binned(X, y, X_val, y_val, columns, options) for columns in sets]
            if weights is not None:
                for columns, (train, _) in zip(sets, pairs, strict=True):
                    train.set_info(feature_weights=weights[columns])
            n = len(X) + (0 if X_val is None else len(X_val))
            return _Matrices(sets, pairs, n * X.shape[1])

        name = (self.name, bins, self.params["column_sets"], self.params["drawn"], self.seed)
        return make() if self.shared is None else self.shared.get(name, make)


@dataclass(frozen=True)
class _Matrices:
    """What boosting reads of training and validation part (or None), for each set of columns."""

    sets: list[Columns]
    pairs: list[tuple[Any, Any]]
    n_bytes: int


def _on_gpu(
    X: Vectors, y: Labels, X_val: Vectors | None, y_val: Labels | None, threads: int
) -> _Matrices:
    """Give all columns as they are; they are binned on the GPU, when training begins."""
    import xgboost

    train = xgboost.DMatrix(checked(X), y, nthread=threads)
    n, valid = len(X), None
    if X_val is not None:
        n, valid = n + len(X_val), xgboost.DMatrix(checked(X_val), y_val, nthread=threads)
    n_bytes = 4 * n * X.shape[1]
    return _Matrices([np.arange(X.shape[1])], [(train, valid)], n_bytes)


def _binned(
    X: Vectors,
    y: Labels,
    X_val: Vectors | None,
    y_val: Labels | None,
    columns: Columns,
    options: dict[str, int],
) -> tuple[Any, Any]:
    """Give the bins of these columns."""
    import xgboost

    def chosen(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return rows if len(columns) == rows.shape[1] else np.take(rows, columns, axis=1)

    class Blocks(xgboost.DataIter):  # type: ignore[misc]
        def __init__(self, part: Vectors, labels: Labels) -> None:
            self._part, self._labels = part, labels
            self.reset()
            super().__init__()

        def next(self, input_data: Any) -> bool:
            place, block = next(self._left, (None, None))
            if block is not None:
                input_data(data=chosen(block), label=self._labels[place])
            return block is not None

        def reset(self) -> None:
            self._left = checked_blocks(self._part)

    def given(part: Vectors, labels: Labels) -> tuple[Any, ...]:
        if isinstance(part, np.ndarray):
            return chosen(checked(part)), labels
        return (Blocks(part, labels),)

    train = xgboost.QuantileDMatrix(*given(X, y), **options)
    if X_val is None or y_val is None:
        return train, None
    valid = xgboost.QuantileDMatrix(*given(X_val, y_val), ref=train, **options)
    return train, valid


def _now_and_then(hopeless: Hopeless) -> Hopeless:
    """Ask after some rounds only, the same of every fit."""

    def asked(step: int, loss: float) -> bool:
        return step in _ASKED and hopeless(step, loss)

    return asked


def _asking(hopeless: Hopeless) -> Any:
    """Give a callback of xgboost that gives the fit up where it is hopeless."""
    import xgboost

    class Asking(xgboost.callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            [losses] = evals_log["validation"].values()
            if hopeless(epoch + 1, float(losses[-1])):
                raise GivenUp
            return False

    return Asking()


def _worded(error: Exception, device: str) -> Exception:
    text = str(error)
    if device == "cuda" and ("memory" in text or "CUDA" in text or "cuda" in text):
        first = text.strip().splitlines()[-1] if "memory" not in text else "GPU memory ran out"
        return DfbenchError(f"xgboost failed on the GPU: {first}", hint="use --device cpu")
    return error
