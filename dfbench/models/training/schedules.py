"""Optimisers, and learning rates as functions of the step: nothing to keep but the plateau."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch

from dfbench.models.training.recipe import Recipe

_WARM, _DIVIDE, _FINAL = 0.3, 25.0, 1e4
"""Of one-cycle: share of the steps that rise, where they begin, where the fall ends."""


def make_optimiser(parameters: Iterable[Any], recipe: Recipe) -> torch.optim.Optimizer:
    """Make the optimiser of a recipe; fused kernels where torch has them."""
    wanted = list(parameters)
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(
            wanted,
            lr=recipe.lr,
            momentum=recipe.momentum,
            nesterov=recipe.momentum > 0,
            weight_decay=recipe.weight_decay,
        )
    kind = torch.optim.AdamW if recipe.optimiser == "adamw" else torch.optim.Adam
    return kind(wanted, lr=recipe.lr, weight_decay=recipe.weight_decay, fused=True)


def rate(recipe: Recipe, step: int, steps: int) -> float:
    """Learning rate of a step, counted from 0 over all epochs, before a plateau lowers it.

    Parameters
    ----------
    recipe
        ``cosine`` and ``cosine-restarts``: Loshchilov and Hutter (ICLR 2017), equation 5 with
        eta_min = 0; ``one-cycle``: Smith and Topin (2019) as in
        ``torch.optim.lr_scheduler.OneCycleLR``.
    step
        Number of the step.
    steps
        Steps of an epoch.
    """
    if recipe.schedule in ("cosine", "cosine-restarts"):
        length = (recipe.period or recipe.epochs) * steps
        at = step % length if recipe.schedule == "cosine-restarts" else step
        return recipe.lr * (1 + math.cos(math.pi * at / length)) / 2
    if recipe.schedule == "steps":
        return recipe.lr * recipe.factor ** (step // ((recipe.period or recipe.epochs) * steps))
    if recipe.schedule == "one-cycle":
        total = recipe.epochs * steps
        top = _WARM * total - 1
        low = recipe.lr / _DIVIDE
        if step <= top:
            return _between(low, recipe.lr, step / top if top > 0 else 1.0)
        return _between(recipe.lr, low / _FINAL, (step - top) / max(total - 1 - top, 1e-9))
    return recipe.lr


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


@dataclass
class Plateau:
    """Lowers the rate where the monitored value has not become better for some epochs.

    Attributes
    ----------
    scale
        By which every rate is multiplied.
    waited
        Epochs since the value was last better, or the rate was last lowered.
    """

    scale: float = 1.0
    waited: int = 0

    def after(self, recipe: Recipe, *, better: bool) -> None:
        """Count an epoch."""
        if recipe.schedule != "plateau":
            return
        self.waited = 0 if better else self.waited + 1
        if self.waited > recipe.plateau:
            self.scale *= recipe.factor
            self.waited = 0
