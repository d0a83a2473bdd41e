"""The two networks of MesoNet, layer for layer as in the code that its authors published."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from dfbench.models.networks.torch_modules.layers import Logits, glorot


class SamePool(nn.MaxPool2d):
    """Max pooling padded as by Keras' ``same``: ceil(S / k) outputs, the odd pixel at the end."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Map (n, C, S, S) to (n, C, ceil(S / k), ceil(S / k))."""
        missing = -input.shape[-1] % self.size
        if missing:
            pad = (missing // 2, missing - missing // 2) * 2
            input = functional.pad(input, pad, value=float("-inf"))
        pooled: torch.Tensor = super().forward(input)
        return pooled


class Inception(nn.Module):
    """Four branches side by side: 1x1, and 1x1 followed by 3x3 of dilation 1, 2 and 3.

    Parameters
    ----------
    before
        Channels of the input.
    widths
        Channels of each branch.
    """

    def __init__(self, before: int, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList([nn.Sequential(nn.Conv2d(before, widths[0], 1), nn.ReLU())])
        for dilation, width in enumerate(widths[1:], start=1):
            self.branches.append(
                nn.Sequential(
                    nn.Conv2d(before, width, 1),
                    nn.ReLU(),
                    nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation),
                    nn.ReLU(),
                )
            )

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Map (n, before, S, S) to (n, sum of the widths, S, S)."""
        return torch.cat([branch(maps) for branch in self.branches], dim=1)


class Meso(nn.Module):
    """Four stages of convolution, batch normalisation and pooling, and two dense layers.

    Parameters
    ----------
    inception
        Whether the first two stages are `Inception` (MesoInception4) or plain (Meso4).
    image_size
        Side of the square input in pixels.
    outputs
        Number of logits.
    dropout
        Probability that an input of a dense layer is dropped in training.
    """

    def __init__(self, *, inception: bool, image_size: int, outputs: int, dropout: float) -> None:
        super().__init__()
        if inception:
            stages = [
                *_stage(Inception(3, (1, 4, 4, 2)), 11, 2),
                *_stage(Inception(11, (2, 4, 4, 2)), 12, 2),
                *_stage(_convolution(12, 16, 5), 16, 2),
            ]
        else:
            stages = [
                *_stage(_convolution(3, 8, 3), 8, 2),
                *_stage(_convolution(8, 8, 5), 8, 2),
                *_stage(_convolution(8, 16, 5), 16, 2),
            ]
        self.stages = nn.Sequential(*stages, *_stage(_convolution(16, 16, 5), 16, 4))
        self.side = -(-image_size // 32)
        self.dense = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(16 * self.side**2, 16),
            nn.LeakyReLU(0.1),
            nn.Dropout(dropout),
        )
        self.head = Logits(16, outputs)
        glorot(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (n, 3, S, S) to float32 logits (n, outputs)."""
        logits: torch.Tensor = self.head(self.dense(self.stages(images).flatten(1)))
        return logits


def _convolution(before: int, width: int, size: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, width, size, padding=size // 2), nn.ReLU())


def _stage(body: nn.Module, width: int, pool: int) -> list[nn.Module]:
    # epsilon is Keras'; its momentum, 0.99, is too slow for the few steps of small data sets
    return [body, nn.BatchNorm2d(width, eps=1e-3), SamePool(pool)]
