"""Across data sets: what models come to on the images of others, and what thresholds are worth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from dfbench.benchmark.protocols import cross_dataset_report as cross
from dfbench.benchmark.protocols.base import Datasets, Protocol, Request
from dfbench.errors import CardError
from dfbench.results.board.read import Read
from dfbench.results.board.report import Report
from dfbench.suites.datasets.manifest import Dataset


class CrossDataset(Protocol):
    """Models fitted on one data set score the test images of the others with the same classes."""

    references: ClassVar = ()

    kind: Literal["cross-dataset"]

    def evaluations(self, dataset: Dataset, datasets: Datasets) -> Iterator[Request]:
        """List the other data sets of a run."""
        if len(datasets) < 2:
            raise CardError(
                "one data set only, which leaves no other to score",
                hint="name more by --data, or leave the protocol out",
            )
        for other in datasets:
            if isinstance(other, tuple):
                yield Request(other[0])
            elif other.name != dataset.name:
                yield Request(other.name)

    @classmethod
    def report(cls, read: Read) -> Report:
        """Lay out the figures of all pairs of data sets."""
        pairs = cross.pairs_of(read.evaluations(cross.KIND))
        if not pairs:
            return Report()
        summaries = cross.summarise(pairs)
        return Report(cross.sections(pairs, summaries), figures=cross.long_form(pairs, summaries))
