"""What is shown of a part: its images, or what a frozen body makes of them, features, labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import nn

from dfbench.models.base import Array, Both, Inputs, Labels, apart
from dfbench.models.rows import Chosen, blocks, row_bytes
from dfbench.models.training.augmentation.copies import offline
from dfbench.models.training.inference import EVAL_BATCH, outputs_of
from dfbench.models.training.inputs import inputs_of
from dfbench.models.training.laid import Stacked, laid_out
from dfbench.models.training.precision import autocast
from dfbench.models.training.reading import Places, Source, batches_of, slices, source_of, tensor_of
from dfbench.models.training.recipe import Augment, Recipe
from dfbench.models.training.setting import Setting

_SHARE_OF_GPU = 1 / 3
"""Of the free memory of a GPU that the images may take."""
_CLASSIFIED = 8192
"""Vectors at a time where nothing is trained."""


@dataclass(frozen=True, eq=False)
class Part:
    """A part of the data, as a training needs it.

    Attributes
    ----------
    images
        uint8, shape (n, S, S, 3): a tensor, on the GPU where they are small; or rows on disk.
    features
        float32, shape (n, d), or None.
    y
        Class numbers, shape (n,).
    vectors
        What the module's frozen body gives for each image, float32, on the device or on disk; None
        where the images themselves are shown.
    """

    images: Source
    features: Source | None
    y: Labels
    vectors: Source | None = None

    @classmethod
    def of(cls, X: Inputs, y: Labels, device: str) -> Part:
        """Wrap images and features."""
        images, features = apart(X)
        beside = None if features is None else source_of(features)
        return cls(_images(images, device), beside, np.asarray(y, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.y)

    def batches(self, places: Iterable[Places]) -> Iterator[list[torch.Tensor]]:
        """Give what is shown, batch by batch: images or vectors, and the features if there are any.

        Parameters
        ----------
        places
            The rows of each batch.
        """
        first = self.images if self.vectors is None else self.vectors
        return batches_of([first] if self.features is None else [first, self.features], places)

    def encoded(self, module: nn.Module, recipe: Recipe, device: str, folder: Path | None) -> Part:
        """Send each image through the frozen body of a module, once for the whole training."""
        module.eval()

        def vectors() -> Iterator[torch.Tensor]:
            for (images,) in batches_of([self.images], slices(len(self), EVAL_BATCH)):
                yield module.encode(inputs_of(images, recipe, device)).float()  # type: ignore[operator]

        with torch.inference_mode(), autocast(recipe, device):
            found = vectors()
            if device == "cuda":
                whole = torch.cat(list(found))
            else:
                first = next(found)  # a part has images
                room = laid_out((len(self), first.shape[1]), "float32", folder)
                for each in chain([first], found):
                    room.append(each.numpy())
        # a copy: inference tensors take no part in training
        kept = whole.clone() if device == "cuda" else source_of(room.rows())
        return replace(self, vectors=kept)

    def outputs(self, module: nn.Module, recipe: Recipe, device: str) -> torch.Tensor:
        """Logits of the part as it is, float32, on the processor."""
        if self.vectors is None:
            shown = self.batches(slices(len(self), EVAL_BATCH))
            return outputs_of(module, shown, recipe, device)
        module.eval()
        with torch.inference_mode(), autocast(recipe, device):
            out = [
                module.classify(*(each.to(device) for each in inputs)).float().cpu()  # type: ignore[operator]
                for inputs in self.batches(slices(len(self), _CLASSIFIED))
            ]
        return torch.cat(out)


def _images(images: Array, device: str) -> Source:
    if device != "cuda":
        return source_of(images)
    if len(images) * row_bytes(images) >= torch.cuda.mem_get_info()[0] * _SHARE_OF_GPU:
        return source_of(images)
    held = torch.empty(images.shape, dtype=torch.uint8, device=device)
    for place, block in blocks(images):
        held[place] = tensor_of(block).to(device)
    return held


def make_parts(setting: Setting, folder: Path | None = None) -> tuple[Part, Part]:
    """Give training and validation part, with augmented copies and encoded where that is asked.

    Where the setting `follows` an earlier training, both are the former.

    Parameters
    ----------
    setting
        Of the training.
    folder
        Where what is made of many images is laid.
    """
    X, y, recipe, device = setting.X, setting.y, setting.recipe, setting.device
    if recipe.offline is not None:
        images, features = apart(X)
        copies = offline(images, recipe.offline, setting.seed, folder, setting.own_offline)
        times = recipe.offline.copies + 1
        stacked = Stacked(images, copies)
        again = np.tile(np.arange(len(y)), times)
        X = stacked if features is None else Both(stacked, Chosen(features, again))
        y = np.tile(y, times)
    parts = [Part.of(X, y, device)]
    if not setting.follows:
        parts.append(Part.of(setting.X_val, setting.y_val, device))
    if bool(getattr(setting.module, "frozen", False)) and recipe.augment == Augment():
        parts = [each.encoded(setting.module, recipe, device, folder) for each in parts]
    return parts[0], parts[-1]
