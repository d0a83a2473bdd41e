"""Plain convolutional networks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from dfbench.models.networks.torch_modules.layers import Logits, glorot


class PlainCnn(nn.Module):
    """Convolutions of 3x3 without padding, a dense layer, one layer of logits.

    Each convolution has ReLU and 2x2 max pooling; the dense layer has ReLU and dropout. Weights
    start as in Keras.

    Parameters
    ----------
    channels
        Of each convolution.
    dense
        Width of the dense layer.
    image_size
        Side of the square input in pixels.
    outputs
        Number of logits.
    dropout
        Probability that an activation of the dense layer is dropped in training.
    """

    def __init__(
        self,
        *,
        channels: Sequence[int],
        dense: int,
        image_size: int,
        outputs: int,
        dropout: float,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        side, before = image_size, 3
        for width in channels:
            # ReLU and max pooling commute: pooling first leaves ReLU a quarter of the work
            layers += [nn.Conv2d(before, width, 3), nn.MaxPool2d(2), nn.ReLU()]
            side, before = (side - 2) // 2, width
        layers += [nn.Flatten(), nn.Linear(before * side * side, dense), nn.ReLU()]
        self.features = nn.Sequential(*layers, nn.Dropout(dropout))
        self.head = Logits(dense, outputs)
        glorot(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (n, 3, S, S) to float32 logits (n, outputs)."""
        logits: torch.Tensor = self.head(self.features(images))
        return logits
