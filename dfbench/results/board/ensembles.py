"""Ensembles: what each gains over its best member, what members add, how unlike they err."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from dfbench.results.board.board import Ensemble, Fit, Line, Member, PairOfMembers, Table
from dfbench.results.board.read import RowRead
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Column, Grid, Section
from dfbench.results.document.cells import difference_cell, name_cell, number_cell
from dfbench.results.records.subsets import Subset
from dfbench.results.statistics.diversity import Diversity, diversity, mean_diversity
from dfbench.results.statistics.estimate import Estimate, number
from dfbench.results.statistics.measured import Measured
from dfbench.results.statistics.pairs import Difference, differences, of_accuracy, of_auc
from dfbench.results.statistics.repeated import Repeated, difference, same_images

_Rows = Mapping[tuple[str, str, str], RowRead]
"""By data set, row and name of the subset."""
_TITLE = "Gain over the best member; below, what each member adds"
_SHOWN = 3
"""Ensembles that a terminal shows."""
_GAINS = ("roc_auc", "accuracy", "log_loss")
_ADDED = ("roc_auc", "accuracy")

_INTERVALS = " (95 % intervals, paired as `dfbench compare` does)"
_TEXT = (
    "Below the name of an ensemble what it gains over its best member{intervals}; below that, of"
    " each member, its own ROC AUC and what it adds: the ensemble less the same one fitted again"
    " without it. The best member is that of the highest ROC AUC on these images, which makes the"
    " gain rather too small than too large. Weight: the share in a mean; of stacking, and of"
    " weights by kind, the mean coefficient of a class's own score."
)
_PAIRS = (
    "Of pairs of members (Kuncheva and Whitaker 2003): disagreement, the share of images that one"
    " alone decides rightly; Q and the correlation of being right, 1 where they err together, 0"
    " where independently; double fault, the share that both decide wrongly."
)


def put_on(table: Table, rows: _Rows) -> Table:
    """Write what ensembles come to into the lines of a table."""
    lines = {line.row: line for line in table.measured}

    def told(line: Line) -> Line:
        found = _ensemble(line, lines, rows)
        return line if found is None else line.model_copy(update={"ensemble": found})

    return replace(table, ranked=list(map(told, table.ranked)))


def _ensemble(line: Line, lines: Mapping[str, Line], rows: _Rows) -> Ensemble | None:
    names = _members(line)
    if len(names) < 2 or any(name not in lines for name in names):
        return None
    whole = rows[line.dataset, line.row, ""].whole
    own = {name: rows[line.dataset, name, ""].whole for name in names}
    measured = {name: its for name, its in own.items() if its is not None and _alike(its, whole)}
    if whole is None or len(measured) < len(names):
        return None
    best = max(names, key=lambda name: lines[name].auc or 0.0)
    members = {}
    for name in names:
        without = rows.get((line.dataset, line.row, Subset(less=name).name))
        its = None if without is None else without.whole
        adds = _gained(whole, its, _ADDED) if its is not None and _alike(its, whole) else {}
        members[name] = Member(
            weight=_mean([_weight(fit, name) for fit in line.fits]),
            weights_by_kind=_by_kind(line.fits, name),
            adds=adds,
        )
    return Ensemble(
        best=best,
        gains=_gained(whole, measured[best], _GAINS),
        members=members,
        pairs=[_pair(a, b, measured) for a, b in combinations(names, 2)],
    )


def _members(line: Line) -> list[str]:
    if line.kind != "derived" or not line.fits:
        return []
    found = line.fits[0].combination.get("members")
    return list(dict.fromkeys(map(str, found))) if isinstance(found, list) else []


def _alike(a: Measured | Repeated, b: Measured | Repeated | None) -> bool:
    """Whether two rows were scored on the same images by as many models."""
    if b is None or len(a.samples) != len(b.samples):
        return False
    if isinstance(a, Repeated) or isinstance(b, Repeated):
        return isinstance(a, Repeated) and isinstance(b, Repeated) and same_images(a, b)
    return a.images is b.images


def _gained(
    a: Measured | Repeated, b: Measured | Repeated, names: Sequence[str]
) -> dict[str, Estimate]:
    found: Mapping[str, Difference]
    if isinstance(a, Repeated) and isinstance(b, Repeated):
        found = {name: difference(a, b, name) for name in names}
    else:
        assert isinstance(a, Measured)
        assert isinstance(b, Measured)
        # those two need no resamples, and none are drawn of ensembles without a member
        quick = {"roc_auc": of_auc, "accuracy": of_accuracy}
        if set(names) <= set(quick):
            found = {name: quick[name](a, b) for name in names}
        else:
            found = differences(a, b)
    return {name: _estimate(found[name]) for name in names}


def _estimate(of: Difference) -> Estimate:
    if math.isnan(of.value):
        return Estimate()
    return Estimate(value=of.value, low=number(of.low), high=number(of.high))


def _pair(a: str, b: str, measured: Mapping[str, Measured | Repeated]) -> PairOfMembers:
    rights = (
        (np.asarray(x.right, dtype=np.float64), np.asarray(y.right, dtype=np.float64))
        for x, y in zip(measured[a].samples, measured[b].samples, strict=True)
    )
    found: Diversity = mean_diversity([diversity(x, y) for x, y in rights])
    return PairOfMembers(
        members=(a, b),
        disagreement=number(found.disagreement),
        q=number(found.q),
        correlation=number(found.correlation),
        double_fault=number(found.double_fault),
    )


# --- weights -------------------------------------------------------------------------------


def _place(fit: Fit, name: str) -> int:
    members: Any = fit.combination.get("members") or []
    return members.index(name) if name in members else -1


def _weight(fit: Fit, name: str) -> float | None:
    """Give a weight, or the mean coefficient of a member's score of a class for this class."""
    at, how = _place(fit, name), fit.combination
    if at < 0:
        return None
    if fit.weights is not None:
        return fit.weights.get(name)
    if own := _of_kinds(fit, at):
        return sum(own.values()) / len(own)
    try:
        rows = np.array(how.get("coefficients") or [], dtype=np.float64)
    except (TypeError, ValueError):
        return None  # no run writes such
    if rows.ndim != 2 or not rows.size or rows.shape[1] % len(how["members"]):
        return None
    n_classes = rows.shape[1] // len(how["members"])
    if n_classes == 1:  # of two, a column a member
        return float(rows[0, at])
    # a class without an image in what it was fitted on has no coefficients
    known = how.get("classes") or list(range(n_classes))
    if len(rows) == 1 and len(known) == 2:
        rows = np.vstack([-rows, rows])
    if len(rows) != len(known) or not set(known) <= set(range(n_classes)):
        return None  # of a record of before, which does not tell whose they are
    return float(np.mean([own[at * n_classes + k] for own, k in zip(rows, known, strict=True)]))


