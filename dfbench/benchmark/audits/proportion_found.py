"""What the numbers of a data set cannot carry: counted, and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from dfbench.benchmark.audits.base import Looked
from dfbench.results.document import wording
from dfbench.results.statistics.intervals import wilson
from dfbench.suites.datasets.kinds import kinds_of
from dfbench.suites.datasets.listing import UNLABELLED
from dfbench.suites.datasets.parts import Parts

Role = Literal["train", "tune", "evaluate"]

VOID = 10
"""Images of a class below which figures tell next to nothing."""
FEW = 30
"""Images of a class below which it is said how wide an interval must be."""
UNEVEN, VERY_UNEVEN = 10, 50
"""Times as many images of one class as of another, of which it is noted, and warned."""
NAMED = 5
"""Classes or kinds that a line names."""


class Portion(BaseModel):
    """What is counted in a part of a run, or in a split."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role
    split: str
    """As the data set names it, or ``part of train``."""
    images: dict[str, int]
    """By class, those without any included."""
    different: dict[str, int]
    """The same, equal files counted once."""
    kinds: dict[str, int] = {}
    """By kind of fake, of two classes where the data tell any."""

    def what(self, n: int) -> str:
        """Name n of its images."""
        s = "" if n == 1 else "s"
        if self.role == "evaluate":
            return f"{self.split} image{s}"
        return f"training image{s}" if self.role == "train" else f"tuning image{s}"


class Proportion(BaseModel):
    """How many images of which class and kind there are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    portions: list[Portion]

    def of(self, role: Role) -> Portion | None:
        """Give the portion of that role; None where there is none."""
        return next((each for each in self.portions if each.role == role), None)


@dataclass(frozen=True, slots=True)
class Said:
    """A phrase.

    Attributes
    ----------
    text
        What is out of proportion.
    strong
        Whether it makes figures all but void.
    repeats
        Role and class of which few files lie there many times; None of anything else.
    """

    text: str
    strong: bool
    repeats: tuple[Role, str] | None = None


# --- counted ---------------------------------------------------------------------------------


def proportion_of(looked: Looked) -> Proportion:
    """Count the readable images of each part by class, content and kind."""
    dataset, manifest = looked.dataset, looked.dataset.manifest
    labels = manifest["label"].to_numpy(np.int64)
    contents = manifest["sha256"].to_numpy(object)
    binary = dataset.positive_index is not None
    kinds = kinds_of(dataset) if binary else np.full(len(labels), "", object)
    portions = []
    for role, split, rows in _rows(looked):
        own = {name: rows[labels[rows] == at] for at, name in enumerate(dataset.classes)}
        told = Counter(kinds[rows].tolist())
        told.pop("", None)
        portions.append(
            Portion(
                role=role,
                split=split,
                images={name: len(each) for name, each in own.items()},
                different={name: len(set(contents[each])) for name, each in own.items()},
                kinds=dict(sorted(told.items())),
            )
        )
    return Proportion(portions=portions)


def _rows(looked: Looked) -> Iterator[tuple[Role, str, NDArray[np.intp]]]:
    """Give the lines of each part; where there are none, of the splits that would serve for it."""
    parts = looked.parts
    if parts is not None:
        yield "train", "train", parts.train
        yield "tune", parts.tuned_on, parts.tune
        yield "evaluate", parts.split, _evaluated(looked, parts)
        return
    manifest = looked.dataset.manifest
    splits = manifest["split"].to_numpy(object)
    labelled = manifest["label"].to_numpy(np.int64) != UNLABELLED
    usable = looked.readable & labelled
    test = bool((labelled & (splits == "test")).any())
    roles: dict[str, Role] = {"train": "train", "validation": "tune" if test else "evaluate"}
    if test:
        roles["test"] = "evaluate"
    for split, role in roles.items():
        if (labelled & (splits == split)).any():
            yield role, split, np.flatnonzero(usable & (splits == split))


def _evaluated(looked: Looked, parts: Parts) -> NDArray[np.intp]:
    """Give the images that figures are of: of folds all, each in its turn."""
    division = looked.dataset.division
    if division is None or division.kind == "split":
        return parts.evaluate
    return np.sort(np.concatenate([parts.train, parts.tune, parts.evaluate]))


def repeated(looked: Looked, role: Role, name: str) -> list[tuple[str, ...]]:
    """Give the files that lie most often in a class of a part: how often, and the first's path."""
    rows = next(rows for each, _, rows in _rows(looked) if each == role)
    chosen = looked.dataset.manifest.iloc[rows]
    chosen = chosen[chosen["label"] == looked.dataset.classes.index(name)]
    paths = chosen.groupby("sha256")["path"].agg(["first", "size"])
    paths = paths[paths["size"] > 1].sort_values(["size", "first"], ascending=[False, True])
    return [(f"{size:,} times", path) for path, size in paths.itertuples(index=False)]


