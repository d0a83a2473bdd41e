"""The contract of a model: an estimator with ``fit`` and ``predict_proba`` and a search space."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
"""Class numbers 0..K-1, shape (n,), dtype int64."""

Probabilities = NDArray[np.float64]
"""Shape (n, K), dtype float64, rows summing to 1; column k is class k."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a search space may depend on: sizes of the training data, never the data.

    Attributes
    ----------
    n_train
        Number of training images.
    n_inputs
        Number of features, or of pixels of one image times three.
    n_classes
        Number of classes K.
    """

    n_train: int
    n_inputs: int
    n_classes: int


class Model(ABC):
    """Base of all models, classical and network.

    A model is made with its parameters (those of `defaults`, any of them overridden), the number
    of classes, a seed, a device and a number of threads; `fit` is called once.

    Attributes
    ----------
    name
        What users type; unique among the models.
    version
        Raised whenever equal input gives other scores: finished cells of another version are
        computed again.
    inputs
        ``"features"``: X is float32 of shape (n, d). ``"images"``: X is uint8 of shape
        (n, S, S, 3), RGB, with S = `image_size`.
    libraries
        Modules that `fit` imports. The runner loads them first, so that no row's time to fit holds
        the time to import them.
    image_size
        Side of the square that images are resized to, in pixels; 0 for models of features.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    inputs: ClassVar[Literal["features", "images"]] = "features"
    libraries: ClassVar[tuple[str, ...]] = ()
    image_size: ClassVar[int] = 0

    def __init__(
        self,
        *,
        n_classes: int,
        seed: int = 0,
        device: str = "cpu",
        n_threads: int = 1,
        **params: Any,
    ) -> None:
        strange = set(params) - set(self.defaults())
        if strange:
            raise TypeError(f"{self.name} has no parameter {', '.join(sorted(strange))}")
        self.n_classes = n_classes
        self.seed = seed
        self.device = device
        self.n_threads = n_threads
        self.params = {**self.defaults(), **params}

    @classmethod  # noqa: B027 - most models need nothing special
    def check_available(cls) -> None:
        """Raise `UnavailableError` where a package that is needed is absent: rows are skipped."""

    @classmethod
    @abstractmethod
    def defaults(cls) -> dict[str, Any]:
        """All parameters with their default values (JSON-able): the first trial of each study."""

    @classmethod
    @abstractmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space by an Optuna trial; a subset of `defaults`' keys.

        `defaults` lies inside the space, so that it can be the first trial.
        """

    @abstractmethod
    def fit(self, X: NDArray[Any], y: Labels, X_val: NDArray[Any], y_val: Labels) -> Self:
        """Fit on the training part; the validation part serves early stopping only."""

    @abstractmethod
    def predict_proba(self, X: NDArray[Any]) -> Probabilities:
        """Probability of each class for each row of X."""
