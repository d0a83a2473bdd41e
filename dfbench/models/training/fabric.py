"""Lightning Fabric on the devices, and in the precision, of a recipe."""

from __future__ import annotations

import logging
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision, Precision

from dfbench.models.training.precision import precision_of
from dfbench.models.training.recipe import Recipe

logging.getLogger("lightning_fabric").setLevel(logging.ERROR)


class _Mixed(MixedPrecision):  # type: ignore[misc]
    """Leaves inputs as they are: features and encodings keep their 32 bits up to the layer."""

    def convert_input(self, data: Any) -> Any:
        return data


def make_fabric(recipe: Recipe, device: str) -> Fabric:
    """Make what moves modules and scales gradients.

    Several GPUs of one process each take a part of a batch (`torch.nn.DataParallel`); what becomes
    of their logits, and batch normalisation's statistics, are the first one's.

    Raises
    ------
    DfbenchError
        If the device lacks the recipe's precision.
    """
    dtype = precision_of(recipe, device)
    plugin: Precision = Precision()
    if dtype is not torch.float32:
        half: Literal["bf16-mixed", "16-mixed"] = (
            "bf16-mixed" if dtype is torch.bfloat16 else "16-mixed"
        )
        plugin = _Mixed(half, device)
    gpus = min(recipe.gpus, torch.cuda.device_count()) if device == "cuda" else 1
    strategy = "dp" if gpus > 1 else "auto"
    return Fabric(accelerator=device, devices=gpus, strategy=strategy, plugins=[plugin])
