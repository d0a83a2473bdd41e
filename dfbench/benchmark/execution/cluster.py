"""The executor for Dask: chunks of images and cells are tasks of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from dfbench.benchmark.execution import remote
from dfbench.benchmark.execution.chunks import Pass
from dfbench.benchmark.execution.connecting import connected, load, patience
from dfbench.benchmark.execution.crew import Crew, Lost, Task
from dfbench.benchmark.execution.job import Job
from dfbench.benchmark.execution.likeness import check_workers, terms_of
from dfbench.benchmark.execution.lost import lost
from dfbench.benchmark.execution.room import announce, within
from dfbench.benchmark.execution.session import Executor, Session
from dfbench.benchmark.execution.settings import Settings
from dfbench.benchmark.execution.status import at_work
from dfbench.features.base import Extractor
from dfbench.features.pipeline.single_pass import Outcome, Sources, look_up
from dfbench.features.views.view import PLAIN, View
from dfbench.files import Progress
from dfbench.plain import counted
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record


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
            met = check_workers(client, terms, patience(), session.reporter)
            self._crew = Crew(client, terms, patience(), session.reporter.note, met)
            yield

    def told(self) -> dict[str, str]:
        """Say how many workers there are at the beginning."""
        said = f"{counted(len(self._crew), 'worker')} on {counted(self._crew.hosts, 'host')}"
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
            If a file changed after it was listed, or a worker died of decoding an image.
        """
        lacking = look_up(sources, extractors, views)
        images = sources.at(lacking.first[lacking.wanted])
        outcome = Pass(self._crew, images, extractors, views, self.allowed)(progress)
        outcome.unreadable |= lacking.unreadable
        return outcome

    # --- cells -------------------------------------------------------------------------------

    def run_jobs(self, session: Session, jobs: Sequence[Job]) -> Iterator[Record]:
        """Run each job as a task of its own; networks where a GPU is declared, if any is."""
        settings, reporter = session.settings, session.reporter
        room = self._crew.room
        jobs = [within(job, room) for job in jobs]
        announce(jobs, room, reporter, has="a worker has {} at most")
        tasks = [
            Task(
                job,
                remote.run_cell,
                (_absolute(job), self._device(job, settings)),
                gpu=job.sees_images,
                memory=job.memory,
            )
            for job in jobs
        ]

        def watch(running: list[Job]) -> None:
            found = [at_work(each) for each in running]
            reporter.running(found, session.forecast.left(found, len(self._crew)))

        for job, value in self._crew.each(tasks, watch):
            yield _record(value, job)

    def _device(self, job: Job, settings: Settings) -> str:
        if self._crew.gpus and not job.sees_images:
            return "cpu"  # wherever it comes to run
        return "auto" if settings.auto_device else settings.device


def _record(value: Any, job: Job) -> Record:
    """Give the record of a job that has ended; one whose workers were lost is written here."""
    if isinstance(value, Lost):
        died = f"the worker died {value.deaths} times"
        return lost(job, f"{died}; out of memory is the usual cause")
    return Record.model_validate(value)


def _absolute(job: Job) -> Job:
    """Give a job for a process that may be in another folder."""
    return replace(
        job,
        out=ResultsFolder(job.out.path.absolute()),
        root=job.root.absolute(),
        study=job.study.absolute(),
        checkpoints=job.checkpoints.absolute(),
    )
