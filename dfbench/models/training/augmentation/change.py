"""What a change of images is, and how one is applied to some of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from dfbench.models.training.recipe import Augment

Change = Callable[[torch.Tensor], torch.Tensor]
"""From float images in about [0, 1], (n, 3, S, S), to such images."""

Maker = Callable[[Augment, int], Change | None]
"""Gives the change that a recipe asks for, None where it asks for none; the size is the side of
the images that come out of all changes, in pixels."""


def sometimes(change: Any, share: float) -> Change:
    """Apply a change to each image with that probability, and to no others at all."""

    def changed(images: torch.Tensor) -> torch.Tensor:
        chosen = torch.nonzero(torch.rand(len(images)) < share)[:, 0].to(images.device)
        if not len(chosen):
            return images
        found = images.clone()
        found[chosen] = change(images[chosen]).to(images.dtype)
        return found

    return changed


def bytes_of(images: torch.Tensor) -> torch.Tensor:
    """Round images to the 256 levels of a file, uint8."""
    return (images.clamp(0, 1) * 255.0).round().to(torch.uint8)
