"""What folders tell besides class and split: the kind of a fake, and the source of an image."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from dfbench.errors import DataError
from dfbench.suites.datasets.inference.places import Place, listed
from dfbench.suites.datasets.inference.read_as import Level, Names, Pattern, ReadAs
from dfbench.suites.datasets.inference.sources import are_kinds, are_sources
from dfbench.suites.datasets.words import is_neutral, natural, split_of

MOST_NAMED = 200
"""Sources whose names a pattern lists one by one."""


@dataclass(eq=False, slots=True)
class Column:
    """Folders at the same distance from those of the classes.

    Attributes
    ----------
    above
        Whether they hold the class folders, or lie in them.
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


@dataclass(slots=True)
class Besides:
    """What folders tell besides.

    Attributes
    ----------
    kinds
        Names of folders that each hold fakes of one kind.
    kind_pattern
        Tells the kind, where names of folders do not.
    groups
        Level of the folders of one source each; 0 where there is none.
    group_pattern
        Tells the source, where no level does.
    pairs
        What stands between two sources that a folder is named after.
    sources
        How many there are.
    straddling
        Sources in several splits.
    unused
        Names at each level that stayed without a meaning.
    """

    kinds: list[str] = field(default_factory=list)
    kind_pattern: str = ""
    groups: int = 0
    group_pattern: str = ""
    pairs: str = ""
    sources: int = 0
    straddling: list[str] = field(default_factory=list)
    unused: list[list[str]] = field(default_factory=list)


def find_besides(places: Sequence[Place], positive: str, asked: ReadAs, where: object) -> Besides:
    """Find kinds of fakes and sources.

    Parameters
    ----------
    places
        All that are of a class, with class and split.
    positive
        The class that means fake; empty where there are more than two.
    asked
        What the user says of them.
    where
        The folder, for messages.

    Raises
    ------
    DataError
        Where a folder that the user names is not there.
    """
    columns = _columns(places)
    found = Besides()
    _groups(found, columns, places, asked, where)
    if positive:
        _kinds(found, columns, places, positive, asked, where)
    found.unused = [natural(column.names()) for column in columns if len(column.names()) > 1]
    return found


def _columns(places: Sequence[Place]) -> list[Column]:
    """Give the levels above the classes from the outermost, then those below, of each class."""
    found: dict[tuple[str, int], Column] = {}
    # a name on the way to all images tells none apart
    shared = set(places[0].parts).intersection(*(place.parts for place in places))
    for place in places:
        at = place.telling["class"]
        plain = [
            i
            for i, name in enumerate(place.parts)
            if i not in place.telling.values()
            and split_of(name) is None
            and not is_neutral(name)
            and name not in shared
        ]
        for depth, index in enumerate([i for i in plain if i < at]):
            found.setdefault(("", depth), Column(True, depth)).at[place] = index
        for depth, index in enumerate([i for i in plain if i > at]):
            found.setdefault((place.label, depth), Column(False, depth)).at[place] = index
    return [found[key] for key in sorted(found)]


# --- sources -----------------------------------------------------------------------------------


def _groups(
    found: Besides, columns: list[Column], places: Sequence[Place], asked: ReadAs, where: object
) -> None:
    said = asked.said("groups")
    if asked.denies("groups"):
        return
    if isinstance(said, Pattern):
        found.group_pattern = said.text
        return
    if isinstance(said, Names):
        raise DataError(
            f"--groups: {asked.groups!r} is neither a level of folders nor a column of a table",
            where=where,
            hint="1 is the outermost level, -1 the folder that an image lies in; or a regular"
            " expression with the named group (?P<group>...), or none",
        )
    if isinstance(said, Level):
        found.groups = said.number
        stands = {p: said.of(p.parts) for p in places}
        names = {p.parts[i] for p, i in stands.items() if i is not None}
        if not names:
            raise DataError(f"--groups {said.number}: no folder stands there", where=where)
        found.sources, found.pairs = len(names), _pairs(names)
        columns[:] = [c for c in columns if any(stands[p] != i for p, i in c.at.items())]
        return
    for above in (False, True):  # those in the class folders first
        own = [c for c in columns if c.above == above and are_sources(c.names(), below=not above)]
        first = {
            label: min((c for c in own if c.names(label)), key=lambda c: c.depth)
            for label in {place.label for c in own for place in c.at}
        }
        at = {p: i for label, c in first.items() for p, i in c.at.items() if p.label == label}
        names = {p.parts[i] for p, i in at.items()}
        if len(names) > 1 and (_identities(found, names) or _level(found, at)):
            found.sources = len(names)
            splits = {(p.parts[i], p.split) for p, i in at.items()}
            held = Counter(name for name, _ in splits)
            found.straddling = natural({name for name, n in held.items() if n > 1})
            # what lies in a source, such as its shots, is of it
            deepest = max(c.depth for c in first.values())
            columns[:] = [
                c for c in columns if c not in own and (c.above != above or c.depth < deepest)
            ]
            return


