"""The folders that hold images of a plain folder: what inference reads, instead of files."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from dfbench.suites.datasets.layouts.way import find
from dfbench.suites.datasets.listing import SplitName
from dfbench.suites.datasets.words import splits_among

Parts = tuple[str, ...]
Named = TypeVar("Named")


@dataclass(eq=False, slots=True)
class Place:
    """A folder with images directly in it.

    Attributes
    ----------
    parts
        Names of the folders from the root on.
    images
        How many lie in it.
    label
        The class that its images are of; empty where it is not told (yet).
    split
        Empty where none is told.
    class_at, split_at
        Which of the folders tells it; -1 for none.
    splits
        Folders that may tell a split, and which.
    """

    parts: Parts
    images: int
    label: str = ""
    split: str = ""
    class_at: int = -1
    split_at: int = -1
    splits: dict[int, SplitName] = field(default_factory=dict)

    @property
    def of_test(self) -> bool:
        """Whether a folder on the way may stand for test."""
        return "test" in self.splits.values()

    def __str__(self) -> str:
        return "/".join(self.parts)


def places_of(paths: Iterable[str]) -> list[Place]:
    """Give the folders of images, sorted."""
    counts = Counter(path.rpartition("/")[0] for path in paths)
    return [Place(tuple(f.split("/")) if f else (), n) for f, n in sorted(counts.items())]


def mark_splits(places: Sequence[Place]) -> None:
    """Write at each place which of its folders may tell a split."""
    among = {outer: splits_among(names) for outer, names in children(places).items()}
    for place in places:
        place.splits = {
            i: among[place.parts[:i]][name]
            for i, name in enumerate(place.parts)
            if name in among[place.parts[:i]]
        }


def find_name(parts: Parts, names: Mapping[str, Named]) -> tuple[int, str, Named] | None:
    """Find the outermost folder on the way that is called by one of ``names``.

    Parameters
    ----------
    parts
        Of a place.
    names
        Of folders, with ``/`` between those of a folder in a folder; composed (NFC).

    Returns
    -------
    tuple or None
        Which folder, its name as it is spelt there, and what it stands for.
    """
    found = find([unicodedata.normalize("NFC", part) for part in parts], names)
    if found is None:
        return None
    return found.end, "/".join(parts[found.start : found.end + 1]), found.told


def shared_start(places: Sequence[Place]) -> int:
    """Count the outermost folders that all places lie in, and no image beside."""
    if not places:
        return 0
    shortest = min(len(place.parts) for place in places)
    first = places[0].parts
    for depth in range(shortest):
        if any(place.parts[depth] != first[depth] for place in places):
            return depth
    return shortest


def children(places: Iterable[Place]) -> dict[Parts, set[str]]:
    """Give the folders in each folder, of those that hold images somewhere below."""
    found: dict[Parts, set[str]] = {}
    for place in places:
        for depth, name in enumerate(place.parts):
            found.setdefault(place.parts[:depth], set()).add(name)
    return found


def images_in(places: Iterable[Place]) -> int:
    """Count the images in some folders."""
    return sum(place.images for place in places)


def listed(names: Iterable[str], most: int = 6) -> str:
    """Name some, and how many others there are."""
    names = list(names)
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
