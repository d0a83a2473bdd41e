"""Levels of folders besides classes and splits: what may be kinds of fakes, or sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dfbench.suites.datasets.inference.places import Place
from dfbench.suites.datasets.words import is_neutral


@dataclass(eq=False, slots=True)
class Folders:
    """Folders at the same distance from those of the classes.

    Attributes
    ----------
    above
        Whether they hold the class folders, or lie in them; those that lie in them are of one
        class.
    depth
        Their number, counted from the outermost above the classes, or from the class on.
    at
        Place of the folder in the path, of each place that has one.
    """

    above: bool
    depth: int
    at: dict[Place, int] = field(default_factory=dict)

    def names(self, label: str = "") -> set[str]:
        """Names of the folders, of all places or of those of a class."""
        return {p.parts[i] for p, i in self.at.items() if not label or p.label == label}


def levels(places: Sequence[Place]) -> list[Folders]:
    """Give the levels above the classes from the outermost, then those below, of each class.

    Folders that tell class or split, hold all images or are called like ``frames`` are in none.
    """
    found: dict[tuple[str, int], Folders] = {}
    # splits that are not to be used are no kinds either
    used = any(place.split_at >= 0 for place in places)
    shared = set(places[0].parts).intersection(*(place.parts for place in places))
    for place in places:
        plain = [
            i
            for i, name in enumerate(place.parts)
            if i not in (place.class_at, place.split_at)
            and (used or i not in place.splits)
            and not is_neutral(name)
            and name not in shared
        ]
        for depth, index in enumerate([i for i in plain if i < place.class_at]):
            found.setdefault(("", depth), Folders(True, depth)).at[place] = index
        for depth, index in enumerate([i for i in plain if i > place.class_at]):
            found.setdefault((place.label, depth), Folders(False, depth)).at[place] = index
    return [found[key] for key in sorted(found)]
