"""The executor for Dask: chunks of images and cells are tasks of a cluster."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from dfbench.benchmark.execution import remote
from dfbench.benchmark.execution.connecting import connected, load, patience
from dfbench.benchmark.execution.crew import Crew, Task
from dfbench.benchmark.execution.job import Job
from dfbench.benchmark.execution.likeness import check_workers, terms_of
from dfbench.benchmark.execution.lost import lost
from dfbench.benchmark.execution.session import Executor, Session
from dfbench.benchmark.execution.settings import Settings
from dfbench.benchmark.execution.status import at_work
from dfbench.errors import DataError
from dfbench.features.base import Extractor
from dfbench.features.pipeline.single_pass import Outcome, Sources, look_up
from dfbench.features.views.view import PLAIN, View
from dfbench.files import Progress
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record

if TYPE_CHECKING:
    from distributed import Future, KilledWorker

_FEWEST, _MOST = 64, 4096
"""Images of a chunk."""
_ROUNDS = 4
"""Chunks of each worker, where the images suffice: slow workers then take fewer."""


class Cluster(Executor):
    """Workers of Dask, on this machine or on many."""

    _crew: Crew

    @classmethod
    def check(cls, settings: Settings) -> None:
        """See that Dask is installed, and connect to the scheduler that is named."""
        load()
        if settings.scheduler:
            with connected(settings):
                pass

    @contextmanager
    def opened(self, session: Session) -> Iterator[None]:
        """Connect, and hold every worker against this process."""
        with connected(session.settings) as client, terms_of(session) as terms:
            check_workers(client, terms, patience(), session.reporter)
            self._crew = Crew(client, terms, patience())
            yield

    def told(self) -> dict[str, str]:
        """Say how many workers there are at the beginning."""
        workers, hosts = len(self._crew), self._crew.hosts
        said = f"{workers} worker{'s'[: workers != 1]} on {hosts} host{'s'[: hosts != 1]}"
        return {"Dask": said}

    # --- images ------------------------------------------------------------------------------

    def extract(
        self,
        sources: Sources,
        extractors: Sequence[Extractor],
        *,
        views: Sequence[View] = (PLAIN,),
        jobs: int = 1,
        progress: Progress | None = None,
    ) -> Outcome:
        """Have workers open what the store lacks, a chunk of images each; ``jobs`` is up to them.

        Raises
        ------
        DataError
            If a file changed after it was listed, or workers died of a chunk.
        """
        lacking = look_up(sources, extractors, views)
        images = sources.at(lacking.first[lacking.wanted])
        share = math.ceil(len(images) / (_ROUNDS * max(1, len(self._crew))))
        size = min(max(share, _FEWEST), _MOST)
        chunks = [images[at : at + size] for at in range(0, len(images), size)]
        tasks = [
            Task(n, remote.extract_chunk, (chunk, list(extractors), list(views)))
            for n, chunk in enumerate(chunks)
        ]
        outcomes: dict[int, Outcome] = {}
        done = 0
        if progress is not None:
            progress(0, len(images))
        for n, future in self._crew.each(tasks, lambda at_work: None):
            outcomes[n] = _outcome(future, chunks[n])
            done += len(chunks[n])
            if progress is not None:
                progress(done, len(images))
        whole = Outcome(lacking.unreadable)
        for n in sorted(outcomes, reverse=True):  # what the first chunk broke on is told
            whole.unreadable |= outcomes[n].unreadable
            whole.failed |= outcomes[n].failed
        return whole

    # --- cells -------------------------------------------------------------------------------

    def run_jobs(self, session: Session, jobs: Sequence[Job]) -> Iterator[Record]:
        """Run each job as a task of its own; networks where a GPU is declared, if any is."""
        settings, reporter = session.settings, session.reporter
        tasks = [
            Task(
                job,
                remote.run_cell,
                (_absolute(job), self._device(job, settings)),
                gpu=job.sees_images,
            )
            for job in jobs
        ]
        for job, future in self._crew.each(
            tasks, lambda running: reporter.running([at_work(each) for each in running])
        ):
            record = _record(future, job)
            reporter.finished(record)
            yield record

    def _device(self, job: Job, settings: Settings) -> str:
        if self._crew.gpus and not job.sees_images:
            return "cpu"  # wherever it comes to run
        return "auto" if settings.auto_device else settings.device


def _outcome(future: Future, chunk: Sources) -> Outcome:
    from distributed import KilledWorker

    try:
        found: Outcome = future.result()
    except KilledWorker as error:
        raise DataError(
            f"{_died(error)}, at one of {len(chunk)} images from here on", where=chunk[0].path
        ) from error
    return found


def _record(future: Future, job: Job) -> Record:
    from distributed import KilledWorker

    try:
        return Record.model_validate(future.result())
    except KilledWorker as error:
        return lost(job, f"{_died(error)}; out of memory is the usual cause")


def _died(error: KilledWorker) -> str:
    return f"the worker died {error.allowed_failures + 1} times"


def _absolute(job: Job) -> Job:
    """Give a job for a process that may be in another folder."""
    return replace(
        job,
        out=ResultsFolder(job.out.path.absolute()),
        root=job.root.absolute(),
        study=job.study.absolute(),
        checkpoints=job.checkpoints.absolute(),
    )
