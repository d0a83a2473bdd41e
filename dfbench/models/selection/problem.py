"""What a study is about: a model, the data that it is fitted and judged on, how it is fitted."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.files import digest
from dfbench.models.base import Hopeless, Inputs, Labels, Model, Task, Watch, apart
from dfbench.models.rows import fingerprint
from dfbench.models.selection.criterion import CRITERIA, Criterion, roc_auc
from dfbench.models.selection.space import Space
from dfbench.models.shared import Shared


@dataclass(frozen=True, eq=False)
class Problem:
    """All that a trial needs besides its parameters.

    Attributes
    ----------
    model_class
        What is tuned.
    X, y
        Training part, as the model wants it, and its class numbers.
    X_val, y_val
        Tuning split. It serves early stopping too; test images have no business here.
    n_classes
        Number of classes K.
    seed
        Of the sampler, and of every model.
    space
        What is open; by default the model's own search space. Where nothing is, the model is
        fitted once; a grid is tried whole, and the earliest of equals wins.
    blocks
        See `Model.blocks`.
    classes, positive
        See `Model.classes`.
    groups, sources
        See `Model.groups`, `Model.sources`.
    tune_for
        Which of `dfbench.models.selection.criterion.CRITERIA` trials are compared by.
    device, n_threads
        Handed to the models.
    checkpoints
        Folder in which trainings keep their state, so that an interrupted one goes on; at the end
        it holds that of the winner alone.
    watch
        Progress within a fit, see `Model.progress`.
    plugins
        See `Model.plugins`.
    shared
        What its fits compute alike; `close` drops it.
    """

    model_class: type[Model]
    X: Inputs
    y: Labels
    X_val: Inputs
    y_val: Labels
    n_classes: int
    seed: int
    space: Space = field(default_factory=Space)
    blocks: tuple[int, ...] = ()
    classes: tuple[str, ...] = ()
    positive: int | None = None
    groups: NDArray[np.intp] | None = None
    sources: NDArray[np.intp] | None = None
    tune_for: str = "roc_auc"
    device: str = "cpu"
    n_threads: int = 1
    checkpoints: Path | None = None
    watch: Watch | None = None
    plugins: tuple[Path, ...] = ()
    shared: Shared = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shared", Shared({"train": self.X, "tune": self.X_val}))

    @property
    def criterion(self) -> Criterion:
        """What trials are compared by."""
        return CRITERIA[self.tune_for]

    @property
    def task(self) -> Task:
        """What the model's search space may depend on."""
        n_inputs = sum(int(np.prod(a.shape[1:])) for a in apart(self.X) if a is not None)
        return Task(len(self.X), n_inputs, self.n_classes)

    def fit(self, params: dict[str, Any], hopeless: Hopeless | None = None) -> tuple[Model, float]:
        """Make the model with these parameters and fit it as far as `value` needs.

        Returns
        -------
        tuple
            The model, and the seconds that took, with those of what it took from other fits and
            of what was spent on it before an interruption.

        Raises
        ------
        GivenUp
            If ``hopeless`` said so, see `Model.hopeless`.
        """
        model = self.unfitted(params)
        model.hopeless = hopeless
        model.shared = shared = self.shared.of_one_fit()
        start = time.perf_counter()
        model.fit_ranking(self.X, self.y, self.X_val, self.y_val)
        if self.criterion.of_probabilities:
            self._calibrate(model)
        return model, time.perf_counter() - start + shared.saved + model.earlier

    def finish(self, model: Model) -> float:
        """Fit what is left to fit of a model that is kept, and give the seconds that took."""
        shared = model.shared
        assert shared is not None  # `fit` has set it
        start, saved = time.perf_counter(), shared.saved
        if not self.criterion.of_probabilities:
            self._calibrate(model)
        model.shared = model.hopeless = model.groups = model.sources = None
        return time.perf_counter() - start + shared.saved - saved

    def close(self) -> None:
        """Drop what the fits shared."""
        self.shared.clear()

    def unfitted(self, params: dict[str, Any]) -> Model:
        """Make the model with these parameters."""
        model = self.model_class(
            n_classes=self.n_classes,
            seed=self.seed,
            device=self.device,
            n_threads=self.n_threads,
            **params,
        )
        model.blocks = self.blocks
        model.classes, model.positive = self.classes, self.positive
        model.groups, model.sources = self.groups, self.sources
        model.progress = self.watch
        model.plugins = self.plugins
        if self.checkpoints is not None and self.model_class.inputs != "features":
            model.checkpoint = self.checkpoints / digest([self.data, model.params])
        return model

    def _calibrate(self, model: Model) -> None:
        model.calibrate(self.X, self.y, self.X_val, self.y_val)

    def value(self, model: Model) -> float:
        """Give the figure of a fitted model on the tuning split that trials are compared by.

        Where order is all that it takes, that of `Model.ranking`.

        Raises
        ------
        DataError
            If the split has one class only.
        ValueError
            If the model's scores are not finite.
        """
        scores = model.predict_proba if self.criterion.of_probabilities else model.ranking
        value = self.criterion.figure(self.y_val, scores(self.X_val), self.positive)
        if not np.isfinite(value):
            raise ValueError("the scores are not finite")
        return value

    def measured(self, model: Model, value: float) -> tuple[float, float]:
        """Give ROC AUC, and the figure of `value`, of a finished model's probabilities.

        Parameters
        ----------
        model
            After `finish`.
        value
            Its `value`, which both are where probabilities are what it was taken from.
        """
        if self.tune_for == "roc_auc" and not model.calibrates:
            return value, value
        proba = model.predict_proba(self.X_val)
        own = self.criterion.figure(self.y_val, proba, self.positive)
        return roc_auc(self.y_val, proba), own

    def identity(self) -> str:
        """Hash of the question: an old study answers it only where this is equal."""
        defaults = self.space.defaults(self.model_class)
        asked = [self.data, defaults, sorted(self.space.fixed), self.blocks]
        ranged = [self.space.search, self.space.described()] if self.space.ranges else []
        chosen = [self.tune_for] if self.tune_for != "roc_auc" else []
        return digest(asked + ranged + chosen)

    @cached_property
    def data(self) -> str:
        """Hash of the model, its seed and what it is fitted on."""
        parts = (self.X, self.y, self.X_val, self.y_val)
        arrays = [fingerprint(a) for part in parts for a in apart(part) if a is not None]
        told = [its for its in (self.groups, self.sources) if its is not None]
        own = [self.n_classes, self.seed, arrays, *map(fingerprint, told)]
        return digest([[self.model_class.name, self.model_class.version], own])
