"""Leaks of a data set: what is kept of them, found among its copies and groups, in words."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from dfbench.benchmark.audits.base import Looked
from dfbench.benchmark.audits.copies import EVALUATE, TRAIN, TUNE, Alike, first_choice, part_numbers
from dfbench.features.copies import VERSION
from dfbench.results.document import wording

Way = Literal["exact", "near", "group"]
Part = Literal["train", "tune"]


class Leak(BaseModel):
    """An image that an earlier part of the data knows already."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: str
    """Its path in the data set."""
    way: Way
    """The same file, a changed copy, or an image of the same group."""
    part: Part
    """Where the other is."""
    other: str
    """Path of the other; of a group its name."""
    other_label: bool = False
    """Whether the copy is of another class."""


class Leaks(BaseModel):
    """What was found in a data set, between the parts that a run makes of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    fingerprint: str
    version: int
    """Of the search."""
    split: str
    """That figures are taken from."""
    n_evaluate: int
    n_tune: int
    evaluate: list[Leak] = Field(default_factory=list)
    """Images of the figures that train or tune knows, by path."""
    tune: list[Leak] = Field(default_factory=list)
    """Images of the tuning part that train knows, by path."""
    images: str = ""
    """Hash of which images were looked at, and in which parts; earlier files lack it."""
    drop: dict[Part, list[str]] = Field(default_factory=dict)
    """Images of earlier parts that a later one repeats: what ``on_leak = "drop"`` leaves out."""

    @property
    def copies(self) -> list[Leak]:
        """Images of the figures that have a copy, exact or near."""
        return [leak for leak in self.evaluate if leak.way != "group"]


def leaks_of(looked: Looked, alike: Alike) -> Leaks:
    """Say what leaks between the parts that a run makes of a data set, which has parts."""
    dataset, manifest, parts = looked.dataset, looked.dataset.manifest, looked.parts
    assert parts is not None
    paths, labels = manifest["path"].to_numpy(object), manifest["label"].to_numpy(np.int64)
    groups = manifest["group"].to_numpy(object)
    of = part_numbers(len(manifest), parts)

    def known(rows: NDArray[np.intp], later: int) -> list[Leak]:
        """Give those of ``rows``, of the part ``later``, that an earlier one knows."""
        found: dict[int, Leak] = {}
        chosen = (of[alike.first] == later) & _before(of[alike.second], later)
        for pair in first_choice(alike, chosen):
            row, other = int(alike.first[pair]), int(alike.second[pair])
            found[row] = Leak(
                image=paths[row],
                way="exact" if alike.exact[pair] else "near",
                part=_name(of[other]),
                other=paths[other],
                other_label=bool(labels[row] != labels[other]),
            )
        earlier = [(groups[i], int(of[i])) for i in np.flatnonzero(_before(of, later)) if groups[i]]
        shared = dict(sorted(earlier, key=lambda item: -item[1]))
        for row in rows.tolist():
            if row not in found and groups[row] in shared:
                part = _name(shared[groups[row]])
                found[row] = Leak(image=paths[row], way="group", part=part, other=groups[row])
        return [found[row] for row in sorted(found)]

    drop: dict[Part, list[str]] = {}
    for part, rows in ((TRAIN, parts.train), (TUNE, parts.tune)):
        after = of > part
        copied = alike.first[(of[alike.first] == part) & after[alike.second]]
        shared = set(groups[after]) - {""}
        bad = np.isin(rows, copied) | np.array([groups[row] in shared for row in rows], np.bool_)
        if bad.any():
            drop[_name(part)] = paths[rows[bad]].tolist()
    return Leaks(
        dataset=dataset.name,
        fingerprint=dataset.fingerprint,
        version=VERSION,
        split=parts.split,
        n_evaluate=len(parts.evaluate),
        n_tune=len(parts.tune),
        evaluate=known(parts.evaluate, EVALUATE),
        tune=known(parts.tune, TUNE),
        images=images_of(looked),
        drop=drop,
    )


def _before(of: NDArray[np.int64], later: int) -> NDArray[np.bool_]:
    return (of >= 0) & (of < later)


def _name(part: int) -> Part:
    return "train" if part == TRAIN else "tune"


def images_of(looked: Looked) -> str:
    """Hash which images can be used and which part each is of, which has parts."""
    assert looked.parts is not None
    numbers = part_numbers(len(looked.faults), looked.parts).astype(np.int8)
    return hashlib.sha256(numbers.tobytes() + looked.readable.tobytes()).hexdigest()[:16]


def word(leaks: Leaks) -> list[str]:
    """Say what was found, a phrase for the images of the figures and one for the tuning part.

    Examples
    --------
    >>> found = [Leak(image="a", way="near", part="train", other="b", other_label=True)]
    >>> word(Leaks(dataset="faces", fingerprint="0", version=1, split="test", n_evaluate=300,
    ...            n_tune=100, evaluate=found))
    ['1 of 300 test images has a copy in train (1 near; 1 with another label)']
    """
    said = [_phrase(leaks.evaluate, f"{wording.count(leaks.n_evaluate)} {leaks.split} images")]
    said.append(_phrase(leaks.tune, f"{wording.count(leaks.n_tune)} images tuned on"))
    return [phrase for phrase in said if phrase]


def _phrase(found: Sequence[Leak], of: str) -> str:
    copies = [leak for leak in found if leak.way != "group"]
    shared = [leak for leak in found if leak.way == "group"]
    parts = []
    if copies:
        ways = Counter(leak.way for leak in copies)
        kinds = ", ".join(f"{wording.count(ways[w])} {w}" for w in ("exact", "near") if ways[w])
        contrary = sum(leak.other_label for leak in copies)
        also = f"; {wording.count(contrary)} with another label" if contrary else ""
        have = "has" if len(copies) == 1 else "have"
        n = wording.count(len(copies))
        parts.append(f"{n} of {of} {have} a copy in {_where(copies)} ({kinds}{also})")
    if shared:
        n, be = wording.count(len(shared)), "is" if len(shared) == 1 else "are"
        what = f"{n} more" if copies else f"{n} of {of}"
        parts.append(f"{what} {be} of a group that {_where(shared)} has too")
    return ", ".join(parts)


def _where(found: Sequence[Leak]) -> str:
    parts = {leak.part for leak in found}
    return " or ".join(part for part in ("train", "tune") if part in parts)


def warn(leaks: Leaks) -> str:
    """Word the warning of a table; empty where nothing leaks."""
    said = word(leaks)
    if not said:
        return ""
    hint = "dfbench data check lists them"
    if leaks.evaluate:
        hint = f"the leaderboard's Leaks has the figures without them; {hint}"
    return f"leak: {'; '.join(said)}. A row may remember them instead of detecting ({hint})"


def dropped(leaks: Leaks) -> str:
    """Say what was left out by ``on_leak = "drop"``; empty where nothing was."""
    counts = [(len(leaks.drop.get(part, [])), part) for part in ("train", "tune")]
    said = " and ".join(f"{wording.count(n)} of {part}" for n, part in counts if n)
    return f"images that later parts repeat were left out: {said} (on_leak = drop)" if said else ""
