"""Stages of residual networks, made with fresh weights."""

from __future__ import annotations

from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Of ImageNet's pixels in [0, 1], red, green and blue."""


def stage(
    block: type[BasicBlock] | type[Bottleneck], before: int, width: int, blocks: int, *, stride: int
) -> nn.Sequential:
    """Make a stage of a ResNet (He et al., CVPR 2016).

    Parameters
    ----------
    block
        Kind of its blocks.
    before
        Channels of what it is given.
    width
        Channels inside of its blocks; they give ``block.expansion`` times as many.
    blocks
        Their number.
    stride
        Of the first block.
    """
    after = width * block.expansion
    shortcut = None
    if stride != 1 or before != after:
        convolution = nn.Conv2d(before, after, 1, stride=stride, bias=False)
        shortcut = nn.Sequential(convolution, nn.BatchNorm2d(after))
    first = block(before, width, stride, shortcut)
    return nn.Sequential(first, *(block(after, width) for _ in range(blocks - 1)))


def he_fan_out(module: nn.Module) -> None:
    """Set convolutions as torchvision's ResNet does: normal, of variance 2 / fan-out."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
