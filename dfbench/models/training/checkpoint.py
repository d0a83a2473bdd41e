"""The state of a training on disk: tensors as safetensors, the rest as JSON. Nothing is pickled.

A file holds the SHA-256 of all that is in it: one that is damaged, or that somebody changed, counts
as absent.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch

from dfbench.files import atomic_path, digest, write_text
from dfbench.received.files import read_bytes
from dfbench.received.tensors import safetensors
from dfbench.received.texts import from_json

Tensors = dict[str, torch.Tensor]

_LARGEST = 64 << 30
"""Bytes of a state with tensors: a network and what its optimiser keeps of each weight."""
_LONGEST = 64 << 20
"""Bytes of one without."""


def save(path: Path, tensors: Tensors, state: dict[str, Any]) -> None:
    """Write tensors and a JSON-able state as one file, whole or not at all."""
    from safetensors.torch import save_file

    # a file holds no views, and nothing that shares memory
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    text = json.dumps(state)
    with atomic_path(path) as temporary:
        save_file(plain, temporary, metadata={"state": text, "sum": _sum(plain, text)})


def load(path: Path) -> tuple[Tensors, dict[str, Any]] | None:
    """Read what `save` wrote; None where nothing whole is there."""
    try:
        tensors, told = safetensors(path, most=_LARGEST, below=path.parent)
        if _sum(tensors, told["state"]) != told["sum"]:
            return None
        state = from_json(told["state"])
    except (OSError, ValueError, KeyError):
        return None
    return (tensors, state) if isinstance(state, dict) else None


def _sum(tensors: Tensors, text: str) -> str:
    """Hash a state: names, types, shapes and values of its tensors, and the rest of it."""
    found = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        found.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def save_json(path: Path, state: dict[str, Any]) -> None:
    """Write a state without tensors."""
    write_text(path, json.dumps({**state, "sum": digest(state, length=64)}))


def load_json(path: Path) -> dict[str, Any] | None:
    """Read what `save_json` wrote; None where nothing whole is there."""
    try:
        found = from_json(read_bytes(path, most=_LONGEST, below=path.parent))
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict):
        return None
    known = found.pop("sum", None)
    return found if known == digest(found, length=64) else None


def of_optimiser(optimiser: torch.optim.Optimizer) -> tuple[Tensors, dict[str, Any]]:
    """Take an optimiser's state apart: tensors by name, and what is no tensor."""
    tensors: Tensors = {}
    rest: dict[str, Any] = {}
    for index, entries in optimiser.state_dict()["state"].items():
        for name, value in entries.items():
            key = f"optimiser.{index}.{name}"
            if isinstance(value, torch.Tensor):
                tensors[key] = value
            else:
                rest[key] = value
    return tensors, rest


def into_optimiser(
    optimiser: torch.optim.Optimizer, tensors: Tensors, rest: dict[str, Any]
) -> None:
    """Put back what `of_optimiser` took apart."""
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for key, value in {**tensors, **rest}.items():
        if not key.startswith("optimiser."):
            continue
        _, index, name = key.split(".", 2)
        weight = weights[int(index)]
        if isinstance(value, torch.Tensor) and value.shape == weight.shape:
            # in the layout of its weight: fused kernels walk through both in the order of memory
            value = torch.empty_like(weight).copy_(value)
        state.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict(
        {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}
    )
