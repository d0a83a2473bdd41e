"""Which folders are the classes, where some are called real, fake or the like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dfbench.errors import DataError
from dfbench.plain import counted
from dfbench.suites.datasets.inference.classes import (
    BESIDE,
    MASKS,
    Classes,
    folder_names,
    is_bare,
    mark,
    tests_unlabelled,
)
from dfbench.suites.datasets.inference.places import (
    Parts,
    Place,
    children,
    images_in,
    listed,
)
from dfbench.suites.datasets.inference.sources import are_kinds
from dfbench.suites.datasets.words import is_mask, is_plain_class, is_weak, meaning, natural

MOST = 60
"""More folders whose names mean nothing are hardly classes."""
_LOOSE = 0.1
"""Share of loose images beyond which they are hardly left there by mistake."""


def by_words(places: Sequence[Place], where: object) -> Classes | None:
    """Take folders whose names mean real or fake, wherever they stand.

    Folders called 0 and 1 are real and fake, a convention; a method called Deepfakes above or
    below them does not change that.

    Raises
    ------
    DataError
        Where names contradict each other, or some images lie in no such folder.
    """
    masks = [place for place in places if any(map(is_mask, place.parts))]
    told = [place for place in places if place not in masks]
    if not told:
        return None
    left = [(place, MASKS) for place in masks]
    unlabelled, numbered = _numbered(told)
    words = _worded(told, where, ask=not numbered)
    present: set[str] = {meaning(place.parts[at]) for place, at in words.items()}
    if numbered:
        _disagree(words, numbered, present, where)
        for place, at in numbered.items():
            mark(place, at, place.parts[at])
        return Classes({"0": ["0"], "1": ["1"]}, "1", left, unlabelled)
    if not words or (len(present) == 1 and all(is_weak(p.parts[at]) for p, at in words.items())):
        return None
    for place, at in words.items():
        mark(place, at, meaning(place.parts[at]))
    unlabelled = tests_unlabelled(told)
    rest = [p for p in told if not p.label and not (unlabelled and p.of_test)]
    outer = {p.parts[:depth] for p in told if p.label for depth in range(len(p.parts))}
    beside = [place for place in rest if place.parts in outer]
    others = [place for place in rest if place not in beside]
    if images_in(beside) > _LOOSE * images_in(places) and images_in(beside) > 5:
        _ask(told, beside, where)
    if others:
        _name_the_others(told, others, where)
    left += [(place, BESIDE) for place in beside]
    return _called(told, left, unlabelled)


# --- 0 and 1 -----------------------------------------------------------------------------------


def _numbered(places: Sequence[Place]) -> tuple[bool, dict[Place, int]]:
    """Find the folders 0 and 1 on the way to all labelled images; nothing where one lacks them."""
    at = {p: [i for i, name in enumerate(p.parts) if name in {"0", "1"}] for p in places}
    tests = [place for place in places if place.of_test]
    bare = all(is_bare(place) and not at[place] for place in tests)
    unlabelled = 0 < len(tests) < len(places) and bare
    of = [place for place in places if not (unlabelled and place.of_test)]
    names = {place.parts[at[place][0]] for place in of if at[place]}
    if names != {"0", "1"} or any(len(at[place]) != 1 for place in of):
        return False, {}
    return unlabelled, {place: at[place][0] for place in of}


def _disagree(
    words: dict[Place, int], numbered: dict[Place, int], present: set[str], where: object
) -> None:
    """Ask where words tell real from fake in another way than 0 and 1."""
    if len(present) < 2:
        return
    for place, at in words.items():
        if place in numbered and meaning(place.parts[at]) != (
            "fake" if place.parts[numbered[place]] == "1" else "real"
        ):
            raise DataError(
                f"{place} is {meaning(place.parts[at])} by {place.parts[at]!r}, and by"
                f" {place.parts[numbered[place]]!r} it is not",
                where=where,
                hint="--classes real=0,fake=1 goes by the numbers, --classes"
                " real=FOLDER+FOLDER,fake=FOLDER+FOLDER by the folders that it names",
            )


# --- words -------------------------------------------------------------------------------------


def _worded(places: Sequence[Place], where: object, *, ask: bool) -> dict[Place, int]:
    """Say which folder of each place tells its class, of those that have one."""
    inner = children(places)
    both = {outer for outer, names in inner.items() if {"real", "fake"} <= set(map(meaning, names))}
    # names that tell real from fake somewhere are sooner the classes than others elsewhere
    decided = {name for outer in both for name in inner[outer] if meaning(name)}
    found: dict[Place, int] = {}
    for place in places:
        worded = [i for i, name in enumerate(place.parts) if meaning(name)]
        decisive = [i for i in worded if place.parts[:i] in both]
        likely = decisive or [i for i in worded if place.parts[i] in decided] or worded
        if not likely:
            continue
        if len({meaning(place.parts[i]) for i in likely}) == 1:
            found[place] = likely[0]
        elif ask:
            raise DataError(
                f"{place} is real by one name and fake by another"
                f" ({', '.join(place.parts[i] for i in worded)})",
                where=where,
                hint="say which folders are the classes: --classes real=FOLDER,fake=FOLDER, or"
                " --classes and the level at which they stand (1 is the outermost, -1 the"
                " innermost)",
            )
    return found


def _name_the_others(told: Sequence[Place], others: Sequence[Place], where: object) -> None:
    """Take what lies beside folders of one class alone for classes of their own, or ask."""
    levels = {p.parts[: p.class_at] for p in told if p.label}
    at: dict[Place, int] = {}
    for place in others:
        depths = [d for d in range(len(place.parts)) if place.parts[:d] in levels]
        if len(depths) == 1 and depths[0] not in place.splits:
            at[place] = depths[0]
    if len(at) < len(others):
        _ask(told, others, where)
    fakes = [place for place in told if place.label == "fake"]
    methods = are_kinds({p.parts[p.class_at] for p in fakes}, every=True)
    names = {place.parts[depth] for place, depth in at.items()}
    real = any(place.label == "real" for place in told)
    if real and (not fakes or methods) and len(names) <= MOST:
        # Deepfakes beside Face2Face and FaceSwap is a method as they are
        at |= {place: place.class_at for place in fakes}
        alone = len({place.parts[depth] for place, depth in at.items()}) == 1
        for place, depth in at.items():
            mark(place, depth, "fake" if alone else place.parts[depth])
    elif not real and len(names) == 1 and not methods and not are_kinds(names):
        for place, depth in at.items():
            mark(place, depth, "real")
    else:
        _ask(told, others, where)


def _ask(told: Sequence[Place], others: Sequence[Place], where: object) -> None:
    """Ask of which class some images are."""
    first = str(max(others, key=lambda place: place.images)) or "the folder itself"
    worded = natural({p.parts[p.class_at] for p in told if p.label})
    n = counted(images_in(others), "image")
    if len(others) == 1:
        what = f"{first} holds {n}, but no name on the way tells"
    else:
        what = f"{len(others):,} folders, such as {first}, hold {n}, but no name tells"
    raise DataError(
        f"{what} whether they are real or fake, as {listed(worded)} do",
        where=where,
        hint=(f"--classes {','.join(worded)} leaves them out; " if 1 < len(worded) < 7 else "")
        + "--classes real=FOLDER+FOLDER,fake=FOLDER+FOLDER says what each is",
    )


def _called(places: Sequence[Place], left: list[tuple[Place, str]], unlabelled: bool) -> Classes:
    """Call each class like its folder, where it has one, else real or fake."""
    own = folder_names(places)
    taken = Counter(names[0] for names in own.values() if len(names) == 1)
    final = {
        label: names[0] if len(names) == 1 and taken[names[0]] == 1 else label
        for label, names in own.items()
    }
    for place in places:
        place.label = final.get(place.label, "")
    folders = {final[label]: names for label, names in own.items()}
    positive = final["fake"] if set(own) == {"real", "fake"} else ""
    return Classes({name: folders[name] for name in natural(folders)}, positive, left, unlabelled)


def wrapper(outer: Parts, places: Sequence[Place]) -> int:
    """Count how many of the folders that hold everything are mere wrappers.

    One that is called like a class is none, unless classes are told inside it: then there is one
    class only.
    """
    inside = {meaning(name) for place in places for name in place.parts[len(outer) :]}
    if {"real", "fake"} <= inside:
        return len(outer)
    from_here = [i for i, name in enumerate(outer) if meaning(name)]
    certain = [i for i in from_here if is_plain_class(outer[i])]
    if inside - {""}:
        return certain[0] if certain else len(outer)
    return from_here[0] if from_here else len(outer)
