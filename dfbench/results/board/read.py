"""What was read of a results folder: the rows, their subsets, and evaluations when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dfbench.errors import OutputError
from dfbench.results.board.board import Line, Table
from dfbench.results.board.evaluations import EvaluatedRow, read_evaluations
from dfbench.results.records.folder import Findings, ResultsFolder
from dfbench.results.records.records import Entry, Record, Scores
from dfbench.results.records.scores import by_image
from dfbench.results.statistics.measured import Measured
from dfbench.results.statistics.repeated import Repeated


@dataclass(frozen=True, slots=True)
class RowRead:
    """A row of a results folder, or a subset of one.

    Its records by seed, what they come to, the ROC AUC of its default parameters where it was
    kept, what is missing, and the kind of fake of each image, "" for none; None where the scores
    do not tell. ``unread`` where a file of it could not be read. Of a row on several divisions all
    of this is of the first, which protocols look at; ``whole`` is over all of them, of which
    ``divisions`` has each.
    """

    entry: Entry
    records: list[Record]
    measured: Measured | None
    at_defaults: float | None
    missing: list[Line]
    kinds: tuple[str, ...] | None = None
    unread: bool = False
    divisions: tuple[RowRead, ...] = ()
    over_all: WholeRow | None = None

    @property
    def whole(self) -> Measured | Repeated | None:
        """What the row comes to on the board."""
        return self.measured if self.over_all is None else self.over_all.measured

    @property
    def whole_kinds(self) -> tuple[str, ...] | None:
        """Kind of fake of each image that `whole` is of, as one model has scored each."""
        return self.kinds if self.over_all is None else self.over_all.kinds

    @property
    def parts(self) -> tuple[RowRead, ...]:
        """Each division; itself where there is one."""
        return self.divisions or (self,)


@dataclass(frozen=True, slots=True)
class WholeRow:
    """What a row comes to over all divisions that ran.

    Attributes
    ----------
    measured
        Of folds all images, each scored once; of splits each; None where none ran.
    kinds
        Of fake of each image of folds; None of splits.
    """

    measured: Measured | Repeated | None
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
    out, entries
        The folder, and the places on its board.
    unread
        Protocols that files could not be read of, so far.
    damaged
        By data set why findings of audits could not be read, so far, a sentence each.
    """

    tables: Sequence[Table]
    rows: Mapping[tuple[str, str, str], RowRead]
    out: ResultsFolder
    entries: Sequence[Entry]
    unread: list[str] = field(default_factory=list)
    damaged: dict[str, list[str]] = field(default_factory=dict)

    def of(self, dataset: str) -> dict[tuple[str, str], RowRead]:
        """Give the rows of a data set, by row and name of the subset that a protocol asked for."""
        return {
            (row, subset): its
            for (fitted_on, row, subset), its in self.rows.items()
            if fitted_on == dataset and not its.entry.subset.of_ensemble
        }

    def findings(
        self, dataset: str, audit: str, fingerprint: str, form: type[Findings]
    ) -> Findings | None:
        """Read what an audit found in a state of a data set; None where nobody has looked.

        Where it cannot be read the table of the data set is to say so.
        """
        try:
            return self.out.read_findings(audit, fingerprint, form)
        except OutputError as error:
            said = self.damaged.setdefault(dataset, [])
            said.append(f"{audit}: what was found of it cannot be told: {error}")
            return None

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
        found = read_evaluations(self.out, self.entries, protocol)
        if any(row.unread for row in found):
            self.unread.append(protocol)
        return found
