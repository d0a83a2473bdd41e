"""A convolutional network with residual connections that takes features beside the image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from dfbench.models.networks.torch_modules.layers import Logits, glorot, he_normal

_SLOPE = 0.1
# Keras' own; torch's is 1e-5
_EPSILON = 1e-3


class HybridCnn(nn.Module):
    """Five convolution blocks for the image, a dense layer for the features, joined by another.

    A block is a 3x3 convolution (zero padding, ``he_normal``), batch normalisation and
    LeakyReLU(0.1); 2x2 max pooling follows each of the first three. The first block's output is
    added to the third's, and that sum to the fifth's. Where shapes differ, the earlier output is
    brought to the later's by average pooling 4x4 (the two poolings between them) and a 1x1
    convolution.

    Parameters
    ----------
    channels
        Of the five blocks.
    n_features
        Width of the features.
    image_size
        Side of the square input in pixels.
    outputs
        Number of logits.
    dropout
        Probability that an activation of the joint dense layer is dropped in training.
    pool
        ``gap``: the last maps are averaged; ``flatten``: they are taken as they are.
    """

    def __init__(
        self,
        *,
        channels: Sequence[int],
        n_features: int,
        image_size: int,
        outputs: int,
        dropout: float,
        pool: str,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            _block(before, width, pooled=number < 3)
            for number, (before, width) in enumerate(
                zip((3, *channels[:-1]), channels, strict=True)
            )
        )
        self.first_to_third = nn.Sequential(nn.AvgPool2d(4), _match(channels[0], channels[2]))
        self.third_to_fifth = _match(channels[2], channels[4])
        self.pool: nn.Module = nn.Flatten()
        width = channels[4] * (image_size // 8) ** 2
        if pool == "gap":
            self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
            width = channels[4]
        self.register_buffer("mean", None)
        self.register_buffer("deviation", None)
        self.of_features = nn.Sequential(nn.Linear(n_features, 64), nn.ReLU())
        self.joint = nn.Sequential(
            nn.Linear(width + 64, 512),
            nn.BatchNorm1d(512, eps=_EPSILON),
            nn.LeakyReLU(_SLOPE),
            nn.Dropout(dropout),
        )
        self.head = Logits(512, outputs)
        glorot(self)
        he_normal(self.blocks)

    def scale(self, features: torch.Tensor) -> None:
        """Standardise features from now on by the mean and deviation of these, shape (n, d)."""
        deviation, self.mean = torch.std_mean(features.double(), dim=0, correction=0)
        # a feature that never varies has nothing to be divided by
        self.deviation = torch.where(deviation > 0, deviation, 1.0).float()
        self.mean = self.mean.float()

    def forward(self, images: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Map (n, 3, S, S) and (n, d) to float32 logits (n, outputs)."""
        first = self.blocks[0](images)
        third = self.blocks[2](self.blocks[1](first)) + self.first_to_third(first)
        fifth = self.blocks[4](self.blocks[3](third)) + self.third_to_fifth(third)
        if self.mean is not None:
            features = (features - self.mean) / self.deviation
        both = torch.cat([self.pool(fifth), self.of_features(features)], dim=1)
        logits: torch.Tensor = self.head(self.joint(both))
        return logits


def _block(before: int, width: int, *, pooled: bool) -> nn.Sequential:
    # pooling commutes with the rising LeakyReLU, and leaves it a quarter of the work
    pool = [nn.MaxPool2d(2)] if pooled else []
    return nn.Sequential(
        nn.Conv2d(before, width, 3, padding=1),
        nn.BatchNorm2d(width, eps=_EPSILON),
        *pool,
        nn.LeakyReLU(_SLOPE),
    )


def _match(before: int, width: int) -> nn.Module:
    return nn.Identity() if before == width else nn.Conv2d(before, width, 1)
