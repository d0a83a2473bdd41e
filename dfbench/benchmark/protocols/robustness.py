"""Robustness: what models come to on the same images changed, and how many verdicts flip."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from dfbench.benchmark.protocols import robustness_report as robust
from dfbench.benchmark.protocols.base import Datasets, Protocol, Request
from dfbench.features.views.operations import STRENGTHS
from dfbench.results.board.read import Read
from dfbench.results.board.report import Report
from dfbench.suites.datasets.manifest import Dataset

CHANGES = tuple(
    f"{name}={strength:g}" for name, strengths in STRENGTHS.items() for strength in strengths
)
"""The changes of a protocol that names none."""


class Robustness(Protocol):
    """Models score the test images once more, changed by operations of several strengths."""

    references: ClassVar = ("wang2020", "frank2020", "jiang2020", "zhu2023")

    kind: Literal["robustness"]
    changes: list[str] = Field(default_factory=list)
    """Chains such as ``jpeg=70`` or ``resize=0.5+jpeg=70``; where it is empty, the choice of
    `dfbench.features.views.operations.STRENGTHS`."""

    def evaluations(self, dataset: Dataset, datasets: Datasets) -> Iterator[Request]:
        """List the data set itself under each change."""
        for change in dict.fromkeys(self.changes or CHANGES):
            yield Request(dataset.name, change=change)

    @classmethod
    def report(cls, read: Read) -> Report:
        """Lay out the figures of each data set beside its leaderboard."""
        found = [robust.measure(row) for row in read.evaluations(robust.KIND)]
        rows = [row for row in found if row is not None]
        by_dataset: dict[str, list[robust.Robust]] = {}
        for row in rows:
            by_dataset.setdefault(row.dataset, []).append(row)
        sections = {name: [robust.section(own)] for name, own in by_dataset.items()}
        figures = [each for own in by_dataset.values() for each in robust.long_form(own)]
        return Report(by_dataset=sections, figures=figures)
