"""The tensors of a part: its images, or what a frozen body makes of them, features, labels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from dfbench.models.base import Both, Inputs, Labels, apart
from dfbench.models.training.augmentation.copies import offline
from dfbench.models.training.inference import EVAL_BATCH, outputs_of
from dfbench.models.training.inputs import inputs_of, tensors_of
from dfbench.models.training.precision import autocast
from dfbench.models.training.recipe import Augment, Recipe
from dfbench.models.training.setting import Setting

_SHARE_OF_GPU = 1 / 3
"""Of the free memory of a GPU that the images may take."""


@dataclass(frozen=True, eq=False)
class Part:
    """A part of the data, as a training needs it.

    Attributes
    ----------
    images
        uint8, shape (n, S, S, 3); on the GPU where they are small, else in main memory.
    features
        float32, shape (n, d), or None.
    y
        Class numbers, shape (n,).
    vectors
        What the module's frozen body gives for each image, float32, on the device; None where the
        images themselves are shown.
    """

    images: torch.Tensor
    features: torch.Tensor | None
    y: Labels
    vectors: torch.Tensor | None = None

    @classmethod
    def of(cls, X: Inputs, y: Labels, device: str) -> Part:
        """Wrap arrays."""
        images, features = tensors_of(X)
        if device == "cuda" and images.nbytes < torch.cuda.mem_get_info()[0] * _SHARE_OF_GPU:
            images = images.to(device)
        return cls(images, features, np.asarray(y, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.images)

    def encoded(self, module: nn.Module, recipe: Recipe, device: str) -> Part:
        """Send each image through the frozen body of a module, once for the whole training."""
        module.eval()
        vectors = []
        with torch.inference_mode(), autocast(recipe, device):
            for start in range(0, len(self), EVAL_BATCH):
                inputs = inputs_of(self.images[start : start + EVAL_BATCH], recipe, device)
                vectors.append(module.encode(inputs).float())  # type: ignore[operator]
        # a copy: inference tensors take no part in training
        return replace(self, vectors=torch.cat(vectors).clone())

    def outputs(self, module: nn.Module, recipe: Recipe, device: str) -> torch.Tensor:
        """Logits of the part as it is, float32, on the processor."""
        if self.vectors is None:
            return outputs_of(module, self.images, self.features, recipe, device)
        module.eval()
        with torch.inference_mode(), autocast(recipe, device):
            inputs = [self.vectors]
            if self.features is not None:
                inputs.append(self.features.to(device))
            out: torch.Tensor = module.classify(*inputs)  # type: ignore[operator]
        return out.float().cpu()


def make_parts(setting: Setting) -> tuple[Part, Part]:
    """Give training and validation part, with augmented copies and encoded where that is asked."""
    X, y, recipe, device = setting.X, setting.y, setting.recipe, setting.device
    if recipe.offline is not None:
        images, features = apart(X)
        times = recipe.offline.copies + 1
        images = np.concatenate([images, offline(images, recipe.offline, setting.seed)])
        X = images if features is None else Both(images, np.tile(features, (times, 1)))
        y = np.tile(y, times)
    part, val = Part.of(X, y, device), Part.of(setting.X_val, setting.y_val, device)
    if bool(getattr(setting.module, "frozen", False)) and recipe.augment == Augment():
        part, val = (p.encoded(setting.module, recipe, device) for p in (part, val))
    return part, val
