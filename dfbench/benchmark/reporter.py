"""What a run tells whoever watches it. The core calls; the command line draws."""

from __future__ import annotations

from dataclasses import dataclass

from dfbench.files import Progress
from dfbench.results.records.records import Record


@dataclass(frozen=True, slots=True)
class Running:
    """A cell at work; ``total`` is 0 where it has told nothing of its progress.

    Attributes
    ----------
    name
        Data set and row.
    done, total
        Steps.
    said
        What the training came to so far: loss and metric.
    """

    name: str
    done: int = 0
    total: int = 0
    said: str = ""


class Reporter:
    """Hears everything and says nothing; the base of those that show it."""

    def stage(self, text: str, of: str = "images") -> Progress:
        """Begin a piece of work on so many of these; the result is called with (done, total)."""
        return lambda done, total: None

    def note(self, text: str) -> None:
        """Hear something the user should know: images left out, and the like."""

    def cells(self, total: int, done: int) -> None:
        """Begin the cells: ``total`` in all, ``done`` of them finished by an earlier run."""

    def running(self, cells: list[Running]) -> None:
        """Hear which cells are at work."""

    def finished(self, record: Record) -> None:
        """Hear that a cell ended, well or not."""
