"""Outside: the rows of a board on a further labelled set, and whether their intervals held it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import field_validator

from dfbench.benchmark.protocols import external_report as external
from dfbench.benchmark.protocols.base import Datasets, Protocol, Request
from dfbench.errors import unknown
from dfbench.results.board.read import Read
from dfbench.results.board.report import Report
from dfbench.suites.datasets.catalogue import name_of
from dfbench.suites.datasets.manifest import Dataset


class External(Protocol):
    """Models score all labelled images of a further set, of the origin of their own.

    Where both are drawn from one origin, the figures there differ from those of the board by chance
    alone, and it shows what the intervals of the board are worth.
    """

    references: ClassVar = ("cumming2004", "delong1988")

    kind: Literal["external"]
    data: str | dict[str, str]
    """The further set: its name, card or folder, or one by the name of each data set of the run."""

    @field_validator("data")
    @classmethod
    def _some(cls, value: str | dict[str, str]) -> str | dict[str, str]:
        if not value or (isinstance(value, dict) and not all(value.values())):
            raise ValueError("a name, a card or a folder, or one by the name of a data set")
        return value

    @property
    def by_dataset(self) -> dict[str, str]:
        """The further set by data set of the run; that of "" is for all others."""
        return {"": self.data} if isinstance(self.data, str) else self.data

    def further(self) -> list[str]:
        """Name the sets that are further."""
        return list(dict.fromkeys(self.by_dataset.values()))

    def evaluations(self, dataset: Dataset, datasets: Datasets) -> Iterator[Request]:
        """List the further set of a data set.

        Raises
        ------
        UnknownNameError
            If a further set is said to be of a data set that the run has not.
        """
        further = {name_of(source) for source in self.further()}
        names = [each[0] if isinstance(each, tuple) else each.name for each in datasets]
        own = [name for name in names if name not in further] or names
        for name in self.by_dataset:
            if name and name not in names:
                raise unknown("data set", name, own)
        source = self.by_dataset.get(dataset.name, self.by_dataset.get(""))
        if source is None:
            return
        name = name_of(source)
        reason = "it is the data set itself" if name == dataset.name else ""
        yield Request(name, reason=reason, whole=True)

    @classmethod
    def report(cls, read: Read) -> Report:
        """Lay out figure and interval here and there, and how many intervals held."""
        found = external.pairs_of(read.evaluations(external.KIND), read)
        if not found:
            return Report()
        return Report(by_dataset=external.sections(found), figures=external.long_form(found))
