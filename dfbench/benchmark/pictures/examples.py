"""The picture of the images that a cell was surest about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from dfbench.benchmark.pictures.base import Drawings, Finished, Fitted, Picture
from dfbench.images import contents, decode, small
from dfbench.results.records.records import Record, Scores
from dfbench.results.statistics.sample import decide

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_EACH = 5
"""Right verdicts, and as many wrong ones."""
_SIDE = 512
"""Pixels of the longer side of an image at most: figures show them smaller still."""


class ExamplesPicture(Picture):
    """The surest right and wrong verdicts."""

    name = "examples"
    captions: ClassVar = {"examples": "the most confident right and wrong verdicts"}

    @staticmethod
    def images(record: Record, scores: Scores) -> Sequence[str]:
        """Name the images of the surest verdicts, right ones first."""
        return [scores.images[row] for row in _rows(record, scores)]

    def of_model(self, cell: Fitted) -> Drawings:
        """Draw the images; they are at hand while a cell runs."""
        return {"examples": lambda: _examples(cell)}


def _examples(cell: Fitted) -> Figure:
    from dfbench.results.figures.examples import examples

    rows, shown = surest(cell)
    files = [cell.root / cell.scores.images[row] for row in rows]
    images = [small(decode(contents(file)), _SIDE) for file in files]
    return examples(images, **shown)


def _rows(record: Record, scores: Scores) -> list[int]:
    from dfbench.results.figures.examples import most_confident

    return most_confident(
        scores.labels, scores.probabilities, record.positive, record.threshold, _EACH
    )


def surest(cell: Finished) -> tuple[list[int], dict[str, Any]]:
    """Give the places of the surest verdicts, and what is written beside them.

    Source: `dfbench.results.figures.examples.most_confident`.
    """
    record, labels, probabilities = cell.record, cell.scores.labels, cell.scores.probabilities
    rows = _rows(record, cell.scores)
    said = decide(probabilities, positive=record.positive, threshold=record.threshold)
    return rows, {
        "true": [int(labels[row]) for row in rows],
        "predicted": [int(said[row]) for row in rows],
        "confidence": [float(probabilities[row, said[row]]) for row in rows],
        "names": [cell.scores.images[row] for row in rows],
        "classes": record.classes,
        "title": cell.title,
    }
