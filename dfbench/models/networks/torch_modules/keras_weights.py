"""Weights that Keras wrote (HDF5) put into a torch module of the same layers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dfbench.errors import DfbenchError
from dfbench.received import files

_KINDS = ("conv2d", "batch_normalization", "dense")
_NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}

_SPARE = 4
"""Numbers that are read for each of the network, so that what does not fit can be named."""
_DEPTH = 8
"""Groups within groups."""
_CHUNK, _PACKED, _HEAD = 8, 1.1, 4096
"""Numbers of a block for each that there is, and bytes of what is stored for each that it stands
for, beside some: what is packed tighter than it can be unpacks to anything."""

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
    left = _SPARE * most
    try:
        with files.opened(path) as content, h5py.File(content, "r") as file:
            # a whole model keeps its weights one level down
            root = _item(file, "model_weights") if "model_weights" in file else file
            for name in sorted(root, key=_number):
                kind = re.sub(r"_\d+$", "", name)
                if kind in layers:
                    arrays = {}
                    for key, item in _datasets(_item(root, name)):
                        left -= item.size
                        _check(item, min(most, left + item.size))
                        arrays[key.partition(":")[0]] = np.asarray(item, np.float32)
                    layers[kind].append((name, arrays))
    except (OSError, KeyError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise DfbenchError(
            f"cannot be read as Keras weights: {getattr(error, 'strerror', None) or error}",
            where=path,
            hint="fetch the file again",
        ) from error
    return layers


def _number(name: str) -> int:
    found = re.search(r"_(\d+)$", name)
    return int(found.group(1)) if found else 0


def _item(group: Any, name: str) -> Any:
    """Give what lies in a group itself.

    Raises
    ------
    ValueError
        If it is a link, to another file or to elsewhere in this one.
    """
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{name} is a link, which is not followed")
    return group[name]


def _datasets(group: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > _DEPTH:
        raise ValueError(f"{group.name} is nested too deeply")
    for key in group:
        item = _item(group, key)
        if isinstance(item, h5py.Dataset):
            yield key, item
        else:
            yield from _datasets(item, depth + 1)


def _check(item: Any, most: int) -> None:
    """Raise where numbers cannot be read for what they say that they are.

    Raises
    ------
    ValueError
        If there are more than ``most``, they lie in other files, or unpack to more.
    """
    name = item.name
    if item.size > most:
        raise ValueError(f"{name} of shape {item.shape} is more than the network has")
    if item.dtype.kind != "f":
        raise ValueError(f"{name} holds no numbers but {item.dtype}")
    if item.is_virtual or item.external:
        raise ValueError(f"{name} lies in other files, which are not opened")
    packed = item.compression not in (None, "gzip") or item.scaleoffset is not None
    if packed or math.prod(item.chunks or ()) > _CHUNK * max(1, item.size):
        raise ValueError(f"{name} is packed in a way that Keras does not")
    if item.id.get_storage_size() > _PACKED * item.nbytes + _HEAD:
        raise ValueError(f"{name} takes more room than its numbers do")


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
