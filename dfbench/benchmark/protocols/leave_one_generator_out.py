"""Leave-one-generator-out: what a row makes of a kind of fake that it has never seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from dfbench.benchmark.protocols.base import Protocol
from dfbench.benchmark.protocols.leave_one_generator_out_report import lay_out
from dfbench.results.board.read import Read
from dfbench.results.board.report import Report
from dfbench.results.records.subsets import Subset
from dfbench.suites.datasets.kinds import kinds_of
from dfbench.suites.datasets.manifest import Dataset


class LeaveOneGeneratorOut(Protocol):
    """Each kind of fake is left out of training in turn, and models are scored on it.

    Every model is tuned anew, within the budget of the row: parameters that were chosen with a kind
    at hand would have seen it. Of more than two classes the task becomes real or fake, and what it
    is held against is the same task with all kinds, not the original one: the loss is then owed to
    the missing kind alone.
    """

    references: ClassVar = ()

    kind: Literal["leave-one-generator-out"]

    def subsets(self, dataset: Dataset) -> Sequence[Subset]:
        """List a subset a kind; before them, of more than two classes, the one with all kinds."""
        kinds = sorted(set(kinds_of(dataset).tolist()) - {""})
        if not kinds:
            return [Subset(left_out="")]
        merged = dataset.positive_index is None
        reference = [Subset(merged=True)] if merged else []
        return reference + [Subset(left_out=kind, merged=merged) for kind in kinds]

    @classmethod
    def report(cls, read: Read) -> Report:
        """Lay out the figures without each kind beside those with it."""
        return lay_out(read)
