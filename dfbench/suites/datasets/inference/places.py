"""The folders that hold images of a plain folder: what inference reads, instead of files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Parts = tuple[str, ...]


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
    telling
        Place of the folder that tells the class, and of the one that tells the split.
    split
        Empty where none is told.
    """

    parts: Parts
    images: int
    label: str = ""
    split: str = ""
    telling: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return "/".join(self.parts)


def places_of(paths: Iterable[str]) -> list[Place]:
    """Give the folders of images, sorted."""
    counts = Counter(path.rpartition("/")[0] for path in paths)
    return [Place(tuple(f.split("/")) if f else (), n) for f, n in sorted(counts.items())]


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
