"""What a data set's figures are made of: by kind of fake, or by class of several."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dfbench.results.board.board import CHANCE, Line, OnPart, Table
from dfbench.results.document.blocks import Cell, Column, Grid, Section
from dfbench.results.document.cells import blocks_of, figure_cell, name_cell
from dfbench.results.statistics.design import Design
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.influence import roc_auc_of_class, roc_auc_of_kind
from dfbench.results.statistics.intervals import wilson
from dfbench.results.statistics.measured import Measured
from dfbench.results.statistics.repeated import Repeated, estimate

_KINDS = (
    "ROC AUC of the real images against each kind of fake, and the share of each kind that is taken"
    " for fake at the row's own decision. {} Models were fitted on all kinds of the training split."
)
_CLASSES = (
    "Recall is the share of a class's images that the row decides rightly, ROC AUC that of the"
    " class against all others. {}"
)
_INTERVALS = (
    "95 % intervals are DeLong's for ROC AUC, Wilson's for shares (of images in groups on their"
    " effective number)."
)
_OF_SPLITS = (
    "95 % intervals of the means over splits are those of the leaderboard; n is of a split."
)
_SHOWN = 10
"""Rows that a terminal shows."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A row as it is broken down.

    Attributes
    ----------
    kinds
        Of fake of each image, "" for none; None where its scores do not tell.
    splits
        Of a row on several splits the row on each.
    """

    row: str
    measured: Measured | Repeated
    classes: Sequence[str]
    positive: int | None
    kinds: tuple[str, ...] | None
    splits: tuple[Subject, ...] = ()

    @property
    def alone(self) -> Measured:
        """What a row that is on no several splits comes to."""
        assert isinstance(self.measured, Measured)
        return self.measured


@dataclass(frozen=True, slots=True)
class Parts:
    """What a row comes to on the classes and on the kinds of fake of its images."""

    by_class: dict[str, OnPart]
    by_kind: dict[str, OnPart]


def parts_of(subjects: Sequence[Subject]) -> dict[str, Parts]:
    """Break the rows of a data set down, those that share the images most of them were scored on.

    Parameters
    ----------
    subjects
        In the order of the table, controls last.
    """
    sets: dict[object, list[Subject]] = {}
    for subject in subjects:
        sets.setdefault(scored_on(subject.measured), []).append(subject)
    own = max(sets.values(), key=len, default=[])
    if not own:
        return {}
    if not own[0].splits:
        measure = _Measure.of(own)
        return {each.row: Parts(measure.by_class(each), measure.by_kind(each)) for each in own}
    by_split = [parts_of(its) for its in zip(*(each.splits for each in own), strict=True)]
    return {each.row: _over_splits([its[each.row] for its in by_split], each) for each in own}


def scored_on(of: Measured | Repeated) -> object:
    """Give what is the same of rows that were scored on the same images, or splits."""
    return id(of.images) if isinstance(of, Measured) else tuple(map(id, of.images))


def _over_splits(of: Sequence[Parts], subject: Subject) -> Parts:
    assert isinstance(subject.measured, Repeated)
    ratio = subject.measured.ratio
    return Parts(
        _mean([its.by_class for its in of], ratio), _mean([its.by_kind for its in of], ratio)
    )


def _mean(of: Sequence[Mapping[str, OnPart]], ratio: float) -> dict[str, OnPart]:
    """Give the mean over the splits whose images are of a part at all; their number is of one."""
    found = {}
    for name in dict.fromkeys(name for its in of for name in its):
        own = [its[name] for its in of if name in its]
        metrics = {}
        for metric in own[0].metrics:
            values = [math.nan if (v := its.metrics[metric].value) is None else v for its in own]
            metrics[metric] = estimate(np.array(values), ratio)
        found[name] = OnPart(n=own[0].n, metrics=metrics)
    return found


def put_on(table: Table, parts: Mapping[str, Parts]) -> Table:
    """Write what `parts_of` found into the lines of a table."""

    def told(line: Line) -> Line:
        found = parts.get(line.row)
        if found is None:
            return line
        return line.model_copy(update={"by_class": found.by_class, "by_kind": found.by_kind})

    ranked, controls = (list(map(told, its)) for its in (table.ranked, table.controls))
    return replace(table, ranked=ranked, controls=controls)


@dataclass(frozen=True, slots=True)
class _Measure:
    """The parts of a set of images; rows share their designs.

    Attributes
    ----------
    classes
        By name of the class its images, shape (n,), and the design of it against the rest.
    kinds
        By kind of fake its images, and the design of it against all that is real.
    """

    first: Subject
    design: Design
    classes: Mapping[int, tuple[NDArray[np.bool_], Design]]
    kinds: Mapping[str, tuple[NDArray[np.bool_], Design]]

    @classmethod
    def of(cls, subjects: Sequence[Subject]) -> _Measure:
        first = subjects[0]
        design = first.alone.images.design
        labels = design.labels
        everything = np.ones(labels.size, dtype=np.bool_)
        classes = {
            k: (its, design.within(everything, its))
            for k in range(len(first.classes))
            if (its := labels == k).any()
        }
        told = next((each.kinds for each in subjects if each.kinds is not None), None)
        kinds = {}
        if told is not None and first.positive is not None:
            fake, of_kind = labels == first.positive, np.array(told, dtype=object)
            for name in sorted(set(of_kind[fake].tolist()) - {""}):
                its = fake & (of_kind == name)
                kinds[name] = its, design.within(~fake | its)
        return cls(first, design, classes, kinds)

    def by_class(self, subject: Subject) -> dict[str, OnPart]:
        found = {}
        for k, (its, against_rest) in self.classes.items():
            metrics = {"recall": self._share(subject, its)}
            if subject.positive is None:
                area = roc_auc_of_class(subject.alone.samples, against_rest, k)
                metrics["roc_auc"] = area.averaged.estimate()
            elif k != subject.positive:
                metrics["fpr"] = self._share(subject, its, right=False)
            found[subject.classes[k]] = OnPart(n=int(its.sum()), metrics=metrics)
        return found

    def by_kind(self, subject: Subject) -> dict[str, OnPart]:
        fake = self.design.labels == self.first.positive
        found = {}
        for name, (its, against_real) in self.kinds.items():
            whole = roc_auc_of_kind(subject.alone.samples, self.design, its)
            area = whole.averaged.on(against_real, ~fake | its).estimate()
            metrics = {"roc_auc": area, "recall": self._share(subject, its)}
            found[name] = OnPart(n=int(its.sum()), metrics=metrics)
        return found

    def _share(
        self, subject: Subject, inside: NDArray[np.bool_], *, right: bool = True
    ) -> Estimate:
        hits, groups = subject.alone.right[inside], self.design.groups
        its = None if groups is None else groups[inside]
        return wilson(hits if right else 1 - hits, its, widening=self.design.widening)


def sections(table: Table) -> list[Section]:
    """Lay out what the lines of a table have by kind of fake, or by class of several."""
    lines = [line for line in table.measured if line.by_class]
    if not lines:
        return []
    left = sum(not line.by_class and line.control != "shuffled labels" for line in table.measured)
    note = (f"{left} rows that were scored on other images are left out.",) if left else ()
    if len(lines[0].classes) > 2:
        return [_by_class(lines, note)]
    return [_by_kind(lines, note)] if lines[0].by_kind else []


def _by_kind(lines: Sequence[Line], note: tuple[str, ...]) -> Section:
    first = lines[0]
    fake = first.positive or ""
    real = next(name for name in first.classes if name != fake)
    n_real = first.by_class[real].n
    n_known = sum(kind.n for kind in first.by_kind.values())
    if unknown := first.by_class[fake].n - n_known:
        note = (*note, f"{unknown} fakes of no known kind are left out.")
    titles = [_titled(name, kind) for name, kind in first.by_kind.items()]
    areas = _grid(
        lines,
        f"ROC AUC against {n_real:,} {real} images",
        [Column(title, mark=CHANCE) for title in titles],
        lambda line: [kind.metrics["roc_auc"] for kind in line.by_kind.values()],
    )
    rates = _grid(
        lines,
        f"Share taken for {fake}",
        [
            *(Column(title) for title in titles),
            Column(_titled(real, first.by_class[real]), rising=True),
        ],
        lambda line: [
            *(kind.metrics["recall"] for kind in line.by_kind.values()),
            line.by_class[real].metrics["fpr"],
        ],
    )
    grids = areas, rates
    return Section(
        "By kind of fake",
        (_KINDS.format(_intervals(first)), *note),
        grids,
        folded=True,
        brief=_brief(areas, first),
    )


def _by_class(lines: Sequence[Line], note: tuple[str, ...]) -> Section:
    titles = [_titled(name, its) for name, its in lines[0].by_class.items()]
    areas = _grid(
        lines,
        "ROC AUC against all others",
        [Column(title, mark=CHANCE) for title in titles],
        lambda line: [its.metrics["roc_auc"] for its in line.by_class.values()],
    )
    recalls = _grid(
        lines,
        "Recall",
        [Column(title) for title in titles],
        lambda line: [its.metrics["recall"] for its in line.by_class.values()],
    )
    said = _CLASSES.format(_intervals(lines[0]))
    return Section("By class", (said, *note), (areas, recalls), folded=True)


def _intervals(line: Line) -> str:
    """Say whose intervals parts have; over folds they are widened like all others."""
    over = line.divided
    if over is not None and over.kind == "split":
        return _OF_SPLITS
    return _INTERVALS if over is None else f"{_INTERVALS[:-1]}, widened as above."


def _brief(areas: Grid, line: Line) -> Grid:
    """Give the rows of a table that a terminal has room for, its counts above them."""
    rows, *_ = areas.blocks
    counts = ", ".join(f"{name} {kind.n:,}" for name, kind in line.by_kind.items())
    title = f"{areas.title} (images: {counts})"
    if len(rows) > _SHOWN:
        title += f"; the first {_SHOWN} rows, all: leaderboard.md"
    heads = (areas.columns[0], *(Column(name) for name in line.by_kind))
    return Grid(heads, (rows[:_SHOWN],), title)


def _titled(name: str, part: OnPart) -> str:
    return f"{name} (n = {part.n:,})"


def _grid(
    lines: Sequence[Line],
    title: str,
    columns: list[Column],
    figures: Callable[[Line], list[Estimate]],
) -> Grid:
    def cells(line: Line) -> tuple[Cell, ...]:
        name = name_cell(line.row, control=line.control)
        return (name, *(figure_cell(figure, drawn=True) for figure in figures(line)))

    blocks = blocks_of((line.control, cells(line)) for line in lines)
    return Grid((Column("row", text=True, rising=True), *columns), blocks, title)
