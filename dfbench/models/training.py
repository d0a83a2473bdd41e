"""The engine that trains every network: batches, mixed precision, early stopping.

This module imports torch; it is loaded by networks only, when one is fitted.

A network is a torch module from images of shape (n, 3, S, S), float in [0, 1], channels-last in
memory, to float32 logits: one a row for two classes (positive means class 1), K otherwise.
"""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from dfbench.errors import DataError, DfbenchError
from dfbench.files import Progress
from dfbench.models.base import Labels, Probabilities

Images = NDArray[np.uint8]
"""RGB, shape (n, S, S, 3), dtype uint8."""

_EVAL_BATCH = 128


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained: Adam at a constant rate, binary or categorical cross-entropy.

    Attributes
    ----------
    epochs
        At most so many passes over the training part.
    batch_size
        Images a step.
    lr, weight_decay
        Of Adam (Kingma and Ba, 2015), the decay decoupled from the gradient (Loshchilov and
        Hutter, 2019).
    patience
        Training stops after so many epochs without a better `monitor`.
    monitor
        What decides which epoch's weights are kept, on the validation part.
    flip
        Whether each image is mirrored left to right with probability 1/2, anew each epoch.
    """

    epochs: int
    batch_size: int
    lr: float
    weight_decay: float = 0.0
    patience: int = 3
    monitor: Literal["loss", "roc_auc"] = "loss"
    flip: bool = False


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch came to; losses are means over images, in nats."""

    train_loss: float
    val_loss: float
    val_roc_auc: float
    seconds: float