# --- in words --------------------------------------------------------------------------------


def word(of: Proportion) -> list[Said]:
    """Say what is out of proportion, a phrase each; nothing where nothing is.

    Examples
    --------
    >>> counts = {"real": 1, "fake": 1}
    >>> test = Portion(role="evaluate", split="test", images=counts, different=counts)
    >>> word(Proportion(portions=[test]))[0].text.partition(":")[0]
    'figures tell next to nothing'
    """
    return [*_few(of), *_fill(of), *_uneven(of), *_kinds(of)]


def _few(of: Proportion) -> Iterator[Said]:
    evaluated = of.of("evaluate")
    if evaluated is not None and (few := _below(evaluated, FEW)):
        least = min(few.values())
        if least == 0:
            absent = _listed([name for name, n in few.items() if n == 0])
            yield Said(f"there is no {evaluated.what(1)} of {absent}", strong=True)
        elif least < VOID:
            said = "figures tell next to nothing"
            then = ", and ".join(filter(None, (_steps(evaluated), _right(least))))
            why = f"only {_counted(evaluated, few)}; {then}"
            yield Said(f"{said}: {why}", strong=True)
        else:
            yield Said(
                f"figures are wide: {_counted(evaluated, few)}; accuracy in a class of {least}"
                f" images is known to {_points(least)} where it is near 50 %, and {_right(least)}",
                strong=True,
            )
    train, tune = of.of("train"), of.of("tune")
    if train is not None and (few := _below(train, VOID)):
        yield Said(f"only {_counted(train, few)}: rows learn from next to nothing", strong=True)
    if tune is not None and (few := _below(tune, VOID)):
        then = "parameters are all but chosen by chance"
        yield Said(f"only {_counted(tune, few)}: {then}", strong=False)


def _below(portion: Portion, limit: int) -> dict[str, int]:
    """Give the classes with fewer different images, the fewest first."""
    few = {name: n for name, n in portion.different.items() if n < limit}
    return dict(sorted(few.items(), key=lambda item: item[1]))


def _steps(portion: Portion) -> str:
    """Say what values ROC AUC can have, of two classes; empty where these are many."""
    counts = list(portion.different.values())
    if len(counts) != 2:
        return ""
    if counts == [1, 1]:
        return "ROC AUC can only be 0, 0.5 or 1"
    if min(counts) == 1:
        return f"ROC AUC is the place of one image among {wording.count(max(counts))}"
    if counts[0] * counts[1] > VOID**2:
        return ""
    return f"ROC AUC goes in steps of {1 / (counts[0] * counts[1]):.2g}"


def _right(n: int) -> str:
    """Say what is known of the accuracy of a class when all its n images are right.

    Examples
    --------
    >>> _right(3)
    'even 3 right of 3 leave 44 % to 100 % open (95 % interval)'
    """
    low = wilson(np.ones(n)).low
    assert low is not None
    leave = "leaves" if n == 1 else "leave"
    return f"even {n} right of {n} {leave} {100 * low:.0f} % to 100 % open (95 % interval)"


