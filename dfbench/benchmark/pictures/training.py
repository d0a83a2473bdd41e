"""The pictures of how a network's training went."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from dfbench.benchmark.pictures.base import Drawings, Finished, Picture


class TrainingPicture(Picture):
    """Training epoch by epoch, for networks: curves, and confusion where a recipe keeps it."""

    name = "training"
    captions: ClassVar = {
        "training": "training beside validation",
        "confusions": "confusion on validation after each epoch",
    }

    def of_files(self, cell: Finished) -> Drawings:
        """Draw the history, where there is one."""
        record = cell.record
        if not record.history:
            return {}
        from dfbench.results.figures.training import confusions, curves

        tuned = replace(cell.title, n=record.n_tune, split="tuning")
        return {
            "training": lambda: curves(record.history, title=tuned),
            "confusions": lambda: confusions(record.history, classes=record.classes, title=tuned),
        }
