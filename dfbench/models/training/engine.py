"""The engine that trains every network, on Lightning Fabric: steps, epochs, the best of them.

A training is a chain of steps that each hang on the one before and on numbers alone (seed, epoch,
step): what is drawn in a step is seeded for it. So the state at any step is the weights, the
optimiser's moments and some counters, and an interrupted training goes on exactly.
"""

from __future__ import annotations

import hashlib
import logging
import math
import re
import time
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision, Precision
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from dfbench.errors import DataError, DfbenchError
from dfbench.files import digest
from dfbench.models.base import Both, Inputs, Labels, Watch
from dfbench.models.training import checkpoint as disk
from dfbench.models.training import inference
from dfbench.models.training.augmentation.augmenter import augmenter
from dfbench.models.training.augmentation.copies import offline
from dfbench.models.training.recipe import Augment, Recipe
from dfbench.models.training.sampling import batches, class_weights, hardest, seed_of
from dfbench.models.training.schedules import Plateau, make_optimiser, rate

_TELL = 0.5
"""Seconds between two reports of progress."""
_SHARE_OF_GPU = 1 / 3
"""Of the free memory of a GPU that the images may take."""

logging.getLogger("lightning_fabric").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch came to; losses are means over images, in nats.

    Figures of the training part are gathered from its batches as they went by: augmented, with
    dropout, by weights still in motion. None where a figure is not defined.
    """

    epoch: int
    lr: float
    batch_size: int
    train_loss: float
    train_accuracy: float | None
    train_roc_auc: float | None
    val_loss: float
    val_accuracy: float
    val_roc_auc: float | None
    seconds: float
    best: bool
    """Whether it was the best so far by the recipe's monitor."""
    confusion: list[list[int]] | None = None
    """On validation: rows true, columns decided; where the recipe asks for it."""


@dataclass
class _State:
    """Where a training stands, besides weights and moments."""

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


def train(
    module: nn.Module,
    X: Inputs,
    y: Labels,
    X_val: Inputs,
    y_val: Labels,
    recipe: Recipe,
    *,
    n_classes: int,
    device: str = "cpu",
    seed: int = 0,
    checkpoint: Path | None = None,
    progress: Watch | None = None,
) -> list[Epoch]:
    """Train ``module`` in place, and leave it with the weights of its best epoch.

    To be called inside `dfbench.models.training.inference.session`.

    Parameters
    ----------
    module
        See `dfbench.models.training.inference`; moved to the device. Parameters without gradients
        stay. If its attribute ``frozen`` is true, and nothing changes the images from epoch to
        epoch, its ``encode`` is called once for each image and ``classify`` is trained on what it
        gives.
    X, y
        Training images (uint8), alone or `Both`, and their class numbers.
    X_val, y_val
        Validation part, for early stopping, plateaus and the choice of the epoch.
    recipe
        How.
    n_classes
        Number of classes K.
    device
        ``cpu`` or ``cuda``.
    seed
        Of order, dropout and augmentation.
    checkpoint
        Folder of the state. A training of the same recipe and data that was interrupted goes on
        from it; one that had finished is loaded. None keeps nothing.
    progress
        Told (steps done, steps at most, figures of the last epoch).

    Returns
    -------
    list of Epoch
        One for each epoch that was run.

    Raises
    ------
    DataError
        If X is not as a network needs it.
    DfbenchError
        If the loss ceases to be finite before any epoch was good, memory runs out with a batch of
        one image, or the device lacks the recipe's precision.
    """
    inference.check(X)
    inference.check(X_val)
    if recipe.monitor == "roc_auc" and len(np.unique(y_val)) < 2:
        raise DataError(
            "the validation part has one class: it has no ROC AUC to monitor",
            hint='monitor = "loss"',
        )
    run = _Training(module, X, y, X_val, y_val, recipe, n_classes, device, seed, checkpoint)
    run.go(progress)
    return [Epoch(**entry) for entry in run.state.history]


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