def _points(n: int) -> str:
    """Word half the width of the interval of an accuracy of 50 % on n images."""
    found = wilson(np.full(n, 0.5))
    assert found.low is not None
    assert found.high is not None
    return f"\N{PLUS-MINUS SIGN}{50 * (found.high - found.low):.0f} points"


def _fill(of: Proportion) -> Iterator[Said]:
    """Say which classes are filled by the same few files."""
    for portion in of.portions:
        for name, n in portion.images.items():
            different = portion.different[name]
            if 2 * different <= n and n > 1:
                s = "" if different == 1 else "s"
                yield Said(
                    f"{wording.count(n)} {portion.what(n)} of {name} are {different:,} different"
                    f" file{s}: the others are equal to these, and tell nothing new",
                    strong=True,
                    repeats=(portion.role, name),
                )


def _uneven(of: Proportion) -> Iterator[Said]:
    """Say where one class has many times the images of another."""
    for portion in (of.of("evaluate"), of.of("train")):
        if portion is None or not all(portion.images.values()):
            continue
        most = max(portion.images, key=lambda name: portion.images[name])
        least = min(portion.images, key=lambda name: portion.images[name])
        times = portion.images[most] / portion.images[least]
        if times < UNEVEN:
            continue
        share = 100 * portion.images[most] / sum(portion.images.values())
        counts = f"{wording.count(portion.images[most])} {portion.what(2)} of {most} to"
        counts += f" {wording.count(portion.images[least])} of {least}"
        if portion.role == "evaluate":
            said = f"always saying {most} has an accuracy of {share:.3g} %"
        else:
            said = f"a row may learn little else than to say {most}"
        yield Said(f"classes are uneven, {counts}: {said}", strong=times >= VERY_UNEVEN)


def _kinds(of: Proportion) -> Iterator[Said]:
    """Say which part has no image of a kind of fake that another has."""
    train, tune, evaluated = of.of("train"), of.of("tune"), of.of("evaluate")
    if train is None or evaluated is None:
        return
    if evaluated.kinds and (lacks := [kind for kind in train.kinds if kind not in evaluated.kinds]):
        yield Said(
            f"{evaluated.split} has no fake of kind {_listed(lacks)}, which {_has(lacks)} trained"
            " on: figures say nothing of it",
            strong=True,
        )
    if train.kinds and (alone := [kind for kind in evaluated.kinds if kind not in train.kinds]):
        yield Said(
            f"kind {_listed(alone)} {_has(alone)} in {evaluated.split} and not trained on: figures"
            " are also of what no row has seen, as under leave-one-generator-out",
            strong=False,
        )
    known = {*train.kinds, *evaluated.kinds}
    if tune is not None and tune.kinds and (lacks := sorted(known - set(tune.kinds))):
        yield Said(
            f"{tune.split} has no fake of kind {_listed(lacks)}: parameters and thresholds are"
            " chosen without it",
            strong=False,
        )


def _has(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _counted(portion: Portion, counts: Mapping[str, int]) -> str:
    """Word counts of classes: ``1 test image of fake, 3 of real``."""

    def number(name: str, what: str = "") -> str:
        different = "different " if portion.images[name] != counts[name] else ""
        return f"{counts[name]} {different}{what}of {name}"

    first, *others = list(counts)[:NAMED]
    what = f"{portion.what(counts[first])} "
    said = [number(first, what), *(number(name) for name in others)]
    if len(counts) > NAMED:
        said.append(f"so few of {len(counts) - NAMED} more classes")
    return ", ".join(said)


def _listed(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    if len(names) > NAMED:
        return f"{', '.join(names[:NAMED])} and {len(names) - NAMED:,} more"
    return f"{', '.join(names[:-1])} and {names[-1]}"
