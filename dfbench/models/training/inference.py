"""What training and scoring of networks have in common: devices, precision, batches, losses.

This module imports torch; it is loaded by networks only, when one is fitted.

A network is a torch module from images of shape (n, 3, S, S), channels-last in memory and
normalised as its recipe says, to float32 logits: one a row for two classes (positive means class
1), K otherwise. One that takes features too is called with them as its second argument.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from dfbench.errors import DataError, DfbenchError
from dfbench.models.base import Both, Inputs, Labels, Probabilities
from dfbench.models.training.recipe import Recipe

EVAL_BATCH = 128
"""Images at a time where nothing is trained."""


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


def out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of torch says that memory ran out."""
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)


def _memory_error(error: RuntimeError, device: str) -> Exception:
    if not out_of_memory(error):
        return error
    if device == "cuda":
        return DfbenchError(
            "GPU memory ran out", hint="use --device cpu, or free the GPU of other work"
        )
    return DfbenchError("memory ran out while a network was at work")


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


def precision_of(recipe: Recipe, device: str) -> torch.dtype:
    """Type that a recipe's network computes in on a device.

    Raises
    ------
    DfbenchError
        If the device has no such arithmetic.
    """
    if recipe.precision == "auto":
        return autocast_dtype(device) or torch.float32
    if recipe.precision == "fp16" and device == "cpu":
        raise DfbenchError("precision fp16 needs a GPU", hint='precision = "bf16" or "32"')
    return {"32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[recipe.precision]


def autocast(recipe: Recipe, device: str) -> Any:
    """Context in which a network computes in the recipe's precision."""
    dtype = precision_of(recipe, device)
    enabled = dtype is not torch.float32
    return torch.autocast(device, dtype=dtype if enabled else torch.bfloat16, enabled=enabled)


def tensor_of(X: NDArray[Any]) -> torch.Tensor:
    """Wrap an array, not copy it: a data set may fill most of the memory."""
    array = np.ascontiguousarray(X)
    if not array.flags.writeable:
        with warnings.catch_warnings():
            # torch warns of arrays it could write through; nothing here writes
            warnings.simplefilter("ignore", UserWarning)
            return torch.from_numpy(array)
    return torch.from_numpy(array)


def pixels_of(images: torch.Tensor, device: str, dtype: torch.dtype) -> torch.Tensor:
    """Convert uint8 (n, S, S, 3) to numbers in [0, 1], (n, 3, S, S), on the device."""
    # permuting the axes of an image-by-image array is the channels-last layout: nothing moves
    return images.to(device, non_blocking=True).permute(0, 3, 1, 2).to(dtype).div_(255.0)


def crop(images: torch.Tensor, side: int | None) -> torch.Tensor:
    """Cut the square of that side from the middle of (n, 3, S, S)."""
    if side is None or side >= images.shape[-1]:
        return images
    start = (images.shape[-1] - side) // 2
    return images[..., start : start + side, start : start + side]


def normalise(images: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """Take the recipe's mean from each channel and divide by its deviation."""
    if recipe.mean == (0.0, 0.0, 0.0) and recipe.std == (1.0, 1.0, 1.0):
        return images
    mean, std = (
        torch.tensor(values, device=images.device, dtype=torch.float32).view(1, 3, 1, 1)
        for values in (recipe.mean, recipe.std)
    )
    return (images.float() - mean).div_(std).to(images.dtype)


def inputs_of(images: Any, recipe: Recipe, device: str) -> torch.Tensor:
    """Turn images into what the network sees where nothing is augmented.

    Parameters
    ----------
    images
        uint8 of shape (n, S, S, 3), an array or a tensor.
    recipe
        Its crop, mean, deviation and precision count.
    device
        Where the result is to lie.
    """
    raw = images if isinstance(images, torch.Tensor) else tensor_of(images)
    # rounded once, at the end: 16 bits hold no more than a grey level
    pixels = crop(pixels_of(raw, device, torch.float32), recipe.crop_size)
    return normalise(pixels, recipe).to(precision_of(recipe, device))


def predict(
    module: nn.Module, X: Inputs, recipe: Recipe, *, n_classes: int, device: str = "cpu"
) -> Probabilities:
    """Class probabilities of images, shape (n, K), by a trained module.

    To be called inside `session`. The value for an image depends on the batch it is in only by
    rounding (below 1e-3 with bfloat16, 1e-5 without).
    """
    out = outputs(module, X, recipe, device)
    return shares(out.numpy().astype(np.float64), n_classes)


def outputs(module: nn.Module, X: Inputs, recipe: Recipe, device: str) -> torch.Tensor:
    """Logits of images by a trained module, which is moved to the device.

    Raises
    ------
    DataError
        If X is not as a network needs it.
    """
    check(X)
    images = tensor_of(X.images if isinstance(X, Both) else X)
    features = tensor_of(X.features) if isinstance(X, Both) else None
    module.to(device)
    return logits(module, images, features, recipe, device)


def shares(out: NDArray[np.float64], n_classes: int) -> Probabilities:
    """Turn logits into probabilities, shape (n, K)."""
    if n_classes == 2:
        one = 1.0 / (1.0 + np.exp(-np.clip(out[:, 0], -700, 700)))
        return np.column_stack([1.0 - one, one])
    odds: Probabilities = np.exp(out - out.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    return odds


def logits(
    module: nn.Module,
    images: torch.Tensor,
    features: torch.Tensor | None,
    recipe: Recipe,
    device: str,
) -> torch.Tensor:
    """Give the logits of images without augmentation, float32, on the processor."""
    module.eval()
    parts = []
    with torch.inference_mode(), autocast(recipe, device):
        for start in range(0, len(images), EVAL_BATCH):
            rows = slice(start, start + EVAL_BATCH)
            inputs = [inputs_of(images[rows], recipe, device)]
            if features is not None:
                inputs.append(features[rows].to(device))
            parts.append(module(*inputs).float().cpu())
    return torch.cat(parts)


def losses(
    out: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Cross-entropy of each image, shape (n,).

    Parameters
    ----------
    out
        Logits, shape (n, 1) or (n, K).
    targets
        Share of each class, shape (n, K), float32.
    weights
        Of the classes, shape (K,).
    """
    if out.shape[1] == 1:
        each = functional.binary_cross_entropy_with_logits(
            out[:, 0], targets[:, 1], reduction="none"
        )
    else:
        each = -(targets * functional.log_softmax(out, dim=1)).sum(dim=1)
    return each if weights is None else each * (targets @ weights)


def roc_auc(out: torch.Tensor, y: Labels) -> float | None:
    """ROC AUC of logits (macro one against the rest); None where only one class is there."""
    from sklearn.metrics import roc_auc_score

    present = np.unique(y)
    if len(present) < 2 or not torch.isfinite(out).all():
        return None
    if out.shape[1] == 1:
        return float(roc_auc_score(y == 1, out[:, 0].numpy()))
    odds = functional.softmax(out, dim=1).numpy()
    return float(np.mean([roc_auc_score(y == k, odds[:, k]) for k in present]))


def decisions(out: torch.Tensor) -> NDArray[np.int64]:
    """Class numbers that logits speak for."""
    said = (out[:, 0] > 0).long() if out.shape[1] == 1 else out.argmax(dim=1)
    array: NDArray[np.int64] = said.numpy()
    return array


def check(X: Any) -> None:
    """Raise `DataError` if images are not as a network needs them."""
    images = X.images if isinstance(X, Both) else X
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise DataError(
            f"a network needs uint8 images of shape (n, S, S, 3), not {images.dtype} {images.shape}"
        )
