"""What somebody's module is trained as: tried first, its logits brought into the engine's form."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from dfbench.errors import PluginError, let_stop, worded
from dfbench.models.networks.torch_modules.layers import Logits
from dfbench.models.training.recipe import Recipe


class Adapted(nn.Module):
    """A module whose logits are those that the engine trains: one of two classes, else one each.

    Two logits of two classes become their difference: the same probabilities, and the same loss.

    Attributes
    ----------
    module
        As it was given.
    looked_at, head
        Names of the last layer that gives maps and of the last linear one; empty where it has none.
    memory_format
        Of images and weights.
    """

    def __init__(self, module: nn.Module, n_classes: int) -> None:
        super().__init__()
        self.module = module
        self.n_classes = n_classes
        self.looked_at = ""
        self.head = ""
        self.memory_format = torch.channels_last

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (n, 3, S, S) to float32 logits (n, 1), or (n, K) of K > 2 classes."""
        logits: torch.Tensor = self.module(
            images.contiguous(memory_format=self.memory_format)
        ).float()
        if self.n_classes > 2:
            return logits
        if logits.ndim == 1:
            return logits[:, None]
        return logits if logits.shape[1] == 1 else logits[:, 1:] - logits[:, :1]


def tried(
    module: Any, recipe: Recipe, *, side: int, n_classes: int, cam_layer: str, where: str
) -> Adapted:
    """Try a module on two images, and give it as the engine trains it.

    Parameters
    ----------
    module
        What a function gave.
    recipe
        How images are normalised.
    side
        Of the images that it sees, in pixels.
    n_classes
        K.
    cam_layer
        Name of the layer for Grad-CAM; empty: the last convolution that images go through.
    where
        How errors name it.

    Raises
    ------
    PluginError
        If it is no module, has nothing to be trained, breaks, gives no logits of the right shape,
        or logits that hang on the other images.
    """
    if not isinstance(module, nn.Module):
        raise PluginError(f"returns {type(module).__name__}, no torch.nn.Module", where=where)
    adapted = Adapted(module, n_classes).eval()
    images = _images(recipe, side)
    _check_shape(_given(adapted, images, where), n_classes, where)
    if not any(weight.requires_grad for weight in module.parameters()):
        raise PluginError("has no parameters that ask for a gradient", where=where)
    ways = _Ways(adapted)
    with ways:
        logits = adapted(images)
    if not logits.requires_grad:
        raise PluginError(
            "gives logits that no gradient reaches", where=where, hint="is something detached?"
        )
    adapted.head = ways.last(nn.Linear, 2)
    if (
        ways.gives_all(adapted.head)
        and type(layer := adapted.get_submodule(adapted.head)) is nn.Linear
    ):
        # in 16 bits many images would have one score
        layer.__class__ = Logits
    adapted.looked_at = ways.named(cam_layer, where) if cam_layer else ways.last(nn.Conv2d, 4)
    with torch.inference_mode():
        alone = torch.cat([_given(adapted, each[None], where) for each in images])
        beside = _given(adapted, images, where)
    if not torch.allclose(alone, beside, rtol=1e-3, atol=1e-3):
        raise PluginError(
            "gives an image other logits beside others than alone, in evaluation too",
            where=where,
            hint="its scores would depend on what stands beside it",
        )
    return adapted


def _images(recipe: Recipe, side: int) -> torch.Tensor:
    """Make two unlike images as the network sees them; no random number is drawn."""
    ramp = torch.linspace(0, 1, 3 * side * side).reshape(1, 3, side, side)
    images = torch.cat([ramp, ramp.flip(3) ** 2])
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (recipe.mean, recipe.std))
    return (images - mean) / std


def _given(adapted: Adapted, images: torch.Tensor, where: str) -> Any:
    """Call what was given itself, in the order in memory that is quickest where it takes that."""
    try:
        try:
            return _called(adapted, images)
        except RuntimeError as error:
            if "view size is not compatible" not in str(error):
                raise
            # `view` wants the order that tensors have by default
            adapted.memory_format = torch.contiguous_format
            return _called(adapted, images)
    except BaseException as error:
        let_stop(error)
        raise PluginError(
            f"breaks on images of shape {tuple(images.shape)}: {worded(error)}", where=where
        ) from error


def _called(adapted: Adapted, images: torch.Tensor) -> Any:
    if any(is_lazy(weight) for weight in adapted.parameters()):
        with torch.no_grad():
            adapted.module(images)  # gives lazy layers their shapes
    adapted.to(memory_format=adapted.memory_format)
    return adapted.module(images.contiguous(memory_format=adapted.memory_format))


def _check_shape(out: Any, n_classes: int, where: str) -> None:
    if not isinstance(out, torch.Tensor):
        raise PluginError(f"gives {type(out).__name__}, no tensor of logits", where=where)
    wanted: list[tuple[int, ...]] = [(2, n_classes)]
    if n_classes == 2:
        wanted += [(2, 1), (2,)]
    if tuple(out.shape) not in wanted:
        raise PluginError(
            f"gives logits of shape {tuple(out.shape)} for 2 images of {n_classes} classes, where"
            f" {wanted[0]} is wanted",
            where=where,
        )
    if not torch.isfinite(out).all():
        raise PluginError("gives logits that are not finite with fresh weights", where=where)


class _Ways:
    """Notes which layers images go through while it is entered, in their order."""

    def __init__(self, adapted: Adapted) -> None:
        self._adapted = adapted
        self._seen: list[tuple[str, nn.Module, Any, Any]] = []
        self._hooks: list[Any] = []

    def __enter__(self) -> None:
        for name, layer in self._adapted.named_modules():
            hook = partial(self._note, name)
            self._hooks.append(layer.register_forward_hook(hook))

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _note(self, name: str, layer: nn.Module, given: Any, out: Any) -> None:
        self._seen.append((name, layer, given[0] if given else None, out))

    def last(self, kind: type[nn.Module], n_axes: int) -> str:
        """Name the last layer of a kind that images go through once; empty where there is none.

        What gives a single value a channel has no place to look at.
        """
        times = Counter(name for name, *_ in self._seen)
        found = ""
        for name, layer, given, out in self._seen:
            if (
                not isinstance(layer, kind)
                or times[name] > 1
                or getattr(given, "ndim", 0) != n_axes
            ):
                continue
            if n_axes == 2 or out.shape[2] * out.shape[3] > 1:
                found = name
        return found

    def gives_all(self, name: str) -> bool:
        """Whether what a layer gives is what the whole module gives."""
        outs = [out for its, _, _, out in self._seen if its in (name, "module")]
        return bool(name) and len(outs) == 2 and outs[0] is outs[1]

    def named(self, name: str, where: str) -> str:
        """Give the layer of that name as it is called here."""
        own = f"module.{name}"
        outs = [out for its, _, _, out in self._seen if its == own]
        if not outs:
            known = [its.removeprefix("module.") for its, *_ in self._seen if "." in its]
            raise PluginError(
                f"has no layer {name!r} that images go through", where=where,
                hint=f"its layers are {', '.join(dict.fromkeys(known))}",
            )  # fmt: skip
        if not (isinstance(outs[0], torch.Tensor) and outs[0].ndim in (3, 4) and len(outs) == 1):
            raise PluginError(
                f"the layer {name!r} gives no maps for Grad-CAM", where=where,
                hint="it wants (n, C, h, w), or (n, tokens, C), once an image",
            )  # fmt: skip
        return own
