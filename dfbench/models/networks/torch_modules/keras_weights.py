"""Weights that Keras wrote (HDF5) put into a torch module of the same layers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dfbench.errors import DfbenchError
from dfbench.received import hdf5

_KINDS = ("conv2d", "batch_normalization", "dense")
_NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}

_SPARE = 4
"""Numbers that are read for each of the network, so that what does not fit can be named."""

Arrays = dict[str, NDArray[np.float32]]


def read(path: Path, most: int) -> dict[str, list[tuple[str, Arrays]]]:
    """Read the layers that have weights, in the order in which they were made.

    Keras numbers layers of a kind as they are made (``conv2d_5``, ``conv2d_6``); the order in the
    file is another where a network branches.

    Parameters
    ----------
    path
        The file.
    most
        Numbers that the network has: a few bytes can promise gigabytes, and no more is read of a
        tensor.

    Returns
    -------
    dict
        By kind (``conv2d``, ``batch_normalization``, ``dense``): names of layers, and their arrays
        by name (``kernel``, ``gamma`` and so on).

    Raises
    ------
    DfbenchError
        If the file cannot be read as such, holds more, or leads to other files.
    """
    layers: dict[str, list[tuple[str, Arrays]]] = {kind: [] for kind in _KINDS}
    try:
        # a whole model keeps its weights one level down
        found = hdf5.groups(
            path,
            lambda name: _kind(name) in layers,
            within="model_weights",
            most=_SPARE * most,
            each=most,
        )
    except (OSError, ValueError) as error:
        raise DfbenchError(
            f"cannot be read as Keras weights: {getattr(error, 'strerror', None) or error}",
            where=path,
            hint="fetch the file again",
        ) from error
    for name in sorted(found, key=_number):
        arrays = {key.partition(":")[0]: its for key, its in found[name].items()}
        layers[_kind(name)].append((name, arrays))
    return layers


def _kind(name: str) -> str:
    return re.sub(r"_\d+$", "", name)


def _number(name: str) -> int:
    found = re.search(r"_(\d+)$", name)
    return int(found.group(1)) if found else 0


def load(module: nn.Module, path: Path, *, flattened: tuple[int, int, int]) -> None:
    """Put the weights of a Keras file into a module, in place.

    Keras' kernels are (height, width, in, out) and torch's (out, in, height, width); Keras' dense
    kernels are (in, out), and those after a flattening take maps channels last.

    Parameters
    ----------
    module
        Made of the same layers, in the order in which Keras made them.
    path
        The file.
    flattened
        Channels, height and width of the maps that the first dense layer takes.

    Raises
    ------
    DfbenchError
        If the file cannot be read, or its layers are not the module's; it names the tensor.
    """
    layers = read(path, sum(its.numel() for its in module.state_dict().values()))
    parts = list(module.modules())
    of_kind: dict[str, list[nn.Module]] = {
        "conv2d": [part for part in parts if isinstance(part, nn.Conv2d)],
        "batch_normalization": [part for part in parts if isinstance(part, nn.BatchNorm2d)],
        "dense": [part for part in parts if isinstance(part, nn.Linear)],
    }
    for kind, wanted in of_kind.items():
        if len(layers[kind]) != len(wanted):
            raise DfbenchError(
                f"has {len(layers[kind])} layers {kind!r}, the network has {len(wanted)}",
                where=path,
            )
        for number, (part, (name, arrays)) in enumerate(zip(wanted, layers[kind], strict=True)):
            names = {"weight": "kernel", "bias": "bias"}
            if kind == "batch_normalization":
                names = _NORM
            for ours, theirs in names.items():
                target: torch.Tensor = getattr(part, ours)
                value = arrays.get(theirs)
                if value is None:
                    raise DfbenchError(f"has no tensor {name}/{theirs}", where=path)
                channels_last = flattened if kind == "dense" and number == 0 else None
                found = _torch_order(value, channels_last)
                if found is None or found.shape != target.shape or not np.isfinite(value).all():
                    raise DfbenchError(
                        f"tensor {name}/{theirs} of shape {value.shape} does not fit the network, "
                        f"which needs finite numbers for {tuple(target.shape)} in torch's order",
                        where=path,
                    )
                with torch.no_grad():
                    target.copy_(torch.from_numpy(np.ascontiguousarray(found)))


def _torch_order(
    value: NDArray[np.float32], flattened: tuple[int, int, int] | None
) -> NDArray[np.float32] | None:
    if value.ndim == 4:
        return value.transpose(3, 2, 0, 1)
    if value.ndim != 2:
        return value
    if flattened is not None:
        channels, height, width = flattened
        if len(value) != channels * height * width:
            return None
        maps = value.reshape(height, width, channels, -1)
        return maps.transpose(3, 2, 0, 1).reshape(value.shape[1], -1)
    return value.T
