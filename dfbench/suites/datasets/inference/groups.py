"""Which folders are sources: of one video or person each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from dfbench.errors import DataError
from dfbench.suites.datasets.inference.levels import Folders
from dfbench.suites.datasets.inference.places import Place
from dfbench.suites.datasets.inference.read_as import Level, Names, Pattern, ReadAs
from dfbench.suites.datasets.inference.sources import are_sources
from dfbench.suites.datasets.words import is_neutral, natural

MOST_NAMED = 200
"""Sources whose names a pattern lists one by one."""


@dataclass(slots=True)
class Groups:
    """What tells the source of an image.

    Attributes
    ----------
    level
        Of the folders of one source each; 0 where there is none.
    pattern
        Tells the source, where no level does.
    pairs
        What stands between two sources that a folder is named after.
    sources
        How many there are; 0 where they are not counted.
    straddling
        Those in several splits.
    """

    level: int = 0
    pattern: str = ""
    pairs: str = ""
    sources: int = 0
    straddling: list[str] = field(default_factory=list)


def find_groups(
    folders: list[Folders], places: Sequence[Place], asked: ReadAs, where: object
) -> tuple[Groups, list[Folders]]:
    """Find the sources.

    Parameters
    ----------
    folders
        Levels that tell neither class nor split.
    places
        All that are of a class.
    asked
        What the user says of them.
    where
        The folder, for messages.

    Returns
    -------
    groups, rest
        The sources, and the levels that stay without a meaning.

    Raises
    ------
    DataError
        Where no folder stands at the level that the user gives.
    """
    said = asked.said("groups")
    if asked.denies("groups"):
        return Groups(), folders
    if isinstance(said, Pattern):
        return Groups(pattern=said.text), folders
    if isinstance(said, Names):
        raise DataError(
            f"--groups: {asked.groups!r} is neither a level of folders nor a column of a table",
            where=where,
            hint="1 is the outermost level, -1 the folder that an image lies in; or a regular"
            " expression with the named group (?P<group>...), or none",
        )
    if isinstance(said, Level):
        return _by_level(folders, places, said, where)
    for above in (False, True):  # those in the class folders first
        own = [f for f in folders if f.above == above and are_sources(f.names(), below=not above)]
        first = {
            label: min((f for f in own if f.names(label)), key=lambda f: f.depth)
            for label in {place.label for f in own for place in f.at}
        }
        at = {p: i for label, f in first.items() for p, i in f.at.items() if p.label == label}
        if len({p.parts[i] for p, i in at.items()}) < 2:
            continue
        found = _told(at)
        if found is not None:
            # what lies in a source, such as its shots, is of it
            deepest = max(f.depth for f in first.values())
            return found, [
                f for f in folders if f not in own and (f.above != above or f.depth < deepest)
            ]
    return Groups(), folders


def _by_level(
    folders: list[Folders], places: Sequence[Place], said: Level, where: object
) -> tuple[Groups, list[Folders]]:
    stands = {place: said.of(place.parts) for place in places}
    at = {
        p: i
        for p, i in stands.items()
        if i is not None and i not in (p.class_at, p.split_at) and not is_neutral(p.parts[i])
    }
    if not at:
        raise DataError(
            f"--groups {said.number}: no folder stands there that tells neither class nor split",
            where=where,
            hint="1 is the outermost level, -1 the folder that an image lies in",
        )
    names = {p.parts[i] for p, i in at.items()}
    rest = [f for f in folders if any(stands[p] != i for p, i in f.at.items())]
    return Groups(said.number, pairs=_pairs(names), sources=len(names)), rest


def _told(at: dict[Place, int]) -> Groups | None:
    """Say how the sources are told; None where nothing simple tells them."""
    names = {p.parts[i] for p, i in at.items()}
    held = Counter(name for name, _ in {(p.parts[i], p.split) for p, i in at.items()})
    found = Groups(
        sources=len(names), straddling=natural({name for name, n in held.items() if n > 1})
    )
    if 2 * sum(bool(re.fullmatch(r"id\d+(_id\d+)?_\d+", name)) for name in names) > len(names):
        # persons of videos such as id3_0002 and id3_id7_0002
        found.pattern = r"(?:^|/)(?P<group>id\d+(?:_id\d+)?|[^/]+?)(?:_\d+)?/[^/]+$"
        found.pairs = "_"
        return found
    if sum(bool(re.match(r"\d+(_\d+)?__", name)) for name in names) > 2:
        # actors of videos such as 01__walking and 01_02__walking__X
        found.pattern = r"(?:^|/)(?P<group>\d+(?:_\d+)?(?=__)|[^/]+)(?:__[^/]*)?/[^/]+$"
        found.pairs = "_"
        return found
    found.pairs = _pairs(names)
    for levels in ({i - len(p.parts) for p, i in at.items()}, {i + 1 for i in at.values()}):
        if len(levels) == 1:
            [found.level] = levels
            return found
    if len(names) > MOST_NAMED:
        return None
    found.pattern = f"(?:^|/)(?P<group>{'|'.join(map(re.escape, natural(names)))})/"
    return found


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
