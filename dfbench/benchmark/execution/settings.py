"""How a plan is run on this machine."""

from __future__ import annotations

from dataclasses import dataclass

from dfbench.installed import available_cores


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
    figures
        Pictures drawn of each cell, by their names in the registry.
    command
        What was typed, to be told in the report.
    """

    jobs: int
    device: str
    cell_timeout: float
    strict: bool = False
    figures: tuple[str, ...] = ()
    command: str = ""

    @property
    def n_threads(self) -> int:
        """Threads of each worker."""
        return max(1, available_cores() // self.jobs)
