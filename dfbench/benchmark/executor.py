"""Runs a plan: one pass over the images of each data set, then the cells in worker processes."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import TimeoutError as CellTimeout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pebble import ProcessExpired, ProcessPool

from dfbench.benchmark import worker
from dfbench.benchmark.plan import Cell, Plan
from dfbench.benchmark.reporter import Reporter
from dfbench.errors import DataError, UnavailableError
from dfbench.features.base import Extractor
from dfbench.features.extraction import Outcome, Source, extract, seconds_to_decode
from dfbench.features.store import Table
from dfbench.features.store import identity as feature_identity
from dfbench.files import digest, owned
from dfbench.results.records import Entry, Record, Status
from dfbench.results.store import read_cell, read_entries, run_path, write_cell, write_entries
from dfbench.suites.card import UNLABELLED
from dfbench.suites.manifest import Dataset
from dfbench.suites.splits import Roles, roles

_POLL = 0.2
"""Seconds between two looks at the workers."""


@dataclass(frozen=True)
class Settings:
    """How a plan is run. Scores depend on it by rounding at most.

    Attributes
    ----------
    jobs
        Worker processes, and threads of the pass over the images.
    device
        ``"cpu"`` or ``"cuda"``.
    cell_timeout
        Seconds after which a cell is given up.
    strict
        Whether an unreadable image is an error.
    """

    jobs: int
    device: str
    cell_timeout: float
    strict: bool = False

    @property
    def n_threads(self) -> int:
        """Threads of each worker."""
        return max(1, available_cores() // self.jobs)


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def execute(plan: Plan, out: Path, settings: Settings, reporter: Reporter) -> list[Record]:
    """Run what is missing and give the records of all cells of the plan.

    Each finished cell is on disk before the next is waited for; run again, only what is missing is
    done.

    Raises
    ------
    DataError
        If an image is unreadable and ``settings.strict``.
    OutputError
        If ``out`` cannot be written.
    """
    with owned(out / "run"):
        return _execute(plan, out, settings, reporter)


def _execute(plan: Plan, out: Path, settings: Settings, reporter: Reporter) -> list[Record]:
    write_entries(out, _entries(plan, out))
    records: dict[str, Record] = {}
    for cell in plan.cells:
        if cell.state == "done":
            found = read_cell(out, cell.id)
            if found is not None:
                records[cell.id] = found
        elif cell.state != "to run":
            records[cell.id] = _unrun(cell, out, cell.state, cell.reason)
    jobs: list[worker.Job] = []
    for dataset, cells in _by_dataset(plan.cells):
        to_run = [cell for cell in cells if cell.state == "to run"]
        if not to_run:
            faults = dataset.manifest["error"].to_numpy(object)
            complain(dataset, faults, strict=settings.strict, reporter=reporter)
            continue
        prepared, broken = _prepare(dataset, to_run, plan, out, settings, reporter)
        jobs += prepared
        records.update(broken)
    # networks take longest: begun first, they do not leave one worker alone at the end
    jobs.sort(key=lambda job: job.features[0][0]["extractor"] != "resized")
    reporter.cells(len(plan.cells), len(records))
    for record in _run_all(jobs, settings, reporter):
        records[record.cell] = record
    return [records[cell.id] for cell in plan.cells if cell.id in records]


def _entries(plan: Plan, out: Path) -> list[Entry]:
    """Give each cell its place; one without its data set does not displace what was measured."""
    held = set()
    if run_path(out).exists():
        held = {
            (entry.dataset, entry.row, entry.seed)
            for entry in read_entries(out)
            if (record := read_cell(out, entry.cell)) is not None and record.status == "ok"
        }
    return [
        Entry(dataset=cell.dataset_name, row=cell.row.name, seed=cell.seed, cell=cell.id)
        for cell in plan.cells
        if cell.dataset is not None or (cell.dataset_name, cell.row.name, cell.seed) not in held
    ]


def _by_dataset(cells: Sequence[Cell]) -> Iterator[tuple[Dataset, list[Cell]]]:
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.dataset_name, []).append(cell)
    for group in groups.values():
        if group[0].dataset is not None:
            yield group[0].dataset, group


def _prepare(
    dataset: Dataset,
    cells: Sequence[Cell],
    plan: Plan,
    out: Path,
    settings: Settings,
    reporter: Reporter,
) -> tuple[list[worker.Job], dict[str, Record]]:
    """Bring the features of a data set into the store and make its cells ready for the workers."""
    manifest, resize = dataset.manifest, dataset.card.resize
    extractors: list[Extractor] = []
    place: dict[str, int] = {}
    for cell in cells:
        for extractor in cell.row.extractors:
            key = str(feature_identity(extractor, resize))
            if key not in place:
                place[key] = len(extractors)
                extractors.append(extractor)
    try:
        outcome, faults = look_at(
            dataset, extractors, labelled=True, jobs=settings.jobs, reporter=reporter
        )
        complain(dataset, faults, strict=settings.strict, reporter=reporter)
        readable = faults == ""
        parts = roles(dataset, readable)
    except UnreadableError:
        raise
    except DataError as error:
        return [], {cell.id: _unrun(cell, out, "failed", str(error)) for cell in cells}
    basis: dict[str, Any] = {
        "train": _part(dataset, parts.train),
        "tune": _part(dataset, parts.tune),
        "evaluate": _part(dataset, parts.evaluate),
        "images": manifest["path"].iloc[parts.evaluate].tolist(),
        "groups": manifest["group"].iloc[parts.evaluate].tolist(),
        "trials": plan.budget.trials,
        "seconds": plan.budget.seconds,
        "device": settings.device,
        "n_threads": settings.n_threads,
    }
    keys = basis["evaluate"].keys
    decode_seconds = seconds_to_decode(keys)
    jobs, broken = [], {}
    for cell in cells:
        used = [place[str(feature_identity(e, resize))] for e in cell.row.extractors]
        errors = [outcome.failed[index] for index in used if index in outcome.failed]
        if errors:
            status: Status = "skipped" if isinstance(errors[0], UnavailableError) else "failed"
            broken[cell.id] = _unrun(cell, out, status, str(errors[0]))
            continue
        tables = [(feature_identity(extractors[index], resize), index) for index in used]
        seconds = decode_seconds + sum(_seconds(identity, keys) for identity, _ in tables)
        jobs.append(
            worker.Job(
                out=out,
                record=_known(cell, dataset, parts, int((~readable).sum())),
                study=out / "studies" / f"{_study(cell)}.log",
                model=cell.row.model_name,
                features=[
                    (identity, getattr(extractors[index], "dtype", "float32"))
                    for identity, index in tables
                ],
                **basis,
                seconds_per_image=seconds,
            )
        )
    return jobs, broken


def look_at(
    dataset: Dataset,
    extractors: Sequence[Extractor],
    *,
    labelled: bool,
    jobs: int,
    reporter: Reporter,
) -> tuple[Outcome, NDArray[np.object_]]:
    """Make the pass over a data set's images.

    Parameters
    ----------
    labelled
        Whether only images with a label are wanted.

    Returns
    -------
    Outcome
        What came of it.
    ndarray of shape (n,), dtype object
        For each line of the manifest why it cannot be used, "" where it can or is not wanted.

    Raises
    ------
    DataError
        If a file vanishes or changes on the way.
    """
    manifest = dataset.manifest
    faults = manifest["error"].to_numpy(object).copy()
    wanted = (manifest["label"] != UNLABELLED).to_numpy() | (not labelled)
    faults[~wanted] = ""
    chosen = manifest[wanted & (faults == "")]
    sources = [
        Source(dataset.root / line.path, line.sha256, line.width * line.height)
        for line in chosen.itertuples(index=False)
    ]
    outcome = extract(
        sources,
        extractors,
        resize=dataset.card.resize,
        jobs=jobs,
        progress=reporter.stage(f"{dataset.name}: features"),
    )
    places = np.flatnonzero(wanted & (faults == ""))
    for place, key in zip(places, chosen["sha256"], strict=True):
        faults[place] = outcome.unreadable.get(key, "")
    return outcome, faults


class UnreadableError(DataError):
    """Images that cannot be read, where the user asked for none."""


def complain(
    dataset: Dataset, faults: NDArray[np.object_], *, strict: bool, reporter: Reporter
) -> None:
    """Say how many images cannot be read.

    Raises
    ------
    UnreadableError
        If there are any and ``strict``.
    """
    broken = np.flatnonzero(faults != "")
    if not broken.size:
        return
    path = dataset.manifest["path"].iloc[broken[0]]
    what = (
        f"{broken.size} of {len(faults)} images cannot be read, "
        f"the first: {path}: {faults[broken[0]]}"
    )
    hint = "dfbench data check lists them all"
    if strict:
        raise UnreadableError(what, where=dataset.name, hint=hint)
    reporter.note(f"{dataset.name}: {what}; left out ({hint})")


def _study(cell: Cell) -> str:
    """Name the study of a cell: a larger budget goes on where a smaller one ended."""
    return digest({key: value for key, value in cell.identity.items() if key != "budget"})


def _seconds(identity: dict[str, Any], keys: Sequence[str]) -> float:
    with Table(identity) as table:
        return table.seconds(keys)


def _part(dataset: Dataset, rows: NDArray[np.intp]) -> worker.Part:
    chosen = dataset.manifest.iloc[rows]
    return worker.Part(chosen["sha256"].tolist(), chosen["label"].astype(int).tolist())


def _basis(cell: Cell) -> dict[str, Any]:
    return {
        "cell": cell.id,
        "dataset": cell.dataset_name,
        "row": cell.row.name,
        "seed": cell.seed,
        "identity": cell.identity,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _known(cell: Cell, dataset: Dataset, parts: Roles, left_out: int) -> dict[str, Any]:
    return {
        **_basis(cell),
        "split": parts.split,
        "tuned_on": parts.tuned_on,
        "classes": list(dataset.classes),
        "positive": dataset.positive_index,
        "grouped": dataset.grouped,
        "n_train": len(parts.train),
        "n_tune": len(parts.tune),
        "n_test": len(parts.evaluate),
        "n_left_out": left_out,
        "fingerprint": dataset.fingerprint,
    }


def _unrun(cell: Cell, out: Path, status: Any, reason: str) -> Record:
    record = Record.model_validate({**_basis(cell), "status": status, "reason": reason})
    write_cell(out, record, None)
    return record


def _run_all(
    jobs: Sequence[worker.Job], settings: Settings, reporter: Reporter
) -> Iterator[Record]:
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
                    f"{job.record['dataset']} {job.record['row']}"
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


def _collect(future: Any, job: worker.Job, settings: Settings) -> Record:
    try:
        return Record.model_validate(future.result())
    except CellTimeout:
        reason = f"out of time: stopped after {settings.cell_timeout:g} s (--cell-timeout)"
    except ProcessExpired as error:
        reason = (
            f"the worker process died (exit code {error.exitcode}); "
            "out of memory is the usual cause"
        )
    record = Record.model_validate({**job.record, "status": "failed", "reason": reason})
    write_cell(job.out, record, None)
    return record
