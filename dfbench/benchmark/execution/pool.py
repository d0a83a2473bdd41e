"""The pool of worker processes that cells run in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures import TimeoutError as CellTimeout
from typing import Any

from pebble import ProcessExpired, ProcessPool

from dfbench.benchmark.execution import worker
from dfbench.benchmark.execution.job import Job
from dfbench.benchmark.execution.lost import lost, out_of_time
from dfbench.benchmark.execution.room import admissible, announce, within
from dfbench.benchmark.execution.session import Executor, Session
from dfbench.benchmark.execution.settings import Settings
from dfbench.benchmark.execution.spawning import WorkerContext
from dfbench.benchmark.execution.status import at_work
from dfbench.benchmark.memory import available
from dfbench.benchmark.reporter import Running
from dfbench.errors import ParameterError
from dfbench.features.base import Extractor
from dfbench.features.pipeline.single_pass import Outcome, Sources, extract
from dfbench.features.views.view import PLAIN, View
from dfbench.files import Progress
from dfbench.models.devices import visible_gpus
from dfbench.results.records.records import Record

_POLL = 0.2
"""Seconds between two looks at the workers."""


class Pool(Executor):
    """Worker processes of this machine."""

    @classmethod
    def check(cls, settings: Settings) -> None:
        """Raise `ParameterError` where a scheduler is named, which this has none of."""
        if settings.scheduler:
            raise ParameterError(
                f"{settings.scheduler} is for the executor 'dask', this is {settings.executor!r}",
                where="scheduler",
                hint="add --executor dask",
            )

    def extract(
        self,
        sources: Sources,
        extractors: Sequence[Extractor],
        *,
        views: Sequence[View] = (PLAIN,),
        jobs: int = 1,
        progress: Progress | None = None,
    ) -> Outcome:
        """Make the pass in threads of this process; extractors of others have their own."""
        limits = self.allowed.here(jobs)
        return extract(
            sources, extractors, views=views, jobs=jobs, progress=progress, limits=limits
        )

    def run_jobs(self, session: Session, jobs: Sequence[Job]) -> Iterator[Record]:
        """Run jobs in worker processes, as many side by side as memory has room for.

        Networks have processes of their own, which end with the last of them: no other row is
        fitted in a process that holds torch.
        """
        if not jobs:
            return
        settings, reporter = session.settings, session.reporter
        workers, room = min(settings.jobs, len(jobs)), available()
        jobs = [within(job, room) for job in jobs]
        announce(jobs, room, reporter)
        context = WorkerContext()
        told = [settings.n_threads, visible_gpus(settings.device), context.Value("i", 0)]
        count = Counter(job.sees_images for job in jobs)
        pools = {
            networks: ProcessPool(
                max_workers=min(workers, count[networks]),
                context=context,
                initializer=worker.initialise,
                initargs=told,
            )
            for networks in count
        }
        waiting: dict[Future[Any], Job] = {}
        later = {job.record["cell"]: job for job in jobs}
        try:
            while later or waiting:
                running = list(waiting.values())
                for job in admissible(later.values(), running, workers=workers, room=room):
                    pool = pools[job.sees_images]
                    waiting[pool.schedule(worker.run, args=[job], timeout=job.timeout)] = job
                    del later[job.record["cell"]]
                found = _at_work(waiting)
                reporter.running(found, session.forecast.left(found, workers))
                for future in wait(waiting, _POLL, FIRST_COMPLETED).done:
                    yield collect(future, waiting.pop(future))
                left = {job.sees_images for job in (*later.values(), *waiting.values())}
                for networks in pools.keys() - left:
                    _end(pools.pop(networks))
        finally:
            for pool in pools.values():
                _end(pool)


def _end(pool: ProcessPool) -> None:
    pool.stop()
    pool.join()


def _at_work(waiting: Mapping[Future[Any], Job]) -> list[Running]:
    return [at_work(job) for future, job in waiting.items() if future.running()]


def collect(future: Future[Any], job: Job) -> Record:
    """Give the record of a job that has ended; one whose worker was lost is written here."""
    try:
        return Record.model_validate(future.result())
    except CellTimeout:
        reason = out_of_time(job.timeout)
    except ProcessExpired as error:
        reason = (
            f"the worker process died (exit code {error.exitcode}); "
            "out of memory is the usual cause"
        )
    return lost(job, reason)
