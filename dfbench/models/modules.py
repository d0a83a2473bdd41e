"""torch modules of the networks that are built here rather than taken from a library."""

from __future__ import annotations

import torch
from torch import nn


class Cnn3(nn.Module):
    """Body of `dfbench.models.networks.Cnn3Conv`.

    Parameters
    ----------
    image_size
        Side of the square input in pixels.
    outputs
        Number of logits.
    dropout
        Probability that an activation of the dense layer is dropped in training.
    """

    def __init__(self, *, image_size: int, outputs: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        side, before = image_size, 3
        for channels in (32, 64, 128):
            # ReLU and max pooling commute: pooling first leaves ReLU a quarter of the work
            layers += [nn.Conv2d(before, channels, 3), nn.MaxPool2d(2), nn.ReLU()]
            side, before = (side - 2) // 2, channels
        layers += [nn.Flatten(), nn.Linear(before * side * side, 128), nn.ReLU()]
        self.features = nn.Sequential(*layers, nn.Dropout(dropout))
        self.head = nn.Linear(128, outputs)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (n, 3, S, S) in [0, 1] to float32 logits (n, outputs)."""
        vectors = self.features(images)
        # in bfloat16 logits would have 8 significant bits: many equal scores
        with torch.autocast(vectors.device.type, enabled=False):
            logits: torch.Tensor = self.head(vectors.float())
        return logits
