"""How a training went, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dfbench.results.figures import scores
from dfbench.results.figures.base import SOFT, Title, line, new, number, tidy, whole_numbers

_PANELS = (("loss", "loss"), ("accuracy", "accuracy"), ("roc_auc", "ROC AUC"))
_PER_ROW = 5


def curves(history: Sequence[Mapping[str, Any]], *, title: Title) -> Figure:
    """Draw loss, accuracy and ROC AUC by epoch, training beside validation, and the rate.

    Parameters
    ----------
    history
        One entry an epoch, see `dfbench.models.training.epoch.Epoch`; values may be None.
    title
        Whose figure it is.
    """
    figure = new(10, 3.6, str(title))
    grid = figure.add_gridspec(2, 3, height_ratios=(5, 1))
    epochs = [entry["epoch"] + 1 for entry in history]
    kept = max((e for e, entry in zip(epochs, history, strict=True) if entry["best"]), default=None)
    for column, (key, name) in enumerate(_PANELS):
        axes = figure.add_subplot(grid[0, column])
        for part, said, style in (("train", "training", line(1)), ("val", "validation", line(0))):
            values = [_number(entry.get(f"{part}_{key}")) for entry in history]
            if not all(math.isnan(value) for value in values):
                axes.plot(epochs, values, **style, markersize=4, label=said)
        if kept is not None:
            axes.axvline(kept, color=SOFT, linestyle=":", label=f"kept: epoch {kept}")
        whole_numbers(axes)
        tidy(axes, name)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8, frameon=False)
    axes = figure.add_subplot(grid[1, :])
    axes.step(epochs, [_number(entry.get("lr")) for entry in history], where="mid", color=SOFT)
    axes.set_ylim(bottom=0)
    whole_numbers(axes)
    tidy(axes, "", "epoch", "rate")
    return figure


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def confusions(
    history: Sequence[Mapping[str, Any]], *, classes: Sequence[str], title: Title
) -> Figure | None:
    """Draw the confusion matrix on validation after each epoch; None where none was kept."""
    kept = [entry for entry in history if entry.get("confusion")]
    if not kept:
        return None
    rows = -(-len(kept) // _PER_ROW)
    figure = new(
        min(10, 2.9 * min(len(kept), _PER_ROW) + 1.2), 2.4 * rows + 0.8,
        str(title),
    )  # fmt: skip
    for index, entry in enumerate(kept):
        axes = figure.add_subplot(rows, min(len(kept), _PER_ROW), index + 1)
        counts = np.asarray(entry["confusion"])
        k = len(classes)
        true, said = (grid.ravel().repeat(counts.ravel()) for grid in np.indices((k, k)))
        accuracy = _number(entry.get("val_accuracy"))
        scores.confusion(axes, true, said, classes, accuracy, rates_too=False)
        axes.set_title(f"epoch {entry['epoch'] + 1}: {number(accuracy)}", fontsize=9)
    return figure
