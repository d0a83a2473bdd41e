"""Layers and initial weights that several networks share."""

from __future__ import annotations

import math

import torch
from torch import nn


class Logits(nn.Linear):
    """The last layer of a network, in float32 whatever the rest computes in.

    In bfloat16 logits would have 8 significant bits: many equal scores.
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Map vectors (n, in_features) to float32 logits (n, out_features)."""
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.float())


def glorot(module: nn.Module) -> None:
    """Set convolutions and dense layers as Keras does: Glorot uniform, zero biases.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def he_normal(module: nn.Module) -> None:
    """Set convolutions to Keras' ``he_normal``: normal, cut off at two standard deviations.

    The variance after the cut is 2 / fan-in: He et al., "Delving deep into rectifiers", ICCV 2015.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            fan_in = layer.weight[0].numel()
            # a normal distribution cut off at two deviations keeps this share of its deviation
            deviation = math.sqrt(2 / fan_in) / 0.87962566103423978
            nn.init.trunc_normal_(layer.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
