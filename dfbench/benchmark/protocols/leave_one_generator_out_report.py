"""Report of leave-one-generator-out: figures without each kind of fake beside those with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dfbench.results.board.board import CHANCE, Table
from dfbench.results.board.read import Read, RowRead
from dfbench.results.board.report import ProtocolFigure, Report
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Column, Grid, Section
from dfbench.results.document.cells import blocks_of, difference_cell, figure_cell, name_cell
from dfbench.results.records.subsets import MERGED, UNKNOWN_KINDS
from dfbench.results.statistics.design import Design
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.influence import Influence, roc_auc_of_kind

KIND = "leave-one-generator-out"

_WHAT = "ROC AUC of the real images against a kind of fake that was left out of training and tuning"
_MEAN = (
    " The mean is over the kinds, the loss what not having seen them costs it, seen less unseen."
)
_TEXT = (
    f"{_WHAT}; behind it the same row's on the same images when it had seen that kind.{_MEAN}"
    " 95 % intervals by DeLong, that of the loss paired."
)
_MERGED = (
    "In {} the other classes are taken for one class, fake, with all kinds and without one: the"
    " figures are not those of telling the classes apart."
)


@dataclass
class _Line:
    """A row under the protocol."""

    row: str
    control: bool
    unseen: dict[str, Estimate] = field(default_factory=dict)
    seen: dict[str, Estimate] = field(default_factory=dict)
    losses: dict[str, Estimate] = field(default_factory=dict)
    mean: Estimate = field(default_factory=Estimate)
    mean_seen: Estimate = field(default_factory=Estimate)
    mean_loss: Estimate = field(default_factory=Estimate)


@dataclass
class _Held:
    """The protocol on a data set.

    `reference` is the name of the subset that has seen all kinds.
    """

    dataset: str
    kinds: list[str]
    reference: str
    lines: list[_Line]
    notes: list[str]
    figures: list[ProtocolFigure]


def lay_out(read: Read) -> Report:
    """Lay out the figures of rows without each kind of fake beside those with it.

    Returns
    -------
    Report
        A section with a table a data set; its figures, and each loss alone.
    """
    found = [each for table in read.tables if (each := _held(table, read)) is not None]
    with_table = [each for each in found if each.kinds]
    notes = [note for each in found for note in each.notes]
    if not with_table and not notes:
        return Report()
    merged = [each.dataset for each in with_table if each.reference == MERGED]
    more = [*([_MERGED.format(", ".join(merged))] if merged else []), *notes]
    text, plainly = (
        (*([said] if with_table else []), *more) for said in (_TEXT, f"{_WHAT}.{_MEAN}")
    )
    grids = tuple(_grid(each.dataset, each.kinds, each.lines) for each in with_table)
    figures = [figure for each in found for figure in each.figures]
    section = Section("Leave-one-generator-out", text, grids, plainly=plainly)
    return Report([section], figures=figures)


def _held(table: Table, read: Read) -> _Held | None:
    """Gather the rows of a data set; None where nothing was asked for."""
    own = {k: its for k, its in read.of(table.dataset).items() if its.entry.subset.fraction is None}
    asked = {name for (_, name), its in own.items() if its.entry.subset.left_out is not None}
    if not asked:
        return None
    if len(asked) > 1:
        # the card has told no kinds once, and does now
        asked.discard(UNKNOWN_KINDS)
        own = {key: its for key, its in own.items() if key[1] != UNKNOWN_KINDS}
    reference = MERGED if any(name == MERGED for _, name in own) else ""
    kinds = sorted(
        {kind for its in own.values() if its.measured is not None and (kind := _left_out(its))}
    )
    held = _Held(table.dataset, kinds, reference, [], _reasons(table.dataset, own), [])
    for row in dict.fromkeys(line.row for line in table.lines):
        subsets = {name: its for (of, name), its in own.items() if of == row}
        if asked & set(subsets):
            line = _line(row, kinds, subsets, reference)
            held.lines.append(line)
            held.figures += _figures(table.dataset, line, subsets, reference)
    return held


def _left_out(read: RowRead) -> str | None:
    return read.entry.subset.left_out


def _line(row: str, kinds: Sequence[str], subsets: Mapping[str, RowRead], reference: str) -> _Line:
    line = _Line(row, any(its.entry.control for its in subsets.values()))
    with_all = subsets.get(reference)
    pairs: dict[str, tuple[Influence, Influence]] = {}
    for its in subsets.values():
        kind = _left_out(its)
        if not kind or its.measured is None:
            continue
        line.unseen[kind] = its.measured.roc_auc.averaged.estimate()
        pair = _pair(kind, its, with_all)
        if pair is not None and with_all is not None and with_all.measured is not None:
            pairs[kind] = pair
            inside = _inside(with_all, [kind])
            design = with_all.measured.images.design.within(inside, _strata(with_all))
            unseen, seen = (each.on(design, inside) for each in pair)
            line.seen[kind] = seen.estimate()
            line.losses[kind] = (seen - unseen).estimate(difference=True)
    if kinds and set(kinds) == set(pairs) and with_all is not None:
        assert with_all.measured is not None  # there are pairs
        inside = _inside(with_all, kinds)
        design = with_all.measured.images.design.within(inside, _strata(with_all))
        unseen, seen = (_mean([pairs[kind][i] for kind in kinds], design, inside) for i in (0, 1))
        line.mean, line.mean_seen = unseen.estimate(), seen.estimate()
        line.mean_loss = (seen - unseen).estimate(difference=True)
    elif kinds and set(kinds) == set(line.unseen):
        values = [line.unseen[kind].value for kind in kinds]
        if None not in values:
            line.mean = Estimate(value=sum(value or 0.0 for value in values) / len(values))
    return line


def _pair(
    kind: str, without: RowRead, with_all: RowRead | None
) -> tuple[Influence, Influence] | None:
    """Give both figures over the images of the row that saw all kinds; None without such a row."""
    if with_all is None or with_all.measured is None or with_all.kinds is None:
        return None
    assert without.measured is not None
    if without.records[0].fingerprint != with_all.records[0].fingerprint:
        return None  # run on another state of the data
    names, design = with_all.measured.images.names, with_all.measured.images.design
    inside = _inside(with_all, [kind])
    if without.measured.images.names != tuple(np.array(names, dtype=object)[inside]):
        return None
    shares = np.zeros(len(names))
    shares[inside] = without.measured.shares
    chosen = np.array(with_all.kinds, dtype=object) == kind
    return (
        Influence(without.measured.roc_auc.averaged.seeds, ((design, shares),)),
        roc_auc_of_kind(with_all.measured.samples, design, chosen).averaged,
    )


def _mean(parts: Sequence[Influence], design: Design, inside: NDArray[np.bool_]) -> Influence:
    """Average over kinds, on the images of all of them."""
    shares = np.mean([own for part in parts for _, own in part.shares], axis=0)
    value = np.mean([part.value for part in parts])
    return Influence(np.array([value]), ((design, shares[inside]),))


def _inside(read: RowRead, kinds: Sequence[str]) -> NDArray[np.bool_]:
    """Tell the real images and those of some kinds from the others."""
    assert read.measured is not None
    labels = read.measured.images.design.labels
    of_kinds = np.isin(np.array(read.kinds, dtype=str), list(kinds))
    found: NDArray[np.bool_] = (labels != read.records[0].positive) | of_kinds
    return found


def _strata(read: RowRead) -> NDArray[np.intp]:
    """Give a number to the real images and to each kind."""
    strata: NDArray[np.intp] = np.unique(np.array(read.kinds, dtype=str), return_inverse=True)[1]
    return strata


def _reasons(dataset: str, own: Mapping[tuple[str, str], RowRead]) -> list[str]:
    """Say what could not be left out, a sentence a reason."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    n_rows: dict[str, int] = {}
    for (row, subset), its in own.items():
        if not subset:
            continue
        n_rows[subset] = n_rows.get(subset, 0) + 1
        for line in its.missing:
            rows.setdefault((subset, line.status, line.reason), []).append(row)
    said = []
    for (subset, status, reason), names in rows.items():
        of = "" if len(set(names)) == n_rows[subset] else f" of {', '.join(dict.fromkeys(names))}"
        what = "" if subset == UNKNOWN_KINDS else f" {subset}{of}"
        said.append(f"{dataset}{what}: {status}: {' '.join(reason.split())}.")
    return said


