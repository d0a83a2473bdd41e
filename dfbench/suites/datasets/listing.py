"""What a card tells of each image of a data set, before any is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")
UNLABELLED = -1
"""Label of an image whose class is not told."""


class Listed(NamedTuple):
    """One image as its card tells of it."""

    path: str
    """Relative to the root, with ``/`` between parts."""
    label: int
    split: str
    """Empty where the split policy decides."""
    group: str = ""
    fault: str = ""
    """Why the file cannot be opened; empty where nothing is known against it."""
    kind: str = ""
    """Of fake, as the data tell it."""


@dataclass(slots=True)
class Listing:
    """The images of a data set, sorted by path.

    Attributes
    ----------
    images
        Sorted by path once all are there.
    ignored
        Number of files left aside.
    warnings
        What about them may mislead, a sentence each.
    """

    images: list[Listed] = field(default_factory=list)
    ignored: int = 0
    warnings: list[str] = field(default_factory=list)
