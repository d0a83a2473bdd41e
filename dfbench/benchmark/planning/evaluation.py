"""An evaluation: other images that the model of a cell scores once it is fitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dfbench.benchmark.view import view_of
from dfbench.features.views.view import View
from dfbench.files import digest
from dfbench.results.records.identity import storable
from dfbench.suites.datasets.manifest import Dataset

VERSION = 1
"""Raised whenever the way an evaluation is done changes its scores."""


@dataclass(frozen=True)
class Evaluation:
    """Images of a data set, in a view.

    Attributes
    ----------
    dataset
        Whose images. What its card says of their normal form holds.
    change
        Chain of operations that comes after, e.g. ``jpeg=70``; empty for none.
    numbers
        For each class of the data set its number among the classes of the cell.
    whole
        Whether they are all labelled images, and not those that figures are taken from alone.
    view
        All that is done to the images.

    Raises
    ------
    DfbenchError
        If the chain is none.
    """

    dataset: Dataset
    change: str
    numbers: tuple[int, ...]
    whole: bool = False
    view: View = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "view", view_of(self.dataset, self.change))

    @cached_property
    def identity(self) -> dict[str, Any]:
        """All that determines its scores beside the cell, as JSON-able values."""
        found = {
            "version": VERSION,
            "fingerprint": self.dataset.fingerprint,
            "view": self.view.identity(),
            "numbers": list(self.numbers),
            **({"part": "all labelled"} if self.whole else {}),
        }
        return {key: storable(value) for key, value in found.items()}

    @cached_property
    def id(self) -> str:
        """Hash of `identity`."""
        return digest(self.identity)
