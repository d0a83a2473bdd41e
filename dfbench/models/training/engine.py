"""The engine that trains every network, on Lightning Fabric: steps, epochs, the best of them.

A training is a chain of steps that each hang on the one before and on numbers alone (seed, epoch,
step): what is drawn in a step is seeded for it. So the state at any step is the weights, the
optimiser's moments and some counters, and an interrupted training goes on exactly.
"""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from dfbench.allocator import return_freed_memory
from dfbench.errors import DfbenchError
from dfbench.models.base import Watch
from dfbench.models.training.checkpoint import Tensors
from dfbench.models.training.epoch import Epoch, Validation
from dfbench.models.training.logits import decisions, losses, roc_auc
from dfbench.models.training.part import Part, make_parts
from dfbench.models.training.resuming import Kept
from dfbench.models.training.sampling import batches, hardest, seed_of
from dfbench.models.training.schedules import rate
from dfbench.models.training.session import out_of_memory
from dfbench.models.training.setting import Setting, memory_format
from dfbench.models.training.state import Counters, Snapshot, State, restored, snapshot
from dfbench.models.training.step import Step, make_step

_TELL = 0.5
"""Seconds between two reports of progress."""
_TRIM = 2.0
"""Seconds between two times that free memory is given back."""


def train(
    setting: Setting, *, checkpoint: Path | None = None, progress: Watch | None = None
) -> list[Epoch]:
    """Train a module in place, and leave it with the weights of its best epoch.

    To be called inside `dfbench.models.training.session.session`.

    Parameters
    ----------
    setting
        The module, its images, the recipe; the module is moved to the device.
    checkpoint
        Folder of the state. A training of the same setting that was interrupted goes on from it;
        one that had finished is loaded. None keeps nothing.
    progress
        Told (steps done, steps at most, epoch and figures): the ROC AUC on validation of the best
        epoch so far, and the loss in training.

    Returns
    -------
    list of Epoch
        One for each epoch that was run.

    Raises
    ------
    DataError
        If the images are not as a network needs them.
    DfbenchError
        If the loss ceases to be finite before any epoch was good, memory runs out with a batch of
        one image, or the device lacks the recipe's precision.
    """
    setting.check()
    module = setting.module
    kept = Kept(checkpoint, setting.identity()) if checkpoint is not None else None
    module.to(setting.device, memory_format=memory_format(module))  # type: ignore[call-overload]
    finished = kept.finished(module) if kept is not None else None
    weights, history = finished or _begin(setting, kept, progress).finish()
    module.load_state_dict(weights)
    module.eval()
    return history


