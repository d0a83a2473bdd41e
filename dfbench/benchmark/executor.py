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
from dfbench.errors import DataError, DfbenchError, UnavailableError
from dfbench.features.base import Extractor
from dfbench.features.extraction import Outcome, Source, extract, seconds_to_decode
from dfbench.features.store import Table
from dfbench.features.store import identity as feature_identity
from dfbench.results.records import Entry, Record, Status
from dfbench.results.store import read_cell, write_cell, write_entries
from dfbench.suites.manifest import Dataset
from dfbench.suites.splits import Roles, roles

_POLL = 0.2
"""Seconds between two looks at the workers."""


@dataclass(frozen=True)
class Settings:
    """How a plan is run; none of it changes what the scores mean.

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
    entries = [
        Entry(dataset=cell.dataset_name, row=cell.row.name, seed=cell.seed, cell=cell.id)
        for cell in plan.cells
    ]
    write_entries(out, entries)
    records: dict[str, Record] = {}
    for cell in plan.cells:
        if cell.state == "done":
            found = read_cell(out, cell.id)
            if found is not None:
                records[cell.id] = found
        elif cell.state != "to run":
            records[cell.id] = _unrun(cell, out, cell.state, cell.reason)
    jobs: list[worker.Job] = []
    for dataset, cells in _by_dataset(plan.to_run):
        prepared, broken = _prepare(dataset, cells, plan, out, settings, reporter)
        jobs += prepared
        records.update(broken)
    # networks take longest: begun first, they do not leave one worker alone at the end
    jobs.sort(key=lambda job: job.features[0][0]["extractor"] != "resized")
    reporter.cells(len(plan.cells), len(records))
    for record in _run_all(jobs, settings, reporter):
        records[record.cell] = record
    return [records[cell.id] for cell in plan.cells if cell.id in records]


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
    listed = (manifest["error"] == "").to_numpy()
    sources = [
        Source(dataset.root / path, sha256)
        for path, sha256 in zip(
            manifest.loc[listed, "path"], manifest.loc[listed, "sha256"], strict=True
        )
    ]
    outcome = extract(
        sources,
        extractors,
        resize=resize,
        jobs=settings.jobs,
        progress=reporter.stage(f"{dataset.name}: features"),
    )
    readable = ~left_out(dataset, listed, outcome, settings.strict, reporter)
    try:
        parts = roles(dataset, readable)
    except DfbenchError as error:
        return [], {cell.id: _unrun(cell, out, "failed", str(error)) for cell in cells}
    decode_seconds = seconds_to_decode()
    jobs, broken = [], {}
    for cell in cells:
        used = [place[str(feature_identity(e, resize))] for e in cell.row.extractors]
        errors = [outcome.failed[index] for index in used if index in outcome.failed]
        if errors:
            status: Status = "skipped" if isinstance(errors[0], UnavailableError) else "failed"
            broken[cell.id] = _unrun(cell, out, status, str(errors[0]))
            continue
        tables = [(feature_identity(extractors[index], resize), index) for index in used]
        seconds = decode_seconds + sum(_seconds(identity) for identity, _ in tables)
        jobs.append(
            worker.Job(
                out=out,
                record=_known(cell, dataset, parts, int((~readable).sum())),
                model=cell.row.model_name,
                features=[
                    (identity, getattr(extractors[index], "dtype", "float32"))
                    for identity, index in tables
                ],
                train=_part(dataset, parts.train),
                tune=_part(dataset, parts.tune),
                evaluate=_part(dataset, parts.evaluate),
                images=manifest["path"].iloc[parts.evaluate].tolist(),
                groups=manifest["group"].iloc[parts.evaluate].tolist(),
                trials=plan.budget.trials,
                seconds=plan.budget.seconds,
                device=settings.device,
                n_threads=settings.n_threads,
                seconds_per_image=seconds,
            )
        )
    return jobs, broken


def left_out(
    dataset: Dataset,
    listed: NDArray[np.bool_],
    outcome: Outcome,
    strict: bool,
    reporter: Reporter,
) -> NDArray[np.bool_]:
    """Tell which lines of the manifest cannot be used, and say so.

    Parameters
    ----------
    listed
        Lines whose file is there and has a readable header.

    Returns
    -------
    ndarray of shape (n,), dtype bool

    Raises
    ------
    DataError
        If there are any and ``strict``.
    """
    manifest = dataset.manifest
    broken: NDArray[np.bool_] = ~listed | manifest["sha256"].isin(outcome.unreadable).to_numpy()
    if broken.any():
        first = manifest[broken].iloc[0]
        why = first["error"] or outcome.unreadable[first["sha256"]]
        what = (
            f"{int(broken.sum())} of {len(manifest)} images cannot be read, "
            f"the first: {first['path']}: {why}"
        )
        hint = "dfbench data check lists them all"
        if strict:
            raise DataError(what, where=dataset.name, hint=hint)
        reporter.note(f"{dataset.name}: {what}; left out ({hint})")
    return broken


def _seconds(identity: dict[str, Any]) -> float:
    with Table(identity) as table:
        return table.seconds()


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
