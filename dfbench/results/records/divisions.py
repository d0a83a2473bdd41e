"""Divisions: which of several ways to divide the images of a data set a cell is on."""

from __future__ import annotations

from typing import Annotated, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal["split", "fold"]
Number = Annotated[int, Field(ge=1, le=1000)]


class Division(BaseModel):
    """One of several splits, or folds.

    Examples
    --------
    >>> Division(kind="fold", number=2, of=5).name
    'fold 2 of 5'
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    number: Number
    of: Number

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.number > self.of:
            raise ValueError(f"{self.kind} {self.number} of {self.of}")
        return self

    @property
    def name(self) -> str:
        """Name it. Cells are known by it: it never changes."""
        return f"{self.kind} {self.number} of {self.of}"

    @property
    def short(self) -> str:
        """Name it where it is known how many there are."""
        return f"{self.kind} {self.number}"

    @property
    def family(self) -> tuple[Kind, int]:
        """What it has in common with the others."""
        return self.kind, self.of


class OneOfSeveral(Protocol):
    """What is of a kind and of so many."""

    @property
    def kind(self) -> str:
        """Of which kind."""

    @property
    def of(self) -> int:
        """How many there are."""


def over(division: OneOfSeveral | None) -> str:
    """Say of which divisions one is: ``5 folds``, or that there is one alone."""
    return "one division" if division is None else f"{division.of} {division.kind}s"


def name_of(division: Division | None) -> str:
    """Name a division; empty where there is one alone."""
    return "" if division is None else division.name
