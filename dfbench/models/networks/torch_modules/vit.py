"""A small vision transformer, by timm."""

from __future__ import annotations

from timm.models.vision_transformer import VisionTransformer
from torch import nn

from dfbench.models.networks.torch_modules.layers import Logits


def vision_transformer(
    *,
    image_size: int,
    patch: int,
    width: int,
    depth: int,
    heads: int,
    outputs: int,
    dropout: float,
) -> nn.Module:
    """Make a vision transformer with fresh weights.

    Parameters
    ----------
    image_size, patch
        Sides of the square input and of a patch in pixels.
    width, depth, heads
        Of the tokens, the blocks, and heads in each block.
    outputs
        Number of logits.
    dropout
        Probability of dropping after the positions are added and after each dense layer.
    """
    module: nn.Module = VisionTransformer(
        img_size=image_size,
        patch_size=patch,
        embed_dim=width,
        depth=depth,
        num_heads=heads,
        num_classes=outputs,
        pos_drop_rate=dropout,
        proj_drop_rate=dropout,
    )
    head = Logits(width, outputs)
    nn.init.trunc_normal_(head.weight, std=0.02)
    nn.init.zeros_(head.bias)
    module.head = head
    return module
