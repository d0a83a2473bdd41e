"""Which folders are splits: those called train, validation and test, at any level."""

from __future__ import annotations

from collections.abc import Sequence

from dfbench.errors import DataError
from dfbench.suites.datasets.inference.places import Place, children, images_in, listed
from dfbench.suites.datasets.inference.read_as import Level, Names, ReadAs
from dfbench.suites.datasets.listing import SPLITS, SplitName
from dfbench.suites.datasets.words import natural, split_of


def find_splits(
    places: Sequence[Place], asked: ReadAs, where: object
) -> dict[SplitName, list[str]]:
    """Find the folders of each split, and write at each place in which it is.

    Parameters
    ----------
    places
        All that are of a class, and those of an unlabelled test.
    asked
        What the user says of them.
    where
        The folder, for messages.

    Returns
    -------
    dict
        Split to names of folders; empty where the images are to be divided.

    Raises
    ------
    DataError
        Where some images lie in no split, or there is nothing to train on or to test on.
    """
    if asked.denies("splits"):
        return {}
    said = asked.said("splits")
    if isinstance(said, Names):
        return _by_names(places, said, where)
    inner = children(places)
    for place in places:
        at = _telling(place, inner)
        if isinstance(said, Level):
            at = said.of(place.parts)
        if at is not None:
            place.split = split_of(place.parts[at]) or ""
            place.telling["split"] = at
    present = {place.split for place in places} - {""}
    if len(present) < 2 and said is None and not _unlabelled_test(places):
        # all in one split: nothing to tell apart
        for place in places:
            place.split = ""
            place.telling.pop("split", None)
        return {}
    found: dict[SplitName, list[str]] = {}
    for split in SPLITS:
        names = {p.parts[p.telling["split"]] for p in places if p.split == split}
        if names:
            found[split] = natural(names)
    _check(places, found, where)
    return found


def _by_names(places: Sequence[Place], said: Names, where: object) -> dict[SplitName, list[str]]:
    found: dict[SplitName, list[str]] = {}
    for name, folders in said.by_name.items():
        split = split_of(name)
        if split is None:
            raise DataError(
                f"--splits: {name!r} is none of {', '.join(SPLITS)}",
                where=where,
                hint="--splits train=FOLDER,test=FOLDER says which folders are which",
            )
        found.setdefault(split, []).extend(folders)
    for split, folders in found.items():
        for place in places:
            at = [i for i, part in enumerate(place.parts) if part in folders]
            if at and not place.split:
                place.split, place.telling["split"] = split, at[0]
        if not any(place.split == split for place in places):
            raise DataError(
                f"--splits: no folder with images is called {listed(folders)}", where=where
            )
    _check(places, found, where)
    return {split: found[split] for split in SPLITS if split in found}


def _telling(place: Place, inner: dict[tuple[str, ...], set[str]]) -> int | None:
    """Say which folder of a place tells its split: of several one beside other splits."""
    at = [i for i, name in enumerate(place.parts) if split_of(name)]
    if len(at) < 2:
        return at[0] if at else None
    several = [i for i in at if len({split_of(n) for n in inner[place.parts[:i]]} - {None}) > 1]
    return (several or at)[0]


def _unlabelled_test(places: Sequence[Place]) -> bool:
    return any(not place.label for place in places)


def _check(places: Sequence[Place], found: dict[SplitName, list[str]], where: object) -> None:
    divide = "--splits none divides all images anew"
    without = [p for p in places if not p.split]
    if found and without and set(found) != {"test"}:
        raise DataError(
            f"{images_in(without):,} images lie in no split, such as those in {without[0]}, and"
            f" the others in {listed(n for names in found.values() for n in names)}",
            where=where,
            hint=f"--splits train=FOLDER+FOLDER,test=FOLDER says what each is; {divide}",
        )
    if without:
        labelled_test = any(p.split == "test" and p.label for p in places)
        if labelled_test:
            raise DataError(
                f"{images_in(without):,} images lie in no split beside test, such as those in"
                f" {without[0]}",
                where=where,
                hint=f"--splits train=FOLDER+FOLDER,test={found['test'][0]} says what each is;"
                f" {divide}",
            )
    elif found and "train" not in found:
        raise DataError(
            f"there is nothing to train on, only {' and '.join(found)}",
            where=where,
            hint=f"--splits train=FOLDER,test=FOLDER says which is which; {divide}",
        )
