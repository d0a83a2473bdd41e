"""Which folders tell the kind of a fake: a generator or a manipulation each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from dfbench.errors import DataError
from dfbench.suites.datasets.inference.levels import Folders
from dfbench.suites.datasets.inference.places import Place, find_name, listed
from dfbench.suites.datasets.inference.read_as import Level, Names, Pattern, ReadAs
from dfbench.suites.datasets.inference.sources import are_kinds, are_sources
from dfbench.suites.datasets.words import natural, split_of


@dataclass(slots=True)
class Kinds:
    """What tells the kind of a fake.

    Attributes
    ----------
    at
        Of each fake that has one, which folder tells its kind.
    pattern
        Tells the kind, where no folder does.
    """

    at: dict[Place, int] = field(default_factory=dict)
    pattern: str = ""

    @property
    def names(self) -> list[str]:
        """Names of the folders."""
        return natural({place.parts[i] for place, i in self.at.items()})


def find_kinds(
    folders: list[Folders], places: Sequence[Place], positive: str, asked: ReadAs, where: object
) -> tuple[Kinds, list[Folders]]:
    """Find kinds of fakes.

    Parameters
    ----------
    folders
        Levels that tell neither class, split nor source.
    places
        All that are of a class.
    positive
        The class that means fake; empty where there are more than two.
    asked
        What the user says of them.
    where
        The folder, for messages.

    Returns
    -------
    kinds, rest
        The kinds, and the levels that stay without a meaning.

    Raises
    ------
    DataError
        Where a folder that the user names is not there.
    """
    said = asked.said("kinds")
    fakes = [place for place in places if place.label == positive]
    if asked.denies("kinds") or not fakes:
        return Kinds(), folders
    if isinstance(said, Pattern):
        return Kinds(pattern=said.text), folders
    if isinstance(said, Names | Level):
        found = _by_names(fakes, said, where) if isinstance(said, Names) else _by_level(fakes, said)
        if not found.at:
            raise DataError(
                f"--kinds {asked.kinds}: no folder with fakes stands there", where=where
            )
        rest = [f for f in folders if any(found.at.get(p) != i for p, i in f.at.items())]
        return found, rest
    likely = [
        f
        for f in folders
        if len(names := f.names(positive)) > 1
        and not (f.above and all(re.fullmatch(r"[\W\d_]+", name) for name in names))
        and not are_sources(names, below=not f.above)
        # what lies in folders of both classes alike is what images show, or whom
        and (
            f.above or are_kinds(names) or 2 * len(names & _real(f, folders, positive)) < len(names)
        )
    ]
    best = max(likely, key=lambda f: _weight(f, folders, positive), default=None)
    beside = {
        "" if p.split_at == p.class_at else _without_split(p.parts[p.class_at]) for p in fakes
    }
    together = len({p.parts[: p.class_at] for p in fakes}) < len(beside)
    if len(beside) > 1 and (best is None or together):
        return Kinds({place: place.class_at for place in fakes}), folders  # fake_gan, fake_sdxl
    if best is None:
        return Kinds(), folders
    found = Kinds({place: i for place, i in best.at.items() if place.label == positive})
    return found, [f for f in folders if f is not best]


def _weight(one: Folders, folders: Sequence[Folders], positive: str) -> tuple[float, bool, int]:
    """Weigh how likely a level tells kinds: named so, of fakes alone, of many fakes."""
    names, real = one.names(positive), _real(one, folders, positive)
    covered = sum(p.images for p in one.at if p.label == positive)
    named = sum(are_kinds([name]) for name in names) / len(names)
    return named, not names & real, covered


def _real(one: Folders, folders: Sequence[Folders], positive: str) -> set[str]:
    """Give the names at the same level of real images."""
    same = [f for f in folders if (f.above, f.depth) == (one.above, one.depth)]
    return {p.parts[i] for f in same for p, i in f.at.items() if p.label != positive}


def _without_split(name: str) -> str:
    return "_".join(part for part in re.split(r"[\W_]+", name.lower()) if split_of(part) is None)


def _by_names(fakes: Sequence[Place], said: Names, where: object) -> Kinds:
    names = {folder: folder for folders in said.by_name.values() for folder in folders}
    found: dict[Place, int] = {}
    matched = set()
    for place in fakes:
        match = find_name(place.parts, names)
        if match is not None:
            found[place] = match[0]
            matched.add(match[2])
    absent = natural(set(names) - matched)
    if absent:
        there = {part for place in fakes for part in place.parts}
        raise DataError(
            f"--kinds: no folder with fakes is called {listed(absent)}",
            where=where,
            hint=f"folders with fakes: {listed(natural(there), 12)}",
        )
    return Kinds(found)


def _by_level(fakes: Sequence[Place], said: Level) -> Kinds:
    stands = {place: said.of(place.parts) for place in fakes}
    return Kinds({place: i for place, i in stands.items() if i is not None})
