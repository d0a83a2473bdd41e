"""Random changes of training images, on whole batches, each image with numbers of its own.

Geometry, colour and blur are kornia's, AutoAugment is torchvision's, JPEG libjpeg's by Pillow. All
random numbers come from torch's global generator: seeded alike, a batch is changed alike.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dfbench.errors import ParameterError
from dfbench.models.training.recipe import Augment, Offline

Change = Callable[[torch.Tensor], torch.Tensor]
Augmenter = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]

_CHUNK = 64
"""Images at a time where copies are made."""
_QUALITY = (30, 95)
_SIGMA = (0.1, 2.0)
_KERNEL = 9
_HUE = 0.25
"""Of `Augment.jitter`, in turns."""


def augmenter(augment: Augment, size: int) -> Augmenter | None:
    """Make the function that changes a batch.

    Parameters
    ----------
    augment
        What is to be done. What geometry brings in from outside the image is its mirror image:
        black corners would tell training images from others.
    size
        Side of the images that come out, in pixels; that of the images that go in, unless
        `augment` crops.

    Returns
    -------
    function or None
        Takes float images in [0, 1], (n, 3, S, S), and the share of each class, (n, K) float32;
        gives both changed, images float32, clamped to [0, 1]. None where nothing is to be done.
    """
    if augment == Augment():
        return None  # before kornia is imported
    changes = _changes(augment, size)
    mixes = [
        mix for mix, alpha in ((_mixup, augment.mixup), (_cutmix, augment.cutmix)) if alpha > 0
    ]
    alphas = {_mixup: augment.mixup, _cutmix: augment.cutmix}
    if not (changes or mixes):
        return None

    def change(images: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        images = images.float()
        for each in changes:
            images = each(images)
        images = images.clamp(0.0, 1.0)
        if mixes:
            mix = mixes[int(torch.randint(len(mixes), ()))]
            images, targets = mix(images, targets, alphas[mix])
        return images.contiguous(memory_format=torch.channels_last), targets

    return change


def offline(X: NDArray[np.uint8], spec: Offline, seed: int) -> NDArray[np.uint8]:
    """Make augmented copies of images.

    Parameters
    ----------
    X
        uint8, shape (n, S, S, 3).
    spec
        How many, and how they are changed.
    seed
        The copies hang on it alone.

    Returns
    -------
    ndarray of shape (n * copies, S, S, 3), dtype uint8
        One copy of each image in the order of X, then the next of each.

    Raises
    ------
    ParameterError
        If ``spec`` mixes images: a copy has one label.
    """
    if spec.augment.mixup or spec.augment.cutmix:
        raise ParameterError("offline copies have one label each: no mixup, no cutmix")
    change = augmenter(spec.augment, X.shape[1])
    copies = np.empty((spec.copies, *X.shape), np.uint8)
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(seed)
        for copy in copies:
            for start in range(0, len(X), _CHUNK):
                rows = X[start : start + _CHUNK]
                if change is None:
                    copy[start : start + len(rows)] = rows
                    continue
                images = torch.from_numpy(np.ascontiguousarray(rows)).permute(0, 3, 1, 2) / 255.0
                images, _ = change(images, torch.zeros(len(rows), 1))
                pixels = (images * 255.0).round().to(torch.uint8).permute(0, 2, 3, 1)
                copy[start : start + len(rows)] = pixels.numpy()
    return copies.reshape(-1, *X.shape[1:])


def _changes(augment: Augment, size: int) -> list[Change]:
    """Give what is done to the pixels, in order: where they lie first, what they are then."""
    from kornia import augmentation as library

    found: list[Change] = []
    if augment.crop is not None:
        found.append(library.RandomResizedCrop((size, size), scale=augment.crop, p=1.0))
    if augment.flip:
        found.append(lambda images: _flip(images, 3))
    if augment.flip_vertical:
        found.append(lambda images: _flip(images, 2))
    if augment.rotation or augment.shift or augment.shear or augment.zoom:
        # one interpolation for all of them
        shear = augment.shear
        found.append(
            library.RandomAffine(
                degrees=augment.rotation,
                translate=(augment.shift, augment.shift) if augment.shift else None,
                scale=(1 - augment.zoom, 1 + augment.zoom) if augment.zoom else None,
                shear=(-shear, shear, -shear, shear) if shear else None,
                padding_mode="reflection",
                p=1.0,
            )
        )
    if augment.auto_augment:
        found.append(_auto_augment())
    if augment.jitter:
        amount = augment.jitter
        found.append(library.ColorJitter(amount, amount, amount, _HUE * amount, p=1.0))
    if augment.blur:
        blur = library.RandomGaussianBlur((_KERNEL, _KERNEL), _SIGMA, p=1.0)
        found.append(_sometimes(blur, augment.blur))
    if augment.jpeg:
        found.append(_sometimes(_jpeg, augment.jpeg))
    return found


def _flip(images: torch.Tensor, axis: int) -> torch.Tensor:
    chosen = (torch.rand(len(images)) < 0.5).to(images.device)
    return torch.where(chosen[:, None, None, None], images.flip(axis), images)


def _sometimes(change: Any, share: float) -> Change:
    """Apply a change to each image with that probability, and to no others at all."""

    def changed(images: torch.Tensor) -> torch.Tensor:
        chosen = torch.nonzero(torch.rand(len(images)) < share)[:, 0].to(images.device)
        if not len(chosen):
            return images
        found = images.clone()
        found[chosen] = change(images[chosen]).to(images.dtype)
        return found

    return changed


def _jpeg(images: torch.Tensor) -> torch.Tensor:
    """Compress and decode each image, the quality drawn for each."""
    from PIL import Image

    low, high = _QUALITY
    qualities = torch.randint(low, high + 1, (len(images),)).tolist()
    pixels = _bytes(images).cpu().permute(0, 2, 3, 1).contiguous().numpy()
    decoded = np.empty_like(pixels)
    for image, quality, found in zip(pixels, qualities, decoded, strict=True):
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=quality)
        found[:] = np.asarray(Image.open(buffer))
    return (torch.from_numpy(decoded).permute(0, 3, 1, 2).float() / 255.0).to(images.device)


def _bytes(images: torch.Tensor) -> torch.Tensor:
    return (images.clamp(0, 1) * 255.0).round().to(torch.uint8)


def _auto_augment() -> Change:
    """Make AutoAugment: kornia's draws one policy for a whole batch, so torchvision's by image."""
    from torchvision.transforms.v2 import AutoAugment, InterpolationMode

    # grey from outside, as its authors have it
    policy = AutoAugment(interpolation=InterpolationMode.BILINEAR, fill=[128.0] * 3)

    def changed(images: torch.Tensor) -> torch.Tensor:
        drawn = [policy(image) for image in _bytes(images)]
        return torch.stack(drawn).to(images.dtype) / 255.0

    return changed


def _lambda(alpha: float) -> float:
    return float(torch.distributions.Beta(alpha, alpha).sample())


def _mixup(
    images: torch.Tensor, targets: torch.Tensor, alpha: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix each image with another of the batch: lam x_i + (1 - lam) x_j (Zhang et al., 2018)."""
    lam = _lambda(alpha)
    other = torch.randperm(len(images)).to(images.device)
    mixed = torch.lerp(images[other], images, lam)
    return mixed, torch.lerp(targets[other], targets, lam)


def _cutmix(
    images: torch.Tensor, targets: torch.Tensor, alpha: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Put a rectangle of another image into each; targets by true area (Yun et al., 2019)."""
    height, width = images.shape[2:]
    ratio = (1.0 - _lambda(alpha)) ** 0.5
    y, x = (float(v) for v in torch.rand(2))
    top, bottom = (round(height * min(max(y + s * ratio / 2, 0), 1)) for s in (-1, 1))
    left, right = (round(width * min(max(x + s * ratio / 2, 0), 1)) for s in (-1, 1))
    other = torch.randperm(len(images)).to(images.device)
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = images[other, :, top:bottom, left:right]
    lam = 1.0 - (bottom - top) * (right - left) / (height * width)
    return mixed, torch.lerp(targets[other], targets, lam)
