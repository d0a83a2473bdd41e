"""Whether a copy of a public data set is all that its owners publish."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dfbench.plain import counted
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.listing import UNLABELLED, Listed
from dfbench.suites.datasets.scan import settle_root

ALL = "all"
"""In published counts: images of each class together."""


class Difference(NamedTuple):
    """A number that is another than the published one.

    Attributes
    ----------
    what
        What is counted: ``train, fake`` or a kind.
    found, published
        How many there are, and how many there should be.
    """

    what: str
    found: int
    published: int


@dataclass(frozen=True, slots=True)
class Completeness:
    """A copy beside what is published.

    Attributes
    ----------
    unit
        What is counted: ``images`` or ``videos``.
    found
        How many there are in all.
    differences
        Where numbers differ: by split and class where those are published, else by class or in
        all; then by kind.
    compared
        How many numbers were compared; 0 where owners publish none.
    warnings
        What about the way it was read may mislead, a sentence each.
    """

    unit: str
    found: int
    differences: tuple[Difference, ...]
    compared: int
    warnings: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every published number is met."""
        return bool(self.compared) and not self.differences


def completeness_of(card: Card, root: Path) -> Completeness | None:
    """Count a copy, without opening an image, and hold it against the published numbers.

    Returns
    -------
    Completeness or None
        None where the card tells of no published numbers, nor why there are none.

    Raises
    ------
    DataError
        As `dfbench.suites.datasets.layouts.base.Layout.scan`.
    """
    if card.about is None:
        return None
    counts = card.about.counts
    root = settle_root(card, root)
    listing = card.layout.scan(card, root)
    images = listing.images
    if counts.unit == "videos":
        images = _one_a_video(card, images)
    by_class = Counter(_class(card, image) for image in images)
    by_split = Counter((image.split, _class(card, image)) for image in images)
    for (split, _), n in list(by_split.items()):
        by_split[split, ALL] += n
    by_kind = Counter(image.kind for image in images)
    pairs: list[Difference] = []
    for split, own in counts.splits.items():
        pairs += [Difference(f"{split}, {c}", by_split[split, c], n) for c, n in own.items()]
    pairs += [Difference(name, by_class[name], n) for name, n in counts.classes.items()]
    if counts.total is not None:
        pairs.append(Difference("in all", len(images), counts.total))
    pairs += [Difference(f"kind {name}", by_kind[name], n) for name, n in counts.kinds.items()]
    return Completeness(
        counts.unit,
        len(images),
        tuple(each for each in pairs if each.found != each.published),
        len(pairs),
        tuple(listing.warnings),
    )


def _class(card: Card, image: Listed) -> str:
    return "" if image.label == UNLABELLED else card.classes[image.label]


def _one_a_video(card: Card, images: list[Listed]) -> list[Listed]:
    """Give one image of each video."""
    names = card.layout.videos([image.path for image in images])
    found = {
        (image.label, image.split, image.kind, name): image
        for image, name in zip(images, names, strict=True)
    }
    return list(found.values())


def in_words(card: Card, copy: Completeness) -> list[str]:
    """Say whether a copy is complete, and what is missing or more: a sentence, then a line each."""
    there = counted(copy.found, copy.unit.removesuffix("s"), copy.unit)
    unknown = card.about.counts.unknown if card.about is not None else ""
    if not copy.compared:
        return [f"{there}; how many there should be is not published ({unknown})"]
    if copy.complete:
        return [f"complete: {there}, as published"]
    n = len(copy.differences)
    numbers = f"{n} of {copy.compared} numbers differ" if copy.compared > 1 else "it differs"
    return [
        f"not complete: {there}; {numbers} from what is published",
        *(f"{each.what}: {_difference(each, copy.unit)}" for each in copy.differences),
    ]


def _difference(each: Difference, unit: str) -> str:
    off = each.published - each.found
    said = f"{off:,} missing" if off > 0 else f"{-off:,} more"
    published = counted(each.published, unit.removesuffix("s"), unit)
    return f"{each.found:,} of {published}, {said}"
