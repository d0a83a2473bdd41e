"""Augmented copies of training images, made once before a training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from dfbench.errors import ParameterError
from dfbench.models.base import Array
from dfbench.models.training.augmentation.augmenter import augmenter
from dfbench.models.training.augmentation.change import Change
from dfbench.models.training.laid import laid_out
from dfbench.models.training.recipe import Offline

_CHUNK = 64
"""Images at a time."""


def offline(
    X: Array, spec: Offline, seed: int, folder: Path | None = None, own: Sequence[Change] = ()
) -> Array:
    """Make augmented copies of images.

    Parameters
    ----------
    X
        uint8, shape (n, S, S, 3).
    spec
        How many, and how they are changed.
    seed
        The copies hang on it alone.
    folder
        Where many of them are laid.
    own
        What plugins do to them.

    Returns
    -------
    ndarray or Rows of shape (n * copies, S, S, 3), dtype uint8
        One copy of each image in the order of X, then the next of each.

    Raises
    ------
    ParameterError
        If ``spec`` mixes images: a copy has one label.
    """
    if spec.augment.mixup or spec.augment.cutmix:
        raise ParameterError("offline copies have one label each: no mixup, no cutmix")
    change = augmenter(spec.augment, X.shape[1], own)
    copies = laid_out((spec.copies * len(X), *X.shape[1:]), "uint8", folder)
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(seed)
        for _ in range(spec.copies):
            for start in range(0, len(X), _CHUNK):
                rows = X[start : start + _CHUNK]
                if change is None:
                    copies.append(rows)
                    continue
                images = torch.from_numpy(np.ascontiguousarray(rows)).permute(0, 3, 1, 2) / 255.0
                images, _ = change(images, torch.zeros(len(rows), 1))
                pixels = (images * 255.0).round().to(torch.uint8).permute(0, 2, 3, 1)
                copies.append(pixels.numpy())
    return copies.rows()
