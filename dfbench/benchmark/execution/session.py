"""What every step of a run is given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from dfbench.benchmark.execution.settings import Settings
from dfbench.benchmark.planning.plan import Plan
from dfbench.benchmark.reporter import Reporter
from dfbench.registry import PICTURES, Part, Registry
from dfbench.results.records.folder import ResultsFolder
from dfbench.suites.suite import OnLeak


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
        How it is done on this machine.
    reporter
        Hears how far it is.
    """

    plan: Plan
    out: ResultsFolder
    settings: Settings
    reporter: Reporter

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
