"""What the folders of a plain folder tell, put together: a layout and how it reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dfbench.errors import DataError
from dfbench.suites.datasets.inference.class_positions import by_position
from dfbench.suites.datasets.inference.class_words import by_words
from dfbench.suites.datasets.inference.classes import BESIDE, Classes, by_level, by_names
from dfbench.suites.datasets.inference.groups import Groups, find_groups
from dfbench.suites.datasets.inference.kinds import Kinds, find_kinds
from dfbench.suites.datasets.inference.levels import levels
from dfbench.suites.datasets.inference.places import Place, images_in, listed, mark_splits
from dfbench.suites.datasets.inference.read_as import Level, Names, ReadAs
from dfbench.suites.datasets.inference.splits import find_splits, folders_of
from dfbench.suites.datasets.layouts.folders import FoldersLayout, Told
from dfbench.suites.datasets.listing import SplitName
from dfbench.suites.datasets.words import meaning, natural

_MOST_PATHS = 200
"""Folders that a layout lists by their whole paths."""
_NOT_DIVIDED = "they have no labels, and cannot be divided (without --splits none they are scored)"


@dataclass(slots=True)
class FolderReading:
    """How folders are read.

    Attributes
    ----------
    layout
        Of the card.
    classes, positive
        Of the card.
    told
        Reads a folder as the layout does.
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
    told: Callable[[str], Told]
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
    mark_splits(places)
    classes = _classes(places, asked, where)
    if classes is None:
        return None
    if asked.denies("splits") and classes.unlabelled:
        classes.left += [(place, _NOT_DIVIDED) for place in places if place.of_test]
        classes.unlabelled = False
    left = {place for place, _ in classes.left}
    taken = [place for place in places if place not in left]
    labelled = [place for place in taken if place.label]
    splits = find_splits(taken, asked, where)
    groups, rest = find_groups(levels(labelled), labelled, asked, where)
    kinds, rest = find_kinds(rest, labelled, classes.positive, asked, where)
    layout = _layout(classes, splits, groups, kinds, taken, where)
    names = list(classes.folders)
    told = layout.reader(names, map(str, places))
    reading = FolderReading(layout, names, classes.positive, told)
    reading.worded = any(meaning(f) for folders in classes.folders.values() for f in folders)
    group = {"pattern": groups.pattern, "pairs": groups.pairs}
    if any(group.values()):
        reading.sections["group"] = {key: value for key, value in group.items() if value}
    if kinds.pattern:
        reading.sections["kind"] = {"pattern": kinds.pattern}
    reading.said = _phrases(classes, splits, groups, kinds)
    unused = [listed(natural(f.names())) for f in rest if len(f.names()) > 1]
    if unused:
        reading.said.append(f"not used: folders {'; '.join(dict.fromkeys(unused))}")
    fakes = [place for place in labelled if place.label == classes.positive]
    reading.warnings = _warnings(classes, groups, kinds, fakes)
    if not reading.worded and len(names) > 2 and not asked.classes:
        reading.warnings.append(
            f"no name of a folder means real or fake: {len(names)} folders are taken for as many"
            " classes"
        )
    return reading


def _classes(places: Sequence[Place], asked: ReadAs, where: object) -> Classes | None:
    said = asked.said("classes")
    if asked.denies("classes"):
        return None
    if isinstance(said, Names):
        return by_names(places, said, where)
    if isinstance(said, Level):
        return by_level(places, said, where)
    return by_words(places, where) or by_position(places, where)


# --- the layout --------------------------------------------------------------------------------


def _layout(
    classes: Classes,
    splits: dict[SplitName, list[str]],
    groups: Groups,
    kinds: Kinds,
    taken: Sequence[Place],
    where: object,
) -> FoldersLayout:
    """Say it by names of folders; by their whole paths where a name is not the same everywhere.

    Raises
    ------
    DataError
        Where that would take too many paths.
    """
    names = list(classes.folders)
    everything = [str(place) for place in (*taken, *(place for place, _ in classes.left))]
    facts: dict[str, Any] = {
        "splits": splits,
        "folders": classes.folders,
        "kinds": kinds.names,
        "groups": groups.level,
        "ignore": _ignored(classes, taken),
    }
    paths: dict[str, Callable[[], Any]] = {
        "splits": lambda: {
            s: _paths((p, p.split_at) for p in taken if p.split == s) for s in splits
        },
        "folders": lambda: {
            name: _paths((p, p.class_at) for p in taken if p.label == name) for name in names
        },
        "kinds": lambda: _paths(kinds.at.items()),
    }
    for key in (*paths, ""):
        said = facts["folders"].items()
        trial = facts | {"folders": {n: f for n, f in said if f != [n]}}
        wrong = None
        try:
            layout = FoldersLayout(kind="folders", **trial)
            layout.check(names)
            wrong = _wrong(layout, names, kinds, taken, everything)
        except ValueError:
            wrong = taken[0]
        if wrong is None:
            return layout
        if key:
            facts[key] = paths[key]()
        if key and len(str(facts[key])) > _MOST_PATHS * 100:
            break
    raise DataError(
        f"the names of folders contradict each other at {wrong or 'the folder itself'}",
        where=where,
        hint="say how it is read by --classes and --splits, or by a card",
    )