def _grid(dataset: str, kinds: Sequence[str], lines: Sequence[_Line]) -> Grid:
    def cell(line: _Line, kind: str) -> Cell:
        return _beside(line.unseen.get(kind, Estimate()), line.seen.get(kind, Estimate()))

    def cells(line: _Line) -> tuple[Cell, ...]:
        return (
            name_cell(line.row, control=line.control),
            *(cell(line, kind) for kind in kinds),
            _beside(line.mean, line.mean_seen),
            difference_cell(line.mean_loss),
        )

    columns = (
        Column("row", text=True, rising=True),
        *(Column(f"without {kind}", mark=CHANCE) for kind in kinds),
        Column("mean", mark=CHANCE),
        Column("loss", rising=True),
    )
    blocks = blocks_of((line.control, cells(line)) for line in lines)
    return Grid(columns, blocks, dataset, dataset=dataset)


def _beside(unseen: Estimate, seen: Estimate) -> Cell:
    found = figure_cell(unseen, drawn=True)
    said = [found.detail, f"seen {wording.figure(seen.value)}" if seen.value is not None else ""]
    return Cell(found.shown, found.value, "; ".join(part for part in said if part), span=found.span)


def _figures(
    dataset: str, line: _Line, subsets: Mapping[str, RowRead], reference: str
) -> list[ProtocolFigure]:
    found = []
    for subset, its in sorted(subsets.items()):
        kind = _left_out(its)
        if kind is None:
            continue
        common = {
            "protocol": KIND,
            "row": line.row,
            "fitted_on": dataset,
            "scored_on": dataset,
            "scored_part": kind,
        }
        if not kind or its.measured is None:
            reason = its.missing[0].reason if its.missing else ""
            found.append(
                ProtocolFigure(**common, fitted_part=subset, metric="roc_auc", reason=reason)
            )
            continue
        n, n_train = len(its.measured.images.names), its.records[0].n_fitted
        for part, metric, figure in (
            (subset, "roc_auc", line.unseen[kind]),
            (reference, "roc_auc", line.seen.get(kind)),
            (subset, "roc_auc_loss", line.losses.get(kind)),
        ):
            if figure is not None:
                found.append(
                    ProtocolFigure(
                        **common,
                        fitted_part=part,
                        metric=metric,
                        **figure.model_dump(),
                        n=n,
                        n_train=n_train if part == subset else None,
                    )
                )
    means = (
        ("mean roc_auc", line.mean),
        ("mean roc_auc seen", line.mean_seen),
        ("mean roc_auc_loss", line.mean_loss),
    )
    base = {"protocol": KIND, "row": line.row, "fitted_on": dataset, "scored_on": dataset}
    found += [
        ProtocolFigure(**base, metric=metric, **figure.model_dump())
        for metric, figure in means
        if figure.value is not None
    ]
    return found
