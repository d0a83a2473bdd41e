"""What the folders of a plain folder tell, put together: a layout and how it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dfbench.errors import DataError
from dfbench.suites.datasets.inference.classes import Classes, find_classes
from dfbench.suites.datasets.inference.kinds import Besides, find_besides
from dfbench.suites.datasets.inference.places import Place, images_in, listed
from dfbench.suites.datasets.inference.read_as import ReadAs
from dfbench.suites.datasets.inference.splits import find_splits
from dfbench.suites.datasets.layouts.folders import FoldersLayout
from dfbench.suites.datasets.listing import SplitName
from dfbench.suites.datasets.words import meaning, natural


@dataclass(slots=True)
class FolderReading:
    """How folders are read.

    Attributes
    ----------
    layout
        Of the card.
    classes, positive
        Of the card.
    sections
        Further sections of the card: ``group`` and ``kind``.
    worded
        Whether names of folders tell which class is real or fake.
    said
        What it comes to, a phrase each.
    warnings
        What may mislead, a sentence each.
    """

    layout: FoldersLayout
    classes: list[str]
    positive: str
    sections: dict[str, Any] = field(default_factory=dict)
    worded: bool = True
    said: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_folders(places: Sequence[Place], asked: ReadAs, where: object) -> FolderReading | None:
    """Read the folders; None where they tell no classes.

    Raises
    ------
    DataError
        Where the likely readings are different tasks, or what the user says fits no folder.
    """
    classes = find_classes(places, asked, where)
    if classes is None:
        return None
    left = {place for place, _ in classes.left}
    taken = [place for place in places if place not in left]
    labelled = [place for place in taken if place.label]
    splits = find_splits(taken, asked, where)
    besides = find_besides(labelled, classes.positive, asked, where)
    layout = FoldersLayout(
        kind="folders",
        splits=splits,
        folders={n: f for n, f in classes.folders.items() if f != [n]},
        kinds=besides.kinds,
        groups=besides.groups,
        ignore=_ignored(classes, taken),
    )
    reading = FolderReading(layout, list(classes.folders), classes.positive)
    reading.worded = any(meaning(f) for folders in classes.folders.values() for f in folders)
    group = {"pattern": besides.group_pattern, "pairs": besides.pairs}
    if any(group.values()):
        reading.sections["group"] = {key: value for key, value in group.items() if value}
    if besides.kind_pattern:
        reading.sections["kind"] = {"pattern": besides.kind_pattern}
    _word(reading, classes, splits, besides, labelled)
    return reading


def _ignored(classes: Classes, taken: Sequence[Place]) -> list[str]:
    """Name the outermost folders that hold nothing but what is left out."""
    inside = {place.parts[:depth] for place in taken for depth in range(len(place.parts) + 1)}
    found = set()
    for place, _ in classes.left:
        outer = [d for d in range(1, len(place.parts) + 1) if place.parts[:d] not in inside]
        if outer:
            found.add("/".join(place.parts[: outer[0]]))
    return natural(found)


def _word(
    reading: FolderReading,
    classes: Classes,
    splits: dict[SplitName, list[str]],
    besides: Besides,
    labelled: Sequence[Place],
) -> None:
    said = reading.said
    said.append(f"classes {_classes(classes)}")
    if classes.positive and meaning(classes.positive) != "fake":
        said.append(f"fake is {classes.positive}")
    if len(classes.folders) > 2:
        real = [n for n in classes.folders if meaning(n) == "real"]
        said.append(f"real images: {real[0]}" if len(real) == 1 else "no name tells which is real")
    if classes.positive:
        said.append(_kinds(besides))
    said.append(_groups(besides))
    if splits:
        said.append(f"splits {', '.join(' + '.join(folders) for folders in splits.values())}")
    if classes.unlabelled:
        said.append("test has no labels")
    reasons: dict[str, list[Place]] = {}
    for place, why in classes.left:
        reasons.setdefault(why, []).append(place)
    for why, places in reasons.items():
        if why == "beside the class folders":
            continue  # the layout says so, with their number
        names = listed(str(place) or "." for place in places)
        n = images_in(places)
        reading.warnings.append(f"{n:,} image{'s' * (n > 1)} in {names} left out: {why}")
    if besides.unused:
        names = "; ".join(listed(names) for names in besides.unused)
        said.append(f"not used: folders {names}")
    if besides.straddling:
        n, names = len(besides.straddling), listed(besides.straddling, 4)
        reading.warnings.append(
            f"{n:,} source{'s' * (n > 1)} ({names}) {'lie' if n > 1 else 'lies'} in several splits:"
            " a leak, unless their numbers begin anew in each (--groups none)"
        )
    if besides.kinds:
        fakes = [place for place in labelled if place.label == classes.positive]
        unknown = [place for place in fakes if not set(place.parts) & set(besides.kinds)]
        if unknown:
            reading.warnings.append(
                f"{images_in(unknown):,} fakes in {listed(map(str, unknown), 3)} are of no known"
                " kind"
            )


def _classes(classes: Classes) -> str:
    words = []
    for name, folders in classes.folders.items():
        words.append(name if folders == [name] else f"{name} ({listed(folders)})")
    return listed(words, 12)


def _kinds(besides: Besides) -> str:
    if besides.kind_pattern:
        return "kinds by the pattern"
    return f"kinds {listed(besides.kinds, 12)}" if besides.kinds else "no kinds"


def _groups(besides: Besides) -> str:
    if besides.group_pattern and not besides.sources:
        return "groups by the pattern"
    if not besides.sources:
        return "no groups"
    pairs = ", pairs with both their sources" if besides.pairs else ""
    return f"groups: {besides.sources:,} folders of one source each{pairs}"


def confirm(reading: FolderReading, places: Sequence[Place], where: object) -> None:
    """Make sure that the layout, which goes by names, says the same of each folder.

    Raises
    ------
    DataError
        Where a name stands for one thing here and for another there.
    """
    told = reading.layout.reader(reading.classes)
    for place in places:
        found = told(str(place))
        name = "" if found.label is None else reading.classes[found.label]
        if not found.ignored and (name, found.split) != (place.label, place.split):
            raise DataError(
                f"the names of folders contradict each other at {place}",
                where=where,
                hint="say how it is read by --classes and --splits, or by a card",
            )
