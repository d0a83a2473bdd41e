"""Runs a plan: the images of each data set once, then the cells in worker processes."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import TimeoutError as CellTimeout
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pebble import ProcessExpired, ProcessPool

from dfbench.benchmark.audits.shortcuts import of_stored, telltales
from dfbench.benchmark.execution import worker
from dfbench.benchmark.execution.derived import probe_derived, run_derived
from dfbench.benchmark.execution.drawing import draw_overview, draw_stored
from dfbench.benchmark.execution.evaluating import give_up
from dfbench.benchmark.execution.evaluations import add_probes, complain_of_probes, give_up_probes
from dfbench.benchmark.execution.job import Job
from dfbench.benchmark.execution.machine import machine, versions
from dfbench.benchmark.execution.prepare import Prepared, basis, complain, look_for_leaks, prepare
from dfbench.benchmark.execution.reporter import Reporter
from dfbench.benchmark.execution.settings import Settings
from dfbench.benchmark.execution.status import read_status
from dfbench.benchmark.planning.cell import Cell
from dfbench.benchmark.planning.plan import Plan
from dfbench.errors import DfbenchError
from dfbench.files import owned
from dfbench.models.selection.space import Space
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.provenance import Run
from dfbench.results.records.records import Entry, Record
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.suite import Reported

_POLL = 0.2
"""Seconds between two looks at the workers."""


def execute(plan: Plan, out: ResultsFolder, settings: Settings, reporter: Reporter) -> list[Record]:
    """Run what is missing and give the records of all cells of the plan.

    Each finished cell is on disk before the next is waited for; run again, only what is missing is
    done.

    Raises
    ------
    DataError
        If an image is unreadable and ``settings.strict``, or there are leaks and the suite stops
        at them.
    OutputError
        If ``out`` cannot be written.
    """
    with owned(out.lock):
        return _execute(plan, out, settings, reporter)


def _execute(
    plan: Plan, out: ResultsFolder, settings: Settings, reporter: Reporter
) -> list[Record]:
    out.write_entries(_entries(plan, out))
    out.write_asked(plan.asked)
    out.note_run(_run(plan, settings))
    records: dict[str, Record] = {}
    for cell in plan.cells:
        if cell.state == "done":
            found = out.read_cell(cell.id)
            if found is not None:
                records[cell.id] = found
                _draw(out, found, settings, reporter)
        elif cell.state != "to run":
            records[cell.id] = _unrun(cell, out, cell.state, cell.reason)
    jobs: list[Job] = []
    for dataset, cells in _by_dataset(plan.cells):
        if settings.figures:
            _try(lambda dataset=dataset: draw_overview(dataset, out), dataset.name, reporter)  # type: ignore[misc]
        to_run = [cell for cell in cells if cell.fits]
        if not to_run:
            faults = dataset.manifest["error"].to_numpy(object)
            complain(dataset, faults, strict=settings.strict, reporter=reporter)
            if any(cell.state == "done" for cell in cells):
                look_for_leaks(dataset, out, plan.suite.on_leak, settings, reporter)
            continue
        prepared = prepare(
            dataset, to_run, plan.budget, out, settings, reporter, plan.suite.on_leak
        )
        jobs += prepared.jobs
        _keep_shortcuts(dataset, to_run, prepared, out, reporter)
        for cell in to_run:
            if cell.id not in prepared.broken:
                continue
            if cell.state == "done":
                give_up_probes(cell, out, *prepared.broken[cell.id])
            else:
                records[cell.id] = _unrun(cell, out, *prepared.broken[cell.id])
    jobs = add_probes(jobs, plan, out, settings, reporter)
    # networks take longest: begun first, they do not leave one worker alone at the end
    jobs.sort(key=lambda job: job.tables[0].side is None)
    derived = [cell for cell in plan.to_run if cell.row.derived is not None]
    reporter.cells(len(plan.cells), len(plan.cells) - len(jobs) - len(derived))
    for record in _run_all([job for job in jobs if not job.parameters_of], settings, reporter):
        records[record.cell] = record
    for record in _run_all(list(_with_parameters(jobs, records, out)), settings, reporter):
        records[record.cell] = record
    for cell in plan.to_run:
        if cell.parameters_of and cell.id not in records:
            records[cell.id] = _unrun(cell, out, "skipped", _NO_PARAMETERS)
            reporter.finished(records[cell.id])
    for cell in derived:
        records[cell.id] = run_derived(cell, records, out)
        reporter.finished(records[cell.id])
        _draw(out, records[cell.id], settings, reporter)
    for cell in plan.cells:
        if cell.row.derived is not None and cell.probes:
            probe_derived(cell, records, out)
    complain_of_probes(plan.cells, records, out, reporter)
    return [records[cell.id] for cell in plan.cells if cell.id in records]


def _run(plan: Plan, settings: Settings) -> Run:
    """Say how what is written into the results folder is made."""
    return Run(
        command=settings.command,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        suite=plan.suite.name,
        seeds=sorted({cell.seed for cell in plan.cells if not cell.row.shuffled}),
        trials=plan.budget.trials,
        seconds=plan.budget.seconds,
        jobs=settings.jobs,
        threads=settings.n_threads,
        machine=machine(settings.device),
        versions=versions(),
    )


_NO_PARAMETERS = "the row itself has not run, whose parameters it takes over"


def _with_parameters(
    jobs: Sequence[Job], records: Mapping[str, Record], out: ResultsFolder
) -> Iterator[Job]:
    """Give the jobs that take parameters over, where the cell that has them ran."""
    for job in jobs:
        if job.parameters_of:
            found = records.get(job.parameters_of) or out.read_cell(job.parameters_of)
            if found is not None and found.status == "ok":
                yield replace(job, space=Space(fixed=found.params, search=False))


def _keep_shortcuts(
    dataset: Dataset,
    cells: Sequence[Cell],
    prepared: Prepared,
    out: ResultsFolder,
    reporter: Reporter,
) -> None:
    """Keep what the files tell of the classes beside a control that learns nothing else."""
    watching = any(
        cell.row.control == "no pixels" and cell.id not in prepared.broken for cell in cells
    )
    if not watching or prepared.readable is None:
        return
    try:
        found = telltales(of_stored(dataset, prepared.readable))
        out.write_findings("shortcuts", dataset.fingerprint, found)
    except DfbenchError as error:
        reporter.note(f"{dataset.name}: its shortcuts cannot be named: {error}")


def _entries(plan: Plan, out: ResultsFolder) -> list[Entry]:
    """Give each cell its place; one without its data set does not displace what was measured."""
    held = set()
    if out.entries_file.exists() and any(cell.dataset is None for cell in plan.cells):
        held = {
            (entry.dataset, entry.row, entry.seed, entry.variant)
            for entry in out.read_entries()
            if (record := out.read_cell(entry.cell)) is not None and record.status == "ok"
        }
    return [
        Entry(
            dataset=cell.dataset_name,
            row=cell.row.name,
            seed=cell.seed,
            cell=cell.id,
            variant=cell.variant,
            control=cell.row.control,
            reported=_reported(cell.row.reported),
        )
        for cell in plan.cells
        if cell.dataset is not None
        or (cell.dataset_name, cell.row.name, cell.seed, cell.variant) not in held
    ]


def _draw(out: ResultsFolder, record: Record, settings: Settings, reporter: Reporter) -> None:
    if record.status == "ok" and not record.variant and record.control != "shuffled labels":
        what = f"{record.dataset} {record.row}"
        _try(lambda: draw_stored(out, record, settings.figures), what, reporter)


def _try(draw: Callable[[], None], what: str, reporter: Reporter) -> None:
    """Draw; a figure that cannot be drawn costs no result."""
    try:
        draw()
    except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on
        reporter.note(f"{what}: a figure could not be drawn: {type(error).__name__}: {error}")


def _reported(of: Reported | None) -> str:
    return f"{of.figures} ({of.source}; {of.data})" if of is not None else ""


def _by_dataset(cells: Sequence[Cell]) -> Iterator[tuple[Dataset, list[Cell]]]:
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.dataset_name, []).append(cell)
    for group in groups.values():
        if group[0].dataset is not None:
            yield group[0].dataset, group


def _unrun(cell: Cell, out: ResultsFolder, status: Any, reason: str) -> Record:
    record = Record.model_validate({**basis(cell), "status": status, "reason": reason})
    out.write_cell(record, None)
    return record


def _run_all(jobs: Sequence[Job], settings: Settings, reporter: Reporter) -> Iterator[Record]:
    if not jobs:
        return
    pool = ProcessPool(
        max_workers=min(settings.jobs, len(jobs)),
        context=multiprocessing.get_context("spawn"),
        initializer=worker.initialise,
        initargs=[settings.n_threads],
    )
    waiting = {
        pool.schedule(worker.run, args=[job], timeout=settings.cell_timeout): job for job in jobs
    }
    try:
        pool.close()
        while waiting:
            reporter.running(
                [
                    read_status(job.status, _name(job))
                    for future, job in waiting.items()
                    if future.running()
                ]
            )
            ended = [future for future in waiting if future.done()]
            if not ended:
                time.sleep(_POLL)
            for future in ended:
                record = _collect(future, waiting.pop(future), settings)
                reporter.finished(record)
                yield record
    finally:
        pool.stop()
        pool.join()


def _name(job: Job) -> str:
    words = (job.record["dataset"], job.record["variant"], job.record["row"])
    return " ".join(word for word in words if word)


def _collect(future: Any, job: Job, settings: Settings) -> Record:
    try:
        return Record.model_validate(future.result())
    except CellTimeout:
        reason = f"out of time: stopped after {settings.cell_timeout:g} s (--cell-timeout)"
    except ProcessExpired as error:
        reason = (
            f"the worker process died (exit code {error.exitcode}); "
            "out of memory is the usual cause"
        )
    record = job.out.read_cell(job.record["cell"])
    if record is not None and record.status == "ok":
        # its own result was there already: what it lacks is a figure or a probe
        give_up(job, status="failed", reason=reason)
        return record
    record = Record.model_validate({**job.record, "status": "failed", "reason": reason})
    job.out.write_cell(record, None)
    return record
