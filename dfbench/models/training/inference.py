"""Scores of images by a network that is trained.

A network is a torch module from images of shape (n, 3, S, S), channels-last in memory and
normalised as its recipe says, to logits, see `dfbench.models.training.logits`. One that takes
features too is called with them as its second argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import nn

from dfbench.models.base import Inputs, Probabilities, apart
from dfbench.models.training.inputs import check, inputs_of
from dfbench.models.training.logits import probabilities
from dfbench.models.training.precision import autocast
from dfbench.models.training.reading import batches_of, slices, source_of
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
    images, features = apart(X)
    module.to(device)
    n, block = len(images), BLOCK[device]
    sources = [source_of(each) for each in (images, features) if each is not None]

    def blocks() -> Iterator[list[torch.Tensor]]:
        for read in batches_of(sources, slices(n, EVAL_BATCH)):
            for rows in slices(len(read[0]), block):
                yield [_filled(each[rows], block) for each in read]

    return outputs_of(module, blocks(), recipe, device)[:n]


def _filled(rows: torch.Tensor, block: int) -> torch.Tensor:
    """Add zeros to what is less than a block."""
    if len(rows) == block:
        return rows
    return torch.cat([rows, rows.new_zeros(block - len(rows), *rows.shape[1:])])


def outputs_of(
    module: nn.Module, batches: Iterable[list[torch.Tensor]], recipe: Recipe, device: str
) -> torch.Tensor:
    """Logits of batches, without augmentation, float32, on the processor.

    Parameters
    ----------
    module
        On the device.
    batches
        Images, and the features beside them where the module takes any.
    recipe
        How the network sees images.
    device
        Where it computes.
    """
    module.eval()
    parts = []
    with torch.inference_mode(), autocast(recipe, device):
        for images, *features in batches:
            inputs = [inputs_of(images, recipe, device)]
            inputs += [each.to(device) for each in features]
            parts.append(module(*inputs).float().cpu())
    return torch.cat(parts)
