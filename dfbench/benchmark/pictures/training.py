"""The pictures of how a network's training went."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from dfbench.benchmark.pictures.base import Drawings, Finished, Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dfbench.results.figures.base import Title


class TrainingPicture(Picture):
    """Training epoch by epoch, for networks: curves, and confusion where a recipe keeps it."""

    name = "training"
    drawing = True
    captions: ClassVar = {
        "training": "training beside validation",
        "confusions": "confusion on validation after each epoch",
    }

    def of_files(self, cell: Finished) -> Drawings:
        """Draw the history, where there is one."""
        history = cell.record.history
        found: dict[str, Callable[[], Figure | None]] = {}
        if history:
            found["training"] = lambda: _curves(cell)
        if any(epoch.get("confusion") for epoch in history):
            found["confusions"] = lambda: _confusions(cell)
        return found


def _curves(cell: Finished) -> Figure:
    from dfbench.results.figures.training import curves

    return curves(cell.record.history, title=_tuned(cell))


def _confusions(cell: Finished) -> Figure | None:
    from dfbench.results.figures.training import confusions

    return confusions(cell.record.history, classes=cell.record.classes, title=_tuned(cell))


def _tuned(cell: Finished) -> Title:
    return replace(cell.title, n=cell.record.n_tune, split="tuning")
