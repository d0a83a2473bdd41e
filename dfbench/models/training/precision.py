"""In which precision a network computes on which device."""

from __future__ import annotations

from typing import Any

import torch

from dfbench.errors import DfbenchError
from dfbench.models.training.recipe import Recipe


def autocast_dtype(device: str) -> torch.dtype | None:
    """16-bit type that this hardware computes in faster than in float32, or None.

    bfloat16 needs no loss scaling. Processors without instructions for it emulate it, slowly:
    only AVX-512 BF16 and AMX count.
    """
    if device == "cuda":
        fit = torch.cuda.get_device_capability() >= (8, 0)
    else:
        fit = any(
            getattr(torch.cpu, name, bool)()
            for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        )
    return torch.bfloat16 if fit else None


def precision_of(recipe: Recipe, device: str) -> torch.dtype:
    """Type that a recipe's network computes in on a device.

    Raises
    ------
    DfbenchError
        If the device has no such arithmetic.
    """
    if recipe.precision == "auto":
        return autocast_dtype(device) or torch.float32
    if recipe.precision == "fp16" and device == "cpu":
        raise DfbenchError("precision fp16 needs a GPU", hint='precision = "bf16" or "32"')
    return {"32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[recipe.precision]


def autocast(recipe: Recipe, device: str) -> Any:
    """Context in which a network computes in the recipe's precision."""
    dtype = precision_of(recipe, device)
    enabled = dtype is not torch.float32
    return torch.autocast(device, dtype=dtype if enabled else torch.bfloat16, enabled=enabled)