class _Part:
    """Images of a part or their vectors, features, labels: on the device where they are small."""

    def __init__(self, X: Inputs, y: Labels, device: str) -> None:
        images = X.images if isinstance(X, Both) else X
        self.images = inference.tensor_of(images)
        self.features = inference.tensor_of(X.features) if isinstance(X, Both) else None
        self.y = np.asarray(y, dtype=np.int64)
        self.vectors: torch.Tensor | None = None
        if device == "cuda":
            free = torch.cuda.mem_get_info()[0]
            if self.images.nbytes < free * _SHARE_OF_GPU:
                self.images = self.images.to(device)

    def __len__(self) -> int:
        return len(self.images)

    def encode(self, module: nn.Module, recipe: Recipe, device: str) -> None:
        """Send each image through the frozen body once."""
        module.eval()
        parts = []
        with torch.inference_mode(), inference.autocast(recipe, device):
            for start in range(0, len(self), inference.EVAL_BATCH):
                images = self.images[start : start + inference.EVAL_BATCH]
                inputs = inference.inputs_of(images, recipe, device)
                parts.append(module.encode(inputs).float())  # type: ignore[operator]
        # a copy: inference tensors take no part in training
        self.vectors = torch.cat(parts).clone()


class _Training:
    def __init__(
        self,
        module: nn.Module,
        X: Inputs,
        y: Labels,
        X_val: Inputs,
        y_val: Labels,
        recipe: Recipe,
        n_classes: int,
        device: str,
        seed: int,
        folder: Path | None,
    ) -> None:
        self.recipe, self.n_classes, self.device, self.seed = recipe, n_classes, device, seed
        self.module, self.folder = module, folder
        self.fabric = _fabric(recipe, device)
        self.state = _State(batch_size=recipe.batch_size)
        self.X, self.y, self.X_val, self.y_val = X, y, X_val, y_val
        self.identity = self._identity() if folder is not None else ""

    def _identity(self) -> str:
        """Digest of all that decides what the training comes to, the images too."""
        parts: list[Any] = [self.y, self.y_val]
        for X in (self.X, self.X_val):
            parts += [X.images, X.features] if isinstance(X, Both) else [X]
        return digest(
            [
                self.recipe.model_dump(mode="json", exclude={"checkpoint_seconds"}),
                [self.n_classes, self.seed, self.device],
                [_hash(part) for part in parts],
                [[name, list(value.shape)] for name, value in self.module.state_dict().items()],
                # what has no weights: the rate of dropout, say
                re.sub(r"0x[0-9a-f]+", "", repr(self.module)),
            ]
        )

    def go(self, progress: Watch | None) -> None:
        """Train, or go on, or load what is finished."""
        self.module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self._load_finished():
            return
        self._make_ready()
        self.best = self._go_on()
        self.told = self.saved = time.monotonic()
        while self.state.epoch < self.recipe.epochs and not self._stopped():
            try:
                self._epoch(progress)
            except RuntimeError as error:
                self._halve(error)
        if self.best is None:
            raise DfbenchError("training diverged: the loss is not finite", hint="lower lr")
        self.module.load_state_dict(self.best)
        self.module.eval()
        self._finish()

    def _make_ready(self) -> None:
        X, y = self.X, self.y
        if self.recipe.offline is not None:
            images = X.images if isinstance(X, Both) else X
            copies = offline(images, self.recipe.offline, self.seed)
            times = self.recipe.offline.copies + 1
            images = np.concatenate([images, copies])
            X = Both(images, np.tile(X.features, (times, 1))) if isinstance(X, Both) else images
            y = np.tile(y, times)
        self.part, self.val = _Part(X, y, self.device), _Part(self.X_val, self.y_val, self.device)
        encoded = bool(getattr(self.module, "frozen", False)) and self.recipe.augment == Augment()
        if encoded:
            self.part.encode(self.module, self.recipe, self.device)
            self.val.encode(self.module, self.recipe, self.device)
        self.augment = augmenter(
            self.recipe.augment, self.recipe.crop_size or int(self.part.images.shape[1])
        )
        net = _Net(self.module, encoded=encoded)
        optimiser = make_optimiser(
            (weight for weight in net.parameters() if weight.requires_grad), self.recipe
        )
        self.net, self.optimiser = self.fabric.setup(net, optimiser)
        self.weights = None
        if self.recipe.class_weights == "balanced":
            self.weights = class_weights(y, self.n_classes).to(self.device)
        self.targets = functional.one_hot(torch.from_numpy(self.part.y), self.n_classes).float()
        if self.recipe.label_smoothing:
            share = self.recipe.label_smoothing
            self.targets = self.targets * (1 - share) + share / self.n_classes
        self.more: torch.Tensor | None = None
        self.seen: list[torch.Tensor] = []

    def _epoch(self, progress: Watch | None) -> None:
        state, recipe = self.state, self.recipe
        order = batches(
            len(self.part),
            state.batch_size,
            seed=self.seed,
            epoch=state.epoch,
            more=self.more,
        )
        if state.step == 0:
            self.seen = []
            self.start = self._snapshot()
        self.net.train()
        began = time.perf_counter()
        total = torch.tensor(state.loss, dtype=torch.float64, device=self.device)
        # an epoch may go on from its end
        first = state.epoch * len(order)
        lr = rate(recipe, first + len(order) - 1, len(order)) * state.plateau.scale
        for number in range(state.step, len(order)):
            # by the share of the whole that is done: epochs may differ in steps
            lr = rate(recipe, first + number, len(order)) * state.plateau.scale
            total += self._step(order[number], number, lr)
            state.step = number + 1
            now = time.monotonic()
            if progress is not None and now - self.told > _TELL:
                self.told = now
                progress(
                    state.epoch * len(order) + state.step,
                    recipe.epochs * len(order),
                    self._said(float(total) / sum(len(part) for part in order[: state.step])),
                )
            if self.folder is not None and now - self.saved > recipe.checkpoint_seconds:
                state.loss = float(total)
                seconds = time.perf_counter() - began
                self._save(seconds)
        loss = float(total) / sum(len(part) for part in order)
        seconds = state.seconds + time.perf_counter() - began
        self._close(torch.cat(order), loss, lr, seconds)
        if progress is not None:
            self.told = time.monotonic()
            progress(first + len(order), recipe.epochs * len(order), self._said(loss))
        if self.folder is not None:
            self._save(0.0)

    def _step(self, rows: torch.Tensor, number: int, lr: float) -> torch.Tensor:
        """Train on a batch and give the sum of its losses."""
        torch.manual_seed(seed_of(self.seed, self.state.epoch, number))
        targets = self.targets[rows].to(self.device, non_blocking=True)
        inputs, targets = self._inputs(rows, targets)
        out = self.net(*inputs).float()
        each = inference.losses(out, targets, self.weights)
        loss = each.mean()
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        if self.recipe.clip is not None:
            self.fabric.clip_gradients(self.net, self.optimiser, max_norm=self.recipe.clip)
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        self.optimiser.step()
        self.seen.append(out.detach())
        return each.detach().double().sum()

    def _inputs(
        self, rows: torch.Tensor, targets: torch.Tensor
    ) -> tuple[list[torch.Tensor], torch.Tensor]:
        recipe = self.recipe
        if self.part.vectors is not None:
            inputs = [self.part.vectors[rows.to(self.part.vectors.device)]]
        else:
            images = self.part.images[rows.to(self.part.images.device)]
            if self.augment is None:
                inputs = [inference.inputs_of(images, recipe, self.device)]
            else:
                pixels = inference.pixels_of(images, self.device, torch.float32)
                if recipe.augment.crop is None:
                    pixels = inference.crop(pixels, recipe.crop_size)
                pixels, targets = self.augment(pixels, targets)
                pixels = inference.normalise(pixels, recipe)
                inputs = [pixels.to(inference.precision_of(recipe, self.device))]
        if self.part.features is not None:
            inputs.append(self.part.features[rows].to(self.device))
        return inputs, targets

    def _outputs(self, part: _Part) -> torch.Tensor:
        """Logits of a part as it is, float32, on the processor."""
        if part.vectors is None:
            return inference.logits(
                self.module, part.images, part.features, self.recipe, self.device
            )
        self.module.eval()
        with torch.inference_mode(), inference.autocast(self.recipe, self.device):
            inputs = [part.vectors]
            if part.features is not None:
                inputs.append(part.features.to(self.device))
            out: torch.Tensor = self.module.classify(*inputs)  # type: ignore[operator]
        return out.float().cpu()

    def _close(self, order: torch.Tensor, loss: float, lr: float, seconds: float) -> None:
        """End an epoch: score, remember the best, lower the rate, find the hard images."""
        state, recipe = self.state, self.recipe
        seen = torch.cat(self.seen).cpu()
        shown = self.part.y[order.numpy()]
        out = self._outputs(self.val)
        said = inference.decisions(out)
        truth = functional.one_hot(torch.from_numpy(self.val.y), self.n_classes).float()
        val_loss = float(inference.losses(out, truth).mean())
        val_accuracy = float((said == self.val.y).mean())
        val_auc = inference.roc_auc(out, self.val.y)
        score = {
            "loss": val_loss,
            "accuracy": -val_accuracy,
            "roc_auc": math.inf if val_auc is None else -val_auc,
        }[recipe.monitor]
        finite = math.isfinite(loss) and math.isfinite(val_loss)
        better = finite and score < state.best_score
        if better:
            state.best_score, state.best_epoch = score, state.epoch
            self.best = {k: v.detach().clone() for k, v in self.module.state_dict().items()}
            if self.folder is not None:
                disk.save(self.folder / "best.safetensors", self.best, {"identity": self.identity})
        state.plateau.after(recipe, better=better)
        # mixed images have no one class that could be right
        mixed = recipe.augment.mixup > 0 or recipe.augment.cutmix > 0
        entry = Epoch(
            epoch=state.epoch,
            lr=lr,
            batch_size=state.batch_size,
            train_loss=loss,
            train_accuracy=None if mixed else float(np.mean(inference.decisions(seen) == shown)),
            train_roc_auc=None if mixed else inference.roc_auc(seen, shown),
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            val_roc_auc=val_auc,
            seconds=seconds,
            best=better,
            confusion=self._confusion(said) if recipe.epoch_confusion else None,
        )
        state.history.append(asdict(entry))
        state.epoch, state.step, state.loss, state.seconds = state.epoch + 1, 0, 0.0, 0.0
        hard = recipe.hard_examples
        if hard is not None and state.epoch >= hard.after:
            own = functional.one_hot(torch.from_numpy(self.part.y), self.n_classes).float()
            each = inference.losses(self._outputs(self.part), own)
            self.more = hardest(each, hard.fraction, hard.repeat)

    def _confusion(self, said: NDArray[np.int64]) -> list[list[int]]:
        counts = np.zeros((self.n_classes, self.n_classes), dtype=int)
        np.add.at(counts, (self.val.y, said), 1)
        found: list[list[int]] = counts.tolist()
        return found

    def _said(self, loss: float) -> str:
        epoch = self.state.epoch + (self.state.step > 0)
        text = f"epoch {epoch}/{self.recipe.epochs} loss {loss:.3f}"
        if self.state.history:
            auc = self.state.history[-1]["val_roc_auc"]
            text += f" AUC {auc:.3f}" if auc is not None else ""
        return text

    def _stopped(self) -> bool:
        """Whether there were too many epochs without a better one, or the loss is not finite."""
        if self.state.history and not math.isfinite(self.state.history[-1]["train_loss"]):
            return True
        patience = self.recipe.patience
        waited = self.state.epoch - 1 - self.state.best_epoch
        return patience is not None and bool(self.state.history) and waited >= patience

    def _halve(self, error: RuntimeError) -> None:
        """Begin the epoch again with half the batch where memory ran out."""
        if not inference.out_of_memory(error) or self.state.batch_size == 1:
            raise error
        batch_size = self.state.batch_size // 2
        error.__traceback__ = None  # it holds the tensors that took the memory
        if self.device == "cuda":
            torch.cuda.empty_cache()
        warnings.warn(
            f"memory ran out: batches of {batch_size} images from here on, "
            f"not {self.state.batch_size}",
            ResourceWarning,
            stacklevel=2,
        )
        self._restore(*self.start)
        # where the start is in mid-epoch (a training that went on), the epoch still begins anew:
        # its batches are others now
        self.state.step, self.state.loss, self.seen = 0, 0.0, []
        self.state.batch_size = batch_size

    def _snapshot(self) -> tuple[disk.Tensors, dict[str, Any]]:
        """Copy weights, moments and counters."""
        tensors, rest = disk.of_optimiser(self.optimiser)
        for name, value in self.module.state_dict().items():
            tensors[f"module.{name}"] = value
        if self.seen:
            tensors["seen"] = torch.cat(self.seen)
        if self.more is not None:
            tensors["more"] = self.more
        scaler = self._scaler
        state = {
            "identity": self.identity,
            "state": asdict(self.state),
            "optimiser": rest,
            "scaler": scaler.state_dict() if scaler is not None else None,
        }
        return {name: tensor.detach().clone() for name, tensor in tensors.items()}, state

    def _restore(self, tensors: disk.Tensors, state: dict[str, Any]) -> None:
        self.module.load_state_dict(
            {
                name.removeprefix("module."): tensor
                for name, tensor in tensors.items()
                if name.startswith("module.")
            }
        )
        disk.into_optimiser(self.optimiser, tensors, state["optimiser"])
        if self._scaler is not None and state["scaler"] is not None:
            self._scaler.load_state_dict(state["scaler"])
        kept = dict(state["state"])
        self.state = _State(**{**kept, "plateau": Plateau(**kept["plateau"])})
        self.state.history = list(self.state.history)
        self.seen = [tensors["seen"].to(self.device)] if "seen" in tensors else []
        self.more = tensors.get("more")

    @property
    def _scaler(self) -> Any:
        return getattr(self.fabric.strategy.precision, "scaler", None)

    def _save(self, seconds: float) -> None:
        assert self.folder is not None
        tensors, state = self._snapshot()
        state["state"]["seconds"] += seconds
        disk.save(self.folder / "last.safetensors", tensors, state)
        self.saved = time.monotonic()

    def _go_on(self) -> disk.Tensors | None:
        """Take up the state on disk, if there is one, and give the best weights so far.

        Where either file is gone or torn the training begins afresh.
        """
        if self.folder is None:
            return None
        found = disk.load(self.folder / "last.safetensors")
        if found is None or found[1].get("identity") != self.identity:
            return None
        best = None
        if found[1]["state"]["best_epoch"] >= 0:
            kept = disk.load(self.folder / "best.safetensors")
            if kept is None or kept[1].get("identity") != self.identity:
                return None
            best = kept[0]
        self._restore(*found)
        # of an epoch that is under way the beginning is not on disk
        self.start = self._snapshot()
        return best

    def _load_finished(self) -> bool:
        if self.folder is None:
            return False
        state = disk.load_json(self.folder / "history.json")
        found = disk.load(self.folder / "best.safetensors") if state is not None else None
        if state is None or found is None:
            return False
        if not state.get("identity") == found[1].get("identity") == self.identity:
            return False
        self.module.load_state_dict(found[0])
        self.module.eval()
        self.state.history = state["history"]
        return True

    def _finish(self) -> None:
        if self.folder is None:
            return
        state = {"identity": self.identity, "history": self.state.history}
        disk.save_json(self.folder / "history.json", state)
        (self.folder / "last.safetensors").unlink(missing_ok=True)


def _hash(array: NDArray[Any]) -> str:
    whole = np.ascontiguousarray(array)
    found = hashlib.sha256(f"{whole.dtype} {whole.shape}".encode())
    found.update(memoryview(whole.reshape(-1).view(np.uint8)))  # type: ignore[arg-type]
    return found.hexdigest()


class _Mixed(MixedPrecision):  # type: ignore[misc]
    """Leaves inputs as they are: features and encodings keep their 32 bits up to the layer."""

    def convert_input(self, data: Any) -> Any:
        return data


def _fabric(recipe: Recipe, device: str) -> Fabric:
    dtype = inference.precision_of(recipe, device)
    plugin: Precision = Precision()
    if dtype is not torch.float32:
        half: Literal["bf16-mixed", "16-mixed"] = (
            "bf16-mixed" if dtype is torch.bfloat16 else "16-mixed"
        )
        plugin = _Mixed(half, device)
    return Fabric(accelerator=device, devices=1, plugins=[plugin])
