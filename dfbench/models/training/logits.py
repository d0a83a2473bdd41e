"""What logits say: probabilities, decisions, losses, ROC AUC.

They are float32, one a row for two classes (positive means class 1), K otherwise.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from dfbench.models.base import Labels, Probabilities


def probabilities(out: NDArray[np.float64], n_classes: int) -> Probabilities:
    """Turn logits, float64, into probabilities, shape (n, K)."""
    if n_classes == 2:
        one = 1.0 / (1.0 + np.exp(-np.clip(out[:, 0], -700, 700)))
        return np.column_stack([1.0 - one, one])
    odds: Probabilities = np.exp(out - out.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    return odds


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
