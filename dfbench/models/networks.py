"""Networks trained end to end on images. torch is imported when one is fitted, not before."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError
from dfbench.files import Progress
from dfbench.models.base import Labels, Model, Probabilities, Task
from dfbench.models.devices import require

if TYPE_CHECKING:
    from torch import nn

    from dfbench.models.training import Epoch, Recipe


class Network(Model):
    """Base of the networks: a module and a recipe; the engine is in `dfbench.models.training`.

    Attributes
    ----------
    history
        What each epoch came to, after `fit`.
    progress
        May be set before `fit`: called with (epochs done, epochs at most).
    """

    inputs: ClassVar[Literal["features", "images"]] = "images"
    libraries = ("dfbench.models.training",)

    history: list[Epoch]
    progress: Progress | None = None

    @classmethod
    def check_available(cls) -> None:
        """Raise `UnavailableError` where torch is absent."""
        require("torch")

    @abstractmethod
    def build(self) -> nn.Module:
        """Make the module with fresh weights; torch's random numbers are seeded."""

    @abstractmethod
    def recipe(self) -> Recipe:
        """Say how it is trained."""

    def fit(self, X: NDArray[Any], y: Labels, X_val: NDArray[Any], y_val: Labels) -> Self:
        """Train, with early stopping on validation; see `Model.fit`."""
        from dfbench.models import training

        if len(np.unique(y)) < 2:
            raise DataError(f"{self.name} needs two classes in the training part, it has one")
        self._check_size(X)
        with training.session(self.device, self.n_threads, self.seed):
            self.module = self.build()
            self.history = training.train(
                self.module,
                X,
                y,
                X_val,
                y_val,
                self.recipe(),
                n_classes=self.n_classes,
                device=self.device,
                progress=self.progress,
            )
        return self

    def predict_proba(self, X: NDArray[Any]) -> Probabilities:
        """Give class probabilities; see `Model.predict_proba`."""
        from dfbench.models import training

        self._check_size(X)
        with training.session(self.device, self.n_threads, self.seed):
            return training.predict(self.module, X, n_classes=self.n_classes, device=self.device)

    def _check_size(self, X: NDArray[Any]) -> None:
        side = self.image_size
        if X.shape[1:] != (side, side, 3):
            raise DataError(
                f"{self.name} needs images of {side}x{side} pixels, got an array of {X.shape}"
            )


class Cnn3Conv(Network):
    """Three 3x3 convolutions (32, 64, 128 channels), a dense layer of 128, one output.

    Each convolution (no padding) has ReLU and 2x2 max pooling; the dense layer has ReLU and
    dropout. For two classes there is one logit with binary cross-entropy, otherwise K with
    categorical cross-entropy: 3,304,769 parameters for two classes. Weights start as in Keras
    (Glorot uniform, zero biases; Glorot and Bengio, 2010).

    The architecture is the one of the report by Uppuluri, Kollipara and Baddam (2025); that was
    trained for 5 epochs of 140,002 images, so here small sets get more epochs, with early stopping.
    """

    name = "cnn-3conv"
    image_size = 128

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters of the first trial."""
        return {
            "lr": 1e-3,
            "dropout": 0.5,
            "weight_decay": 1e-4,
            "batch_size": 32,
            "epochs": 10,
            "patience": 3,
            "flip": False,
        }

    @classmethod
    def suggest(cls, trial: Any, task: Task) -> dict[str, Any]:
        """Draw parameters from the search space."""
        return {
            "lr": trial.suggest_float("lr", 1e-4, 3e-3, log=True),
            "dropout": trial.suggest_float("dropout", 0.0, 0.7),
            "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True),
        }

    def recipe(self) -> Recipe:
        """Say how it is trained."""
        from dfbench.models.training import Recipe

        keys = ("epochs", "batch_size", "lr", "weight_decay", "patience", "flip")
        return Recipe(**{key: self.params[key] for key in keys})

    def build(self) -> nn.Module:
        """Make the module with fresh weights."""
        from dfbench.models.modules import Cnn3

        return Cnn3(
            image_size=self.image_size,
            outputs=1 if self.n_classes == 2 else self.n_classes,
            dropout=float(self.params["dropout"]),
        )
