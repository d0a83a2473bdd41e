"""A head on a backbone of timm or torchvision, the whole or a part of it trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from torch import nn

from dfbench.errors import unknown
from dfbench.models.networks.torch_modules.layers import Logits


class Headed(nn.Module):
    """A backbone without its classifier, and a head: hidden layers, dropout, logits.

    Parameters
    ----------
    body
        From (n, 3, S, S) to vectors (n, width).
    width
        Of the vectors.
    hidden
        Widths of the head's dense layers, each with ReLU.
    head_norm
        Whether batch normalisation follows each ReLU.
    dropout
        Probability that an activation before the logits is dropped in training.
    outputs
        Number of logits.
    unfreeze
        ``all``, ``none``, or the name of the first part of the body that is trained, with all
        that come after it. What is frozen runs as in evaluation: its batch normalisation does not
        move.
    fixed_norm
        Whether the body's batch normalisation keeps its moving statistics, as in evaluation.
    where
        The network's name, for errors.

    Raises
    ------
    UnknownNameError
        If the body has no part of that name, with the nearest.
    """

    def __init__(
        self,
        body: nn.Module,
        *,
        width: int,
        hidden: Sequence[int],
        head_norm: bool,
        dropout: float,
        outputs: int,
        unfreeze: str,
        fixed_norm: bool,
        where: str,
    ) -> None:
        super().__init__()
        self.body = body
        self.frozen = unfreeze == "none"
        layers: list[nn.Module] = []
        for size in hidden:
            layers += [nn.Linear(width, size), nn.ReLU()]
            layers += [nn.BatchNorm1d(size)] if head_norm else []
            width = size
        self.hidden = nn.Sequential(*layers, nn.Dropout(dropout))
        self.head = Logits(width, outputs)
        self._still = _freeze(body, unfreeze, where)
        if fixed_norm:
            self._still += [m for m in body.modules() if isinstance(m, nn.BatchNorm2d)]

    def train(self, mode: bool = True) -> Self:
        """Set what is trained to training; the frozen parts stay in evaluation."""
        super().train(mode)
        for module in self._still:
            module.training = False
        return self

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """Map (n, 3, S, S) to vectors (n, width)."""
        vectors: torch.Tensor = self.body(images).flatten(1)
        return vectors

    def classify(self, vectors: torch.Tensor) -> torch.Tensor:
        """Map vectors to float32 logits (n, outputs)."""
        logits: torch.Tensor = self.head(self.hidden(vectors))
        return logits

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (n, 3, S, S) to float32 logits (n, outputs)."""
        return self.classify(self.encode(images))


def _freeze(body: nn.Module, unfreeze: str, where: str) -> list[nn.Module]:
    """Freeze what comes before ``unfreeze``; give the modules that stay in evaluation."""
    modules = list(body.named_modules())
    if unfreeze == "all":
        return []
    if unfreeze == "none":
        body.requires_grad_(False)
        return [module for _, module in modules]
    weights = list(body.named_parameters())
    first = next((i for i, (name, _) in enumerate(weights) if _within(name, unfreeze)), None)
    if first is None:
        parts = [
            name for name, module in modules if name and any(True for _ in module.parameters())
        ]
        raise unknown("part of the backbone", unfreeze, parts, where=f"{where}, unfreeze")
    for _, weight in weights[:first]:
        weight.requires_grad_(False)
    begin = next(i for i, (name, _) in enumerate(modules) if name and _within(name, unfreeze))
    # what comes before, dropout and the like too, but for what holds trained parts
    return [
        module
        for _, module in modules[:begin]
        if not any(weight.requires_grad for weight in module.parameters())
    ]


def _within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")
