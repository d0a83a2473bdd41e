"""The picture of what the scores of a cell tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dfbench.benchmark.pictures.base import Drawings, Finished, Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ScoresPicture(Picture):
    """Confusion, ROC and precision-recall curves, reliability."""

    name = "scores"
    captions: ClassVar = {"scores": "confusion, ROC and precision-recall curves, reliability"}

    def of_files(self, cell: Finished) -> Drawings:
        """Draw the panel."""
        return {"scores": lambda: _panel(cell)}


def _panel(cell: Finished) -> Figure:
    from dfbench.results.figures.scores import panel

    told = cell.record.elsewhere
    return panel(
        cell.scores.labels,
        cell.scores.probabilities,
        classes=cell.record.classes,
        positive=cell.record.positive,
        threshold=cell.record.threshold,
        title=cell.title,
        decides=told is None or told.decides,
        probable=told is None or told.probabilities,
    )
