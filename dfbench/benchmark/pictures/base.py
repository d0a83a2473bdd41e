"""What a picture of a cell is: the one interface by which runs and reports know it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from dfbench.models.base import Inputs, Model
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record, Scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dfbench.results.figures.base import Title

Drawings = Mapping[str, "Callable[[], Figure | None]"]
"""By name of the file: a function that draws when asked; None where there is nothing to draw."""


@dataclass(frozen=True)
class Finished:
    """A cell whose files are in the results folder."""

    out: ResultsFolder
    record: Record

    @cached_property
    def scores(self) -> Scores:
        """Scores of the evaluated images."""
        return self.out.read_scores(self.record)

    @property
    def title(self) -> Title:
        """Whose picture it is."""
        from dfbench.results.figures.base import Title

        record = self.record
        part = "" if record.kind == "imported" else f"seed {record.seed}"
        return Title(record.dataset, record.row, record.n_test, record.split, part)


@dataclass(frozen=True)
class Fitted(Finished):
    """A cell that has just been run.

    Attributes
    ----------
    root
        Folder of the images.
    model
        As it was fitted.
    load
        Gives what the model is given of evaluated images, by their places in `scores`.
    """

    root: Path
    model: Model
    load: Callable[[Sequence[int]], Inputs]


class Picture:
    """A picture of each cell, in one file or several.

    Attributes
    ----------
    name
        What users type.
    captions
        By name of the file, without its suffix: what is seen there, for the report.
    drawing
        Whether it has lines and words on white alone, no photographs: a dark page then shows it
        light on dark.
    """

    name: ClassVar[str]
    captions: ClassVar[Mapping[str, str]]
    drawing: ClassVar[bool] = False

    @staticmethod
    def images(record: Record, scores: Scores) -> Sequence[str]:
        """Name the images that it shows, in their order, for the report to list them."""
        return ()

    def of_files(self, cell: Finished) -> Drawings:
        """Give what is drawn of stored files alone, after a cell has run or at any time later.

        A file that is there stays.
        """
        return {}

    def of_model(self, cell: Fitted) -> Drawings:
        """Give what takes the fitted model or the images.

        Drawn once: after the cell has run, or of the model that was kept of it.
        """
        return {}

    @classmethod
    def takes_model(cls) -> bool:
        """Whether anything of it is drawn of the model."""
        return cls.of_model is not Picture.of_model
