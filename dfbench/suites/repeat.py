"""Repetition: how often the images of a data set are divided anew, and how."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, StrictInt, model_validator

MOST = 100
"""Splits, or folds."""

Kind = Literal["split", "fold"]


class Division(NamedTuple):
    """One way to divide the images, of several."""

    kind: Kind
    number: int
    """From 1."""
    of: int

    @property
    def name(self) -> str:
        """Name it, e.g. ``fold 2 of 5``; cells are known by it: it never changes."""
        return f"{self.kind} {self.number} of {self.of}"


def is_first(division: Division | None) -> bool:
    """Whether it is the first of several, or the only one."""
    return division is None or division.number == 1


class Repeat(BaseModel):
    """How the images of a data set are divided several times; each row is run on every division.

    Examples
    --------
    >>> Repeat(folds=3).divisions[-1].name, Repeat.parse("splits=10").given
    ('fold 3 of 3', 'splits=10')
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    splits: StrictInt | None = None
    """Random divisions into train, validation and test, by the fractions of the card."""
    folds: StrictInt | None = None
    """Parts of equal size, each of which is the test images once."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.splits is None) == (self.folds is None):
            raise ValueError("one of splits and folds, e.g. splits = 5")
        if not 2 <= self.n <= MOST:
            raise ValueError(f"from 2 to {MOST} {self.kind}s, not {self.n}")
        return self

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``splits=5`` or ``folds=5``.

        Raises
        ------
        ValueError
            Where it is neither, or the number is too small or too large.
        """
        found = re.fullmatch(r"\s*(splits|folds)\s*=\s*(\d{1,9})\s*", text, re.ASCII)
        if found is None:
            raise ValueError("splits=N or folds=N, e.g. splits=5")
        return cls(**{found[1]: int(found[2])})

    @property
    def kind(self) -> Kind:
        """What the images are divided into."""
        return "split" if self.folds is None else "fold"

    @property
    def n(self) -> int:
        """How many."""
        return self.folds or self.splits or 0

    @property
    def given(self) -> str:
        """Write it as `parse` reads it."""
        return f"{self.kind}s={self.n}"

    @property
    def divisions(self) -> list[Division]:
        """Each of them, in order."""
        return [Division(self.kind, number, self.n) for number in range(1, self.n + 1)]
