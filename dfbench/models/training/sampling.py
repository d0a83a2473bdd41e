"""Which images each step sees: order, hard examples, weights of the classes."""

from __future__ import annotations

import math

import numpy as np
import torch

from dfbench.models.base import Labels


def seed_of(*numbers: int) -> int:
    """Mix numbers to a seed: what is drawn hangs on them alone, so that any step can be redone."""
    words = np.random.SeedSequence([n & 0xFFFFFFFF for n in numbers]).generate_state(2)
    return int(words[0]) << 31 | int(words[1]) >> 1


def batches(
    n: int, batch_size: int, *, seed: int, epoch: int, more: torch.Tensor | None = None
) -> list[torch.Tensor]:
    """Give the image numbers of each step of an epoch.

    A last batch of one image joins the one before it: batch normalisation cannot take it alone.

    Parameters
    ----------
    n
        Images.
    batch_size
        Images a step.
    seed, epoch
        The order hangs on these alone.
    more
        Numbers of images that are shown once more, for each time that they stand here.
    """
    numbers = torch.arange(n) if more is None else torch.cat([torch.arange(n), more])
    generator = torch.Generator().manual_seed(seed_of(seed, epoch, 0xE90C4))
    order = numbers[torch.randperm(len(numbers), generator=generator)]
    parts = list(torch.split(order, batch_size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        last = parts.pop()
        parts[-1] = torch.cat([parts[-1], last])
    return parts


def hardest(losses: torch.Tensor, fraction: float, repeat: int) -> torch.Tensor:
    """Give the numbers of the images of the highest loss, each ``repeat`` times.

    Parameters
    ----------
    losses
        Shape (n,).
    fraction
        Share of the images that counts as hard; at least one.
    """
    count = max(1, math.floor(fraction * len(losses)))
    # stable, so that equal losses are taken in the order of the images
    order = torch.sort(losses, descending=True, stable=True).indices
    return order[:count].cpu().repeat(repeat)


def class_weights(y: Labels, n_classes: int) -> torch.Tensor:
    """Give n / (K n_class) by class, float32 of shape (K,); 1 for a class that is absent."""
    counts = np.bincount(y, minlength=n_classes).astype(np.float64)
    weights = np.where(counts > 0, len(y) / (n_classes * np.maximum(counts, 1)), 1.0)
    return torch.from_numpy(weights).float()