def _of_kinds(fit: Fit, at: int) -> dict[str, float]:
    told = fit.combination.get("weights_by_kind") or {}
    return {kind: its[at] for kind, its in told.items() if 0 <= at < len(its)}


def _by_kind(fits: Sequence[Fit], name: str) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for fit in fits:
        for kind, weight in _of_kinds(fit, _place(fit, name)).items():
            found.setdefault(kind, []).append(weight)
    return {kind: sum(its) / len(its) for kind, its in found.items()}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


# --- the section ---------------------------------------------------------------------------


def sections(table: Table) -> list[Section]:
    """Lay out what the ensembles of a data set come to."""
    lines = [line for line in table.ranked if line.ensemble is not None]
    if not lines:
        return []
    aucs = {line.row: line.auc for line in table.measured}
    members = _gains(lines, aucs)
    grids = [members, _over_best(lines), _pairs(lines)]
    grids += [grid for line in lines if (grid := _kinds(line)) is not None]
    text = (_TEXT.format(intervals=_INTERVALS), _PAIRS)
    return [Section("Ensembles", text, tuple(grids), folded=True, brief=_brief(members))]


def _gains(lines: Sequence[Line], aucs: Mapping[str, float | None]) -> Grid:
    columns = (
        Column("row", text=True, rising=True),
        Column("weight"),
        Column("ROC AUC"),
        Column("ROC AUC gained"),
        Column("accuracy gained"),
    )
    blocks = []
    for line in lines:
        of = line.ensemble
        assert of is not None
        gains = (difference_cell(of.gains[name]) for name in _ADDED)
        rows = [
            (name_cell(line.row, bold=True), Cell(wording.GAP), number_cell(line.auc), *gains),
            *(
                (
                    name_cell(name),
                    Cell(wording.figure(its.weight), its.weight),
                    number_cell(aucs.get(name)),
                    *(difference_cell(its.adds.get(metric, Estimate())) for metric in _ADDED),
                )
                for name, its in of.members.items()
            ),
        ]
        blocks.append(tuple(rows))
    return Grid(columns, tuple(blocks), _TITLE)


