"""What the owners of a data set say of it: how much there is, who may have it, how to cite it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from dfbench.suites.datasets.listing import SplitName
from dfbench.suites.datasets.section import Section, fault


class Cite(Section):
    """The publication that owners ask to be cited."""

    authors: str
    """The first two at most, then ``et al.``"""
    title: str
    year: int = Field(ge=1990, le=2100)
    venue: str = ""
    """Where it was published; empty for a preprint or a page."""
    url: str = ""


class Counts(Section):
    """How much there is, as published: exact numbers only."""

    unit: Literal["images", "videos"] = "images"
    """What is counted. Of videos a copy may hold any number of frames."""
    total: int | None = Field(default=None, gt=0)
    classes: dict[str, int] = Field(default_factory=dict)
    """Class to number."""
    splits: dict[SplitName, dict[str, int]] = Field(default_factory=dict)
    """Split to class to number; a class ``all`` stands for both."""
    kinds: dict[str, int] = Field(default_factory=dict)
    """Kind of fake to number, over all splits."""
    unknown: str = ""
    """Which of these owners do not state, or what is known of them in words."""

    @model_validator(mode="after")
    def _check_told(self) -> Self:
        if not (self.total or self.classes or self.splits or self.kinds or self.unknown):
            raise ValueError("needs numbers, or in unknown the reason why there are none")
        return self

    @property
    def known(self) -> bool:
        """Whether there is a number that a copy can be held against."""
        return bool(self.total or self.classes or self.splits or self.kinds)


class About(Section):
    """What owners say of a data set. The licence and the source are keys of the card itself."""

    title: str
    """What its owners call it."""
    family: Literal["faces", "images"]
    """Faces of people, swapped, reenacted or generated; or generated images of anything."""
    what: str = ""
    """A sentence or two on what it is."""
    access: Literal["open", "account", "form", "parts"]
    """``open``: anybody downloads it; ``account``: with an account at its host; ``form``: owners
    are asked; ``parts``: a part has to be had from elsewhere."""
    get: str = ""
    """How it is had, in a sentence."""
    kinds: list[str] = Field(default_factory=list)
    """Kinds of fakes by the names that the layout tells; where counts do not name them."""
    groups: str = ""
    """What shares a source."""
    split: str = ""
    """Who divided it, and how."""
    tree: str
    """The folders that are expected."""
    counts: Counts
    cite: Cite
    note: str = ""
    """What may surprise, and how the usual protocol is run."""
    unconfirmed: str = ""
    """What could not be read in the owners' own words."""

    def check(self, classes: Sequence[str]) -> None:
        """Raise a validation error where counts are of what is no class."""
        tables: Mapping[str, Mapping[str, int]] = {
            "classes": self.counts.classes,
            **{f"splits.{split}": own for split, own in self.counts.splits.items()},
        }
        for key, own in tables.items():
            for name in own:
                if name not in classes and (name != "all" or key == "classes"):
                    fault(f"about.counts.{key}", f"{name!r} is none of the classes")

    @property
    def known_kinds(self) -> list[str]:
        """Kinds of fakes by name, as far as they are known."""
        return list(self.counts.kinds) or self.kinds
