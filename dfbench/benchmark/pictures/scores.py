"""The picture of what the scores of a cell tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dfbench.benchmark.pictures.base import Drawings, Finished, Picture
from dfbench.results.board.samples import sample_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ScoresPicture(Picture):
    """Confusion, ROC and precision-recall curves, reliability."""

    name = "scores"
    drawing = True
    captions: ClassVar = {"scores": "confusion, ROC and precision-recall curves, reliability"}

    def of_files(self, cell: Finished) -> Drawings:
        """Draw the panel."""
        return {"scores": lambda: _panel(cell)}


def _panel(cell: Finished) -> Figure:
    from dfbench.results.figures.scores import panel

    record = cell.record
    return panel(
        sample_of(record, cell.scores),
        classes=record.classes,
        threshold=record.threshold,
        title=cell.title,
    )
