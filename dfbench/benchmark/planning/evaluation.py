"""A probe: other images that the model of a cell scores once it is fitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dfbench.benchmark.planning.view import view_of
from dfbench.features.views.view import View
from dfbench.files import digest
from dfbench.suites.datasets.manifest import Dataset

VERSION = 1
"""Raised whenever the way a probe is scored changes its scores."""


@dataclass(frozen=True)
class Probe:
    """The evaluated images of a data set, in a view.

    Attributes
    ----------
    dataset
        Whose images. What its card says of their normal form holds.
    change
        Chain of operations that comes after, e.g. ``jpeg=70``; empty for none.
    numbers
        For each class of the data set its number among the classes of the cell.
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
    view: View = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "view", view_of(self.dataset, self.change))

    @cached_property
    def identity(self) -> dict[str, Any]:
        """All that determines its scores beside the cell, as JSON-able values."""
        return {
            "version": VERSION,
            "fingerprint": self.dataset.fingerprint,
            "view": self.view.identity(),
            "numbers": list(self.numbers),
        }

    @cached_property
    def id(self) -> str:
        """Hash of `identity`."""
        return digest(self.identity)


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
