"""A backbone that runs: images of one size to vectors, here or in the process that asks torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dfbench.backbones.apart import asked
from dfbench.backbones.build import build, full_precision, set_batch_norm
from dfbench.errors import DfbenchError

if TYPE_CHECKING:
    import torch


class Wanted(NamedTuple):
    """What a backbone is built by, see `Net` and `dfbench.backbones.build.build`.

    ``mean`` and ``std`` are empty for the backbone's own.
    """

    backbone: str
    weights: str
    seed: int
    size: int | None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    device: str


class Net:
    """A backbone ready to run: float32, evaluation mode, channels-last.

    Parameters
    ----------
    module
        The backbone without its classifier.
    size
        Side of its input in pixels.
    mean, std
        Normalisation of pixels in [0, 1], by channel.
    device
        ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    DfbenchError
        If ``cuda`` is asked for and there is none.

    Attributes
    ----------
    width
        Of its vectors.
    """

    def __init__(
        self,
        module: torch.nn.Module,
        size: int,
        mean: Sequence[float],
        std: Sequence[float],
        device: str,
    ) -> None:
        import torch

        self.size = size
        self._mean, self._std = list(mean), list(std)
        self._device = device = _device(device)
        self._module = module.eval().requires_grad_(False)
        self._module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        # (pixel / 255 - mean) / std as one multiplication and one addition
        spread = torch.tensor(list(std), dtype=torch.float32).view(1, 3, 1, 1)
        centre = torch.tensor(list(mean), dtype=torch.float32).view(1, 3, 1, 1)
        self._scale = (1.0 / (255.0 * spread)).to(device)
        self._shift = (-centre / spread).to(device)
        self.width = int(self(np.zeros((1, size, size, 3), np.uint8)).shape[1])

    def save(self) -> bytes:
        """Give weights, size and normalisation as a safetensors file."""
        import torch
        from safetensors.torch import save

        tensors = {
            name: value.cpu().contiguous().clone()
            for name, value in self._module.state_dict().items()
        }
        own = {"size": [self.size], "mean": self._mean, "std": self._std}
        for key, value in own.items():
            tensors[f"dfbench.{key}"] = torch.tensor(value, dtype=torch.float64)
        content: bytes = save(tensors)
        return content

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Give the vectors, shape (n, d), of images of shape (n, size, size, 3)."""
        import torch

        with torch.inference_mode(), full_precision():
            batch = torch.from_numpy(images).to(self._device).permute(0, 3, 1, 2).float()
            out = self._module(batch.mul_(self._scale).add_(self._shift))
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
        self.size, self.width = asked(_shape, wanted)

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
    mean, std = wanted.mean or built.mean, wanted.std or built.std
    return Net(built.module, built.size, mean, std, wanted.device)


_loaded = cache(load)


def _shape(wanted: Wanted) -> tuple[int, int]:
    net = _loaded(wanted)
    return net.size, net.width


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
