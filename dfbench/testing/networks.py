"""The checks of a network: a model over images, of a torch module that is trained here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dfbench.errors import UnavailableError, let_stop
from dfbench.models.base import Both, apart
from dfbench.testing import models
from dfbench.testing.checks import Beside, Broken, Check, worded
from dfbench.testing.watching import place_of_error

if TYPE_CHECKING:
    from dfbench.models.networks.network import Network

_N = 24
"""Training images."""
_QUICK = {"epochs": 1, "batch_size": 8, "patience": None}


class Tried(models.Tried):
    """A network that is trained for an epoch on a few images."""

    n_train = _N
    learns = True
    """Whether training changes it, as far as is known."""

    def __init__(
        self, target: Any, params: dict[str, Any], own: Path, say: Any, *, quick: bool = False
    ) -> None:
        super().__init__(target, {**_QUICK, **params}, own, say, quick=quick)

    def once(self) -> None:
        """Do nothing: another training would take too long."""

    def network(self, **what: Any) -> Network:
        """Make one that is not fitted."""
        return self.make(**what)  # type: ignore[return-value]


def _module(its: Tried, n_classes: int, X: Any) -> Any:
    from dfbench.models.training.session import session

    network = its.network(n_classes=n_classes)
    _, features = apart(X)
    its.say(f"building for {n_classes} classes")
    with session("cpu", 1, 0):
        return network, network.build(0 if features is None else features.shape[1])


def _builds(its: Tried) -> None:
    from torch import nn

    X, _ = its.unseen(4)
    try:
        _, module = _module(its, 2, X)
    except UnavailableError:
        raise
    except BaseException as error:
        let_stop(error)
        raise Broken(f"{worded(error)}, building", where=place_of_error(error, its.own)) from error
    if not isinstance(module, nn.Module):
        raise Broken(f"builds a {type(module).__name__}, no torch.nn.Module")
    if not any(weight.requires_grad for weight in module.parameters()):
        raise Broken("builds a module without a weight that can be trained")


def _output(its: Tried) -> None:
    import torch

    for n_classes in (2, 3):
        X, _ = its.unseen(4)
        network, module = _module(its, n_classes, X)
        side = network.input_side(network.params)
        images = torch.zeros(4, 3, side, side)
        given = [images]
        if isinstance(X, Both):
            given.append(torch.from_numpy(np.asarray(X.features)))
        module.eval()
        with torch.no_grad():
            try:
                found = module(*given)
            except BaseException as error:
                let_stop(error)
                raise Broken(
                    f"{worded(error)}, on 4 images of {side} x {side} pixels",
                    where=place_of_error(error, its.own),
                ) from error
        shape = tuple(getattr(found, "shape", ()))
        if shape != (4, network.outputs):
            raise Broken(
                f"gives logits of shape {shape} for 4 images and {n_classes} classes, where "
                f"(4, {network.outputs}) is wanted"
            )


def _step(its: Tried) -> None:
    X, _ = its.unseen(4)
    _, fresh = _module(its, 2, X)
    network: Any = its.fitted
    its.learns = False
    losses = [epoch.train_loss for epoch in network.history]
    if not np.isfinite(losses).all():
        raise Broken(f"has a loss of {losses[0]} in its first epoch")
    before, after = dict(fresh.named_parameters()), dict(network.module.named_parameters())
    trained = [name for name, weight in after.items() if weight.requires_grad and name in before]
    if trained and all(
        np.array_equal(before[name].detach().numpy(), after[name].detach().cpu().numpy())
        for name in trained
    ):
        raise Broken("has the weights after training that it had before")
    its.learns = True


def _looks(its: Tried) -> None:
    if not its.learns:
        raise Beside("it does not learn: there is nothing to be shown")
    X, y = its.unseen(4)
    network: Any = its.fitted
    its.say("Grad-CAM")
    try:
        maps = network.cams(X, y)
    except IndexError:
        raise Beside("it has no convolution, and so no pictures of where it looks") from None
    if not np.isfinite(maps).all():
        raise Broken("gives pictures of where it looks (Grad-CAM) that are not finite")


CHECKS: tuple[Check[Tried], ...] = (
    Check(
        "builds",
        "builds a torch module",
        "without it there is nothing to look at",
        "let build return a torch.nn.Module with fresh weights",
        _builds,
        vital=True,
    ),
    Check(
        "output",
        "gives a logit for two classes, a logit a class for more",
        "the loss and the scores are computed from them",
        "let the last layer have self.outputs outputs, and no sigmoid or softmax",
        _output,
        vital=True,
    ),
    models.RUNS,
    Check(
        "step",
        "learns: its weights change, and its loss is finite",
        "what does not train stands in the table as a network that found nothing",
        "look whether forward detaches what it computes, and try a lower rate",
        _step,
    ),
    *(models.SCORES, models.SHAPE, models.SEED, models.STATE, models.BATCH, models.INPUT),
    *(models.KEPT, models.RANDOM, models.LEFTOVER),
    Check(
        "looks",
        "shows where it looks (Grad-CAM)",
        "reports and explanations show it",
        "let cam_layer give the layer to look at",
        _looks,
    ),
)
