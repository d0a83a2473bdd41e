"""Which folders are splits: those called train, validation and test, at any level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from dfbench.errors import DataError
from dfbench.plain import counted
from dfbench.suites.datasets.inference.places import Place, find_name, images_in, listed
from dfbench.suites.datasets.inference.read_as import Level, Names, ReadAs
from dfbench.suites.datasets.listing import SPLITS, SplitName
from dfbench.suites.datasets.words import natural, split_of

_DIVIDE = "--splits none divides all images anew"


def find_splits(
    places: Sequence[Place], asked: ReadAs, where: object
) -> dict[SplitName, list[str]]:
    """Find the folders of each split, and write at each place in which it is.

    Parameters
    ----------
    places
        All that are of a class, and those of an unlabelled test; their ``splits`` are marked.
    asked
        What the user says of them.
    where
        The folder, for messages.

    Returns
    -------
    dict
        Split to names of folders; empty where the images are to be divided, and without train
        where only those of an unlabelled test are not.

    Raises
    ------
    DataError
        Where some images lie in no split, or there is nothing to train on or to test on.
    """
    if asked.denies("splits"):
        return {}
    said = asked.said("splits")
    if isinstance(said, Names):
        return _without_train(places, _by_names(places, said, where))
    if isinstance(said, Level):
        _by_level(places, said, where)
    else:
        _by_words(places)
    present = {place.split for place in places} - {""}
    everywhere = all(place.split and place.label for place in places)
    if not present or (len(present) == 1 and everywhere and said is None):
        # all in one split: nothing to tell apart
        for place in places:
            place.split, place.split_at = "", -1
        return {}
    found: dict[SplitName, list[str]] = {}
    for split in SPLITS:
        names = {p.parts[p.split_at] for p in places if p.split == split}
        if names:
            found[split] = natural(names)
    _check(places, found, where)
    return _without_train(places, found)


def _without_train(
    places: Sequence[Place], found: dict[SplitName, list[str]]
) -> dict[SplitName, list[str]]:
    """Leave train to be divided where nothing else has labels: figures would be of no image."""
    if {place.split for place in places if place.label} != {"train"}:
        return found
    for place in places:
        if place.split == "train":
            place.split, place.split_at = "", -1
    return {split: names for split, names in found.items() if split != "train"}


def folders_of(splits: Mapping[SplitName, Sequence[str]]) -> str:
    """Name the folders of each split."""
    return ", ".join(" + ".join(folders) for folders in splits.values())


def _by_words(places: Sequence[Place]) -> None:
    """Take of several folders the innermost beside other splits, else the commonest name."""
    several: dict[tuple[str, ...], set[str]] = {}
    for place in places:
        for i, split in place.splits.items():
            several.setdefault(place.parts[:i], set()).add(split)
    counts = Counter(place.parts[i] for place in places for i in place.splits)
    for place in places:
        decisive = [i for i in place.splits if len(several[place.parts[:i]]) > 1]
        at = max(decisive, default=None)
        if at is None and place.splits:
            at = max(place.splits, key=lambda i: (counts[place.parts[i]], -i))
        if at is not None:
            place.split, place.split_at = place.splits[at], at


def _by_level(places: Sequence[Place], said: Level, where: object) -> None:
    names = set()
    for place in places:
        at = said.of(place.parts)
        if at is None:
            continue
        names.add(place.parts[at])
        split = split_of(place.parts[at])
        if split is not None:
            place.split, place.split_at = split, at
    if not any(place.split for place in places):
        shown = listed(natural(names)) if names else "no folder"
        raise DataError(
            f"--splits {said.number}: {shown} stands there, and none is a split",
            where=where,
            hint="--splits train=FOLDER,test=FOLDER says which folders are which",
        )


def _by_names(places: Sequence[Place], said: Names, where: object) -> dict[SplitName, list[str]]:
    of: dict[str, SplitName] = {}
    for name, folders in said.by_name.items():
        split = split_of(name)
        if split is None:
            raise DataError(
                f"--splits: {name!r} is none of {', '.join(SPLITS)}",
                where=where,
                hint="--splits train=FOLDER,test=FOLDER says which folders are which",
            )
        of |= dict.fromkeys(folders, split)
    found: dict[SplitName, dict[str, None]] = {}
    for place in places:
        match = find_name(place.parts, of)
        if match is not None:
            place.split_at, place.split = match[0], match[2]
            found.setdefault(match[2], {})[match[1]] = None
    for split in set(of.values()) - set(found):
        folders = [folder for folder, its in of.items() if its == split]
        raise DataError(f"--splits: no folder with images is called {listed(folders)}", where=where)
    result = {split: list(found[split]) for split in SPLITS if split in found}
    _check(places, result, where)
    return result


def _check(places: Sequence[Place], found: dict[SplitName, list[str]], where: object) -> None:
    without = [place for place in places if not place.split]
    if without and (set(found) != {"test"} or any(p.label for p in places if p.split)):
        names = listed(name for folders in found.values() for name in folders)
        lie = counted(images_in(without), "image lies", "images lie")
        raise DataError(
            f"{lie} in no split, such as those in"
            f" {without[0] or 'the folder itself'}, and the others in {names}",
            where=where,
            hint=f"--splits train=FOLDER+FOLDER,test=FOLDER says what each is; {_DIVIDE}",
        )
    if not without and "train" not in found:
        raise DataError(
            f"there is nothing to train on, only {' and '.join(found)}",
            where=where,
            hint=f"--splits train=FOLDER,test=FOLDER says which is which; {_DIVIDE}",
        )
