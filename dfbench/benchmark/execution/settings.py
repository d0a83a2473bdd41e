"""How a plan is run, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dfbench.benchmark.limits import Allowed
from dfbench.installed import available_cores
from dfbench.results.records.provenance import Again


@dataclass(frozen=True)
class Settings:
    """How a plan is run. Scores depend on it by rounding at most.

    Attributes
    ----------
    jobs
        Worker processes of this machine, and threads of the pass over the images.
    device
        ``"cpu"`` or ``"cuda"``.
    cell_timeout
        Seconds after which a cell is given up.
    timeout_images
        Training images that this is for: a cell of more has more time in proportion. None: it is
        for any number.
    strict
        Whether an unreadable image is an error.
    figures
        Pictures drawn of each cell, by their names in the registry.
    command
        What was typed, to be told in the report.
    executor
        Where the work is done, see `dfbench.benchmark.execution.executor.EXECUTORS`.
    scheduler
        Of a cluster that is there: its address or a file that tells it; empty for none.
    plugins
        Python files whose parts the work may need.
    own
        Metrics and columns of plugins: kind, name, and who brings it.
    auto_device
        Whether a worker that has a GPU may use it, though this machine has none.
    allowed
        What extractors of others may take.
    again
        What it takes to run it again.
    """

    jobs: int
    device: str
    cell_timeout: float
    timeout_images: int | None = None
    strict: bool = False
    figures: tuple[str, ...] = ()
    command: str = ""
    executor: str = "local"
    scheduler: str = ""
    plugins: tuple[Path, ...] = ()
    own: tuple[tuple[str, str, str], ...] = ()
    auto_device: bool = False
    allowed: Allowed = field(default_factory=Allowed)
    again: Again | None = None

    def timeout(self, n_train: int) -> float:
        """Seconds after which a cell of so many training images is given up."""
        if self.timeout_images is None:
            return self.cell_timeout
        return self.cell_timeout * max(1.0, n_train / self.timeout_images)

    @property
    def n_threads(self) -> int:
        """Threads of each worker."""
        return max(1, available_cores() // self.jobs)
