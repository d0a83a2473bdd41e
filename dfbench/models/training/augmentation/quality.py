"""Losses of quality as images suffer them on their way: blur and JPEG compression."""

from __future__ import annotations

import io

import numpy as np
import torch

from dfbench.models.training.augmentation.change import Change, bytes_of, sometimes
from dfbench.models.training.recipe import Augment
from dfbench.rasters.pillow import opened

_SIGMA = (0.1, 2.0)
"""Of the blur, in pixels."""
_KERNEL = 9
_QUALITY = (30, 95)


def blur(augment: Augment, size: int) -> Change | None:
    """Blur some of the images, each with a sigma of its own."""
    if not augment.blur:
        return None
    from kornia.augmentation import RandomGaussianBlur

    return sometimes(RandomGaussianBlur((_KERNEL, _KERNEL), _SIGMA, p=1.0), augment.blur)


def jpeg(augment: Augment, size: int) -> Change | None:
    """Compress some of the images as JPEG, each with a quality of its own."""
    return sometimes(_compressed, augment.jpeg) if augment.jpeg else None


def _compressed(images: torch.Tensor) -> torch.Tensor:
    """Compress and decode each image, the quality drawn for each."""
    from PIL import Image

    low, high = _QUALITY
    qualities = torch.randint(low, high + 1, (len(images),)).tolist()
    pixels = bytes_of(images).cpu().permute(0, 2, 3, 1).contiguous().numpy()
    decoded = np.empty_like(pixels)
    for image, quality, found in zip(pixels, qualities, decoded, strict=True):
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=quality)
        found[:] = np.asarray(opened(buffer.getvalue()))
    return (torch.from_numpy(decoded).permute(0, 3, 1, 2).float() / 255.0).to(images.device)
