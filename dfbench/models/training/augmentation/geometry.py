"""Changes of where things lie in an image: crops, mirroring, rotation, shift, shear, zoom."""

from __future__ import annotations

import torch

from dfbench.models.training.augmentation.change import Change
from dfbench.models.training.recipe import Augment


def crop(augment: Augment, size: int) -> Change | None:
    """Cut a random rectangle out and resize it."""
    if augment.crop is None:
        return None
    from kornia.augmentation import RandomResizedCrop

    return RandomResizedCrop((size, size), scale=augment.crop, p=1.0)  # type: ignore[no-any-return]


def flip(augment: Augment, size: int) -> Change | None:
    """Mirror left to right."""
    return (lambda images: _flipped(images, 3)) if augment.flip else None


def flip_vertical(augment: Augment, size: int) -> Change | None:
    """Mirror top to bottom."""
    return (lambda images: _flipped(images, 2)) if augment.flip_vertical else None


def affine(augment: Augment, size: int) -> Change | None:
    """Rotate, shift, shear and zoom, with one interpolation for all of them.

    What comes in from outside the image is its mirror image: black corners would tell training
    images from others.
    """
    if not (augment.rotation or augment.shift or augment.shear or augment.zoom):
        return None
    from kornia.augmentation import RandomAffine

    shear = augment.shear
    return RandomAffine(  # type: ignore[no-any-return]
        degrees=augment.rotation,
        translate=(augment.shift, augment.shift) if augment.shift else None,
        scale=(1 - augment.zoom, 1 + augment.zoom) if augment.zoom else None,
        shear=(-shear, shear, -shear, shear) if shear else None,
        padding_mode="reflection",
        p=1.0,
    )


def _flipped(images: torch.Tensor, axis: int) -> torch.Tensor:
    chosen = (torch.rand(len(images)) < 0.5).to(images.device)
    return torch.where(chosen[:, None, None, None], images.flip(axis), images)
