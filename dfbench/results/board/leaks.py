"""Leaks of a data set: what was found, and what rows score without the leaked images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Column, Grid, Section
from dfbench.results.document.cells import name_cell
from dfbench.results.records.records import Record, Scores
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.measured import Images, measure
from dfbench.results.statistics.sample import prepare

Way = Literal["exact", "near", "group"]
Part = Literal["train", "tune"]

AUDIT = "leaks"
"""Name of the audit in a results folder."""


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
    drop: dict[Part, list[str]] = Field(default_factory=dict)
    """Images of earlier parts that a later one repeats: what ``on_leak = "drop"`` leaves out."""

    @property
    def copies(self) -> list[Leak]:
        """Images of the figures that have a copy, exact or near."""
        return [leak for leak in self.evaluate if leak.way != "group"]


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
        hint = f"see Leaks for the figures without them; {hint}"
    return f"leak: {'; '.join(said)}. A row may remember them instead of detecting ({hint})"


def dropped(leaks: Leaks) -> str:
    """Say what was left out by ``on_leak = "drop"``; empty where nothing was."""
    counts = [(len(leaks.drop.get(part, [])), part) for part in ("train", "tune")]
    said = " and ".join(f"{wording.count(n)} of {part}" for n, part in counts if n)
    return f"images that later parts repeat were left out: {said} (on_leak = drop)" if said else ""


Runs = Sequence[tuple[Record, Scores]]
"""A row: the record and the scores of each of its seeds, on the same images."""


def section(leaks: Leaks, blocks: Sequence[Sequence[tuple[str, Runs]]]) -> Section:
    """Set the ROC AUC of rows beside that without the leaked images.

    Parameters
    ----------
    leaks
        With leaked images of the figures.
    blocks
        Rows with their names: those that compete, then controls.
    """
    known: dict[str, set[str]] = {"without copies": {leak.image for leak in leaks.copies}}
    everything = {leak.image for leak in leaks.evaluate}
    if len(everything) > len(leaks.copies):
        known["without copies and shared groups"] = everything
        if not leaks.copies:
            known = {"without shared groups": everything}
    heads = [f"{name} ({wording.count(leaks.n_evaluate - len(of))})" for name, of in known.items()]
    columns = [Column("row", text=True), Column(f"all ({wording.count(leaks.n_evaluate)})")]
    columns += [Column(head) for head in heads] + [Column("difference")]
    found = []
    for block in blocks:
        lines = []
        for name, runs in block:
            figures = [roc_auc(runs, without) for without in (set[str](), *known.values())]
            first, last = figures[0].value, figures[-1].value
            less = None if first is None or last is None else last - first
            shown = [Cell(wording.figure(f.value), f.value, wording.interval(f)) for f in figures]
            lines.append((name_cell(name), *shown, Cell(wording.signed(less), less)))
        if lines:
            found.append(tuple(lines))
    text = (
        f"{word(leaks)[0]}.",
        "ROC AUC over all images of the figures, and over those that are left without the leaked"
        " ones, with 95 % intervals (DeLong). A row that falls without them may have learnt them by"
        " heart; one that rises may have been misled by copies with another label.",
    )
    return Section("Leaks", text, (Grid(tuple(columns), tuple(found)),))


def roc_auc(runs: Runs, without: set[str]) -> Estimate:
    """Give the ROC AUC of a row over its images less some, the mean over seeds.

    Not defined where a class is left without an image.
    """
    scores = runs[0][1]
    kept = np.array([image not in without for image in scores.images], dtype=np.bool_)
    if not kept.any():
        return Estimate()
    names = [image for image, keep in zip(scores.images, kept, strict=True) if keep]
    groups = None if scores.groups is None else scores.groups[kept]
    images = Images.of(names, scores.labels[kept], groups)
    samples = [
        prepare(
            its.labels[kept],
            its.probabilities[kept],
            positive=record.positive,
            threshold=record.threshold,
        )
        for record, its in runs
    ]
    return measure(images, samples).roc_auc.estimate()
