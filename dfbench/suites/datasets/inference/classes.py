"""Which folders are the classes: those whose names mean real or fake, wherever they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dfbench.errors import DataError
from dfbench.suites.datasets.inference.places import (
    Parts,
    Place,
    children,
    images_in,
    listed,
)
from dfbench.suites.datasets.inference.read_as import Level, Names, ReadAs
from dfbench.suites.datasets.inference.sources import are_kinds, are_sources
from dfbench.suites.datasets.words import (
    guess_positive,
    is_mask,
    is_neutral,
    meaning,
    natural,
    split_of,
)

MOST = 60
"""More folders whose names mean nothing are hardly classes."""


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


def find_classes(places: Sequence[Place], asked: ReadAs, where: object) -> Classes | None:
    """Find the folders that are classes, and write at each place of which it is.

    Parameters
    ----------
    places
        Of the folder. What is of a class gets its ``label``.
    asked
        What the user says of them.
    where
        The folder, for messages.

    Returns
    -------
    Classes or None
        None where no folder tells any.

    Raises
    ------
    DataError
        Where the likely readings are different tasks, with the options that settle it.
    """
    if asked.denies("classes"):
        return None
    said = asked.said("classes")
    if isinstance(said, Level):
        return _by_level(places, said, where)
    if isinstance(said, Names):
        return _by_names(places, said, where)
    return _by_words(places, where) or _by_position(places, where)


# --- what the user says ------------------------------------------------------------------------


def _by_names(places: Sequence[Place], said: Names, where: object) -> Classes:
    of = {folder: name for name, folders in said.by_name.items() for folder in folders}
    longest = max(folder.count("/") for folder in of) + 1
    for place in places:
        for start in range(len(place.parts)):
            for end in range(min(start + longest, len(place.parts)), start, -1):
                name = of.get("/".join(place.parts[start:end]))
                if name and not place.label:
                    _mark(place, end - 1, name)
    absent = [n for n in said.by_name if all(place.label != n for place in places)]
    if absent:
        known = {part for place in places for part in place.parts}
        raise DataError(
            f"--classes: no folder with images is called {listed(said.by_name[absent[0]])}",
            where=where,
            hint=f"its folders: {listed(natural(known), 12)}" if known else None,
        )
    names = list(said.by_name)
    result = Classes({name: list(said.by_name[name]) for name in names})
    result.unlabelled = _tests_unlabelled(places)
    for place in places:
        if not place.label and not (result.unlabelled and _of_test(place)):
            result.left.append((place, "not named in --classes"))
    return _ordered(result, positive=_positive(names) or names[-1])


def _positive(names: Sequence[str]) -> str:
    return guess_positive(list(names)) if len(names) == 2 else ""


def _by_level(places: Sequence[Place], said: Level, where: object) -> Classes:
    for place in places:
        at = said.of(place.parts)
        if at is not None:
            _mark(place, at, place.parts[at])
    names = natural({place.label for place in places if place.label})
    if len(names) < 2:
        raise DataError(
            f"--classes {said.number}: {'only ' + names[0] if names else 'no folder'} stands at"
            " this level",
            where=where,
            hint="1 is the outermost level of folders, -1 the folder that an image lies in",
        )
    result = Classes({name: [name] for name in names})
    result.left = [(p, "no folder at the level of classes") for p in places if not p.label]
    return _ordered(result, positive=_asked_positive(names, where))


# --- what words say ----------------------------------------------------------------------------


def _by_words(places: Sequence[Place], where: object) -> Classes | None:
    inner = children(places)
    masks = [p for p in places if any(is_mask(n) and not meaning(n) for n in p.parts)]
    told = [place for place in places if place not in masks]
    at = {place: _telling(place, inner, where) for place in told}
    for place, index in at.items():
        if index is not None:
            _mark(place, index, meaning(place.parts[index]))
    present = {place.label for place in told if place.label}
    if len(present) < 2 and (numbered := _by_numbers(places)) is not None:
        return numbered  # a method called Deepfakes is no class above 0 and 1
    if not present:
        return None
    result = Classes({}, left=[(place, "masks, by their name") for place in masks])
    result.unlabelled = _tests_unlabelled(told)
    rest = [p for p in told if not p.label and not (result.unlabelled and _of_test(p))]
    outer = {p.parts[:depth] for p in told if p.label for depth in range(len(p.parts))}
    beside = [place for place in rest if place.parts in outer]
    rest = [place for place in rest if place not in beside]
    result.left += [(place, "beside the class folders") for place in beside]
    if rest:
        _name_the_rest(told, rest, present, where)
    return _named(told, result)


def _telling(place: Place, inner: dict[Parts, set[str]], where: object) -> int | None:
    """Say which folder of a place tells its class; None where none does."""
    worded = [i for i, name in enumerate(place.parts) if meaning(name)]
    if len(worded) < 2:
        return worded[0] if worded else None
    # of several, one beside which folders of the other class stand
    decisive = [i for i in worded if _both(inner[place.parts[:i]])]
    if len(decisive) == 1:
        return decisive[0]
    if len({meaning(place.parts[i]) for i in decisive or worded}) == 1:
        return (decisive or worded)[0]
    names = [place.parts[i] for i in worded]
    raise DataError(
        f"{place} is real by one name and fake by another ({', '.join(names)})",
        where=where,
        hint="say which folders are the classes: --classes real=FOLDER,fake=FOLDER, or --classes"
        " and the level at which they stand (1 is the outermost, -1 the innermost)",
    )


def _both(names: set[str]) -> bool:
    return {"real", "fake"} <= {meaning(name) for name in names}


def _name_the_rest(
    told: Sequence[Place], rest: Sequence[Place], present: set[str], where: object
) -> None:
    """Take what lies beside folders of one class alone for classes of their own, or ask."""
    levels = {p.parts[: p.telling["class"]] for p in told if p.label}
    others: dict[Place, int] = {}
    for place in rest:
        depths = [d for d in range(len(place.parts)) if place.parts[:d] in levels]
        if len(depths) == 1 and split_of(place.parts[depths[0]]) is None:
            others[place] = depths[0]
    names = {place.parts[depth] for place, depth in others.items()}
    methods = [p for p in told if p.label == "fake" and are_kinds([p.parts[p.telling["class"]]])]
    if len(methods) == sum(place.label == "fake" for place in told) and "real" in present:
        # Deepfakes beside Face2Face and FaceSwap is a method as they are
        others |= {place: place.telling["class"] for place in methods}
        rest = [*rest, *methods]
        names |= {place.parts[place.telling["class"]] for place in methods}
        present = {"real"}
    only = len(present) == 1 and len(others) == len(rest)
    if only and ("real" in present or len(names) == 1) and len(names) <= MOST:
        for place, depth in others.items():
            _mark(place, depth, place.parts[depth])
        if present == {"fake"}:
            for place in others:
                place.label = "real"
        elif len(names) == 1:
            for place in others:
                place.label = "fake"
        return
    first = max(rest, key=lambda place: place.images)
    worded = natural({p.parts[p.telling["class"]] for p in told if p.label and p not in others})
    raise DataError(
        f"{first or 'the folder itself'} holds {images_in(rest):,} images, but no name on the way"
        f" tells whether they are real or fake, as {listed(worded)} do"
        if len(rest) == 1
        else f"{len(rest):,} folders, such as {first}, hold {images_in(rest):,} images, but their"
        f" names do not tell whether they are real or fake, as {listed(worded)} do",
        where=where,
        hint=f"--classes {','.join(worded[:6])} leaves them out;"
        " --classes real=FOLDER+FOLDER,fake=FOLDER+FOLDER says what each is",
    )


def _named(places: Sequence[Place], result: Classes) -> Classes:
    """Call each class like its folder, where it has one, else real or fake."""
    folders: dict[str, dict[str, None]] = {}
    for place in places:
        if place.label:
            folders.setdefault(place.label, {})[place.parts[place.telling["class"]]] = None
    final = {label: next(iter(own)) if len(own) == 1 else label for label, own in folders.items()}
    for place in places:
        place.label = final.get(place.label, "")
    result.folders = {final[label]: natural(own) for label, own in folders.items()}
    result.folders = {name: result.folders[name] for name in natural(result.folders)}
    binary = len(folders) == 2 and set(folders) == {"real", "fake"}
    return _ordered(result, positive=final["fake"] if binary else "")


# --- what stands where no word does ------------------------------------------------------------


def _by_numbers(places: Sequence[Place]) -> Classes | None:
    """Take folders 0 and 1, at whatever level, for real and fake: a convention."""
    before = [(place.label, dict(place.telling)) for place in places]
    unlabelled = _tests_without(places, {"0", "1"})
    rest = [place for place in places if not (unlabelled and _of_test(place))]
    for place in rest:
        at = [i for i, name in enumerate(place.parts) if name in {"0", "1"}]
        if len(at) != 1:
            _restore(places, before)
            return None
        _mark(place, at[0], place.parts[at[0]])
    if {place.label for place in rest} != {"0", "1"}:
        _restore(places, before)
        return None
    result = Classes({"0": ["0"], "1": ["1"]}, unlabelled=unlabelled)
    return _ordered(result, positive="1")


def _tests_without(places: Sequence[Place], names: set[str]) -> bool:
    tests = [place for place in places if _of_test(place)]
    return 0 < len(tests) < len(places) and not any(names & set(place.parts) for place in tests)


def _by_position(places: Sequence[Place], where: object) -> Classes | None:
    """Take the outermost folders that are neither splits nor names that tell nothing."""
    plain = {place: _plain(place) for place in places if not any(map(is_mask, place.parts))}
    bare = [place for place, at in plain.items() if not at]
    if bare and not all(_of_test(place) for place in bare):
        if len(bare) == len(plain) or any(split_of(n) for p in bare for n in p.parts):
            return None
        outside = [place for place in bare if place.parts]
        if outside or images_in(bare) > images_in(places) / 2:
            return None
    named = {place: at for place, at in plain.items() if at}
    names = natural({place.parts[at[0]] for place, at in named.items()})
    if len(names) < 2:
        return None
    deeper: dict[str, set[str]] = {}
    for place, at in named.items():
        if len(at) > 1:
            deeper.setdefault(place.parts[at[1]], set()).add(place.parts[at[0]])
    crossed = [name for name, under in deeper.items() if len(under) > 1]
    sources = are_sources(set(deeper), below=True)
    # numbered folders are videos or persons sooner than classes
    numbered = are_sources(names, below=True) and (len(names) > 10 or names[0].startswith("00"))
    if len(names) > MOST or numbered or (crossed and not sources):
        _ask_which(names, natural(deeper), where)
    for place, at in named.items():
        _mark(place, at[0], place.parts[at[0]])
    result = Classes({name: [name] for name in names})
    result.unlabelled = any(_of_test(place) for place in bare)
    result.left = [(place, "beside the class folders") for place in bare if not _of_test(place)] + [
        (place, "masks, by their name") for place in places if place not in plain
    ]
    return _ordered(result, positive=_asked_positive(names, where))


def _plain(place: Place) -> list[int]:
    """Folders of a place that may tell something but for splits."""
    return [
        i for i, name in enumerate(place.parts) if split_of(name) is None and not is_neutral(name)
    ]


def _ask_which(names: Sequence[str], deeper: Sequence[str], where: object) -> None:
    inner = f" in each of which {listed(deeper)} lie again" if deeper else ""
    raise DataError(
        f"no folder is called real, fake or the like, and these may be classes or not: "
        f"{listed(names)}{';' if inner else ''}{inner}",
        where=where,
        hint="--classes 1 takes the outermost folders for the classes, --classes 2 those in them;"
        " --classes real=FOLDER+FOLDER,fake=FOLDER+FOLDER says what each is",
    )


def _asked_positive(names: Sequence[str], where: object) -> str:
    """Give the class that means fake of two, or ask for it: never by alphabet."""
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


# --- small things ------------------------------------------------------------------------------


def _mark(place: Place, index: int, label: str) -> None:
    place.label, place.telling["class"] = label, index


def _restore(places: Sequence[Place], before: Sequence[tuple[str, dict[str, int]]]) -> None:
    for place, (label, telling) in zip(places, before, strict=True):
        place.label, place.telling = label, telling


def _of_test(place: Place) -> bool:
    return any(split_of(name) == "test" for name in place.parts)


def _tests_unlabelled(places: Sequence[Place]) -> bool:
    """Whether there is a test split, and no image in it is of a class."""
    tests = [place for place in places if _of_test(place)]
    return bool(tests) and not any(place.label for place in tests)


def _ordered(result: Classes, *, positive: str) -> Classes:
    if len(result.folders) == 2 and positive:
        result.positive = positive
        names = sorted(result.folders, key=lambda name: name == positive)
        result.folders = {name: result.folders[name] for name in names}
    return result
