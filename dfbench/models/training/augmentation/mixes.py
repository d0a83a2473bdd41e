"""Mixing each image with another of its batch, and their classes with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from dfbench.models.training.recipe import Augment

Mix = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""From images (n, 3, S, S) and shares of the classes (n, K) to such."""


def mixes_of(augment: Augment) -> list[Mix]:
    """Give the mixes that a recipe asks for; one of them is drawn for each batch."""
    known = ((mixup, augment.mixup), (cutmix, augment.cutmix))
    return [partial(mix, alpha=alpha) for mix, alpha in known if alpha > 0]


def mixup(
    images: torch.Tensor, targets: torch.Tensor, alpha: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix each image with another of the batch: lam x_i + (1 - lam) x_j (Zhang et al., 2018)."""
    lam = _lambda(alpha)
    other = torch.randperm(len(images)).to(images.device)
    mixed = torch.lerp(images[other], images, lam)
    return mixed, torch.lerp(targets[other], targets, lam)


def cutmix(
    images: torch.Tensor, targets: torch.Tensor, alpha: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Put a rectangle of another image into each; targets by true area (Yun et al., 2019)."""
    height, width = images.shape[2:]
    ratio = (1.0 - _lambda(alpha)) ** 0.5
    y, x = (float(v) for v in torch.rand(2))
    top, bottom = (round(height * min(max(y + s * ratio / 2, 0), 1)) for s in (-1, 1))
    left, right = (round(width * min(max(x + s * ratio / 2, 0), 1)) for s in (-1, 1))
    other = torch.randperm(len(images)).to(images.device)
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = images[other, :, top:bottom, left:right]
    lam = 1.0 - (bottom - top) * (right - left) / (height * width)
    return mixed, torch.lerp(targets[other], targets, lam)


def _lambda(alpha: float) -> float:
    return float(torch.distributions.Beta(alpha, alpha).sample())
