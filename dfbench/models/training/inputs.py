"""From images as they are stored to what a network sees: pixels, crop, mean and deviation."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from dfbench.errors import DataError
from dfbench.models.base import apart
from dfbench.models.training.precision import precision_of
from dfbench.models.training.reading import tensor_of
from dfbench.models.training.recipe import Recipe


def check(X: Any) -> None:
    """Raise `DataError` if images are not as a network needs them."""
    images, _ = apart(X)
    if images.dtype != np.uint8 or len(images.shape) != 4 or images.shape[3] != 3:
        raise DataError(
            f"a network needs uint8 images of shape (n, S, S, 3), not {images.dtype} {images.shape}"
        )


def pixels_of(images: torch.Tensor, device: str, dtype: torch.dtype) -> torch.Tensor:
    """Convert uint8 (n, S, S, 3) to numbers in [0, 1], (n, 3, S, S), on the device."""
    # permuting the axes of an image-by-image array is the channels-last layout: nothing moves
    return images.to(device, non_blocking=True).permute(0, 3, 1, 2).to(dtype).div_(255.0)


def crop(images: torch.Tensor, side: int | None) -> torch.Tensor:
    """Cut the square of that side from the middle of (n, 3, S, S)."""
    if side is None or side >= images.shape[-1]:
        return images
    start = (images.shape[-1] - side) // 2
    return images[..., start : start + side, start : start + side]


def normalise(images: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """Take the recipe's mean from each channel and divide by its deviation."""
    if recipe.mean == (0.0, 0.0, 0.0) and recipe.std == (1.0, 1.0, 1.0):
        return images
    mean, std = (
        torch.tensor(values, device=images.device, dtype=torch.float32).view(1, 3, 1, 1)
        for values in (recipe.mean, recipe.std)
    )
    return (images.float() - mean).div_(std).to(images.dtype)


def inputs_of(images: Any, recipe: Recipe, device: str) -> torch.Tensor:
    """Turn images into what the network sees where nothing is augmented.

    Parameters
    ----------
    images
        uint8 of shape (n, S, S, 3), an array or a tensor.
    recipe
        Its crop, mean, deviation and precision count.
    device
        Where the result is to lie.
    """
    raw = images if isinstance(images, torch.Tensor) else tensor_of(images)
    # rounded once, at the end: 16 bits hold no more than a grey level
    pixels = crop(pixels_of(raw, device, torch.float32), recipe.crop_size)
    return normalise(pixels, recipe).to(precision_of(recipe, device))
