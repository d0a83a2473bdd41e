"""One step of a training: a batch of images, and what it changes in the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from dfbench.models.training import inputs as seen
from dfbench.models.training.augmentation.augmenter import Augmenter, augmenter
from dfbench.models.training.fabric import make_fabric
from dfbench.models.training.logits import losses
from dfbench.models.training.part import Part
from dfbench.models.training.precision import precision_of
from dfbench.models.training.recipe import Recipe
from dfbench.models.training.sampling import class_weights
from dfbench.models.training.schedules import make_optimiser
from dfbench.models.training.setting import Setting


class _Net(nn.Module):
    """What is trained: the whole module, or what follows its frozen body."""

    def __init__(self, module: nn.Module, *, encoded: bool) -> None:
        super().__init__()
        self.module = module
        self.encoded = encoded

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = (
            self.module.classify(*inputs) if self.encoded else self.module(*inputs)  # type: ignore[operator]
        )
        return out


@dataclass(frozen=True, eq=False)
class Step:
    """Trains on a batch. Only the weights, and the optimiser's moments, change.

    Attributes
    ----------
    recipe, device
        As in `Setting`.
    part
        What is trained on.
    fabric, net, optimiser
        Set up together.
    augment
        Changes a batch of pixels; None where none is changed.
    targets
        Share of each class in each image, float32, shape (n, K).
    weights
        Of the classes in the loss, shape (K,), or None.
    """

    recipe: Recipe
    device: str
    part: Part
    fabric: Any
    net: Any
    optimiser: Any
    augment: Augmenter | None
    targets: torch.Tensor
    weights: torch.Tensor | None

    @property
    def scaler(self) -> Any:
        """What scales the loss against underflow in 16 bits; None where nothing does."""
        return getattr(self.fabric.strategy.precision, "scaler", None)

    def __call__(
        self, rows: torch.Tensor, shown: Sequence[torch.Tensor], seed: int, lr: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Train on a batch.

        Parameters
        ----------
        rows
            Numbers of its images.
        shown
            What `Part.batches` gives of them.
        seed
            What is drawn hangs on it alone.
        lr
            Learning rate.

        Returns
        -------
        tuple
            The sum of the losses, float64, and the logits, shape (n, 1) or (n, K).
        """
        torch.manual_seed(seed)
        targets = self.targets[rows].to(self.device, non_blocking=True)
        inputs, targets = self._inputs(shown, targets)
        out = self.net(*inputs).float()
        each = losses(out, targets, self.weights)
        self._descend(each.mean(), lr)
        return each.detach().double().sum(), out.detach()

    def _descend(self, loss: torch.Tensor, lr: float) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        if self.recipe.clip is not None:
            self.fabric.clip_gradients(self.net, self.optimiser, max_norm=self.recipe.clip)
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        self.optimiser.step()

    def _inputs(
        self, shown: Sequence[torch.Tensor], targets: torch.Tensor
    ) -> tuple[list[torch.Tensor], torch.Tensor]:
        first, *features = shown
        if self.part.vectors is None:
            first, targets = self._images(first, targets)
        return [first, *(each.to(self.device) for each in features)], targets

    def _images(
        self, images: torch.Tensor, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        recipe = self.recipe
        if self.augment is None:
            return seen.inputs_of(images, recipe, self.device), targets
        pixels = seen.pixels_of(images, self.device, torch.float32)
        if recipe.augment.crop is None:
            pixels = seen.crop(pixels, recipe.crop_size)
        pixels, targets = self.augment(pixels, targets)
        pixels = seen.normalise(pixels, recipe)
        return pixels.to(precision_of(recipe, self.device)), targets


def make_step(setting: Setting, part: Part) -> Step:
    """Make the step of a training on a part, whose images or vectors are shown."""
    recipe, device, encoded = setting.recipe, setting.device, part.vectors is not None
    augment = augmenter(recipe.augment, recipe.crop_size or int(part.images.shape[1]), setting.own)
    net = _Net(setting.module, encoded=encoded)
    optimiser = make_optimiser((w for w in net.parameters() if w.requires_grad), recipe)
    fabric = make_fabric(recipe, device)
    net, optimiser = fabric.setup(net, optimiser)
    weights = None
    if recipe.class_weights == "balanced":
        weights = class_weights(part.y, setting.n_classes).to(device)
    targets = _targets(part, setting.n_classes, recipe.label_smoothing)
    return Step(recipe, device, part, fabric, net, optimiser, augment, targets, weights)


def _targets(part: Part, n_classes: int, smoothing: float) -> torch.Tensor:
    targets = functional.one_hot(torch.from_numpy(part.y), n_classes).float()
    return targets * (1 - smoothing) + smoothing / n_classes if smoothing else targets
