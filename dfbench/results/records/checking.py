"""All that is read of a results folder as fact, read once more and held against each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from dfbench.errors import OutputError
from dfbench.received.files import read_bytes
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.inventory import Index, kept_files, odd_files, read_index
from dfbench.results.records.records import Entry, Part, Record
from dfbench.results.records.scores import AGAIN, brief, sum_of
from dfbench.results.records.sealed import MOST, unsealed

Read = TypeVar("Read")

BOARD_AGAIN = "dfbench leaderboard DIR --write writes it again"
_AS_THEY_ARE = ("figures/", "unreadable/", "report.html")
"""What is shown and never read."""
_CELL = re.compile(r"(?:cells|models)/([A-Za-z0-9_-]+)\.")
"""Of files of a cell."""
_FORMS = ("leaderboard.", "protocols.")
"""Names of what is held against the scores."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not what it was, or not what it ought to be.

    Attributes
    ----------
    file
        Its name in the folder.
    what
        What is wrong with it.
    remedy
        What is to be done.
    """

    file: str
    what: str
    remedy: str = ""


@dataclass
class Checks:
    """What was checked of a results folder, and what came of it.

    Attributes
    ----------
    checked
        Files, by kind.
    unsummed
        Those of them that carry no checksum, by kind: dfbench 0.1.0 wrote none.
    damaged
        In the order in which they were found; a file that is damaged is named once, a list of
        places on the board once a place.
    notes
        What is odd and harms nothing, a sentence each.
    unfinished
        How much is there of a run that was interrupted; empty of one that has finished.
    records
        Of cells, those that can be read.
    """

    out: ResultsFolder
    checked: Counter[str] = field(default_factory=Counter)
    unsummed: Counter[str] = field(default_factory=Counter)
    damaged: list[Damage] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unfinished: str = ""
    records: dict[str, Record] = field(default_factory=dict, repr=False)

    def found(self, file: Path | str, what: str, remedy: str = "") -> None:
        """Note a damaged file, unless it is noted already."""
        name = file if isinstance(file, str) else self.out.name(file)
        if all(each.file != name for each in self.damaged):
            self.damaged.append(Damage(name, what, remedy))

    def tried(
        self, kind: str, path: Path, read: Callable[..., Read | None], *of: Any
    ) -> Read | None:
        """Give what a file holds; None where it cannot be read, which is noted."""
        self.checked[kind] += 1
        try:
            return read(*of)
        except OutputError as error:
            self.found(path, error.what, error.hint or "")
            return None

    def summed(self, kind: str, path: Path) -> None:
        """Count a JSON file that was read well and has no checksum."""
        if not unsealed(read_bytes(path, most=MOST, below=self.out.path))[1]:
            self.unsummed[kind] += 1


def check_facts(out: ResultsFolder, audits: Mapping[str, type[BaseModel]]) -> Checks:
    """Read all facts, and hold checksums, records and entries against each other.

    Parameters
    ----------
    out
        A results folder.
    audits
        By the name of an audit the form of what it keeps.

    Raises
    ------
    OutputError
        Where this is no results folder.
    """
    checks = Checks(out)
    for path, what in odd_files(out):
        checks.found(path, what, "remove it")
    entries = _lists(checks)
    checks.records = _cells(checks)
    _evaluations(checks, checks.records)
    for entry in entries:
        _place(checks, entry)
    _ended(checks, entries)
    _findings(checks, audits)
    return checks


def _lists(checks: Checks) -> list[Entry]:
    """Check the lists, and give the places on the board."""
    out = checks.out
    if not out.entries_file.exists():
        out.read_entries()  # says that this is no results folder
    entries = checks.tried("lists", out.entries_file, out.read_entries)
    if entries is not None:
        checks.summed("lists", out.entries_file)
    for path, read in (
        (out.asked_file, out.read_asked),
        (out.provenance_file, partial(out.read_provenance, strict=True)),
    ):
        if path.exists() and checks.tried("lists", path, read) is not None:
            checks.summed("lists", path)
    for path in (out.state_file, out.written_file):
        if path.exists():
            checks.checked["lists"] += 1
            try:
                unsealed(read_bytes(path, most=MOST, below=out.path))
            except (OSError, ValueError) as error:
                checks.found(path, brief(error), "remove it: it is made anew")
    return entries or []


def _cells(checks: Checks) -> dict[str, Record]:
    """Check all records of cells and their tables, and give the records that can be read."""
    out, found = checks.out, {}
    for path in sorted((out.path / "cells").glob("*.json")):
        if "." not in path.stem:
            record = checks.tried("records", path, out.load_record, path.stem)
            if record is not None:
                found[path.stem] = record
                checks.summed("records", path)
    for record in found.values():
        if record.status == "ok":
            for part in _parts(out, record):
                path = out.scores_file(record.cell, part)
                checks.tried("tables", path, out.read_scores, record, part)
                checks.unsummed["tables"] += not record.tables
    return found


def _parts(out: ResultsFolder, record: Record) -> list[Part]:
    if record.tables:
        return list(record.tables)
    every: tuple[Part, ...] = ("evaluate", "default", "tune", "unlabelled")
    return [p for p in every if p == "evaluate" or out.scores_file(record.cell, p).exists()]


def _evaluations(checks: Checks, records: Mapping[str, Record]) -> None:
    out = checks.out
    for path in sorted((out.path / "cells").glob("*.*.json")):
        cell, _, evaluation = path.stem.partition(".")
        record = checks.tried("records", path, out.load_evaluation, cell, evaluation)
        if record is None:
            continue
        checks.summed("records", path)
        of = records.get(cell)
        if record.status == "ok" and of is not None:
            path = out.evaluated_file(cell, evaluation)
            checks.tried("tables", path, out.read_evaluation, of, record)
            checks.unsummed["tables"] += not record.table


def _place(checks: Checks, entry: Entry) -> None:
    """Check that the cell of a place on the board is of this place."""
    try:
        checks.out.record_of(entry)
    except OutputError as error:
        if error.where == str(checks.out.entries_file):
            # the list is damaged in several places, each of them a row that is shown as another
            where = f"{entry.row!r} on {entry.dataset!r}, seed {entry.seed}: "
            name = checks.out.name(checks.out.entries_file)
            checks.damaged.append(Damage(name, where + error.what, error.hint or ""))


def _ended(checks: Checks, entries: list[Entry]) -> None:
    """Note what a run that was interrupted has not come to."""
    cells = {entry.cell for entry in entries}
    there = sum(checks.out.record_file(cell).exists() for cell in cells)
    if there < len(cells):
        checks.unfinished = f"{there:,} of {len(cells):,} cells are there: the run has not finished"


def _findings(checks: Checks, audits: Mapping[str, type[BaseModel]]) -> None:
    read = checks.out.read_findings
    for name, form in audits.items():
        for path in sorted((checks.out.path / name).glob("*.json")):
            found = checks.tried("findings", path, read, name, path.stem, form)
            if found is not None:
                checks.summed("findings", path)


def check_index(checks: Checks) -> None:
    """Hold what is there against the index, where nothing worse is known of it already."""
    out = checks.out
    try:
        index = read_index(out)
    except OutputError as error:
        checks.found(out.index_file, error.what, BOARD_AGAIN)
        return
    if index is None:
        checks.notes.append("there is no index.json: what is missing cannot be told")
        return
    checks.checked["lists"] += 1
    there = set(kept_files(out))
    for name in sorted(index.files.keys() - there):
        checks.found(name, "is missing", _remedy(name))
    changed = []
    for name in sorted(index.files.keys() & there):
        if name.startswith(_FORMS):
            continue
        checks.checked["pictures, pages"] += name.startswith(_AS_THEY_ARE)
        if sum_of(out.path / name, out.path) != index.files[name].sha256:
            changed.append(name)
    _changed(checks, index, changed)
    strange = [name for name in sorted(there - index.files.keys()) if not _is_fact(name)]
    if strange:
        checks.notes.append(f"no command of dfbench that ended wrote {_some(strange)}")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _changed(checks: Checks, index: Index, names: Sequence[str]) -> None:
    """Name what is not what it was when the last command ended.

    A run that was killed since may have gone on: it left records that began later, and lists that
    name them.
    """
    later = {cell for cell, record in checks.records.items() if _began(record.started, index)}
    runs = checks.out.read_provenance()
    going = bool(later) or any(_began(run.started, index) for run in runs)
    since = []
    for name in names:
        own = _CELL.match(name)
        if own[1] in later if own else going and not name.startswith(_AS_THEY_ARE):
            since.append(name)
        else:
            what = "it is not what it was when the last command ended, and no run began since"
            checks.found(name, what, _remedy(name))
    if since:
        checks.notes.append(
            f"changed by a run that began at {index.written} or later and has not ended, as their"
            f" records say: {_some(since)}"
        )


def _began(started: str, index: Index) -> bool:
    """Whether something began since the index was written; of no use where times are damaged."""
    try:
        return datetime.fromisoformat(started) >= datetime.fromisoformat(index.written)
    except (ValueError, TypeError):
        return False


def _remedy(name: str) -> str:
    if name.startswith(("cells/", "run.json", "probes.json", "unreadable/", "models/")) or (
        name.count("/") == 1 and name.endswith(".json")
    ):
        return AGAIN.partition(":")[0]
    if name.startswith("figures/") or name == "report.html":
        return "dfbench report DIR draws charts and report again, a run with its models the others"
    return BOARD_AGAIN


def _is_fact(name: str) -> bool:
    """Whether a file tells by itself that it is whole, so that it may be newer than the index."""
    return name.startswith(("cells/", "models/")) or name.endswith(".json")
