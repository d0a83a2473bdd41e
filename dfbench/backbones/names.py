"""Short names of backbones that the field takes frozen, and what they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Short:
    """What a short name stands for.

    Attributes
    ----------
    of
        The backbone, as its library calls it.
    size
        Side of the input in pixels.
    projected
        Whether its last layer is kept: that of CLIP is no classifier, but leads to the space that
        images and texts share, and its output is what is called the embedding of an image.
    """

    of: str
    size: int = 224
    projected: bool = False


def _clip(name: str, size: int = 224) -> Short:
    # OpenAI trained with an approximation of the GELU; weights run under another are not the same
    return Short(f"timm:vit_{name}_clip_quickgelu_{size}.openai", size, projected=True)


def _dinov2(name: str) -> Short:
    # trained at 224 and fitted to 518 at the end: papers that probe it take 224
    return Short(f"timm:vit_{name}_patch14_dinov2.lvd142m")


SHORT: Mapping[str, Short] = {
    "clip-vit-b32": _clip("base_patch32"),
    "clip-vit-b16": _clip("base_patch16"),
    "clip-vit-l14": _clip("large_patch14"),
    "clip-vit-l14-336": _clip("large_patch14", 336),
    "dinov2-vit-s14": _dinov2("small"),
    "dinov2-vit-b14": _dinov2("base"),
    "dinov2-vit-l14": _dinov2("large"),
    "convnext-tiny-in1k": Short("timm:convnext_tiny.fb_in1k"),
    "convnext-tiny-in22k": Short("timm:convnext_tiny.fb_in22k"),
    "convnext-base-in1k": Short("timm:convnext_base.fb_in1k"),
    "convnext-base-in22k": Short("timm:convnext_base.fb_in22k"),
}
"""By name. What one stands for never changes: results are kept under it."""
