"""All changes of a recipe as one function of a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from dfbench.models.training.augmentation.change import Change
from dfbench.models.training.augmentation.changes import changes_of
from dfbench.models.training.augmentation.mixes import mixes_of
from dfbench.models.training.recipe import Augment

Augmenter = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def augmenter(augment: Augment, size: int, own: Sequence[Change] = ()) -> Augmenter | None:
    """Make the function that changes a batch.

    Parameters
    ----------
    augment
        What is to be done.
    size
        Side of the images that come out, in pixels; that of the images that go in, unless
        `augment` crops.
    own
        What plugins do to the pixels, after all else.

    Returns
    -------
    function or None
        Takes float images in [0, 1], (n, 3, S, S), and the share of each class, (n, K) float32;
        gives both changed, images float32, clamped to [0, 1]. None where nothing is to be done.
    """
    changes, mixes = [*changes_of(augment, size), *own], mixes_of(augment)
    if not (changes or mixes):
        return None

    def change(images: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        images = images.float()
        for each in changes:
            images = each(images)
        images = images.clamp(0.0, 1.0)
        if mixes:
            mix = mixes[int(torch.randint(len(mixes), ()))]
            images, targets = mix(images, targets)
        return images.contiguous(memory_format=torch.channels_last), targets

    return change
