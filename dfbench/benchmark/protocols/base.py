"""What a protocol is: the one interface that plans and boards know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dfbench.errors import DfbenchError
from dfbench.results.board.read import Read
from dfbench.results.board.report import Report
from dfbench.results.records.subsets import Subset
from dfbench.suites import protocols
from dfbench.suites.datasets.manifest import Dataset

Datasets = Sequence[Dataset | tuple[str, DfbenchError]]
"""All of a run; a name and an error for one that could not be loaded."""


@dataclass(frozen=True)
class Request:
    """The evaluated images of a data set, which a fitted model is to score.

    Attributes
    ----------
    scored_on
        Name of the data set.
    numbers
        For each of its classes the number among those of the model.
    change
        Chain of operations that the images go through, e.g. ``jpeg=70``; empty for none.
    reason
        Why it cannot be; empty where it can.
    """

    scored_on: str
    numbers: tuple[int, ...] = ()
    change: str = ""
    reason: str = ""


class Protocol(protocols.Protocol):
    """A protocol: its keys in a suite, what it plans, what it reports.

    A class sets ``kind`` to the literal of its name in the registry. It asks for subsets, for
    evaluations, or for both. What it reports is computed from stored scores, whatever its keys
    were when they were made.
    """

    @property
    def keeps_parameters(self) -> bool:
        """Whether subsets take the parameters of the row itself over instead of tuning anew."""
        return False

    def subsets(self, dataset: Dataset) -> Sequence[Subset]:
        """List the parts of the training images of a data set that rows are fitted on anew."""
        return ()

    def evaluations(self, dataset: Dataset, datasets: Datasets) -> Iterable[Request]:
        """List what models fitted on a data set score beside its evaluated images.

        Raises
        ------
        DfbenchError
            If that makes no sense with these data sets.
        """
        return ()

    @classmethod
    def report(cls, read: Read) -> Report:
        """Lay out what it came to, from what was read of a results folder; nothing without it."""
        return Report()