def _brief(members: Grid) -> Grid:
    """Give the ensembles that a terminal has room for."""
    title = _TITLE
    if len(members.blocks) > _SHOWN:
        title += f"; of the first {_SHOWN}, all: leaderboard.md"
    return replace(members, blocks=members.blocks[:_SHOWN], title=title)


def _over_best(lines: Sequence[Line]) -> Grid:
    columns = (
        Column("row", text=True, rising=True),
        Column("best member", text=True, rising=True),
        *(Column(wording.TITLES[name]) for name in _GAINS),
    )

    def cells(line: Line, of: Ensemble) -> tuple[Cell, ...]:
        gains = (difference_cell(of.gains[name]) for name in _GAINS)
        return (name_cell(line.row), Cell(of.best, of.best), *gains)

    rows = tuple(cells(line, line.ensemble) for line in lines if line.ensemble is not None)
    return Grid(columns, (rows,), "Gain over the best member (of log loss less is better)")


def _pairs(lines: Sequence[Line]) -> Grid:
    """Show each pair of members once, whatever ensembles they are in."""
    found: dict[frozenset[str], PairOfMembers] = {}
    for pair in _every_pair(lines):
        found.setdefault(frozenset(pair.members), pair)
    columns = (
        Column("member", text=True, rising=True),
        Column("other", text=True, rising=True),
        Column("disagreement"),
        Column("Q", rising=True),
        Column("correlation", rising=True),
        Column("double fault", rising=True),
    )
    rows = tuple(
        (
            name_cell(pair.members[0]),
            Cell(pair.members[1], pair.members[1]),
            number_cell(pair.disagreement),
            Cell(wording.figure(pair.q), pair.q),
            Cell(wording.figure(pair.correlation), pair.correlation),
            number_cell(pair.double_fault),
        )
        for pair in found.values()
    )
    return Grid(columns, (rows,), "Pairs of members")


def _every_pair(lines: Sequence[Line]) -> Iterator[PairOfMembers]:
    for line in lines:
        yield from line.ensemble.pairs if line.ensemble is not None else ()


def _kinds(line: Line) -> Grid | None:
    """Show the weights that an ensemble has for each kind of fake, or class."""
    of = line.ensemble
    kinds = [] if of is None else list(next(iter(of.members.values())).weights_by_kind)
    if of is None or not kinds:
        return None
    columns = (Column("member", text=True, rising=True), *(Column(kind) for kind in kinds))
    rows = tuple(
        (name_cell(name), *(number_cell(its.weights_by_kind.get(kind)) for kind in kinds))
        for name, its in of.members.items()
    )
    return Grid(columns, (rows,), f"Weights of {line.row}", row=line.row)
