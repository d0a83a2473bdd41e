"""Where a training stands, and how that is taken down and put back."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn

from dfbench.models.training.checkpoint import Tensors, into_optimiser, of_optimiser
from dfbench.models.training.schedules import Plateau
from dfbench.models.training.step import Step

Snapshot = tuple[Tensors, dict[str, Any]]
"""All of a state, of the weights and of the moments: tensors, and the rest, JSON-able."""


@dataclass
class Counters:
    """What is no tensor in a `State`; files hold it by these names."""

    epoch: int = 0
    step: int = 0
    batch_size: int = 0
    best_score: float = math.inf
    best_epoch: int = -1
    loss: float = 0.0
    """Sum over the images of this epoch so far."""
    seconds: float = 0.0
    plateau: Plateau = field(default_factory=Plateau)
    history: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class State:
    """Where a training stands, besides weights and moments.

    Attributes
    ----------
    counters
        Epoch, step, and what came of those before.
    seen
        Logits of this epoch's batches so far.
    more
        Numbers of the images that are shown once more in each epoch, see `batches`.
    """

    counters: Counters
    seen: list[torch.Tensor] = field(default_factory=list)
    more: torch.Tensor | None = None


def snapshot(state: State, module: nn.Module, step: Step) -> Snapshot:
    """Copy state, weights and moments."""
    tensors, rest = of_optimiser(step.optimiser)
    for name, value in module.state_dict().items():
        tensors[f"module.{name}"] = value
    if state.seen:
        tensors["seen"] = torch.cat(state.seen)
    if state.more is not None:
        tensors["more"] = state.more
    plain = {
        "state": asdict(state.counters),
        "optimiser": rest,
        "scaler": step.scaler.state_dict() if step.scaler is not None else None,
    }
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}, plain


def fit(weights: Tensors, module: nn.Module) -> bool:
    """Whether these are weights of a module: names, shapes, types."""
    own = module.state_dict()
    return weights.keys() == own.keys() and all(
        (weights[name].shape, weights[name].dtype) == (its.shape, its.dtype)
        for name, its in own.items()
    )


def restored(kept: Snapshot, module: nn.Module, step: Step) -> State:
    """Put weights and moments back as they were, and give the state.

    Raises
    ------
    Exception
        Of any kind, where this is no snapshot of such a training; module and moments are then to
        be put back to one that is.
    """
    tensors, plain = kept
    weights = {
        name.removeprefix("module."): tensor
        for name, tensor in tensors.items()
        if name.startswith("module.")
    }
    if not fit(weights, module):
        raise ValueError("weights of another module")
    module.load_state_dict(weights)
    into_optimiser(step.optimiser, tensors, plain["optimiser"])
    if step.scaler is not None and plain["scaler"] is not None:
        step.scaler.load_state_dict(plain["scaler"])
    counters = dict(plain["state"])
    counters["plateau"] = Plateau(**counters["plateau"])
    # the snapshot may be gone back to again: its list stays as it is
    counters["history"] = list(counters["history"])
    seen = [tensors["seen"].to(step.device)] if "seen" in tensors else []
    return State(Counters(**counters), seen, tensors.get("more"))