class _Clock:
    """Says when some time is over."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.restart()

    def restart(self) -> None:
        self._start = time.monotonic()

    def over(self) -> bool:
        return time.monotonic() - self._start > self._seconds


@dataclass
class _Run:
    """A training under way.

    Attributes
    ----------
    setting, part, val, step, kept, progress
        Stay the same.
    state
        Where it stands.
    start
        Where to begin the epoch again.
    best
        Weights of the best epoch so far.
    to_tell, to_save, to_trim
        When progress is told, the state is saved and free memory is given back again.
    """

    setting: Setting
    part: Part
    val: Part
    step: Step
    kept: Kept | None
    progress: Watch | None
    state: State
    start: Snapshot
    best: Tensors | None
    to_tell: _Clock
    to_save: _Clock
    to_trim: _Clock

    def finish(self) -> tuple[Tensors, list[Epoch]]:
        """Train to the end; give the weights of the best epoch and the history."""
        while not self._done():
            try:
                self._epoch()
            except RuntimeError as error:
                self._halve(error)
        followed = len(self.setting.follows)
        if self.best is None or (followed and self.state.counters.best_epoch + 1 < followed):
            raise DfbenchError("training diverged: the loss is not finite", hint="lower lr")
        history = self.state.counters.history
        if self.kept is not None:
            self.kept.finish(history)
        return self.best, [Epoch(**entry) for entry in history]

    def _done(self) -> bool:
        """Whether all epochs were run, too many without a better one, or the loss is not finite."""
        at, recipe = self.state.counters, self.setting.recipe
        if at.epoch >= self.setting.epochs:
            return True
        if not at.history:
            return False
        if not math.isfinite(at.history[-1]["train_loss"]):
            return True
        if self.setting.follows or recipe.patience is None:
            return False
        return at.epoch - 1 - at.best_epoch >= recipe.patience

    def _epoch(self) -> None:
        at = self.state.counters
        order = batches(
            len(self.part),
            at.batch_size,
            seed=self.setting.seed,
            epoch=at.epoch,
            more=self.state.more,
        )
        if at.step == 0:
            self.state.seen = []
            self.start = snapshot(self.state, self.setting.module, self.step)
        self.step.net.train()
        began = time.perf_counter()
        total = torch.tensor(at.loss, dtype=torch.float64, device=self.setting.device)
        # an epoch may go on from its end
        left = order[at.step :]
        for number, batch in enumerate(self.part.batches(left), at.step):
            seed = seed_of(self.setting.seed, at.epoch, number)
            loss, out = self.step(order[number], batch, seed, self._rate(number, len(order)))
            total += loss
            self.state.seen.append(out)
            at.step = number + 1
            if self.to_trim.over():
                return_freed_memory()
                self.to_trim.restart()
            if self.progress is not None and self.to_tell.over():
                n = sum(len(rows) for rows in order[: at.step])
                self._tell(at.epoch * len(order) + at.step, len(order), float(total) / n)
            if self.kept is not None and self.to_save.over():
                at.loss = float(total)
                self._save(time.perf_counter() - began)
        shown = torch.cat(order)
        self._close(
            shown,
            loss=float(total) / len(shown),
            lr=self._rate(len(order) - 1, len(order)),
            seconds=at.seconds + time.perf_counter() - began,
        )
        self._tell(at.epoch * len(order), len(order), at.history[-1]["train_loss"])
        self._save(0.0)

    def _rate(self, number: int, steps: int) -> float:
        """Learning rate of a step of this epoch."""
        at = self.state.counters
        # by the share of the whole that is done: epochs may differ in steps
        return rate(self.setting.recipe, at.epoch * steps + number, steps) * at.plateau.scale

    def _close(self, shown: torch.Tensor, loss: float, lr: float, seconds: float) -> None:
        """End an epoch: score, remember the best, lower the rate, find the hard images."""
        at, recipe = self.state.counters, self.setting.recipe
        found, better = self._judged(loss)
        if better:
            at.best_epoch = at.epoch
            self._keep_best()
        at.plateau.after(recipe, better=better)
        accuracy, auc = self._training_figures(shown)
        entry = Epoch(
            epoch=at.epoch,
            lr=lr,
            batch_size=at.batch_size,
            train_loss=loss,
            train_accuracy=accuracy,
            train_roc_auc=auc,
            **found,
            seconds=seconds,
            best=better,
        )
        at.history.append(asdict(entry))
        at.epoch, at.step, at.loss, at.seconds = at.epoch + 1, 0, 0.0, 0.0
        self._find_hard()

    def _judged(self, loss: float) -> tuple[dict[str, Any], bool]:
        """Give what the epoch comes to on validation, and whether it is the best so far.

        Of a training that follows another both are that one's.
        """
        at, recipe = self.state.counters, self.setting.recipe
        if self.setting.follows:
            followed = self.setting.follows[at.epoch]
            told = ("val_loss", "val_accuracy", "val_roc_auc", "confusion")
            figures = {name: getattr(followed, name) for name in told}
            return figures, followed.best and math.isfinite(loss)
        out = self.val.outputs(self.setting.module, recipe, self.setting.device)
        found = Validation.of(out, self.val.y, self.setting.n_classes)
        value = found.monitored(recipe)
        better = math.isfinite(loss) and math.isfinite(found.loss) and value < at.best_score
        if better:
            at.best_score = value
        return {
            "val_loss": found.loss,
            "val_accuracy": found.accuracy,
            "val_roc_auc": found.roc_auc,
            "confusion": found.confusion if recipe.epoch_confusion else None,
        }, better

    def _training_figures(self, shown: torch.Tensor) -> tuple[float | None, float | None]:
        """Accuracy and ROC AUC of the epoch's batches as they went by."""
        augment = self.setting.recipe.augment
        # mixed images have no one class that could be right
        if augment.mixup > 0 or augment.cutmix > 0:
            return None, None
        out, y = torch.cat(self.state.seen).cpu(), self.part.y[shown.numpy()]
        return float(np.mean(decisions(out) == y)), roc_auc(out, y)

    def _keep_best(self) -> None:
        weights = self.setting.module.state_dict()
        self.best = {name: value.detach().clone() for name, value in weights.items()}
        if self.kept is not None:
            self.kept.save_best(self.best)

    def _find_hard(self) -> None:
        hard, n_classes = self.setting.recipe.hard_examples, self.setting.n_classes
        if hard is None or self.state.counters.epoch < hard.after:
            return
        own = functional.one_hot(torch.from_numpy(self.part.y), n_classes).float()
        out = self.part.outputs(self.setting.module, self.setting.recipe, self.setting.device)
        self.state.more = hardest(losses(out, own), hard.fraction, hard.repeat)

    def _halve(self, error: RuntimeError) -> None:
        """Begin the epoch again with half the batch where memory ran out."""
        before = self.state.counters.batch_size
        if not out_of_memory(error) or before == 1:
            raise error
        error.__traceback__ = None  # it holds the tensors that took the memory
        if self.setting.device == "cuda":
            torch.cuda.empty_cache()
        warnings.warn(
            f"memory ran out: batches of {before // 2} images from here on, not {before}",
            ResourceWarning,
            stacklevel=2,
        )
        self.state = restored(self.start, self.setting.module, self.step)
        # where the start is in mid-epoch (a training that went on), the epoch still begins anew:
        # its batches are others now
        self.state.seen = []
        at = self.state.counters
        at.step, at.loss, at.batch_size = 0, 0.0, before // 2

    def _save(self, seconds: float) -> None:
        """Keep the state; ``seconds``: of this epoch, since this process is at work on it."""
        if self.kept is None:
            return
        tensors, plain = snapshot(self.state, self.setting.module, self.step)
        plain["state"]["seconds"] += seconds
        self.kept.save_last((tensors, plain))
        self.to_save.restart()

    def _tell(self, done: int, steps: int, loss: float) -> None:
        if self.progress is None:
            return
        self.to_tell.restart()
        at, epochs = self.state.counters, self.setting.epochs
        said = [f"epoch {at.epoch + (at.step > 0)}/{epochs}"]
        auc = at.history[at.best_epoch]["val_roc_auc"] if at.best_epoch >= 0 else None
        if auc is not None:
            said.append(f"best AUC {auc:.3f}")
        self.progress(done, epochs * steps, ", ".join([*said, f"loss {loss:.3f}"]))


