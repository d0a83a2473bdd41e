"""The pool of worker processes that cells run in."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as CellTimeout
from typing import Any

from pebble import ProcessExpired, ProcessPool

from dfbench.benchmark.execution import worker
from dfbench.benchmark.execution.evaluating import give_up
from dfbench.benchmark.execution.job import Job
from dfbench.benchmark.execution.room import admissible, announce, available
from dfbench.benchmark.execution.session import Session
from dfbench.benchmark.execution.settings import Settings
from dfbench.benchmark.execution.spawning import WorkerContext
from dfbench.benchmark.execution.status import read_status
from dfbench.benchmark.reporter import Running
from dfbench.results.records.records import Record

_POLL = 0.2
"""Seconds between two looks at the workers."""


def run_jobs(session: Session, jobs: Sequence[Job]) -> Iterator[Record]:
    """Run jobs side by side and yield the record of each as it ends, well or not."""
    if not jobs:
        return
    settings, reporter = session.settings, session.reporter
    workers, room = min(settings.jobs, len(jobs)), available()
    announce(jobs, room, reporter)
    pool = ProcessPool(
        max_workers=workers,
        context=WorkerContext(),
        initializer=worker.initialise,
        initargs=[settings.n_threads],
    )
    limit = settings.cell_timeout
    waiting: dict[Future[Any], Job] = {}
    later = {job.record["cell"]: job for job in jobs}
    try:
        while later or waiting:
            for job in admissible(
                later.values(), list(waiting.values()), workers=workers, room=room
            ):
                waiting[pool.schedule(worker.run, args=[job], timeout=limit)] = job
                del later[job.record["cell"]]
            reporter.running(_at_work(waiting))
            ended = [future for future in waiting if future.done()]
            if not ended:
                time.sleep(_POLL)
            for future in ended:
                record = collect(future, waiting.pop(future), settings)
                reporter.finished(record)
                yield record
    finally:
        pool.stop()
        pool.join()


def _at_work(waiting: Mapping[Future[Any], Job]) -> list[Running]:
    return [
        read_status(job.status, _name(job)) for future, job in waiting.items() if future.running()
    ]


def _name(job: Job) -> str:
    words = (job.record["dataset"], job.record["variant"], job.record["row"])
    return " ".join(word for word in words if word)


def collect(future: Future[Any], job: Job, settings: Settings) -> Record:
    """Give the record of a job that has ended; one whose worker was lost is written here."""
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
        # its own result was there already: what it lacks is a figure or an evaluation
        give_up(job, status="failed", reason=reason)
        return record
    record = Record.model_validate({**job.record, "status": "failed", "reason": reason})
    job.out.write_cell(record, None)
    return record
