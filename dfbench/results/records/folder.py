"""A results folder: how each file in it is read and written; `places` says where they lie.

Each file is written whole or not at all, and scores before their record: a record that says ``ok``
has them, and what a kill leaves behind is not seen as a result. What is read as fact is known by
its checksum: JSON carries its own, see `sealed`, and a record those of its tables. No link below
the folder is followed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from dfbench.errors import OutputError
from dfbench.files import keep_text, unwritable
from dfbench.results.records.divisions import name_of
from dfbench.results.records.evaluations import Asked, EvaluationRecord
from dfbench.results.records.identity import contradiction, contradiction_of_evaluation
from dfbench.results.records.lists import AllAsked, Entries, Runs
from dfbench.results.records.places import Places
from dfbench.results.records.provenance import Run
from dfbench.results.records.records import Entry, Part, Record, Scores
from dfbench.results.records.scores import (
    AGAIN,
    IMPORT_AGAIN,
    brief,
    load_scores,
    sum_of,
    write_scores,
)
from dfbench.results.records.sealed import read_sealed, write_sealed
from dfbench.results.records.subsets import WHOLE, parse_name
from dfbench.results.texts import csv_text

Findings = TypeVar("Findings", bound=BaseModel)

_NAMED = 5
"""Results folders that are named where another is meant."""
_LOOK_AGAIN = "run again with the same --out: it is looked for anew"


def _unseen(name: str) -> str:
    return ""


def beside(path: Path) -> str:
    """Name the results folders beside a path that is none, behind what is said; empty for none."""
    try:
        found = sorted(each.name for each in path.parent.iterdir() if is_results(each))
    except OSError:
        return ""
    named = ", ".join(found[:_NAMED]) + (", ..." if len(found) > _NAMED else "")
    return f": there {'is' if len(found) == 1 else 'are'} {named}" if found else ""


def is_results(path: Path) -> bool:
    """Whether a folder has a list of entries."""
    return ResultsFolder(path).entries_file.is_file()


@dataclass(frozen=True, slots=True)
class ResultsFolder(Places):
    """What ``dfbench run --out DIR`` writes."""

    sums: dict[str, str] = field(default_factory=dict, compare=False, repr=False)
    """SHA-256 of the tables that were read so far, and are whole, by name in the folder."""

    # --- entries -----------------------------------------------------------------------------

    def read_entries(self) -> list[Entry]:
        """Read the places on the board.

        Raises
        ------
        OutputError
            Where this is no results folder, or its ``run.json`` is broken.
        """
        path = self.entries_file
        try:
            return read_sealed(path, Entries, below=self.path).entries
        except (FileNotFoundError, NotADirectoryError):
            absent = not self.path.exists()
            missing = "there is no such folder" if absent else "there is no run.json in it"
            raise OutputError(
                f"not a results folder: {missing}",
                where=self.path,
                hint=f"a results folder is what `dfbench run --out DIR` writes{beside(self.path)}",
            ) from None
        except (OSError, ValueError) as error:
            raise OutputError(
                f"no readable list of entries: {brief(error)}",
                where=path,
                hint="run again with the same --out: it is made anew from the records of the cells",
            ) from error

    def read_rows(self) -> list[Entry]:
        """Read the places of rows themselves, without those of their subsets.

        Of a data set that was divided several times there is a place for each division.

        Raises
        ------
        OutputError
            As `read_entries`.
        """
        return [entry for entry in self.read_entries() if entry.subset == WHOLE]

    def mend_entries(self) -> str:
        """Make a list of entries that cannot be read anew, of what the records of cells tell.

        What a suite says that was reported of a row, and whose merged results are, is lost.

        Returns
        -------
        str
            What was wrong with it; empty where nothing was, or there is none.

        Raises
        ------
        OutputError
            Where the folder cannot be written.
        """
        if not self.entries_file.exists():
            return ""
        try:
            self.read_entries()
        except OutputError as error:
            found = [_entry(record) for record in self._records()]
            last = {(e.dataset, e.row): e for e in found}.values()
            found = _undivided(found, list(last))  # of each row the divisions that ran last
            write_sealed(self.entries_file, Entries(entries=_by_place(found)))
            return f"{error.where}: {error.what}"
        return ""

    def _records(self) -> list[Record]:
        """Read the records of all cells that can be read, the earliest first."""
        found = []
        for path in sorted((self.path / "cells").glob("*.json")):
            if "." not in path.stem:
                with contextlib.suppress(OutputError, ValueError):
                    if record := self.load_record(path.stem):
                        parse_name(record.variant)
                        found.append(record)
        return sorted(found, key=lambda record: record.started)

    def write_entries(self, entries: Iterable[Entry]) -> list[Entry]:
        """Add entries; one takes the place of that of the same data set, row, seed and subset.

        Places of the row on divisions of another kind, or of another number of them, go.

        Of merged results a cell stays whose it is.

        Returns
        -------
        list of Entry
            All that the folder now holds.

        Raises
        ------
        OutputError
            Where the folder cannot be written, or the entries that it has cannot be read.
        """
        before = self.read_entries() if self.entries_file.exists() else []
        owners = {e.cell: e.origin for e in before if e.origin}
        own = [
            e.model_copy(update={"origin": owners[e.cell]})
            if not e.origin and e.cell in owners
            else e
            for e in entries
        ]
        found = _by_place([*_undivided(before, own), *own])
        write_sealed(self.entries_file, Entries(entries=found))
        return found

    # --- cells -------------------------------------------------------------------------------

    def write_cell(
        self, record: Record, scores: Scores | None, others: Mapping[Part, Scores] | None = None
    ) -> Record:
        """Write a finished cell: the scores, then the record.

        Parameters
        ----------
        record
            Of any status; ``ok`` needs scores.
        scores
            Of the images that the figures are from.
        others
            Of the other parts.

        Returns
        -------
        Record
            With the checksums of its tables.

        Raises
        ------
        OutputError
            Where the folder cannot be written.
        ValueError
            On a record ``ok`` without scores, or with another number of images than they have.
        """
        if record.status == "ok" and (scores is None or len(scores.images) != record.n_test):
            raise ValueError(f"record {record.cell} is ok without the scores of its images")
        parts: dict[Part, Scores] = dict(others or {})
        if scores is not None:
            parts["evaluate"] = scores
        tables = {
            part: write_scores(self.scores_file(record.cell, part), its)
            for part, its in parts.items()
        }
        written = record.model_copy(update={"tables": tables})
        self.rewrite_record(written)
        return written

    def rewrite_record(self, record: Record) -> None:
        """Write the record of a cell whose scores are there.

        Raises
        ------
        OutputError
            Where the folder cannot be written.
        """
        write_sealed(self.record_file(record.cell), record)

    def load_record(self, cell: str) -> Record | None:
        """Read the record of a cell.

        Returns
        -------
        Record or None
            None where there is no file: the cell has not run.

        Raises
        ------
        OutputError
            Where the file is there and is no record of this cell, or contradicts what the cell is
            known by.
        """
        path = self.record_file(cell)
        try:
            record = read_sealed(path, Record, below=self.path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise OutputError(
                f"no readable record: {brief(error)}", where=path, hint=AGAIN
            ) from error
        if record.cell != cell:
            raise OutputError(f"the record of another cell, {record.cell}", where=path, hint=AGAIN)
        if fault := contradiction(record):
            again = IMPORT_AGAIN if record.kind == "imported" else AGAIN
            raise OutputError(f"it contradicts itself: {fault}", where=path, hint=again)
        return record

    def record_of(self, entry: Entry) -> Record | None:
        """Read the record of the cell that stands in a place on the board.

        Raises
        ------
        OutputError
            As `load_record`, and where the record is of another place.
        """
        record = self.load_record(entry.cell)
        if record is None:
            return None
        told = (
            record.dataset,
            record.row,
            record.seed,
            record.variant,
            name_of(record.division),
        )
        if told != entry.place:
            dataset, row, seed, *names = told
            of = ", ".join([f"{row!r} on {dataset!r}, seed {seed}", *filter(None, names)])
            raise OutputError(
                f"the cell {entry.cell} stands there, whose record is of {of}",
                where=self.entries_file,
                hint="run again with the same --out",
            )
        if record.identity and record.control != entry.control:
            raise OutputError(
                f"the row {entry.row!r} stands there as {entry.control or 'one that competes'!r},"
                f" and its record as {record.control or 'one that competes'!r}",
                where=self.entries_file,
                hint="run again with the same --out",
            )
        return record

    def read_cell(self, cell: str, seen: Callable[[str], str] = _unseen) -> Record | None:
        """Read the record of a cell to decide whether it is to be computed.

        Parameters
        ----------
        cell
            Its name.
        seen
            Gives, by name in the folder, the checksum of a table that is as it was when it was
            read, and was whole: it is not read again. Empty of others.

        Returns
        -------
        Record or None
            None where there is none, where it cannot be read, or where it says ``ok`` and any of
            its scores are missing or damaged: in each case the cell has to run.
        """
        try:
            record = self.load_record(cell)
            if record is None or record.status != "ok":
                return record
            for part in record.tables or dict.fromkeys(["evaluate"], ""):
                path, told = self.scores_file(cell, part), record.tables.get(part, "")
                if (found := seen(self.name(path))) and told in ("", found):
                    continue
                if part == "evaluate":
                    self.read_scores(record)
                elif sum_of(path, self.path) != told:
                    return None
        except OutputError:
            return None
        return record

    def read_scores(self, record: Record, part: Part = "evaluate") -> Scores:
        """Read the scores of a cell with status ``ok``.

        Returns
        -------
        Scores
            Of n images over the record's K classes, in the order they were written. Groups are
            None unless each image has one; they are numbers, those written if they were whole
            numbers.

        Raises
        ------
        OutputError
            Where the file is missing, cannot be read, is not what was written, or does not fit the
            record.
        """
        wanted = {
            "evaluate": record.n_test,
            "default": record.n_test,
            "tune": record.n_tune,
            "unlabelled": record.n_unlabelled,
        }[part]
        path, classes = self.scores_file(record.cell, part), len(record.classes)
        again = IMPORT_AGAIN if record.kind == "imported" else AGAIN
        if record.tables and part not in record.tables:
            raise OutputError("its record names no such table", where=path, hint=again)
        scores, self.sums[self.name(path)] = load_scores(
            path,
            wanted,
            classes,
            below=self.path,
            told=record.tables.get(part, ""),
            labelled=part != "unlabelled",
            probable=record.probable,
            again=again,
        )
        if (record.positive or 0) >= scores.probabilities.shape[1]:
            raise OutputError(
                "scores of fewer classes than the record tells", where=path, hint=again
            )
        return scores

    # --- evaluations -------------------------------------------------------------------------

    def write_asked(self, asked: Iterable[Asked]) -> None:
        """Add to the evaluations that were asked for; the same asked before is replaced.

        Raises
        ------
        OutputError
            Where the folder cannot be written, or what it has cannot be read.
        """
        merged = {each.place: each for each in (*self.read_asked(), *asked)}
        if merged:
            write_sealed(self.asked_file, AllAsked(asked=list(merged.values())))

    def read_asked(self) -> list[Asked]:
        """Read the evaluations that were asked for; nothing where no run did.

        Raises
        ------
        OutputError
            Where the list is broken.
        """
        path = self.asked_file
        try:
            return read_sealed(path, AllAsked, below=self.path).asked
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise OutputError(
                f"no readable list of evaluations: {brief(error)}",
                where=path,
                hint="run again with the same --out and --protocol: finished work is kept",
            ) from error

    def mend_asked(self) -> str:
        """Begin a list of evaluations that cannot be read anew.

        Returns
        -------
        str
            What was wrong with it; empty where nothing was.

        Raises
        ------
        OutputError
            Where the folder cannot be written.
        """
        try:
            self.read_asked()
        except OutputError as error:
            write_sealed(self.asked_file, AllAsked(asked=[]))
            return f"{error.where}: {error.what}"
        return ""

    def write_evaluation(self, record: EvaluationRecord, scores: Scores | None = None) -> None:
        """Write what came of an evaluation: the scores, then the record.

        Raises
        ------
        OutputError
            Where the folder cannot be written.
        ValueError
            On a record ``ok`` without scores, or with another number of images than they have.
        """
        if record.status == "ok" and (scores is None or len(scores.images) != record.n):
            raise ValueError(f"evaluation {record.probe} is ok without the scores of its images")
        table = ""
        if scores is not None:
            table = write_scores(self.evaluated_file(record.cell, record.probe), scores)
        path = self.evaluation_file(record.cell, record.probe)
        write_sealed(path, record.model_copy(update={"table": table}))

    def load_evaluation(self, cell: str, evaluation: str) -> EvaluationRecord | None:
        """Read the record of an evaluation; None where there is none.

        Raises
        ------
        OutputError
            Where the file is there and is no record of this evaluation.
        """
        path = self.evaluation_file(cell, evaluation)
        try:
            record = read_sealed(path, EvaluationRecord, below=self.path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise OutputError(
                f"no readable record: {brief(error)}", where=path, hint="run again"
            ) from error
        if (record.cell, record.probe) != (cell, evaluation):
            raise OutputError("the record of another evaluation", where=path, hint="run again")
        if fault := contradiction_of_evaluation(record):
            raise OutputError(f"it contradicts itself: {fault}", where=path, hint="run again")
        return record

    def has_evaluation(
        self, cell: str, evaluation: str, seen: Callable[[str], str] = _unseen
    ) -> bool:
        """Whether an evaluation is finished and its scores are whole; ``seen`` as `read_cell`."""
        try:
            record = self.load_evaluation(cell, evaluation)
        except OutputError:
            return False
        if record is None or record.status != "ok":
            return False
        path = self.evaluated_file(cell, evaluation)
        found = seen(self.name(path)) or sum_of(path, self.path)
        return bool(found) and record.table in ("", found)

    def read_evaluation(self, of: Record, record: EvaluationRecord) -> Scores:
        """Read the scores of an evaluation with status ``ok``.

        Parameters
        ----------
        of
            Record of the cell: its classes are the columns.
        record
            Of the evaluation.

        Raises
        ------
        OutputError
            As `scores.load_scores`.
        """
        path = self.evaluated_file(record.cell, record.probe)
        scores, self.sums[self.name(path)] = load_scores(
            path,
            record.n,
            len(of.classes),
            below=self.path,
            told=record.table,
            probable=of.probable,
        )
        return scores

    # --- audits and provenance ---------------------------------------------------------------

    def write_findings(self, audit: str, fingerprint: str, found: BaseModel) -> None:
        """Keep what an audit found in a data set.

        Raises
        ------
        OutputError
            Where the folder cannot be written.
        """
        write_sealed(self.findings_file(audit, fingerprint), found)

    def read_findings(self, audit: str, fingerprint: str, form: type[Findings]) -> Findings | None:
        """Read what an audit found; None where nobody has looked.

        Raises
        ------
        OutputError
            Where it cannot be read, or tells that it is of another state of the data set.
        """
        if not fingerprint:
            return None
        path = self.findings_file(audit, fingerprint)
        try:
            found = read_sealed(path, form, below=self.path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise OutputError(
                f"no readable findings: {brief(error)}",
                where=path,
                hint=_LOOK_AGAIN,
            ) from error
        # the name of a data set is no part of its fingerprint: the same may have several
        of = getattr(found, "fingerprint", fingerprint)
        if of != fingerprint:
            raise OutputError(f"findings of another data set, {of!r}", where=path, hint=_LOOK_AGAIN)
        return found

    def write_unreadable(self, fingerprint: str, images: Sequence[tuple[str, str]]) -> None:
        """Write which images of a data set cannot be read: path and reason; no file for none.

        Raises
        ------
        OutputError
            Where the folder cannot be written.
        """
        path = self.unreadable_file(fingerprint)
        if images:
            names = ("image", "reason")
            keep_text(
                path, csv_text(names, (dict(zip(names, each, strict=True)) for each in images))
            )
        else:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise unwritable(path.parent, error) from error

    def read_provenance(self, *, strict: bool = False) -> list[Run]:
        """Give the commands that wrote here; none where they were not noted or cannot be read.

        What they say is told and never computed with, so their loss stops nothing.

        Raises
        ------
        OutputError
            Where they cannot be read, and ``strict``.
        """
        try:
            return read_sealed(self.provenance_file, Runs, below=self.path).commands
        except (OSError, ValueError) as error:
            if strict:
                raise OutputError(
                    f"no readable list of commands: {brief(error)}",
                    where=self.provenance_file,
                    hint="remove it: it tells how the results were made, and no figure hangs on it",
                ) from error
            return []

    def note_run(self, run: Run) -> None:
        """Add a command; one that is noted alike, but for when it began, stays as it is.

        Raises
        ------
        OutputError
            Where the folder cannot be written.
        """
        before = self.read_provenance()
        if any(each.model_copy(update={"started": run.started}) == run for each in before):
            return
        runs = [each for each in before if each.command != run.command]
        write_sealed(self.provenance_file, Runs(commands=[*runs, run]))


def _entry(record: Record) -> Entry:
    return Entry(
        dataset=record.dataset,
        row=record.row,
        seed=record.seed,
        cell=record.cell,
        subset=parse_name(record.variant),
        division=record.division,
        control=record.control,
    )


def _by_place(entries: Iterable[Entry]) -> list[Entry]:
    """Give the last entry of each place, the places in the order in which they first came."""
    return list({e.place: e for e in entries}.values())


def _undivided(before: Sequence[Entry], new: Sequence[Entry]) -> list[Entry]:
    """Leave out entries of rows that are now on divisions of another kind."""
    families = {(e.dataset, e.row): _family(e) for e in new}
    return [e for e in before if families.get((e.dataset, e.row), _family(e)) == _family(e)]


def _family(entry: Entry) -> object:
    return None if entry.division is None else entry.division.family