def _level(found: Besides, at: dict[Place, int]) -> bool:
    """Say at which level the sources stand, counted from the image or from the root."""
    names = {p.parts[i] for p, i in at.items()}
    for levels in ({i - len(p.parts) for p, i in at.items()}, {i + 1 for i in at.values()}):
        if len(levels) == 1:
            [found.groups] = levels
            break
    else:
        if len(names) > MOST_NAMED:
            return False
        found.group_pattern = f"(?:^|/)(?P<group>{'|'.join(map(re.escape, natural(names)))})/"
    found.pairs = _pairs(names)
    return True


def _identities(found: Besides, names: set[str]) -> bool:
    """Take persons of videos such as id3_0002 and id3_id7_0002 for the sources."""
    if 2 * sum(bool(re.fullmatch(r"id\d+(_id\d+)?_\d+", name)) for name in names) > len(names):
        found.group_pattern = r"(?:^|/)(?P<group>id\d+(?:_id\d+)?|[^/]+?)(?:_\d+)?/[^/]+$"
        found.pairs = "_"
        return True
    return False


def _pairs(names: set[str]) -> str:
    """Say what stands between two sources that folders are named after; empty where they are not.

    Examples
    --------
    >>> _pairs({"000", "001", "000_001", "001_000"})
    '_'
    """
    for mark in ("_", "-", "+"):
        two = [name.split(mark) for name in names if name.count(mark) == 1]
        single = names - {mark.join(parts) for parts in two}
        if not two or not all(a and b and a != b for a, b in two):
            continue
        turned = {(b, a) for a, b in two}
        known = [a in single or b in single or (a, b) in turned for a, b in two]
        alike = all(re.sub(r"\d+", "#", a) == re.sub(r"\d+", "#", b) for a, b in two)
        if alike and sum(known) >= len(two) / 2:
            return mark
    return ""


# --- kinds -------------------------------------------------------------------------------------


def _kinds(
    found: Besides,
    columns: list[Column],
    places: Sequence[Place],
    positive: str,
    asked: ReadAs,
    where: object,
) -> None:
    said = asked.said("kinds")
    if asked.denies("kinds"):
        return
    fakes = [place for place in places if place.label == positive]
    if isinstance(said, Pattern):
        found.kind_pattern = said.text
        return
    if isinstance(said, Names | Level):
        found.kinds = _asked_kinds(fakes, said, where)
        columns[:] = [c for c in columns if not c.names(positive) <= set(found.kinds)]
        return
    classes = {p.parts[p.telling["class"]]: p for p in fakes}
    likely = [c for c in columns if len(c.names(positive)) > 1]
    likely = [c for c in likely if not are_sources(c.names(positive), below=not c.above)]
    best = max(likely, key=lambda c: _weight(c, places, positive), default=None)
    own = {_without_split(name) for name in classes}
    if len(own) > 1 and len(own) == len(classes):
        found.kinds = natural(classes)  # fake_stylegan beside fake_diffusion
    elif best is not None:
        found.kinds = natural(best.names(positive))
        columns.remove(best)


def _weight(column: Column, places: Sequence[Place], positive: str) -> tuple[bool, bool, int]:
    """Weigh how likely a level tells kinds: named so, of fakes alone, of many fakes."""
    names = column.names(positive)
    real = {p.parts[i] for p, i in column.at.items() if p.label != positive}
    covered = sum(p.images for p in column.at if p.label == positive)
    return are_kinds(names), not names & real, covered


def _without_split(name: str) -> str:
    return "_".join(part for part in re.split(r"[\W_]+", name.lower()) if split_of(part) is None)


def _asked_kinds(fakes: Sequence[Place], said: Names | Level, where: object) -> list[str]:
    if isinstance(said, Names):
        names = [folder for folders in said.by_name.values() for folder in folders]
        there = {part for place in fakes for part in place.parts}
        absent = [name for name in names if name not in there]
        if absent:
            raise DataError(
                f"--kinds: no folder with fakes is called {listed(absent)}",
                where=where,
                hint=f"folders with fakes: {listed(natural(there), 12)}",
            )
        return names
    at = {place: said.of(place.parts) for place in fakes}
    return natural({place.parts[i] for place, i in at.items() if i is not None})
