"""Protocols beside the usual one (fit, tune and score on the splits of one data set): TOML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from dfbench.errors import unknown

Fraction = Annotated[float, Field(gt=0, lt=1)]


class _Protocol(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: list[str] = Field(default_factory=list)
    """Names of the rows that take part; all where it is empty."""


class CrossDataset(_Protocol):
    """Models fitted on one data set score the test images of the others with the same classes."""

    kind: Literal["cross-dataset"]


class Robustness(_Protocol):
    """Models score the test images once more, changed by operations of several strengths."""

    kind: Literal["robustness"]
    changes: list[str] = Field(default_factory=list)
    """Chains such as ``jpeg=70`` or ``resize=0.5+jpeg=70``; where it is empty, the choice of
    `dfbench.features.views.operations.STRENGTHS`."""


class LeaveOneOut(_Protocol):
    """Each kind of fake is left out of training in turn, and models are scored on it.

    Every model is tuned anew, within the budget of the row: parameters that were chosen with a kind
    at hand would have seen it.
    """

    kind: Literal["leave-one-generator-out"]


class LearningCurve(_Protocol):
    """Models are fitted on parts of the training images."""

    kind: Literal["learning-curve"]
    fractions: list[Fraction] = Field(default_factory=lambda: [0.1, 0.25, 0.5], min_length=1)
    """Of the training images, by class and with groups kept whole."""
    parameters: Literal["tuned", "of the row"] = "tuned"
    """``tuned``: anew for each part, within the budget of the row. ``of the row``: those that were
    found with all training images, which costs one fit a part and may not suit the small ones."""


Protocol = Annotated[
    CrossDataset | Robustness | LeaveOneOut | LearningCurve, Field(discriminator="kind")
]


KINDS: dict[str, type[BaseModel]] = {
    "cross-dataset": CrossDataset,
    "robustness": Robustness,
    "leave-one-generator-out": LeaveOneOut,
    "learning-curve": LearningCurve,
}
"""Kind to what can be said of it."""


def with_defaults(protocols: Sequence[Protocol], kinds: Sequence[str]) -> list[Protocol]:
    """Add protocols as they are when nothing is said of them; a kind that is there stays.

    Raises
    ------
    UnknownNameError
        For a kind that is none.
    """
    found = list(protocols)
    for kind in kinds:
        if kind not in KINDS:
            raise unknown("protocol", kind, KINDS, where="--protocol")
        if all(protocol.kind != kind for protocol in found):
            made: Protocol = _ANY.validate_python({"kind": kind})
            found.append(made)
    return found


_ANY: TypeAdapter[Protocol] = TypeAdapter(Protocol)
