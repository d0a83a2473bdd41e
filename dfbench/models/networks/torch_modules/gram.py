"""Gram matrices of a residual network's maps: which textures there are, wherever they are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock

from dfbench.models.networks.torch_modules.resnet import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    he_fan_out,
    stage,
)

_OF_BRANCH = 32
"""Values that a branch gives."""


class GramNet(nn.Module):
    """A ResNet of basic blocks, with a branch of a Gram matrix at the image and before each stage.

    A convolution 7x7 with stride 2, batch normalisation and ReLU come first, then max pooling 3x3
    with stride 2 and the stages. A branch sees the image, the maps before and after this pooling,
    and those of each stage but the last.

    Parameters
    ----------
    width
        Channels of the first stage, twice as many in each that follows.
    depth
        Blocks of each stage.
    gram
        Channels that a branch makes of the maps before it takes their Gram matrix.
    """

    def __init__(self, *, width: int, depth: Sequence[int], gram: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        widths = [width * 2**number for number in range(len(depth))]
        before = [width, *widths[:-1]]
        self.stages = nn.ModuleList(
            stage(BasicBlock, one, own, blocks, stride=2 if number else 1)
            for number, (one, own, blocks) in enumerate(zip(before, widths, depth, strict=True))
        )
        seen = [3, width, width, *widths[:-1]]
        self.branches = nn.ModuleList(_branch(channels, gram) for channels in seen)
        self.width = widths[-1] + _OF_BRANCH * len(seen)
        he_fan_out(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map grey levels (n, 3, S, S) to vectors (n, width)."""
        mean, deviation = (
            images.new_tensor(values, dtype=torch.float32).view(1, 3, 1, 1) * 255
            for values in (IMAGENET_MEAN, IMAGENET_STD)
        )
        seen = [(images - mean) / deviation]
        seen.append(self.stem(seen[-1]))
        seen.append(self.pool(seen[-1]))
        for each in self.stages:
            seen.append(each(seen[-1]))
        last = seen.pop()
        textures = [branch(maps) for branch, maps in zip(self.branches, seen, strict=True)]
        return torch.cat([last.mean((2, 3)), *(each.mean((2, 3)) for each in textures)], dim=1)


class Gram(nn.Module):
    """Products of maps with each other, averaged over places and divided by their number.

    As in "Image style transfer using convolutional neural networks" (Gatys et al., CVPR 2016).
    """

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Map (n, C, H, W) to one plane (n, 1, C, C), float32."""
        with torch.autocast(maps.device.type, enabled=False):
            rows = maps.float().flatten(2)
            _, channels, places = rows.shape
            return (rows @ rows.transpose(1, 2)).unsqueeze(1) / (channels * places)


def _branch(before: int, gram: int) -> nn.Sequential:
    return nn.Sequential(
        *_convolution(before, gram, stride=1),
        Gram(),
        *_convolution(1, _OF_BRANCH // 2, stride=2),
        *_convolution(_OF_BRANCH // 2, _OF_BRANCH, stride=2),
    )


def _convolution(before: int, width: int, *, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
