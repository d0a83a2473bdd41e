"""The record of a cell as far as it is known before, and that of a cell that does not run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dfbench.benchmark.planning.cell import Cell
from dfbench.benchmark.planning.subsets import Task
from dfbench.errors import OutputError
from dfbench.models.elsewhere import class_numbers
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Copies, Elsewhere, Record, Status, TrainedOn
from dfbench.suites.datasets.manifest import Dataset


def basis(cell: Cell) -> dict[str, Any]:
    """Give what a cell's record holds whatever comes of it."""
    return {
        "cell": cell.id,
        "dataset": cell.dataset_name,
        "row": cell.row.name,
        "seed": cell.seed,
        "variant": cell.subset.name,
        "division": None if cell.division is None else cell.division._asdict(),
        "kind": cell.row.kind,
        "control": cell.row.control,
        "elsewhere": _elsewhere(cell),
        "copies": _copies(cell),
        "drops_leaks": cell.drops_leaks,
        "refit": cell.is_refitted,
        "identity": cell.identity,
        "fingerprint": "" if cell.dataset is None else cell.dataset.fingerprint,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _copies(cell: Cell) -> Copies | None:
    its = cell.row.augment
    return None if its is None else Copies(views=list(its.views), of_each=its.copies)


def _elsewhere(cell: Cell) -> Elsewhere | None:
    """Say what is told of a detector that was not fitted here, or of such members of a row."""
    members = {
        member.row.name: its for member in cell.members if (its := _elsewhere(member)) is not None
    }
    if not members:
        return _called_as_here(cell)
    trained = {its.trained_on for its in members.values()}
    source = f"made of {', '.join(members)}"
    if len({member.row.name for member in cell.members}) > len(members):
        trained.add("train")
        source += " and rows that were fitted here"
    # what is least certain of a member is so of the row
    worst: TrainedOn = next(each for each in ("unknown", "train", "other") if each in trained)
    return Elsewhere(source=source, trained_on=worst)


def _called_as_here(cell: Cell) -> Elsewhere | None:
    """Name the class that high scores speak for as the data set does."""
    told, dataset = cell.row.elsewhere, cell.dataset
    if told is None or dataset is None or not told.speaks_for:
        return told
    number = class_numbers(dataset.classes, dataset.positive_index).get(told.speaks_for.lower())
    name = told.speaks_for if number is None else dataset.classes[number]
    return told.model_copy(update={"speaks_for": name})


def known(cell: Cell, dataset: Dataset, task: Task, n_left_out: int) -> dict[str, Any]:
    """Give what the record of a cell that can run holds before it does."""
    parts = task.parts
    return {
        **basis(cell),
        "split": parts.split,
        "tuned_on": parts.tuned_on,
        "classes": task.classes,
        "positive": task.positive,
        "grouped": dataset.grouped,
        "n_train": len(parts.train),
        "n_tune": len(parts.tune),
        "n_test": len(parts.evaluate),
        "n_unlabelled": len(parts.unlabelled),
        "n_left_out": n_left_out,
    }


def write_unrun(cell: Cell, out: ResultsFolder, status: Status, reason: str) -> Record:
    """Write and give the record of a cell that does not run; one that says so already stays."""
    record = Record.model_validate({**basis(cell), "status": status, "reason": reason})
    try:
        before = out.load_record(cell.id)
    except OutputError:
        before = None
    if before is not None and before.model_copy(update={"started": record.started}) == record:
        return before
    out.write_cell(record, None)
    return record
