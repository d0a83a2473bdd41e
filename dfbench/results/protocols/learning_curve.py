"""Learning curves: what a row makes of more training images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dfbench.results.board.board import CHANCE, Table
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Chart, Column, Grid, Section
from dfbench.results.document.cells import figure_cell, name_cell
from dfbench.results.protocols.long_form import ProtocolFigure
from dfbench.results.records.subsets import fraction_of
from dfbench.results.statistics.estimate import Estimate

if TYPE_CHECKING:
    from dfbench.results.board.build import RowRead

PROTOCOL = "learning-curve"
DRAWN = 8
"""Rows in a picture at most: those with the highest figure at the end."""

_TEXT = (
    "ROC AUC of rows that were fitted on parts of the training images (95 % intervals by DeLong),"
    " on the same test images; smaller parts lie within larger ones, and the last point is the row"
    " itself. The last step is what the images beyond the largest part brought, with its paired"
    " interval: where that lies above 0, more images would probably help."
)


@dataclass(frozen=True)
class Curve:
    """The curve of a row: its points by rising number of training images.

    Attributes
    ----------
    sizes
        Training images, the mean over seeds.
    figures
        ROC AUC at each.
    gain
        Of the last step to the row itself.
    """

    row: str
    control: bool
    variants: tuple[str, ...]
    sizes: tuple[int, ...]
    figures: tuple[Estimate, ...]
    gain: Estimate


def learning_curves(
    tables: Sequence[Table], read: Mapping[tuple[str, str, str], RowRead]
) -> tuple[list[Section], list[ProtocolFigure]]:
    """Lay out the figures of rows by the number of images that they were fitted on.

    Parameters
    ----------
    tables
        Of the board: they give the order of data sets and rows.
    read
        By data set, row and variant what the cells came to.

    Returns
    -------
    sections
        One with a table and a picture a data set, or none where nothing was asked for.
    figures
        The same in their long form.
    """
    grids: list[Grid] = []
    charts: list[Chart] = []
    figures: list[ProtocolFigure] = []
    notes: list[str] = []
    for table in tables:
        asked = {
            variant: fraction
            for dataset, _, variant in read
            if dataset == table.dataset and (fraction := fraction_of(variant)) is not None
        }
        if not asked:
            continue
        order = [*sorted(asked, key=lambda variant: asked[variant]), ""]
        curves = []
        for row in dict.fromkeys(line.row for line in table.lines):
            own = {v: read[table.dataset, row, v] for v in order if (table.dataset, row, v) in read}
            if not set(own) & set(asked):
                continue
            curves.append(_curve(row, own))
            figures += _figures(table.dataset, own)
            for variant in asked:
                for line in own[variant].missing if variant in own else ():
                    reason = " ".join(line.reason.split())
                    notes.append(f"{table.dataset}, {variant}: {line.status}: {reason}.")
        if any(variant for curve in curves for variant in curve.variants):
            grids.append(_grid(table.dataset, order, curves))
            drawn = sorted(
                (c for c in curves if len(c.sizes) > 1 and not c.control),
                key=lambda c: -(c.figures[-1].value or 0.0),
            )[:DRAWN]
            if drawn:
                charts.append(_chart(table.dataset, drawn, len(charts)))
    if not grids and not notes:
        return [], []
    text = ((_TEXT,) if grids else ()) + tuple(dict.fromkeys(notes))
    return [Section("Learning curves", text, tuple(grids), tuple(charts))], figures


def _curve(row: str, own: Mapping[str, RowRead]) -> Curve:
    known = {variant: its for variant, its in own.items() if its.measured is not None}
    return Curve(
        row,
        any(its.entry.control for its in own.values()),
        tuple(known),
        tuple(_size(its) for its in known.values()),
        tuple(_figure(its) for its in known.values()),
        _gain(known),
    )


def _size(read: RowRead) -> int:
    return round(sum(record.n_train for record in read.records) / len(read.records))


def _figure(read: RowRead) -> Estimate:
    measured = read.measured
    assert measured is not None
    return measured.roc_auc.estimate()


def _gain(known: Mapping[str, RowRead]) -> Estimate:
    """Compare the row itself with the largest part; not where either is missing."""
    if "" not in known or len(known) < 2:
        return Estimate()
    of_last, of_before = known[""], known[list(known)[-2]]
    last, before = of_last.measured, of_before.measured
    if last is None or before is None or last.images.names != before.images.names:
        return Estimate()
    if of_last.records[0].fingerprint != of_before.records[0].fingerprint:
        return Estimate()  # run on another state of the data
    step = last.roc_auc.averaged - before.roc_auc.averaged.on(last.images.design)
    return step.estimate(difference=True)


def _grid(dataset: str, order: Sequence[str], curves: Sequence[Curve]) -> Grid:
    sizes: dict[str, list[int]] = {}
    for curve in curves:
        for variant, size in zip(curve.variants, curve.sizes, strict=True):
            sizes.setdefault(variant, []).append(size)
    shown = [variant for variant in order if variant in sizes]

    def title(variant: str) -> str:
        n = f"{round(sum(sizes[variant]) / len(sizes[variant])):,}"
        part = f"{100 * fraction:.6g} %" if (fraction := fraction_of(variant)) else "all"
        return f"{part} (n = {n})"

    def cells(curve: Curve) -> tuple[Cell, ...]:
        points = dict(zip(curve.variants, curve.figures, strict=True))
        gain = curve.gain
        ends = "" if gain.low is None else f"[{gain.low:+.3f}, {gain.high:+.3f}]"
        return (
            name_cell(curve.row, control=curve.control),
            *(figure_cell(points.get(variant, Estimate()), drawn=True) for variant in shown),
            Cell(wording.signed(gain.value), gain.value, ends),
        )

    columns = (
        Column("row", text=True, rising=True),
        *(Column(title(variant), mark=CHANCE) for variant in shown),
        Column("last step"),
    )
    parts = ([x for x in curves if not x.control], [x for x in curves if x.control])
    blocks = tuple(tuple(map(cells, part)) for part in parts if part)
    return Grid(columns, blocks, dataset, dataset=dataset)


def _chart(dataset: str, curves: Sequence[Curve], number: int) -> Chart:
    from dfbench.results.figures import learning

    return Chart(
        f"{dataset}: ROC AUC by the number of training images, with 95 % intervals"
        + (f"; the {DRAWN} highest rows" if len(curves) == DRAWN else ""),
        f"learning-{number}",
        partial(learning.curves, curves, dataset=dataset),
    )


def _figures(dataset: str, own: Mapping[str, RowRead]) -> list[ProtocolFigure]:
    found = []
    for variant, its in own.items():
        common = {
            "protocol": PROTOCOL,
            "row": its.entry.row,
            "fitted_on": dataset,
            "fitted_part": variant,
            "scored_on": dataset,
            "metric": "roc_auc",
        }
        if its.measured is None:
            reason = its.missing[0].reason if its.missing else ""
            found.append(ProtocolFigure(**common, reason=reason))
            continue
        found.append(
            ProtocolFigure(
                **common,
                **_figure(its).model_dump(),
                n=len(its.measured.images.names),
                n_train=_size(its),
            )
        )
    return found
