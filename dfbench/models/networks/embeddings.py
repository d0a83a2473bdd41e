"""A trained network's own features of each image: what one of its linear layers is given.

This module imports torch; it is loaded where they are wanted, not before.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dfbench.models.base import Inputs
from dfbench.models.training.inference import outputs
from dfbench.models.training.recipe import Recipe


def embeddings(
    module: nn.Module, layer: nn.Module, X: Inputs, recipe: Recipe, *, device: str = "cpu"
) -> NDArray[np.float32]:
    """Give what a layer of a module is given for each image.

    To be called inside `dfbench.models.training.session.session`.

    Parameters
    ----------
    module
        A trained network.
    layer
        The part of it whose input is wanted.
    X
        Images, uint8 of shape (n, S, S, 3), or `Both`.
    recipe
        How the network sees images.
    device
        Where it computes.

    Returns
    -------
    ndarray of shape (n, d), dtype float32
    """
    seen: list[torch.Tensor] = []
    hook = layer.register_forward_pre_hook(
        lambda _, given: seen.append(given[0].detach().float().cpu())
    )
    try:
        outputs(module, X, recipe, device)
    finally:
        hook.remove()
    found: NDArray[np.float32] = torch.cat(seen).flatten(1).numpy()[: len(X)]
    return found
