"""Rows on several divisions of a data set: what they come to together.

Of folds each image was scored once, by a model that had not seen it: the row stands on the board as
one that scored them all, see `sample.pooled`. Of splits it is the mean over them, see `repeated`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dfbench.results.board.board import CHANCE, Line, Table
from dfbench.results.board.read import RowRead, WholeRow
from dfbench.results.document.blocks import Cell, Column, Grid, Section
from dfbench.results.document.cells import blocks_of, name_cell, number_cell
from dfbench.results.statistics.design import Design
from dfbench.results.statistics.measured import Images, Measured, measure
from dfbench.results.statistics.recomputed import Recomputed
from dfbench.results.statistics.repeated import Repeated
from dfbench.results.statistics.sample import pooled


def together(
    divisions: Sequence[RowRead], known: list[Images], further: Sequence[Recomputed]
) -> RowRead:
    """Put the divisions of a row together.

    Parameters
    ----------
    divisions
        In their order, at least one; a single one that is no division is given as it is.
    known
        Sets of images met so far, which is added to.
    further
        Metrics of somebody's own.
    """
    first = divisions[0]
    division = first.entry.division
    if division is None:
        return first
    ran = [each for each in divisions if each.measured is not None]
    if not ran:
        whole = WholeRow(None)
    elif division.kind == "split" and first.entry.control == "shuffled labels":
        whole = WholeRow(first.measured, first.kinds)  # of one split, whose images it is about
    elif division.kind == "split":
        whole = WholeRow(
            Repeated(tuple(each.measured for each in ran if each.measured), _ratio(ran))
        )
    else:
        whole = _pooled(ran, known, further)
    return replace(
        first,
        missing=_missing(divisions),
        unread=any(each.unread for each in divisions),
        divisions=tuple(divisions),
        over_all=whole,
    )


def _missing(divisions: Sequence[RowRead]) -> list[Line]:
    """Give what is missing; what all divisions lack for one reason once, else with their names."""
    found: dict[tuple[object, ...], list[tuple[str, Line]]] = {}
    for each in divisions:
        assert each.entry.division is not None
        for line in each.missing:
            key = (line.status, line.reason, *line.seeds)
            found.setdefault(key, []).append((each.entry.division.name, line))
    return [
        its[0][1]
        if len(its) == len(divisions)
        else its[0][1].model_copy(
            update={"reason": f"{', '.join(name for name, _ in its)}: {its[0][1].reason}"}
        )
        for its in found.values()
    ]


_MOST = 10
"""Divisions that have a column each."""


def first_of(table: Table) -> str:
    """Name the first division of a data set; empty where it was not divided several times."""
    over = next((line.divided for line in table.measured if line.divided is not None), None)
    return "" if over is None else f"{over.kind} 1 of {over.of}"


def firsts_of(table: Table) -> str:
    """Say of which divisions alone something is, where rows may be on those of several kinds."""
    over = [line.divided for line in table.measured if line.kind != "imported"]
    names = dict.fromkeys(f"{its.kind} 1 of {its.of}" for its in over if its is not None)
    where = ", of rows that are on several" if None in over else ""
    return f"{' or '.join(names)} alone{where}"


def said_of(division: str, lines: Sequence[str]) -> list[str]:
    """Say of each line which division it is of; of none, nothing."""
    return [f"of {division} alone: {line}" if division else line for line in lines]


def by_division(table: Table) -> list[Section]:
    """Set the ROC AUC of each row on each division side by side, with its spreads."""
    lines = [
        line
        for line in table.measured
        if line.divided is not None and line.control != "shuffled labels"
    ]
    if not lines:
        return []
    assert lines[0].divided is not None
    kind = lines[0].divided.kind
    names = list(dict.fromkeys(fit.split for line in lines for fit in line.fits))
    names.sort(key=lambda name: int(name.split()[1]))
    shown = names if len(names) <= _MOST else []
    seeds = any(len(line.seeds) > 1 for line in lines)

    def cells(line: Line) -> tuple[Cell, ...]:
        own = [line.on_division(name) for name in names]
        known = [value for value in own if value is not None]
        auc = line.metrics["roc_auc"]
        return (
            name_cell(line.row, control=line.control),
            *(number_cell(value) for value in (own if shown else ())),
            number_cell(min(known, default=None)),
            number_cell(max(known, default=None)),
            number_cell(line.spread_over("roc_auc")),
            *([number_cell(auc.spread)] if seeds else []),
        )

    columns = (
        Column("row", text=True, rising=True),
        *(Column(name, mark=CHANCE) for name in shown),
        *(Column("lowest"), Column("highest"), Column(f"spread over {kind}s", rising=True)),
        *([Column("over seeds", rising=True)] if seeds else []),
    )
    text = (
        f"ROC AUC on each {kind}, and its standard deviation over {kind}s"
        + (" (of the means over seeds) and over seeds." if seeds else ".")
        + (
            f" {kind.capitalize()}s share training images: this spread is no standard error of"
            " their mean, which the intervals are made of."
        )
    )
    blocks = blocks_of((line.control, cells(line)) for line in lines)
    return [Section(f"By {kind}", (text,), (Grid(columns, blocks),), folded=True)]


def _ratio(ran: Sequence[RowRead]) -> float:
    """Give images that are tested on over images that are trained and tuned on."""
    records = [record for each in ran for record in each.records]
    trained = sum(record.n_train + record.n_tune for record in records)
    return sum(record.n_test for record in records) / max(1, trained)


def _pooled(ran: Sequence[RowRead], known: list[Images], further: Sequence[Recomputed]) -> WholeRow:
    """Put folds together, which have the same seeds (`at_odds`)."""
    measured = [each.measured for each in ran if each.measured is not None]
    samples = [pooled(its) for its in zip(*(each.samples for each in measured), strict=True)]
    images = _images(
        measured, [each.entry.division.number for each in ran if each.entry.division], known
    )
    kinds = [each.kinds for each in ran]
    told = [kind for its in kinds for kind in its or ()]
    return WholeRow(
        measure(images, samples, further),
        None if any(its is None for its in kinds) else tuple(told),
    )


def _images(measured: Sequence[Measured], numbers: Sequence[int], known: list[Images]) -> Images:
    names = tuple(name for its in measured for name in its.images.names)
    designs = [its.images.design for its in measured]
    labels = np.concatenate([design.labels for design in designs])
    folds = np.repeat(numbers, [design.labels.size for design in designs])
    design = Design.of(labels, _groups(designs), folds)
    for images in known:
        if images.same(names, design):
            return images
    known.append(Images.of_design(names, design))
    return known[-1]


def _groups(designs: Sequence[Design]) -> NDArray[np.int64] | None:
    """Give all groups numbers; those of two folds are two."""
    if any(design.groups is None for design in designs):
        return None
    found: list[NDArray[np.int64]] = []
    for design in designs:
        assert design.groups is not None
        start = 0 if not found else int(found[-1].max(initial=-1)) + 1
        found.append(design.groups + start)
    return np.concatenate(found)
