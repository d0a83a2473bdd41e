"""What a data set's figures are made of: by kind of fake, or by class of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfbench.results.board.board import CHANCE
from dfbench.results.document.blocks import Cell, Column, Grid, Section
from dfbench.results.document.cells import blocks_of, figure_cell, name_cell
from dfbench.results.records.records import Control
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.influence import roc_auc_of_class, roc_auc_of_kind
from dfbench.results.statistics.intervals import wilson
from dfbench.results.statistics.measured import Measured

_KINDS = (
    "ROC AUC of the real images against each kind of fake (95 % intervals by DeLong), and the share"
    " of each kind that is taken for fake at the row's own decision (Wilson's intervals; of images"
    " in groups on their effective number). Models were fitted on all kinds of the training split."
)
_CLASSES = (
    "Recall is the share of a class's images that the row decides rightly (Wilson's intervals; of"
    " images in groups on their effective number), ROC AUC that of the class against all others"
    " (DeLong)."
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A row as it is broken down.

    Attributes
    ----------
    kinds
        Of fake of each image, "" for none; None where its scores do not tell.
    """

    row: str
    control: Control
    measured: Measured
    classes: Sequence[str]
    positive: int | None
    kinds: tuple[str, ...] | None


def breakdown(subjects: Sequence[Subject]) -> list[Section]:
    """Break the rows of a data set down, those that share the images most of them were scored on.

    Parameters
    ----------
    subjects
        In the order of the table, controls last.
    """
    sets: dict[int, list[Subject]] = {}
    for subject in subjects:
        sets.setdefault(id(subject.measured.images), []).append(subject)
    if not sets:
        return []
    own = max(sets.values(), key=len)
    left = len(subjects) - len(own)
    note = (f"{left} rows that were scored on other images are left out.",) if left else ()
    if own[0].positive is None:
        return [_by_class(own, note)] if len(own[0].classes) > 2 else []
    told = [subject.kinds for subject in own if subject.kinds is not None]
    if not told:
        return []
    return [_by_kind(own, np.array(told[0], dtype=object), note)]


def _by_kind(
    subjects: Sequence[Subject], kinds: NDArray[np.object_], note: tuple[str, ...]
) -> Section:
    first = subjects[0]
    design = first.measured.images.design
    labels, groups = design.labels, design.groups
    positive = first.positive
    assert positive is not None
    fake = labels == positive
    names = sorted(set(kinds[fake].tolist()) - {""})
    chosen = {name: fake & (kinds == name) for name in names}
    against_real = {name: design.within(~fake | its) for name, its in chosen.items()}
    unknown = int((fake & (kinds == "")).sum())
    if unknown:
        note = (*note, f"{unknown} fakes of no known kind are left out.")

    def area(subject: Subject, name: str) -> Estimate:
        inside = ~fake | chosen[name]
        whole = roc_auc_of_kind(subject.measured.samples, design, chosen[name])
        return whole.averaged.on(against_real[name], inside).estimate()

    def taken(subject: Subject, inside: NDArray[np.bool_], right: bool = True) -> Estimate:
        hits = subject.measured.right[inside]
        its = None if groups is None else groups[inside]
        return wilson(hits if right else 1 - hits, its)

    n_real = int((~fake).sum())
    titles = [f"{name} (n = {int(chosen[name].sum()):,})" for name in names]
    areas = _grid(
        subjects,
        f"ROC AUC against {n_real:,} {first.classes[1 - positive]} images",
        [Column(title, mark=CHANCE) for title in titles],
        lambda subject: [area(subject, name) for name in names],
    )
    rates = _grid(
        subjects,
        f"Share taken for {first.classes[positive]}",
        [
            *(Column(title) for title in titles),
            Column(f"{first.classes[1 - positive]} (n = {n_real:,})", rising=True),
        ],
        lambda subject: [
            *(taken(subject, chosen[name]) for name in names),
            taken(subject, ~fake, right=False),
        ],
    )
    return Section("By kind of fake", (_KINDS, *note), (areas, rates), folded=True)


def _by_class(subjects: Sequence[Subject], note: tuple[str, ...]) -> Section:
    first = subjects[0]
    design = first.measured.images.design
    labels, groups = design.labels, design.groups
    everything = np.ones(labels.size, dtype=np.bool_)
    present = [k for k in range(len(first.classes)) if (labels == k).any()]
    against_rest = {k: design.within(everything, labels == k) for k in present}

    def area(subject: Subject, label: int) -> Estimate:
        found = roc_auc_of_class(subject.measured.samples, against_rest[label], label)
        return found.averaged.estimate()

    def recall(subject: Subject, label: int) -> Estimate:
        inside = labels == label
        its = None if groups is None else groups[inside]
        return wilson(subject.measured.right[inside], its)

    titles = [f"{first.classes[k]} (n = {int((labels == k).sum()):,})" for k in present]
    areas = _grid(
        subjects,
        "ROC AUC against all others",
        [Column(title, mark=CHANCE) for title in titles],
        lambda subject: [area(subject, k) for k in present],
    )
    recalls = _grid(
        subjects,
        "Recall",
        [Column(title) for title in titles],
        lambda subject: [recall(subject, k) for k in present],
    )
    return Section("By class", (_CLASSES, *note), (areas, recalls), folded=True)


def _grid(
    subjects: Sequence[Subject],
    title: str,
    columns: list[Column],
    figures: Callable[[Subject], list[Estimate]],
) -> Grid:
    def line(subject: Subject) -> tuple[Cell, ...]:
        name = name_cell(subject.row, control=subject.control)
        return (name, *(figure_cell(figure, drawn=True) for figure in figures(subject)))

    blocks = blocks_of((subject.control, line(subject)) for subject in subjects)
    return Grid((Column("row", text=True, rising=True), *columns), blocks, title)
