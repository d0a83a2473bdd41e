"""What a run writes down before anything runs: places on the board, and how it is made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from dfbench.benchmark.execution.session import Session
from dfbench.benchmark.machine import machine
from dfbench.benchmark.planning.cell import Cell
from dfbench.errors import OutputError
from dfbench.installed import versions
from dfbench.results.records.divisions import Division
from dfbench.results.records.provenance import Run
from dfbench.results.records.records import Entry
from dfbench.results.records.state import FinishedCells
from dfbench.suites.suite import Reported


def write_beginning(session: Session) -> None:
    """Write the entries of all cells, the evaluations that are asked for, and the command.

    Raises
    ------
    OutputError
        Where a row has the name of one that was imported.
    """
    _mend(session)
    entries = _entries(session)
    _check_imported(session, entries)
    session.out.write_entries(entries)
    session.out.write_asked(session.plan.asked)
    session.out.note_run(_provenance(session))


def _mend(session: Session) -> None:
    """Make lists that cannot be read anew, and say so."""
    if said := session.out.mend_entries():
        session.reporter.note(f"{said}; the places are taken from the records of the cells")
    if said := session.out.mend_asked():
        session.reporter.note(
            f"{said}; protocols of earlier runs are shown again once they are asked for again"
        )


def _entries(session: Session) -> list[Entry]:
    """Give each cell its place; one without its data set does not displace a row's results."""
    cells = session.plan.cells
    held = set()
    if session.out.entries_file.exists() and any(cell.dataset is None for cell in cells):
        held = _measured(session)
    return [
        _entry(cell)
        for cell in cells
        if cell.dataset is not None or (cell.dataset_name, cell.row.name) not in held
    ]


def _check_imported(session: Session, entries: Sequence[Entry]) -> None:
    """Raise where scores that were brought would lose their place."""
    if not session.out.entries_file.exists():
        return
    rows = {(entry.dataset, entry.row): entry.cell for entry in entries}
    for entry in session.out.read_entries():
        if rows.get((entry.dataset, entry.row), entry.cell) == entry.cell:
            continue
        try:
            record = session.out.record_of(entry)
        except OutputError:
            continue
        if record is not None and record.kind == "imported":
            raise OutputError(
                f"the row {entry.row!r} of {entry.dataset!r} was imported there",
                where=session.out.path,
                hint="give the row of the run another name, or choose another folder by --out",
            )


def _measured(session: Session) -> set[tuple[str, str]]:
    """Give the rows that have a result, by data set and name."""
    finished = FinishedCells(session.out)
    return {
        (entry.dataset, entry.row)
        for entry in session.out.read_entries()
        if (record := finished.read(entry.cell)) is not None and record.status == "ok"
    }


def _entry(cell: Cell) -> Entry:
    return Entry(
        dataset=cell.dataset_name,
        row=cell.row.name,
        seed=cell.seed,
        cell=cell.id,
        subset=cell.subset,
        division=None if cell.division is None else Division(**cell.division._asdict()),
        control=cell.row.control,
        reported=_worded(cell.row.reported),
    )


def _worded(of: Reported | None) -> str:
    return f"{of.figures} ({of.source}; {of.data})" if of is not None else ""


def _provenance(session: Session) -> Run:
    """Say how what is written into the results folder is made."""
    plan, settings = session.plan, session.settings
    return Run(
        command=settings.command,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        suite=plan.suite.name,
        seeds=sorted({cell.seed for cell in plan.cells if not cell.row.shuffled}),
        trials=plan.budget.trials,
        seconds=plan.budget.seconds,
        jobs=settings.jobs,
        threads=settings.n_threads,
        machine=machine(settings.device) | session.executor.told(),
        versions=versions(),
        own=list(settings.own),
        again=settings.again,
    )