def _paths(of: Any) -> list[str]:
    return natural({"/".join(place.parts[: at + 1]) for place, at in of})


def _wrong(
    layout: FoldersLayout,
    names: Sequence[str],
    kinds: Kinds,
    taken: Sequence[Place],
    everything: Sequence[str],
) -> Place | None:
    """Find a place that the layout, which goes by names, reads in another way."""
    read = layout.reader(names, everything)
    for place in taken:
        found = read(str(place))
        label = "" if found.label is None else names[found.label]
        kind = place.parts[kinds.at[place]] if place in kinds.at else ""
        known = found.kind if place in kinds.at else kind
        if _facts(found, label, known) != (place.label, place.split, kind, False):
            return place
    return None


def _facts(found: Told, label: str, kind: str) -> tuple[str, str, str, bool]:
    return label, found.split, kind, found.ignored


def _ignored(classes: Classes, taken: Sequence[Place]) -> list[str]:
    """Name the outermost folders that hold nothing but what is left out."""
    inside = {place.parts[:depth] for place in taken for depth in range(len(place.parts) + 1)}
    found = set()
    for place, _ in classes.left:
        outer = [d for d in range(1, len(place.parts) + 1) if place.parts[:d] not in inside]
        if outer:
            found.add("/".join(place.parts[: outer[0]]))
    return natural(found)


# --- the words ---------------------------------------------------------------------------------


def _phrases(
    classes: Classes, splits: dict[SplitName, list[str]], groups: Groups, kinds: Kinds
) -> list[str]:
    said = [
        name if folders == [name] else f"{name} ({listed(folders)})"
        for name, folders in classes.folders.items()
    ]
    said = [f"classes {listed(said, 12)}"]
    if classes.positive and meaning(classes.positive) != "fake":
        said.append(f"fake is {classes.positive}")
    if len(classes.folders) > 2:
        real = [name for name in classes.folders if meaning(name) == "real"]
        said.append(f"real images: {real[0]}" if len(real) == 1 else "no name tells which is real")
    if kinds.pattern:
        said.append("kinds by the pattern")
    elif classes.positive:
        said.append(f"kinds {listed(kinds.names, 12)}" if kinds.at else "no kinds")
    if groups.sources:
        pairs = ", pairs with both their sources" if groups.pairs else ""
        said.append(f"groups: {groups.sources:,} folders of one source each{pairs}")
    else:
        said.append("groups by the pattern" if groups.pattern else "no groups")
    if "train" in splits:
        said.append(f"splits {folders_of(splits)}")
    if classes.unlabelled:
        said.append(f"test has no labels{'' if 'train' in splits else ', the rest no splits'}")
    return said


def _warnings(classes: Classes, groups: Groups, kinds: Kinds, fakes: Sequence[Place]) -> list[str]:
    warnings = []
    reasons: dict[str, list[Place]] = {}
    for place, why in classes.left:
        if why != BESIDE:  # the layout says so, with their number
            reasons.setdefault(why, []).append(place)
    for why, places in reasons.items():
        n, names = images_in(places), listed(str(place) or "." for place in places)
        warnings.append(f"{n:,} image{'s' * (n > 1)} in {names} left out: {why}")
    if groups.straddling:
        n, names = len(groups.straddling), listed(groups.straddling, 4)
        warnings.append(
            f"{n:,} source{'s' * (n > 1)} ({names}) {'lie' if n > 1 else 'lies'} in several splits:"
            " a leak, unless their numbers begin anew in each (--groups none)"
        )
    unknown = [place for place in fakes if kinds.at and place not in kinds.at]
    if unknown:
        names = listed(map(str, unknown), 3)
        warnings.append(f"{images_in(unknown):,} fakes in {names} are of no known kind")
    return warnings
