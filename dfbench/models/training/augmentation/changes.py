"""The changes that training images may undergo, in their order: a new one gets its entry here.

Geometry, colour and blur are kornia's, AutoAugment is torchvision's, JPEG libjpeg's by Pillow. All
random numbers come from torch's global generator, so that a batch is changed alike where that is
seeded alike; each image has numbers of its own.
"""

from __future__ import annotations

from dfbench.models.training.augmentation.change import Change, Maker
from dfbench.models.training.augmentation.colour import auto_augment, jitter
from dfbench.models.training.augmentation.geometry import affine, crop, flip, flip_vertical
from dfbench.models.training.augmentation.quality import blur, jpeg
from dfbench.models.training.recipe import Augment

CHANGES: tuple[Maker, ...] = (
    crop,
    flip,
    flip_vertical,
    affine,
    auto_augment,
    jitter,
    blur,
    jpeg,
)
"""Where things lie first, what they look like then. Each is turned on by fields of `Augment`."""


def changes_of(augment: Augment, size: int) -> list[Change]:
    """Give what is done to the pixels, in order."""
    found = (make(augment, size) for make in CHANGES)
    return [change for change in found if change is not None]
