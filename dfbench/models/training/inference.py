"""Scores of images by a network that is trained.

A network is a torch module from images of shape (n, 3, S, S), channels-last in memory and
normalised as its recipe says, to logits, see `dfbench.models.training.logits`. One that takes
features too is called with them as its second argument.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from dfbench.models.base import Inputs, Probabilities
from dfbench.models.training.inputs import check, inputs_of, tensors_of
from dfbench.models.training.logits import probabilities
from dfbench.models.training.precision import autocast
from dfbench.models.training.recipe import Recipe

EVAL_BATCH = 128
"""Images at a time where nothing is trained."""
BLOCK = {"cpu": 16, "cuda": EVAL_BATCH}
"""Images at a time where scores are to depend on no other image: never more and never fewer, as
libraries sum in another order for another number of them."""


def predict(
    module: nn.Module, X: Inputs, recipe: Recipe, *, n_classes: int, device: str = "cpu"
) -> Probabilities:
    """Class probabilities of images, shape (n, K), by a trained module.

    To be called inside `dfbench.models.training.session.session`. The value for an image does not
    depend on the images beside it.
    """
    out = outputs(module, X, recipe, device)
    return probabilities(out.numpy().astype(np.float64), n_classes)


def outputs(module: nn.Module, X: Inputs, recipe: Recipe, device: str) -> torch.Tensor:
    """Logits of images by a module, which is moved to the device; see `predict`.

    Raises
    ------
    DataError
        If X is not as a network needs it.
    """
    check(X)
    images, features = tensors_of(X)
    module.to(device)
    n, block = len(images), BLOCK[device]
    parts = []
    for start in range(0, n, block):
        rows = slice(start, start + block)
        beside = None if features is None else _filled(features[rows], block)
        parts.append(outputs_of(module, _filled(images[rows], block), beside, recipe, device))
    return torch.cat(parts)[:n]


def _filled(rows: torch.Tensor, block: int) -> torch.Tensor:
    """Add zeros to what is less than a block."""
    if len(rows) == block:
        return rows
    return torch.cat([rows, rows.new_zeros(block - len(rows), *rows.shape[1:])])


def outputs_of(
    module: nn.Module,
    images: torch.Tensor,
    features: torch.Tensor | None,
    recipe: Recipe,
    device: str,
) -> torch.Tensor:
    """Logits of tensors, without augmentation, float32, on the processor."""
    module.eval()
    parts = []
    with torch.inference_mode(), autocast(recipe, device):
        for start in range(0, len(images), EVAL_BATCH):
            rows = slice(start, start + EVAL_BATCH)
            inputs = [inputs_of(images[rows], recipe, device)]
            if features is not None:
                inputs.append(features[rows].to(device))
            parts.append(module(*inputs).float().cpu())
    return torch.cat(parts)
