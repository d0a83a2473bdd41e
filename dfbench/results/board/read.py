"""What was read of a results folder: the rows, their subsets, and evaluations when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dfbench.results.board.board import Line, Table
from dfbench.results.board.evaluations import EvaluatedRow, read_evaluations
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Entry, Record, Scores
from dfbench.results.records.scores import by_image
from dfbench.results.statistics.measured import Measured


@dataclass(frozen=True, slots=True)
class RowRead:
    """A row of a results folder, or a subset of one.

    Its records by seed, what they come to, the ROC AUC of its default parameters where it was
    kept, what is missing, and the kind of fake of each image, "" for none; None where the scores
    do not tell.
    """

    entry: Entry
    records: list[Record]
    measured: Measured | None
    at_defaults: float | None
    missing: list[Line]
    kinds: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What protocols and audits report from.

    Attributes
    ----------
    tables
        Of the board: they give the order of data sets and rows.
    rows
        By data set, row and name of the subset.
    """

    tables: Sequence[Table]
    rows: Mapping[tuple[str, str, str], RowRead]
    out: ResultsFolder
    entries: Sequence[Entry]

    def of(self, dataset: str) -> dict[tuple[str, str], RowRead]:
        """Give the rows of a data set, by row and name of the subset."""
        return {
            (row, subset): its
            for (fitted_on, row, subset), its in self.rows.items()
            if fitted_on == dataset
        }

    def scores(self, record: Record) -> Scores:
        """Read the scores of a cell, ordered as `by_image` does.

        Raises
        ------
        OutputError
            Where they cannot be read.
        """
        return by_image(self.out.read_scores(record))

    def evaluations(self, protocol: str) -> list[EvaluatedRow]:
        """Read what a protocol had the models of rows score beside their own images.

        Raises
        ------
        OutputError
            Where the list of what was asked for is broken.
        """
        return read_evaluations(self.out, self.entries, protocol)
