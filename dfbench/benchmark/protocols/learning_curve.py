"""Learning curves: what a row makes of more training images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from dfbench.benchmark.protocols.base import Protocol
from dfbench.results.records.subsets import Subset
from dfbench.suites.datasets.manifest import Dataset

Fraction = Annotated[float, Field(gt=0, lt=1)]


class LearningCurve(Protocol):
    """Models are fitted on parts of the training images."""

    kind: Literal["learning-curve"]
    fractions: list[Fraction] = Field(default_factory=lambda: [0.1, 0.25, 0.5], min_length=1)
    """Of the training images, by class and with groups kept whole."""
    parameters: Literal["tuned", "of the row"] = "tuned"
    """``tuned``: anew for each part, within the budget of the row. ``of the row``: those that were
    found with all training images, which costs one fit a part and may not suit the small ones."""

    @property
    def keeps_parameters(self) -> bool:
        """As `parameters` says."""
        return self.parameters == "of the row"

    def subsets(self, dataset: Dataset) -> Sequence[Subset]:
        """List the parts, the smallest first."""
        return [Subset(fraction=fraction) for fraction in sorted(set(self.fractions))]
