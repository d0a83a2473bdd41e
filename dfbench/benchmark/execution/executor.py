"""Runs a plan: the images of each data set once, then the cells, by whatever does the work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from shutil import rmtree

from dfbench.allocator import return_freed_memory
from dfbench.backbones import apart
from dfbench.benchmark.execution.beginning import write_beginning
from dfbench.benchmark.execution.cluster import Cluster
from dfbench.benchmark.execution.derived import (
    evaluate_derived,
    keep_finished,
    run_derived,
)
from dfbench.benchmark.execution.drawing import try_cell, try_overview
from dfbench.benchmark.execution.evaluations import (
    complain_of_evaluations,
    give_up_evaluations,
    prepare_evaluations,
)
from dfbench.benchmark.execution.job import Job
from dfbench.benchmark.execution.mending import Torn, mended, torn_by
from dfbench.benchmark.execution.pool import Pool
from dfbench.benchmark.execution.prepare import Prepared, audit_again, prepare
from dfbench.benchmark.execution.record import write_unrun
from dfbench.benchmark.execution.session import Executor, Session
from dfbench.benchmark.execution.settings import Settings
from dfbench.benchmark.planning.cell import Cell
from dfbench.benchmark.planning.plan import Plan
from dfbench.benchmark.reading import complain
from dfbench.benchmark.reporter import Reporter
from dfbench.contained.idle import end_idle
from dfbench.errors import OutputError
from dfbench.features.pipeline.place import check_shared
from dfbench.files import cache_dir, owned, sweep
from dfbench.models.selection.space import Space
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record
from dfbench.results.records.state import FinishedCells
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.repeat import Division, is_first

EXECUTORS: dict[str, type[Executor]] = {"local": Pool, "dask": Cluster}
"""What does the work, by the name that users give."""

_Records = dict[str, Record]
"""By cell."""


def check_executor(settings: Settings) -> None:
    """Raise now rather than after an hour's work if what is to do it is not to be had.

    Raises
    ------
    UnavailableError
        If a package is absent.
    DfbenchError
        If a cluster cannot be reached, or none was to be named; if workers would not see the store.
    """
    check_shared()
    EXECUTORS[settings.executor].check(settings)


def execute(plan: Plan, out: ResultsFolder, settings: Settings, reporter: Reporter) -> list[Record]:
    """Run what is missing and give the records of the cells of the plan that count.

    Each finished cell is on disk before the next is waited for; run again, only what is missing is
    done.

    Raises
    ------
    DataError
        If an image is unreadable and ``settings.strict``, or there are leaks and the suite stops
        at them.
    OutputError
        If ``out`` cannot be written.
    WorkerError
        If workers elsewhere cannot do the work.
    """
    # a run that has nothing to do needs no workers
    name = settings.executor if any(cell.fits for cell in plan.cells) else "local"
    session = Session(plan, out, settings, reporter, EXECUTORS[name](settings.allowed))
    with owned(out.lock), session.executor.opened(session):
        for folder in (out.path, cache_dir()):
            sweep(folder)
        try:
            write_beginning(session)
            with _there(out):
                return _execute(session)
        finally:
            rmtree(out.parts, ignore_errors=True)
            sweep(out.path)  # of workers that were ended


@contextmanager
def _there(out: ResultsFolder) -> Iterator[None]:
    """Say of a folder that somebody takes away inside the block that it is gone, and no more."""
    try:
        yield
    except (OSError, OutputError) as error:
        if out.entries_file.exists():
            raise
        raise OutputError(
            "the results folder was removed or moved while the run was at work",
            where=out.path,
            hint="the same command begins anew; where it was moved, --out names its new place",
        ) from error


def _execute(session: Session) -> list[Record]:
    plan, out, reporter = session.plan, session.out, session.reporter
    records = _settled(session)
    jobs: list[Job] = []
    broken: _Records = {}
    for dataset, cells in _by_dataset(plan.cells):
        if is_first(dataset.division):
            try_overview(session, dataset)
        prepared = _prepared(session, dataset, cells)
        jobs += prepared.jobs
        broken |= _given_up(session, cells, prepared)
    jobs = _in_order(prepare_evaluations(session, jobs))
    # cells need the room
    apart.end()
    end_idle()
    return_freed_memory()
    session.forecast.expect(jobs)
    derived = [cell for cell in plan.to_run if cell.row.derived is not None]
    # what scores a fold is asked by what has folds
    derived.sort(key=lambda cell: cell.subset.fold is None)
    n_derived = sum(not cell.subset.less for cell in derived)
    n_cells = len(plan.counted)
    reporter.cells(n_cells, n_cells - len(broken) - len(jobs) - n_derived)
    for record in broken.values():
        reporter.finished(record)
    records |= broken
    records |= _run(session, [job for job in jobs if not job.parameters_of])
    records |= _run(session, list(_with_parameters(jobs, records, out)))
    records |= _without_parameters(session, records)
    _derive(session, derived, records)
    complain_of_evaluations(plan.cells, records, out, reporter)
    return [records[cell.id] for cell in plan.counted if cell.id in records]


def _settled(session: Session) -> _Records:
    """Give the records of the cells that were finished before, or cannot run."""
    records: _Records = {}
    finished = FinishedCells(session.out)
    for cell in session.plan.cells:
        if cell.state == "done":
            found = finished.read(cell.id)
            if found is not None:
                records[cell.id] = found
                try_cell(session, found)
        elif cell.state != "to run":
            records[cell.id] = write_unrun(cell, session.out, cell.state, cell.reason)
    return records


def _by_dataset(cells: Sequence[Cell]) -> Iterator[tuple[Dataset, list[Cell]]]:
    """Group cells by data set, and by division of it."""
    groups: dict[tuple[str, Division | None], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.dataset_name, cell.division), []).append(cell)
    for group in groups.values():
        if group[0].dataset is not None:
            yield group[0].dataset, group


def _prepared(session: Session, dataset: Dataset, cells: Sequence[Cell]) -> Prepared:
    """Make ready what is to run of a data set; where nothing is, look at its files all the same."""
    to_run = [cell for cell in cells if cell.fits]
    if to_run:
        return prepare(session, dataset, to_run)
    if not (is_first(dataset.division) or session.on_leak == "stop"):
        return Prepared()
    if any(cell.state == "done" for cell in cells):
        audit_again(session, dataset)
    else:
        faults = dataset.manifest["error"].to_numpy(object)
        complain(dataset, faults, strict=session.settings.strict, reporter=session.reporter)
    return Prepared()


def _given_up(session: Session, cells: Sequence[Cell], prepared: Prepared) -> _Records:
    """Write why what could not be made ready does not run; a finished cell keeps its record."""
    records: _Records = {}
    for cell in cells:
        if cell.id not in prepared.broken:
            continue
        if cell.state == "done":
            give_up_evaluations(cell, session.out, *prepared.broken[cell.id])
        else:
            records[cell.id] = write_unrun(cell, session.out, *prepared.broken[cell.id])
    return records


def _in_order(jobs: Sequence[Job]) -> list[Job]:
    """Put networks first: they take longest, and one worker is not left alone at the end."""
    return sorted(jobs, key=lambda job: not job.sees_images)


def _run(session: Session, jobs: Sequence[Job]) -> _Records:
    """Run jobs; those that rows of the store were damaged for again, when these are mended."""
    records: _Records = {}
    # each time one more table may be found damaged: of the cell, its copies, its evaluations
    tries = 1 + max((len(job.tables) * (2 + len(job.copies)) for job in jobs), default=0)
    for left in reversed(range(tries)):
        torn: list[Torn] = []
        asked = {job.record["cell"]: job for job in jobs}
        for record in session.executor.run_jobs(session, jobs):
            records[record.cell] = record
            session.forecast.ended(record)
            found = torn_by(session, asked[record.cell], record) if left else None
            if found is None:
                session.reporter.finished(record)
            else:
                torn.append(found)
        jobs = mended(session, torn)
        session.forecast.expect(jobs)
        for each in torn:
            if each.job not in jobs:
                session.reporter.finished(records[each.job.record["cell"]])
        if not jobs:
            break
    return records


def _with_parameters(
    jobs: Sequence[Job], records: Mapping[str, Record], out: ResultsFolder
) -> Iterator[Job]:
    """Give the jobs that take parameters over, where the cell that has them ran."""
    for job in jobs:
        if job.parameters_of:
            found = records.get(job.parameters_of) or out.read_cell(job.parameters_of)
            if found is not None and found.status == "ok":
                yield replace(job, space=Space(fixed=found.params, search=False))


def _without_parameters(session: Session, records: Mapping[str, Record]) -> _Records:
    """Write of each cell that it had no parameters to take over."""
    reason = "the row itself has not run, whose parameters it takes over"
    found: _Records = {}
    for cell in session.plan.to_run:
        if cell.parameters_of and cell.id not in records:
            found[cell.id] = write_unrun(cell, session.out, "skipped", reason)
            session.forecast.ended(found[cell.id])
            session.reporter.finished(found[cell.id])
    return found


def _derive(session: Session, derived: Sequence[Cell], records: _Records) -> None:
    """Make the derived cells and add their records; one may be made of another."""
    for cell in derived:
        record = records[cell.id] = run_derived(
            cell, records, session.out, keeps=session.keeps_models
        )
        if not cell.subset.less:
            session.reporter.finished(record)
            try_cell(session, record)
    for cell in session.plan.cells:
        if cell.row.derived is not None and cell.lacks_model:
            keep_finished(cell, records, session.out)
        if cell.row.derived is not None and cell.evaluations:
            evaluate_derived(cell, records, session.out)
