"""What a training is: a module, its images, a recipe."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from dfbench.errors import DataError
from dfbench.files import digest
from dfbench.models.base import Array, Inputs, Labels, apart
from dfbench.models.rows import fingerprint
from dfbench.models.training.augmentation.change import Change
from dfbench.models.training.epoch import Epoch
from dfbench.models.training.inputs import check
from dfbench.models.training.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Setting:
    """All that decides what a training comes to.

    Attributes
    ----------
    module
        See `dfbench.models.training.inference`; it is trained in place. Parameters without
        gradients stay. If its attribute ``frozen`` is true, and nothing changes the images from
        epoch to epoch, its ``encode`` is called once for each image and ``classify`` is trained on
        what it gives. Its order in memory is that of `memory_format`.
    X, y
        Training images (uint8), alone or `Both`, and their class numbers.
    X_val, y_val
        Validation part, for early stopping, plateaus and the choice of the epoch.
    recipe
        How.
    n_classes
        Number of classes K.
    device
        ``cpu`` or ``cuda``.
    seed
        Of order, dropout and augmentation.
    own, own_offline
        Augmentations of plugins that the recipe names, for batches and for copies.
    follows
        Epochs of an earlier training, the last its best: as many are run, rates fall after the
        same ones, and the last one's weights are taken. Validation then decides nothing, and is
        not looked at.
    """

    module: nn.Module
    X: Inputs
    y: Labels
    X_val: Inputs
    y_val: Labels
    recipe: Recipe
    n_classes: int
    device: str = "cpu"
    seed: int = 0
    own: tuple[Change, ...] = ()
    own_offline: tuple[Change, ...] = ()
    follows: tuple[Epoch, ...] = ()

    @property
    def epochs(self) -> int:
        """At most so many are run."""
        return len(self.follows) or self.recipe.epochs

    def check(self) -> None:
        """Raise `DataError` if the images are not as a network and its recipe need them."""
        check(self.X)
        check(self.X_val)
        if self.recipe.monitor == "roc_auc" and len(np.unique(self.y_val)) < 2:
            raise DataError(
                "the validation part has one class: it has no ROC AUC to monitor",
                hint='monitor = "loss"',
            )

    def identity(self) -> str:
        """Digest of all of it, the images too."""
        arrays: list[Array] = [self.y, self.y_val]
        for X in (self.X, self.X_val):
            arrays += [array for array in apart(X) if array is not None]
        followed = [[epoch.best for epoch in self.follows]] if self.follows else []
        return digest(
            [
                *followed,
                self.recipe.model_dump(mode="json", exclude={"checkpoint_seconds"}),
                [self.n_classes, self.seed, self.device],
                [fingerprint(array) for array in arrays],
                [[name, list(value.shape)] for name, value in self.module.state_dict().items()],
                # what has no weights: the rate of dropout, say
                re.sub(r"0x[0-9a-f]+", "", repr(self.module)),
            ]
        )


def memory_format(module: nn.Module) -> torch.memory_format:
    """Give the order in memory that a module is trained in: channels-last, unless it tells one."""
    found: torch.memory_format = getattr(module, "memory_format", torch.channels_last)
    return found
