"""Which folders are the classes, where no name says real or fake: the outermost, or it is asked."""

from __future__ import annotations

from collections.abc import Sequence

from dfbench.errors import DataError
from dfbench.suites.datasets.inference.class_words import MOST
from dfbench.suites.datasets.inference.classes import (
    BESIDE,
    MASKS,
    Classes,
    asked_positive,
    mark,
)
from dfbench.suites.datasets.inference.places import Parts, Place, children, images_in, listed
from dfbench.suites.datasets.inference.sources import are_kinds, are_sources
from dfbench.suites.datasets.words import is_mask, is_neutral, natural


class UnclearError(DataError):
    """Folders that may be classes or not.

    Attributes
    ----------
    names
        Theirs.
    """

    names: Sequence[str] = ()


def by_position(places: Sequence[Place], where: object) -> Classes | None:
    """Take the outermost folders that are neither splits nor names that tell nothing.

    Raises
    ------
    DataError
        Where others may be the classes as well, or there are two and none is known to be fake.
    """
    inner = children(places)
    at = {place: _telling(place, inner) for place in places if not any(map(is_mask, place.parts))}
    bare = [place for place, telling in at.items() if not telling]
    tests = [place for place in bare if place.of_test]
    loose = [place for place in bare if place not in tests]
    if any(place.parts for place in loose) or images_in(loose) > images_in(places) / 2:
        return None
    named = {place: telling for place, telling in at.items() if telling}
    names = natural({place.parts[telling[0]] for place, telling in named.items()})
    if len(names) < 2:
        return None
    _check(names, named, where)
    for place, telling in named.items():
        mark(place, telling[0], place.parts[telling[0]])
    left = [(place, BESIDE) for place in loose]
    left += [(place, MASKS) for place in places if place not in at]
    folders = {name: [name] for name in names}
    return Classes(folders, asked_positive(names, where), left, bool(tests))


def _telling(place: Place, inner: dict[Parts, set[str]]) -> list[int]:
    """Folders of a place that may tell something but for splits: photos, too, beside others."""
    return [
        i
        for i, name in enumerate(place.parts)
        if i not in place.splits
        and not (is_neutral(name) and all(map(is_neutral, inner[place.parts[:i]])))
    ]


def _check(names: Sequence[str], named: dict[Place, list[int]], where: object) -> None:
    """Ask where the outermost folders need not be the classes."""
    deeper: dict[str, set[str]] = {}
    for place, at in named.items():
        if len(at) > 1:
            deeper.setdefault(place.parts[at[1]], set()).add(place.parts[at[0]])
    crossed = any(len(under) > 1 for under in deeper.values())
    # numbered folders are videos or persons sooner than classes
    plain_numbers = all(name.isdigit() and str(int(name)) == name for name in names)
    numbered = are_sources(names, below=True) and (len(names) > 10 or not plain_numbers)
    # of generators alone nobody knows what is real
    numbered = numbered or are_kinds(names)
    third = {"0", "1"} < set(names) and not all(name.isdigit() for name in names)
    if not (
        len(names) > MOST
        or numbered
        or third
        or (crossed and not are_sources(set(deeper), below=True))
    ):
        return
    inner = f"; in each of which {listed(natural(deeper))} lie again" if crossed else ""
    error = UnclearError(
        "no folder is called real, fake or the like, and these may be classes or not:"
        f" {listed(names)}{inner}",
        where=where,
        hint="--classes 1 takes the outermost folders for the classes, "
        + ("--classes 2 those in them; " if deeper else "")
        + "--classes real=FOLDER+FOLDER,fake=FOLDER+FOLDER says what each is",
    )
    error.names = names
    raise error
