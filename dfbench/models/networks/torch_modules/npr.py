"""Relationships of neighbouring pixels, and the residual network that they are given to."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional
from torchvision.models.resnet import Bottleneck

from dfbench.models.networks.torch_modules.resnet import IMAGENET_STD, he_fan_out, stage

_SCALE = [2 / 3 / (255 * deviation) for deviation in IMAGENET_STD]
"""From grey levels to what the convolutions of the published code see, by channel."""


class Npr(nn.Module):
    """Bottleneck stages of a ResNet over `relationships`, averaged over the image.

    A convolution 3x3 with stride 2, batch normalisation, ReLU and max pooling 3x3 with stride 2
    stand before the stages; of these each but the first halves the side of the maps.

    Parameters
    ----------
    width
        Channels of the first convolution; those of a stage are ``4 * width``, twice as many in
        each stage that follows.
    depth
        Blocks of each stage.
    """

    def __init__(self, *, width: int, depth: Sequence[int]) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        stages, before = [], width
        for number, blocks in enumerate(depth):
            inside = width * 2**number
            stages.append(stage(Bottleneck, before, inside, blocks, stride=2 if number else 1))
            before = inside * Bottleneck.expansion
        self.stages = nn.Sequential(*stages)
        self.width = before
        he_fan_out(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map grey levels (n, 3, S, S) to vectors (n, width)."""
        # differences of whole grey levels: exact even in 16 bits
        values = relationships(images) * images.new_tensor(_SCALE).view(1, 3, 1, 1)
        maps: torch.Tensor = self.stages(self.stem(values))
        return maps.mean((2, 3))


def relationships(images: torch.Tensor) -> torch.Tensor:
    """Take from each pixel the upper left one of its block of 2x2.

    Parameters
    ----------
    images
        Shape (n, C, H, W).

    Returns
    -------
    Tensor of the same shape
        Images less what nearest-neighbour interpolation to half the size and back makes of them.
    """
    height, width = images.shape[-2:]
    again = functional.interpolate(images[..., ::2, ::2], scale_factor=2, mode="nearest")
    return images - again[..., :height, :width]