@contextmanager
def session(device: str, n_threads: int, seed: int) -> Iterator[None]:
    """Set torch up for one seeded, repeatable piece of work, and put back what was before.

    Memory that runs out inside the block becomes a `DfbenchError`.
    """
    cuda = device == "cuda"
    if cuda:
        # cuBLAS reads it when it starts; without it its sums may differ between runs
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    fill = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    try:
        torch.set_num_threads(max(1, n_threads))
        torch.use_deterministic_algorithms(cuda, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        with torch.random.fork_rng(devices=[torch.cuda.current_device()] if cuda else []):
            torch.manual_seed(seed)
            yield
    except RuntimeError as error:
        raise _memory_error(error, device) from error
    finally:
        torch.utils.deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.set_num_threads(threads)


def _memory_error(error: RuntimeError, device: str) -> Exception:
    if isinstance(error, torch.OutOfMemoryError):
        return DfbenchError(
            "GPU memory ran out", hint="use --device cpu, or free the GPU of other work"
        )
    if "DefaultCPUAllocator" in str(error):
        return DfbenchError("memory ran out while a network was at work")
    return error


def autocast_dtype(device: str) -> torch.dtype | None:
    """16-bit type that this hardware computes in faster than in float32, or None.

    bfloat16 needs no loss scaling. Processors without instructions for it emulate it, slowly:
    only AVX-512 BF16 and AMX count.
    """
    if device == "cuda":
        fit = torch.cuda.get_device_capability() >= (8, 0)
    else:
        fit = any(
            getattr(torch.cpu, name, bool)()
            for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        )
    return torch.bfloat16 if fit else None


def train(
    module: nn.Module,
    X: Images,
    y: Labels,
    X_val: Images,
    y_val: Labels,
    recipe: Recipe,
    *,
    n_classes: int,
    device: str = "cpu",
    progress: Progress | None = None,
) -> list[Epoch]:
    """Train ``module`` in place, and leave it with the weights of its best epoch.

    To be called inside `session`, which seeds the order of the images, dropout and flips.

    Parameters
    ----------
    module
        See the module's docstring; moved to the device.
    X, y
        Training images, and their class numbers.
    X_val, y_val
        Validation part, for early stopping and the choice of the epoch.
    recipe
        How.
    n_classes
        Number of classes K.
    device
        ``cpu`` or ``cuda``.
    progress
        Called with (epochs done, ``recipe.epochs``).

    Returns
    -------
    list of Epoch
        One for each epoch that was run.

    Raises
    ------
    DataError
        If X is not as a network needs it.
    DfbenchError
        If the loss ceases to be finite before any epoch was good, or memory runs out.
    """
    _check(X)
    _check(X_val)
    images, labels = _tensor(X), torch.from_numpy(np.asarray(y, dtype=np.int64))
    module.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(
        module.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay, fused=True
    )
    history: list[Epoch] = []
    best_score, best_epoch, best_weights = math.inf, -1, None
    for number in range(recipe.epochs):
        start = time.perf_counter()
        loss = _one_epoch(module, images, labels, optimiser, recipe, n_classes, device)
        val = _logits(module, X_val, device)
        val_loss = float(_loss(torch.from_numpy(val), torch.from_numpy(np.asarray(y_val))))
        val_auc = _roc_auc(val, y_val)
        history.append(Epoch(loss, val_loss, val_auc, time.perf_counter() - start))
        if progress is not None:
            progress(number + 1, recipe.epochs)
        if not (math.isfinite(loss) and math.isfinite(val_loss)):
            break
        score = val_loss if recipe.monitor == "loss" else -val_auc
        if score < best_score:
            best_score, best_epoch = score, number
            best_weights = {k: v.detach().clone() for k, v in module.state_dict().items()}
        elif number - best_epoch >= recipe.patience:
            break
    if best_weights is None:
        raise DfbenchError("training diverged: the loss is not finite", hint="lower lr")
    module.load_state_dict(best_weights)
    module.eval()
    return history


def _one_epoch(
    module: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    optimiser: torch.optim.Optimizer,
    recipe: Recipe,
    n_classes: int,
    device: str,
) -> float:
    module.train()
    total = torch.zeros((), device=device)
    for rows in torch.split(torch.randperm(len(images)), recipe.batch_size):
        batch = _batch(images[rows], device)
        if recipe.flip:
            mirrored = (torch.rand(len(rows)) < 0.5).to(device)
            batch = torch.where(mirrored[:, None, None, None], batch.flip(3), batch)
        with _autocast(device):
            out = module(batch)
        loss = _loss(out.float(), labels[rows].to(device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        total += loss.detach() * len(rows)
    return float(total) / len(images)


def predict(module: nn.Module, X: Images, *, n_classes: int, device: str = "cpu") -> Probabilities:
    """Class probabilities of images, shape (n, K), by a trained module.

    To be called inside `session`. The value for an image depends on the batch it is in only by
    rounding (below 1e-3 with bfloat16, 1e-5 without).
    """
    _check(X)
    out = _logits(module, X, device).astype(np.float64)
    if n_classes == 2:
        one = 1.0 / (1.0 + np.exp(-np.clip(out[:, 0], -700, 700)))
        return np.column_stack([1.0 - one, one])
    odds: Probabilities = np.exp(out - out.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    return odds


def _logits(module: nn.Module, X: Images, device: str) -> NDArray[np.float32]:
    module.eval()
    parts = []
    with torch.inference_mode(), _autocast(device):
        for chunk in torch.split(_tensor(X), _EVAL_BATCH):
            parts.append(module(_batch(chunk, device)).float().cpu())
    array: NDArray[np.float32] = torch.cat(parts).numpy()
    return array


def _batch(images: torch.Tensor, device: str) -> torch.Tensor:
    """Convert uint8 (n, S, S, 3) to floats in [0, 1], (n, 3, S, S), on the device."""
    dtype = autocast_dtype(device) or torch.float32
    # permuting the axes of an image-by-image array is the channels-last layout: nothing moves
    return images.to(device).permute(0, 3, 1, 2).to(dtype).div_(255.0)


def _autocast(device: str) -> Any:
    dtype = autocast_dtype(device)
    return torch.autocast(device, dtype=dtype or torch.bfloat16, enabled=dtype is not None)


def _loss(out: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    if out.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(out[:, 0], labels.to(out.dtype))
    return functional.cross_entropy(out, labels)


def _roc_auc(out: NDArray[np.float32], y: Labels) -> float:
    """ROC AUC of logits (macro one against the rest); NaN where only one class is there."""
    from sklearn.metrics import roc_auc_score

    present = np.unique(y)
    if len(present) < 2 or not np.isfinite(out).all():
        return math.nan
    if out.shape[1] == 1:
        return float(roc_auc_score(y == 1, out[:, 0]))
    shares = functional.softmax(torch.from_numpy(out), dim=1).numpy()
    return float(np.mean([roc_auc_score(y == k, shares[:, k]) for k in present]))


def _tensor(X: Images) -> torch.Tensor:
    """Wrap, not copy: a data set may fill most of the memory."""
    array = np.ascontiguousarray(X)
    if not array.flags.writeable:
        with warnings.catch_warnings():
            # torch warns of arrays it could write through; nothing here writes
            warnings.simplefilter("ignore", UserWarning)
            return torch.from_numpy(array)
    return torch.from_numpy(array)


def _check(X: Any) -> None:
    if X.dtype != np.uint8 or X.ndim != 4 or X.shape[3] != 3:
        raise DataError(
            f"a network needs uint8 images of shape (n, S, S, 3), not {X.dtype} {X.shape}"
        )