def _begin(setting: Setting, kept: Kept | None, progress: Watch | None) -> _Run:
    """Make ready, and take up the state on disk, if there is one."""
    part, val = make_parts(setting, None if kept is None else kept.folder)
    step = make_step(setting, part)
    state, best = _go_on(setting, part, step, kept)
    return _Run(
        setting,
        part,
        val,
        step,
        kept,
        progress,
        state,
        # of an epoch that is under way the beginning is not on disk
        start=snapshot(state, setting.module, step),
        best=best,
        to_tell=_Clock(_TELL),
        to_trim=_Clock(_TRIM),
        to_save=_Clock(setting.recipe.checkpoint_seconds),
    )


def _go_on(
    setting: Setting, part: Part, step: Step, kept: Kept | None
) -> tuple[State, Tensors | None]:
    """Give the state on disk and the best weights so far; without one, that of the beginning."""
    fresh = State(Counters(batch_size=setting.recipe.batch_size))
    found = kept.interrupted(setting.module) if kept is not None else None
    if found is None:
        return fresh, None
    beginning = snapshot(fresh, setting.module, step)
    best, last = found
    try:
        state = restored(last, setting.module, step)
        if _holds(state, best, setting, part):
            return state, best if state.counters.best_epoch >= 0 else None
    except Exception:  # noqa: BLE001, S110 - whatever lies there, it can be computed again
        pass
    return restored(beginning, setting.module, step), None


def _holds(state: State, best: Tensors | None, setting: Setting, part: Part) -> bool:
    """Whether a training of this recipe can stand at a state, and has such best weights."""
    at, recipe = state.counters, setting.recipe
    order = batches(len(part), at.batch_size, seed=setting.seed, epoch=at.epoch, more=state.more)
    shown = sum(map(len, order[: at.step]))
    return (
        0 <= at.epoch <= recipe.epochs
        and [Epoch(**entry).epoch for entry in at.history] == list(range(at.epoch))
        and 1 <= at.batch_size <= recipe.batch_size
        and 0 <= at.step <= len(order)
        and (not at.step or sum(map(len, state.seen)) == shown)
        and (state.more is None or bool((state.more < len(part)).all()))
        and -1 <= at.best_epoch < max(at.epoch, 1)
        and (at.best_epoch < 0 or best is not None)
        and not math.isnan(at.best_score)
        and not math.isnan(at.seconds)
        and isinstance(at.loss, float)
        and 0 < at.plateau.scale <= 1
        and at.plateau.waited >= 0
    )
