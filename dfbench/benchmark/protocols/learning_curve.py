"""Learning curves: what a row makes of more training images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from dfbench.benchmark.protocols.base import Protocol
from dfbench.results.board.board import CHANCE, Table
from dfbench.results.board.read import Read, RowRead
from dfbench.results.board.report import ProtocolFigure, Report
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Chart, Column, Grid, Section
from dfbench.results.document.cells import blocks_of, difference_cell, figure_cell, name_cell
from dfbench.results.records.subsets import Subset
from dfbench.results.statistics.estimate import Estimate
from dfbench.suites.datasets.manifest import Dataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Fraction = Annotated[float, Field(gt=0, lt=1)]

KIND = "learning-curve"
DRAWN = 8
"""Rows in a picture at most: those with the highest figure at the end."""

_ROWS = "ROC AUC of rows that were fitted on parts of the training images"
_PARTS = (
    " on the same test images; smaller parts lie within larger ones, and the last point is the row"
    " itself. The last step is what the images beyond the largest part brought"
)
_TEXT = (
    f"{_ROWS} (95 % intervals by DeLong),{_PARTS}, with its paired interval: where that lies above"
    " 0, more images would probably help."
)


class LearningCurve(Protocol):
    """Models are fitted on parts of the training images."""

    references: ClassVar = ()

    kind: Literal["learning-curve"]
    fractions: list[Fraction] = Field(default_factory=lambda: [0.1, 0.25, 0.5], min_length=1)
    """Of the training images, by class and with groups kept whole."""
    parameters: Literal["tuned", "of the row"] = "tuned"
    """``tuned``: anew for each part, within the budget of the row. ``of the row``: those that were
    found with all training images, which costs one fit a part and may not suit the small ones."""

    @property
    def keeps_parameters(self) -> bool:
        """As `parameters` says."""
        return self.parameters == "of the row"

    def subsets(self, dataset: Dataset) -> Sequence[Subset]:
        """List the parts, the smallest first."""
        return [Subset(fraction=fraction) for fraction in sorted(set(self.fractions))]

    @classmethod
    def report(cls, read: Read) -> Report:
        """Lay out the figures of rows by the number of images that they were fitted on."""
        found = [each for table in read.tables if (each := _curves(table, read)) is not None]
        grids = [_grid(each.dataset, each.curves) for each in found if each.some]
        notes = list(dict.fromkeys(note for each in found for note in each.notes))
        if not grids and not notes:
            return Report()
        drawn = [(each, chosen) for each in found if (chosen := _drawn(each))]
        charts = [_chart(*each, number) for number, each in enumerate(drawn)]
        text, plainly = (
            (*([said] if grids else []), *notes) for said in (_TEXT, f"{_ROWS},{_PARTS}.")
        )
        section = Section("Learning curves", text, tuple(grids), tuple(charts), plainly=plainly)
        return Report([section], figures=[figure for each in found for figure in each.figures])


@dataclass(frozen=True)
class Curve:
    """The curve of a row: its points by rising number of training images.

    Attributes
    ----------
    fractions
        Of the training images, 1 for the row itself.
    sizes
        Training images, the mean over seeds.
    figures
        ROC AUC at each.
    gain
        Of the last step to the row itself.
    """

    row: str
    control: bool
    fractions: tuple[float, ...]
    sizes: tuple[int, ...]
    figures: tuple[Estimate, ...]
    gain: Estimate


@dataclass(frozen=True)
class _Curves:
    """The curves of the rows of a data set, what is missing of them, and their long form."""

    dataset: str
    curves: list[Curve]
    notes: list[str]
    figures: list[ProtocolFigure]

    @property
    def some(self) -> bool:
        """Whether there is a point beside the rows themselves."""
        return any(fraction < 1 for curve in self.curves for fraction in curve.fractions)


def _curves(table: Table, read: Read) -> _Curves | None:
    """Gather the rows of a data set; None where nothing was asked for."""
    points: dict[str, dict[float, RowRead]] = {}
    for (row, _), its in read.of(table.dataset).items():
        subset = its.entry.subset
        if subset.left_out is None and not subset.merged:
            # as many digits as the name has: of older entries nothing else is known
            points.setdefault(row, {})[float(f"{subset.fraction or 1:.6g}")] = its
    if not any(fraction < 1 for own in points.values() for fraction in own):
        return None
    found = _Curves(table.dataset, [], [], [])
    for row in dict.fromkeys(line.row for line in table.lines):
        own = dict(sorted(points.get(row, {}).items()))
        if any(fraction < 1 for fraction in own):
            found.curves.append(_curve(row, own))
            found.figures.extend(_figures(table.dataset, own, found.curves[-1].gain))
            found.notes.extend(_missing(table.dataset, own))
    return found


def _missing(dataset: str, own: Mapping[float, RowRead]) -> list[str]:
    return [
        f"{dataset}, {its.entry.subset.name}: {line.status}: {' '.join(line.reason.split())}."
        for fraction, its in own.items()
        if fraction < 1
        for line in its.missing
    ]


def _drawn(found: _Curves) -> list[Curve]:
    """Choose the curves of a picture, those that end highest."""
    curves = [curve for curve in found.curves if len(curve.sizes) > 1 and not curve.control]
    return sorted(curves, key=lambda curve: -(curve.figures[-1].value or 0.0))[:DRAWN]


def _curve(row: str, own: Mapping[float, RowRead]) -> Curve:
    known = {fraction: its for fraction, its in own.items() if its.measured is not None}
    return Curve(
        row,
        any(its.entry.control for its in own.values()),
        tuple(known),
        tuple(_size(its) for its in known.values()),
        tuple(_figure(its) for its in known.values()),
        _gain(known),
    )


def _size(read: RowRead) -> int:
    return round(sum(record.n_fitted for record in read.records) / len(read.records))


def _figure(read: RowRead) -> Estimate:
    measured = read.measured
    assert measured is not None
    return measured.roc_auc.estimate()


def _gain(known: Mapping[float, RowRead]) -> Estimate:
    """Compare the row itself with the largest part; not where either is missing."""
    if 1 not in known or len(known) < 2:
        return Estimate()
    *_, of_before, of_last = known.values()
    last, before = of_last.measured, of_before.measured
    if last is None or before is None or last.images.names != before.images.names:
        return Estimate()
    if of_last.records[0].fingerprint != of_before.records[0].fingerprint:
        return Estimate()  # run on another state of the data
    step = last.roc_auc.averaged - before.roc_auc.averaged.on(last.images.design)
    return step.estimate(difference=True)


def _grid(dataset: str, curves: Sequence[Curve]) -> Grid:
    sizes: dict[float, list[int]] = {}
    for curve in curves:
        for fraction, size in zip(curve.fractions, curve.sizes, strict=True):
            sizes.setdefault(fraction, []).append(size)
    shown = sorted(sizes)

    def title(fraction: float) -> str:
        n = f"{round(sum(sizes[fraction]) / len(sizes[fraction])):,}"
        return f"{f'{100 * fraction:.6g} %' if fraction < 1 else 'all'} (n = {n})"

    def cells(curve: Curve) -> tuple[Cell, ...]:
        points = dict(zip(curve.fractions, curve.figures, strict=True))
        return (
            name_cell(curve.row, control=curve.control),
            *(figure_cell(points.get(fraction, Estimate()), drawn=True) for fraction in shown),
            difference_cell(curve.gain),
        )

    columns = (
        Column("row", text=True, rising=True),
        *(Column(title(fraction), mark=CHANCE) for fraction in shown),
        Column("last step"),
    )
    blocks = blocks_of((curve.control, cells(curve)) for curve in curves)
    return Grid(columns, blocks, dataset, dataset=dataset)


def _chart(found: _Curves, curves: Sequence[Curve], number: int) -> Chart:
    dataset = found.dataset
    points = {of.row: list(zip(of.sizes, of.figures, strict=True)) for of in curves}

    def draw() -> Figure:
        from dfbench.results.figures import learning

        return learning.curves(points, dataset=dataset)

    return Chart(
        f"{dataset}: ROC AUC by the number of training images, with 95 % intervals"
        + wording.not_drawn((of.row for of in found.curves), points),
        f"learning-{number}",
        draw,
    )


def _figures(dataset: str, own: Mapping[float, RowRead], gain: Estimate) -> list[ProtocolFigure]:
    found = []
    for its in own.values():
        common = {
            "protocol": KIND,
            "row": its.entry.row,
            "fitted_on": dataset,
            "fitted_part": its.entry.subset.name,
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
    if gain.value is not None:
        known = {"protocol", "row", "fitted_on", "scored_on", "n", "n_train"}
        of_row = found[-1].model_dump(include=known)
        found.append(ProtocolFigure(**of_row, metric="roc_auc_gain", **gain.model_dump()))
    return found
