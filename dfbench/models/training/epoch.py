"""What one epoch of a training came to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from dfbench.models.base import Labels
from dfbench.models.training.logits import decisions, losses, roc_auc
from dfbench.models.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch came to; losses are means over images, in nats.

    Figures of the training part are gathered from its batches as they went by: augmented, with
    dropout, by weights still in motion. None where a figure is not defined.
    """

    epoch: int
    lr: float
    batch_size: int
    train_loss: float
    train_accuracy: float | None
    train_roc_auc: float | None
    val_loss: float
    val_accuracy: float
    val_roc_auc: float | None
    seconds: float
    best: bool
    """Whether it was the best so far by the recipe's monitor."""
    confusion: list[list[int]] | None = None
    """On validation: rows true, columns decided; where the recipe asks for it."""


@dataclass(frozen=True, slots=True)
class Validation:
    """What the logits of the validation part come to; see `Epoch`."""

    loss: float
    accuracy: float
    roc_auc: float | None
    confusion: list[list[int]]

    @classmethod
    def of(cls, out: torch.Tensor, y: Labels, n_classes: int) -> Validation:
        """Judge logits, shape (n, 1) or (n, K), by the class numbers."""
        truth = functional.one_hot(torch.from_numpy(y), n_classes).float()
        decided = decisions(out)
        counts = np.zeros((n_classes, n_classes), dtype=int)
        np.add.at(counts, (y, decided), 1)
        return cls(
            loss=float(losses(out, truth).mean()),
            accuracy=float((decided == y).mean()),
            roc_auc=roc_auc(out, y),
            confusion=counts.tolist(),
        )

    def monitored(self, recipe: Recipe) -> float:
        """Value of the recipe's monitor; less is better."""
        if recipe.monitor == "loss":
            return self.loss
        if recipe.monitor == "accuracy":
            return -self.accuracy
        return math.inf if self.roc_auc is None else -self.roc_auc
