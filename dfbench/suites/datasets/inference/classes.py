"""Which folders are the classes: as the user says, as words mean, else by where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dfbench.errors import DataError
from dfbench.suites.datasets.inference.places import Place, find_name, listed
from dfbench.suites.datasets.inference.read_as import Level, Names
from dfbench.suites.datasets.words import guess_positive, is_neutral, natural

BESIDE = "beside the class folders"
MASKS = "masks, by their name"


@dataclass(slots=True)
class Classes:
    """The classes of a folder.

    Attributes
    ----------
    folders
        Of each class, in the order of labels: the names of its folders.
    positive
        The class that means fake; empty unless there are two.
    left
        Folders left out, and why.
    unlabelled
        Whether the images of test are of no class.
    """

    folders: dict[str, list[str]]
    positive: str = ""
    left: list[tuple[Place, str]] = field(default_factory=list)
    unlabelled: bool = False

    def __post_init__(self) -> None:
        if self.positive:  # the fake one is last
            names = sorted(self.folders, key=lambda name: name == self.positive)
            self.folders = {name: self.folders[name] for name in names}


def by_names(places: Sequence[Place], said: Names, where: object) -> Classes:
    """Take the folders that the user names; the others are left out.

    Raises
    ------
    DataError
        Where there is no folder of a class.
    """
    of = {folder: name for name, folders in said.by_name.items() for folder in folders}
    spelt: dict[str, dict[str, None]] = {name: {} for name in said.by_name}
    for place in places:
        found = find_name(place.parts, of)
        if found is not None:
            mark(place, found[0], found[2])
            spelt[found[2]][found[1]] = None
    absent = [name for name, folders in spelt.items() if not folders]
    if absent:
        known = {part for place in places for part in place.parts}
        raise DataError(
            f"--classes: no folder with images is called {listed(said.by_name[absent[0]])}",
            where=where,
            hint=f"its folders: {listed(natural(known), 12)}" if known else None,
        )
    names = list(said.by_name)
    if len(names) < 2 and any(place.class_at < 0 for place in places):
        raise DataError(
            f"--classes names one class only, {names[0]}, and other folders hold images",
            where=where,
            hint="--classes real=FOLDER+FOLDER,fake=FOLDER+FOLDER",
        )
    unlabelled = tests_unlabelled(places)
    # of two names that tell nothing the user's order does
    positive = (guess_positive(names) or names[-1]) if len(names) == 2 else ""
    return Classes(
        {name: list(folders) for name, folders in spelt.items()},
        positive,
        [
            (place, "not named in --classes")
            for place in places
            if not place.label and not (unlabelled and place.of_test)
        ],
        unlabelled,
    )


def by_level(places: Sequence[Place], said: Level, where: object) -> Classes:
    """Take the folders at a level that the user gives; each is a class.

    Raises
    ------
    DataError
        Where less than two stand there, or two of which none is known to mean fake.
    """
    for place in places:
        at = said.of(place.parts)
        if at is not None:
            mark(place, at, place.parts[at])
    names = natural({place.label for place in places if place.label})
    if len(names) < 2:
        raise DataError(
            f"--classes {said.number}: {'only ' + names[0] if names else 'no folder'} stands at"
            " this level",
            where=where,
            hint="1 is the outermost level of folders, -1 the folder that an image lies in",
        )
    left = [(place, "no folder at the level of classes") for place in places if not place.label]
    return Classes({name: [name] for name in names}, asked_positive(names, where), left)


def asked_positive(names: Sequence[str], where: object) -> str:
    """Give the class that means fake of two; of more none.

    Raises
    ------
    DataError
        Where no name tells it, to ask for it: the alphabet does not.
    """
    if len(names) != 2:
        return ""
    found = guess_positive(list(names))
    if found:
        return found
    one, other = names
    raise DataError(
        f"no name tells which class is fake: {one} or {other}",
        where=where,
        hint=f"--classes real={one},fake={other} says so, or the other way round; or a card with"
        f' positive = "{other}"',
    )


def mark(place: Place, index: int, label: str) -> None:
    """Write at a place of which class it is, and by which folder."""
    place.label, place.class_at = label, index


def tests_unlabelled(places: Sequence[Place]) -> bool:
    """Whether there is a test split, and no image in it is of a class."""
    tests = [place for place in places if place.of_test]
    bare = all(not place.label and is_bare(place) for place in tests)
    return 0 < len(tests) < len(places) and bare


def is_bare(place: Place) -> bool:
    """Whether no folder in that of the test split may tell anything of its images."""
    inside = place.parts[max(place.splits, default=-1) + 1 :]
    return all(map(is_neutral, inside))


def folder_names(places: Sequence[Place]) -> Mapping[str, list[str]]:
    """Give the names of the folders of each class."""
    found: dict[str, set[str]] = {}
    for place in places:
        if place.label:
            found.setdefault(place.label, set()).add(place.parts[place.class_at])
    return {label: natural(names) for label, names in found.items()}
