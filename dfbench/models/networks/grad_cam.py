"""Where a network looks: Grad-CAM, by the library pytorch-grad-cam.

This module imports torch; it is loaded where maps are wanted, not before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dfbench.models.base import Inputs, Labels, apart
from dfbench.models.training.inputs import inputs_of
from dfbench.models.training.reading import tensor_of
from dfbench.models.training.recipe import Recipe

Maps = NDArray[np.float32]
"""One map an image, shape (n, S, S), dtype float32, in [0, 1]."""


def grad_cam(
    module: nn.Module,
    layer: nn.Module,
    X: Inputs,
    classes: Labels,
    recipe: Recipe,
    *,
    device: str = "cpu",
    batch: int = 16,
) -> Maps:
    """Show which parts of each image speak for a class, by Grad-CAM.

    To be called inside `dfbench.models.training.session.session`.

    Parameters
    ----------
    module
        A trained network. It is left as it was.
    layer
        The part of it that is looked at, see `cam`.
    X
        Images, uint8 of shape (n, S, S, 3), or `Both` where the network takes features too; the
        features are held fixed.
    classes
        The class that is explained, for each image. With two classes there is one logit: class 1 is
        explained by it, class 0 by its negative.
    recipe
        How the network sees images; its precision does not count.
    device
        Where the module lies.
    batch
        Images at a time.

    Returns
    -------
    ndarray of shape (n, S, S), dtype float32
        0 where nothing speaks for the class, 1 where most does. Each map is scaled by itself, so
        maps tell where, not how much; a map is 0 throughout where nothing speaks for the class.
        Outside of a centre crop it is 0.

    References
    ----------
    Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based
    localization", ICCV 2017, equations 1 and 2.
    """
    # what 16 bits round off, the gradients would show
    recipe = recipe.model_copy(update={"precision": "32"})
    images, features = apart(X)
    maps = np.zeros(images.shape[:3], np.float32)
    for start in range(0, len(images), batch):
        rows = slice(start, start + batch)
        inputs = inputs_of(images[rows], recipe, device)
        beside = None if features is None else tensor_of(features[rows]).to(device)
        found = cam(module, layer, inputs, classes[rows], beside)
        top, left = ((maps.shape[i] - found.shape[i]) // 2 for i in (1, 2))
        maps[rows, top : top + found.shape[1], left : left + found.shape[2]] = found
    return maps


def cam(
    module: nn.Module,
    layer: nn.Module,
    inputs: torch.Tensor,
    classes: Labels,
    features: torch.Tensor | None = None,
) -> Maps:
    """Compute the Grad-CAM of one batch, in evaluation mode and float32.

    Parameters
    ----------
    module
        From images, or images and features, to logits (n, 1) or (n, K).
    layer
        The part of it whose output is weighed: maps (n, C, h, w) or (n, h, w, C), or the tokens
        (n, t, C) of a transformer, the grid after those that stand for no place.
    inputs
        Normalised images, shape (n, 3, S, S), float32, on the module's device.
    classes
        See `grad_cam`.
    features
        Shape (n, d), float32, where the module takes them.

    Returns
    -------
    ndarray of shape (n, S, S), dtype float32
        See `grad_cam`.
    """
    from pytorch_grad_cam import GradCAM

    bound = _Bound(module, features)
    with _without_gradients(module):
        explainer = GradCAM(bound, [layer], reshape_transform=getattr(module, "maps", _as_maps))
        try:
            # the parameters ask for no gradients, so the images must, for any to flow
            maps: Maps = explainer(
                input_tensor=inputs.detach().requires_grad_(),
                targets=[_target(int(k)) for k in classes],
            )
        finally:
            # not by `with`: the library's __exit__ swallows IndexError
            explainer.activations_and_grads.release()
    return np.clip(maps, 0, 1)


class _Bound(nn.Module):
    """A network as a function of its images alone, which is what the library calls."""

    def __init__(self, module: nn.Module, features: torch.Tensor | None) -> None:
        super().__init__()
        self.module = module
        self.features = features

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        more = () if self.features is None else (self.features,)
        logits: torch.Tensor = self.module(images, *more)
        return logits


def _target(k: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """Give the score of class k as a function of one image's logits."""

    def score(logits: torch.Tensor) -> torch.Tensor:
        if len(logits) > 1:
            return logits[k]
        return logits[0] if k == 1 else -logits[0]

    return score


def _as_maps(values: torch.Tensor) -> torch.Tensor:
    """Copy a layer's output as (n, C, h, w). Images are square, and so are their maps."""
    # copied, for a ReLU in place behind the layer would write into what the library keeps
    values = values.clone()
    if values.ndim == 3:
        side = math.isqrt(values.shape[1])
        # what is beyond a square comes first: the class token, and registers where there are any
        grid = values[:, values.shape[1] - side * side :]
        return grid.reshape(len(grid), side, side, -1).permute(0, 3, 1, 2)
    if values.ndim == 4 and values.shape[1] == values.shape[2] != values.shape[3]:
        return values.permute(0, 3, 1, 2)
    return values


@contextmanager
def _without_gradients(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode, its parameters without gradients; then back as it was."""
    modes = [(part, part.training) for part in module.modules()]
    wanted = [(p, p.requires_grad) for p in module.parameters()]
    kept = [(p, p.grad) for p in module.parameters()]
    try:
        module.eval().requires_grad_(False)
        yield
    finally:
        for part, mode in modes:
            part.training = mode
        for parameter, flag in wanted:
            parameter.requires_grad_(flag)
        for parameter, gradient in kept:
            parameter.grad = gradient
