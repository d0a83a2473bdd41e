"""How lines become a board: ordered into tables, rows put together over all data sets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from dfbench.plain import counted
from dfbench.results.board.board import (
    CHANCE,
    Board,
    Line,
    Overall,
    Smallest,
    Standing,
    Table,
    seeded,
)
from dfbench.results.records.records import Control
from dfbench.results.statistics.ranks import friedman
from dfbench.results.statistics.significance import ALPHA

FEW_GROUPS = 10
"""Below so many groups a bootstrap over them is known to give intervals that are too narrow
(Cameron, Gelbach and Miller, Review of Economics and Statistics 90, 2008)."""


def arrange(
    lines: Sequence[Line],
    smallest: Mapping[str, Smallest] | None = None,
) -> Board:
    """Order lines into tables: the board without its folder.

    Parameters
    ----------
    lines
        With their ranks.
    smallest
        By data set.
    """
    tables = []
    for dataset in dict.fromkeys(line.dataset for line in lines):
        own = [line for line in lines if line.dataset == dataset]
        ok = _with_pareto(sorted((line for line in own if line.status == "ok"), key=_by_auc))
        missing = sorted((x for x in own if x.status != "ok"), key=lambda x: (x.row, x.seeds))
        ranked = [line for line in ok if not line.control]
        controls = [line for line in ok if line.control]
        tables.append(
            Table(
                dataset,
                ranked,
                controls,
                missing,
                _notes(ok),
                _warnings(own),
                smallest=(smallest or {}).get(dataset),
            )
        )
    return Board(tables, _overall(tables) if len(tables) > 1 else None)


def _by_auc(line: Line) -> tuple[float, str]:
    return (math.inf if line.auc is None else -line.auc, line.row)


def _with_pareto(lines: Sequence[Line]) -> list[Line]:
    """Mark the rows that no other is at least as good and as fast as, and better in one.

    What is not above chance is no detector, however fast it is.
    """
    points = {
        line.row: (line.auc, line.predict_images_per_second)
        for line in lines
        if not line.control
        and line.above_chance
        and line.auc is not None
        and line.predict_images_per_second is not None
    }

    def beaten(auc: float, rate: float) -> bool:
        return any(a >= auc and r >= rate and (a, r) != (auc, rate) for a, r in points.values())

    return [
        line.model_copy(update={"pareto": line.row in points and not beaten(*points[line.row])})
        for line in lines
    ]


def _notes(ok: Sequence[Line]) -> list[str]:
    """Say what keeps the lines of a table from being compared."""
    notes = []
    # that of a line is of its first division that ran: other divisions are told below
    states: dict[tuple[str, int] | None, set[str]] = {}
    for line in filter(_of_all, ok):
        family = None if line.divided is None else (line.divided.kind, line.divided.of)
        states.setdefault(family, set()).add(line.fingerprint)
    if any(len(its) > 1 for its in states.values()):
        notes.append(
            "the rows were run on different states of the data set (its fingerprint changed):"
            " run all of them again before comparing"
        )
    # of several divisions controls of shuffled labels are on the first alone
    alike = [line for line in ok if line.divided is None or line.control != "shuffled labels"]
    if len({(line.split, line.n_test) for line in alike}) > 1:
        counts = sorted({(line.split, line.n_test or 0) for line in alike})
        shown = ", ".join(f"{n:,} of {split}" for split, n in counts)
        notes.append(f"the rows were not scored on the same images: {shown}")
    if len({tuple(line.seeds) for line in seeded(ok)}) > 1:
        notes.append("the rows were not run with the same seeds")
    over = {line.divided for line in alike if line.kind != "imported"}
    if len(over) > 1:
        said = ", ".join(sorted("one division" if its is None else its.words for its in over))
        notes.append(
            f"the rows were not run on the same divisions of the data set: {said}; run all of them"
            " with the same --repeat before comparing"
        )
    groups = [line.n_groups for line in ok if line.n_groups is not None and not line.on_splits]
    if groups and min(groups) < FEW_GROUPS:
        notes.append(
            f"intervals from {counted(min(groups), 'group')} say little: they are too narrow"
        )
    folds = [line for line in ok if line.divided is not None and line.divided.kind == "fold"]
    if any(line.metrics["roc_auc"].low is None and line.auc is not None for line in folds):
        notes.append(
            "there are no intervals where a fold has one image, or group, of a class alone: fewer"
            " folds, or splits, tell how far figures may be off"
        )
    return notes


def _of_all(line: Line) -> bool:
    over = line.divided
    return over is None or over.n == over.of or line.control == "shuffled labels"


def _warnings(lines: Sequence[Line]) -> list[str]:
    """Say what is wrong with parts of rows, and which rows these are."""
    rows: dict[str, list[str]] = {}
    for line in sorted(lines, key=lambda line: line.row):
        for text in line.warnings:
            rows.setdefault(text, []).append(line.row)
    return [f"{', '.join(dict.fromkeys(its))}: {text}" for text, its in rows.items()]


def _overall(tables: Sequence[Table]) -> Overall:
    datasets = [table.dataset for table in tables]
    aucs: dict[str, dict[str, float | None]] = {}
    control: dict[str, Control] = {}
    for table in tables:
        for line in table.lines:
            control[line.row] = line.control
            blank: dict[str, float | None] = dict.fromkeys(datasets)
            own = aucs.setdefault(line.row, blank)
            # of a row with a seed that failed the others' figure stands
            own[table.dataset] = own[table.dataset] if line.auc is None else line.auc
    whole: list[Standing] = []
    controls: list[Standing] = []
    gaps: list[Standing] = []
    for row, values in aucs.items():
        present = [value for value in values.values() if value is not None]
        complete = len(present) == len(datasets)
        mean = float(np.mean(present)) if complete else None
        standing = Standing(row, control[row], values, mean)
        (gaps if not complete else controls if standing.control else whole).append(standing)

    found = None
    if whole:
        # the complete rows alone: a row with gaps moves no rank
        found = friedman(np.array([[s.aucs[d] or 0.0 for s in whole] for d in datasets]))
        lowest = min(found.ranks)
        reach = found.critical or 0.0
        differ = found.p_value is not None and found.p_value < ALPHA
        whole = [
            replace(
                s,
                mean_rank=rank,
                best=differ and rank - lowest <= reach and (s.mean_auc or 0.0) > CHANCE,
            )
            for s, rank in zip(whole, found.ranks, strict=True)
        ]
    whole.sort(key=lambda s: (s.mean_rank or 0.0, -(s.mean_auc or 0.0), s.row))
    controls.sort(key=lambda s: (-(s.mean_auc or 0.0), s.row))
    gaps.sort(key=lambda s: (bool(s.control), s.row))
    return Overall(whole, controls, gaps, found if len(whole) > 1 else None)
