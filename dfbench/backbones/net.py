"""A backbone that runs: images of one size to vectors, here or in the process that asks torch."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dfbench.backbones.apart import asked
from dfbench.backbones.blocks import Pool, tapped
from dfbench.backbones.build import (
    Backbone,
    Fit,
    Interpolation,
    build,
    full_precision,
    set_batch_norm,
)
from dfbench.errors import DfbenchError

if TYPE_CHECKING:
    import torch


class Wanted(NamedTuple):
    """What a backbone is built by, see `Net` and `dfbench.backbones.build.build`.

    ``mean`` and ``std`` are empty for the backbone's own. Without a ``block`` it is run to its end;
    else see `dfbench.backbones.blocks.tapped`.
    """

    backbone: str
    weights: str
    seed: int
    size: int | None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    device: str
    block: int | str | None = None
    pool: Pool | None = None


class Shape(NamedTuple):
    """What is told of a backbone without running it.

    Attributes
    ----------
    size
        Side of its input in pixels.
    width
        Of its vectors.
    fit, interpolation
        How images are brought to that size, unless somebody says otherwise.
    at_once
        How many images are best given at once on a CPU: of large networks each fills it.
    """

    size: int
    width: int
    fit: Fit
    interpolation: Interpolation
    at_once: int


_AT_ONCE = 32
_LARGE = 50_000_000
"""Parameters from which on a CPU gains nothing by several images, and one alone is no batch."""


class Net:
    """A backbone ready to run: float32, evaluation mode, channels-last.

    Parameters
    ----------
    built
        The backbone without its classifier.
    wanted
        Its normalisation where it is not the backbone's own, its device, and the block.

    Raises
    ------
    DfbenchError
        If ``cuda`` is asked for and there is none, or there is no such block.

    Attributes
    ----------
    shape
        What is told of it.
    """

    def __init__(self, built: Backbone, wanted: Wanted) -> None:
        import torch

        mean, std = wanted.mean or built.mean, wanted.std or built.std
        self._mean, self._std = list(mean), list(std)
        self._device = device = _device(wanted.device)
        self._module = built.module.eval().requires_grad_(False)
        self._module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._forward: Callable[[torch.Tensor], torch.Tensor] = self._module
        if wanted.block is not None:
            self._forward = tapped(self._module, wanted.block, wanted.pool, wanted.backbone)
        # (pixel / 255 - mean) / std as one multiplication and one addition
        spread = torch.tensor(list(std), dtype=torch.float32).view(1, 3, 1, 1)
        centre = torch.tensor(list(mean), dtype=torch.float32).view(1, 3, 1, 1)
        self._scale = (1.0 / (255.0 * spread)).to(device)
        self._shift = (-centre / spread).to(device)
        side = built.size
        width = int(self(np.zeros((1, side, side, 3), np.uint8)).shape[1])
        large = sum(its.numel() for its in self._module.parameters()) > _LARGE
        at_once = 1 if large and device == "cpu" else _AT_ONCE
        self.shape = Shape(side, width, built.fit, built.interpolation, at_once)

    def save(self) -> bytes:
        """Give weights, size and normalisation as a safetensors file."""
        import torch
        from safetensors.torch import save

        tensors = {
            name: value.cpu().contiguous().clone()
            for name, value in self._module.state_dict().items()
        }
        own = {"size": [self.shape.size], "mean": self._mean, "std": self._std}
        for key, value in own.items():
            tensors[f"dfbench.{key}"] = torch.tensor(value, dtype=torch.float64)
        content: bytes = save(tensors)
        return content

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Give the vectors, shape (n, d), of images of shape (n, size, size, 3)."""
        import torch

        with torch.inference_mode(), full_precision():
            batch = torch.from_numpy(images).to(self._device).permute(0, 3, 1, 2).float()
            out = self._forward(batch.mul_(self._scale).add_(self._shift))
            vectors: NDArray[np.float32] = out.flatten(1).float().cpu().numpy()
        return vectors


class Asked:
    """A `Net` that lies where `dfbench.backbones.apart.asked` makes its calls.

    Raises
    ------
    UnavailableError, UnknownNameError, WeightsError
        If the backbone cannot be had, is not known, or a file of weights does not fit.
    DfbenchError
        If its device is not there.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self.shape = asked(_shape, wanted)

    def save(self) -> bytes:
        """Give weights, size and normalisation as a safetensors file."""
        return asked(_saved, self._wanted)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Give the vectors, shape (n, d), of images of shape (n, size, size, 3)."""
        return asked(_vectors, self._wanted, images)


def load(wanted: Wanted) -> Net:
    """Build a backbone in this process; random weights with a batch normalisation that fits.

    Raises
    ------
    DfbenchError
        As `Asked`.
    """
    built = build(wanted.backbone, wanted.weights, wanted.seed, wanted.size)
    if wanted.weights == "random":
        set_batch_norm(built.module, built.size, wanted.seed)
    return Net(built, wanted)


_loaded = cache(load)


def _shape(wanted: Wanted) -> Shape:
    return _loaded(wanted).shape


def _saved(wanted: Wanted) -> bytes:
    return _loaded(wanted).save()


def _vectors(wanted: Wanted, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return _loaded(wanted)(images)


def _device(wanted: str) -> str:
    import torch

    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise DfbenchError(
            "device 'cuda' was asked for, but torch finds no CUDA GPU", hint="use --device cpu"
        )
    return "cuda" if there and wanted != "cpu" else "cpu"
