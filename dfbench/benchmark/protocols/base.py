"""What a protocol is: the one interface that plans and boards know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from dfbench.errors import DfbenchError, PluginError, let_stop, worded
from dfbench.results.board.read import Read
from dfbench.results.board.report import Report
from dfbench.results.records.subsets import Subset
from dfbench.suites import protocols
from dfbench.suites.datasets.manifest import Dataset

Listed = TypeVar("Listed")
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
        For each of its classes the number among those of the model; by default that of
        `class_numbers`.
    change
        Chain of operations that the images go through, e.g. ``jpeg=70``; empty for none.
    reason
        Why it cannot be; empty where it can.
    whole
        Whether all labelled images of the data set are scored, and not the evaluated ones alone.
    """

    scored_on: str
    numbers: tuple[int, ...] = ()
    change: str = ""
    reason: str = ""
    whole: bool = False


class Protocol(protocols.Protocol):
    """A protocol: its keys in a suite, what it plans, what it reports.

    A class sets ``kind`` to the literal of its name in the registry. It asks for subsets, for
    evaluations, or for both. What it reports is computed from stored scores, whatever its keys
    were when they were made; ``references`` are what it is after, see `dfbench.references`.
    """

    references: ClassVar[tuple[str, ...]] = ()

    @property
    def keeps_parameters(self) -> bool:
        """Whether subsets take the parameters of the row itself over instead of tuning anew."""
        return False

    def further(self) -> Sequence[str]:
        """Name data sets (names, cards, folders) that are scored and no row is fitted on."""
        return ()

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


def listed(
    what: str, listing: Callable[[], Iterable[Listed]], of: type[Listed], where: str
) -> list[Listed]:
    """Give what a protocol lists of a kind.

    Raises
    ------
    DfbenchError
        As the protocol raises it.
    PluginError
        If it raises anything else, or lists what is not of that kind.
    """
    try:
        found = list(listing())
    except DfbenchError:
        raise
    except BaseException as error:
        let_stop(error)
        raise PluginError(f"its {what} break: {worded(error)}", where=where) from error
    for each in found:
        if not isinstance(each, of):
            raise PluginError(f"its {what} hold {each!r}, no {of.__name__}", where=where)
    return found


def class_numbers(fitted: Dataset, scored: Dataset) -> tuple[int, ...] | None:
    """Give each class of ``scored`` its number among those of ``fitted``.

    Classes of the same names, in any order, are the same; else two classes are mapped by the
    positive one, whatever they are called.

    Returns
    -------
    tuple of int or None
        None where the classes do not fit.
    """
    own, others = fitted.classes, scored.classes
    if sorted(own) == sorted(others):
        return tuple(own.index(name) for name in others)
    if fitted.positive_index is None or scored.positive_index is None:
        return None
    return (0, 1) if fitted.positive_index == scored.positive_index else (1, 0)
