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
        Data set, variant, row and, where it is not 0, seed.
    done, total
        Steps of the fit under way.
    said
        What that fit came to so far: epoch, figure and loss.
    trial, trials
        Number of the trial under way, from 1, and how many there are at most; 0 where there is
        but one fit.
    cell
        Its identity.
    """

    name: str
    done: int = 0
    total: int = 0
    said: str = ""
    trial: int = 0
    trials: int = 0
    cell: str = ""

    @property
    def how_far(self) -> str:
        """Say how far it is: ``trial 2/20, epoch 3/60, best AUC 0.812``; empty where untold."""
        trial = f"trial {self.trial}/{self.trials}" if self.trials > 1 else ""
        return ", ".join(part for part in (trial, self.said) if part)

    @property
    def share(self) -> float:
        """How much of its fits is done, from 0 to 1, where none of them ends early."""
        fit = self.done / self.total if self.total else 0.0
        return (self.trial - 1 + fit) / self.trials if self.trials else fit


@dataclass(frozen=True, slots=True)
class Left:
    """The time that is left, as it is estimated.

    Attributes
    ----------
    seconds
        Until all cells have ended.
    least
        Whether it takes longer, as of some cells nothing tells how long they take.
    """

    seconds: float
    least: bool = False


class Reporter:
    """Hears everything and says nothing; the base of those that show it."""

    def stage(self, text: str, of: str = "images") -> Progress:
        """Begin a piece of work on so many of these; the result is called with (done, total)."""
        return lambda done, total: None

    def note(self, text: str) -> None:
        """Hear something the user should know: images left out, and the like."""

    def cells(self, total: int, done: int) -> None:
        """Begin the cells: ``total`` in all, ``done`` of them finished by an earlier run."""

    def running(self, cells: list[Running], left: Left | None = None) -> None:
        """Hear which cells are at work, and what time is left: None where nothing tells."""

    def finished(self, record: Record) -> None:
        """Hear that a cell ended, well or not."""
