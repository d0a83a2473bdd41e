"""What every step of a run is given, and the contract of what does its work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from dfbench.benchmark.execution.forecast import Forecast
from dfbench.benchmark.execution.job import Job
from dfbench.benchmark.execution.settings import Settings
from dfbench.benchmark.limits import Allowed
from dfbench.benchmark.planning.plan import Plan
from dfbench.benchmark.reporter import Reporter
from dfbench.features.base import Extractor
from dfbench.features.pipeline.single_pass import Outcome, Sources
from dfbench.features.views.view import PLAIN, View
from dfbench.files import Progress
from dfbench.registry import PICTURES, Part, Registry
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record
from dfbench.suites.suite import OnLeak


class Executor(ABC):
    """Where the work of a run is done: on this machine, or elsewhere.

    Parameters
    ----------
    allowed
        What extractors of others may take.
    """

    def __init__(self, allowed: Allowed | None = None) -> None:
        self.allowed = allowed or Allowed()

    @classmethod
    @abstractmethod
    def check(cls, settings: Settings) -> None:
        """Raise now rather than after an hour's reading of images if it is not to be had.

        Raises
        ------
        DfbenchError
            Saying what is absent.
        """

    @contextmanager
    def opened(self, session: Session) -> Iterator[None]:
        """Hold what the work needs, from before anything is computed until all is done.

        Raises
        ------
        DfbenchError
            Where what does the work cannot be reached, or is not like this process.
        """
        yield

    def told(self) -> dict[str, str]:
        """Say what does the work, for the report; nothing where it is this machine."""
        return {}

    @abstractmethod
    def extract(
        self,
        sources: Sources,
        extractors: Sequence[Extractor],
        *,
        views: Sequence[View] = (PLAIN,),
        jobs: int = 1,
        progress: Progress | None = None,
    ) -> Outcome:
        """Bring features into the store, as `dfbench.features.pipeline.single_pass.extract`."""

    @abstractmethod
    def run_jobs(self, session: Session, jobs: Sequence[Job]) -> Iterator[Record]:
        """Run jobs side by side and yield the record of each as it ends, well or not.

        Jobs begin in their order. A job whose worker is lost has a record that says so.
        """


@dataclass(frozen=True)
class Session:
    """A run of a plan.

    Attributes
    ----------
    plan
        What is to be done.
    out
        Where what comes of it is kept.
    settings
        How it is done.
    reporter
        Hears how far it is.
    executor
        Where it is done.
    forecast
        How long it still takes.
    """

    plan: Plan
    out: ResultsFolder
    settings: Settings
    reporter: Reporter
    executor: Executor
    forecast: Forecast = field(default_factory=Forecast)

    @cached_property
    def pictures(self) -> list[Part]:
        """What is drawn of each cell."""
        return Registry(PICTURES).among(self.settings.figures)

    @property
    def keeps_models(self) -> bool:
        """Whether fitted models are kept."""
        return self.plan.suite.keep_models != "none"

    @property
    def on_leak(self) -> OnLeak:
        """What is done about leaks."""
        return self.plan.suite.on_leak
