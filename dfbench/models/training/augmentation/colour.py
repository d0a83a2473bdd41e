"""Changes of colour: jitter, and the policy of AutoAugment."""

from __future__ import annotations

import torch

from dfbench.models.training.augmentation.change import Change, bytes_of
from dfbench.models.training.recipe import Augment

_HUE = 0.25
"""Of `Augment.jitter`, in turns."""


def jitter(augment: Augment, size: int) -> Change | None:
    """Change brightness, contrast, saturation and hue."""
    amount = augment.jitter
    if not amount:
        return None
    from kornia.augmentation import ColorJitter

    return ColorJitter(amount, amount, amount, _HUE * amount, p=1.0)  # type: ignore[no-any-return]


def auto_augment(augment: Augment, size: int) -> Change | None:
    """Apply AutoAugment: kornia's draws one policy for a whole batch, so torchvision's by image."""
    if not augment.auto_augment:
        return None
    from torchvision.transforms.v2 import AutoAugment, InterpolationMode

    # grey from outside, as its authors have it
    policy = AutoAugment(interpolation=InterpolationMode.BILINEAR, fill=[128.0] * 3)

    def changed(images: torch.Tensor) -> torch.Tensor:
        drawn = [policy(image) for image in bytes_of(images)]
        return torch.stack(drawn).to(images.dtype) / 255.0

    return changed
