"""Report of robustness: figures under each change, areas under them, flips, and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dfbench.results.board.board import CHANCE
from dfbench.results.board.evaluations import EvaluatedRow, Scored
from dfbench.results.board.report import ProtocolFigure
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Chart, Column, Grid, Section
from dfbench.results.document.cells import (
    blocks_of,
    difference_cell,
    figure_cell,
    name_cell,
)
from dfbench.results.records.records import Control
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.influence import Influence, mean, rate, ratio, roc_auc
from dfbench.suites.suite import ROBUST

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

KIND = "robustness"
PAIRED = "Fitted on changed copies too"
"""Title of the table of rows and their variants."""
DRAWN = 6
"""Rows that are drawn."""
_NEUTRAL = {"brightness": 1.0, "contrast": 1.0}
"""Strength at which an operation that goes both ways changes nothing."""


@dataclass(frozen=True)
class Changed:
    """A row on the images of its data set under a change."""

    auc: Influence
    accuracy: Influence
    flips: Influence


@dataclass(frozen=True)
class Robust:
    """A row on its own images and on these changed.

    Attributes
    ----------
    changes
        By chain, such as ``jpeg=70``; the reason where there are no scores.
    operations
        By operation the chains of its strengths, as they were asked for. What several operations
        are chained from is one of its own: ``resize+jpeg``.
    unchanged
        ROC AUC of the images as they are.
    areas
        By operation the area under ROC AUC against strength: the mean over the unchanged images
        and all strengths, each as much as any other. Without those where a strength is missing.
    changed
        Mean over the operations of the mean ROC AUC over their strengths. None where one is
        missing; so for `flips`.
    flips
        The same of the share of images whose verdict is another than on the unchanged image.
    """

    row: str
    dataset: str
    control: Control
    scored: Scored
    n_train: int
    changes: dict[str, Changed | str]
    operations: dict[str, list[str]]
    unchanged: Influence
    areas: dict[str, Influence]
    changed: Influence | None
    flips: Influence | None

    @property
    def loss(self) -> Influence | None:
        """What the changes take of ROC AUC, on the same images: `unchanged` less `changed`."""
        return None if self.changed is None else self.unchanged - self.changed

    @property
    def worst(self) -> tuple[str, Influence] | None:
        """The change of the lowest ROC AUC."""
        found = [(k, of.auc) for k, of in self.changes.items() if isinstance(of, Changed)]
        return min(found, key=lambda each: each[1].value, default=None)


def measure(row: EvaluatedRow) -> Robust | None:
    """Take the figures of a row; None where it has no scores of its own."""
    home = row.home
    if home is None:
        return None
    changes: dict[str, Changed | str] = {}
    operations: dict[str, list[str]] = {}
    for (_, change), scored in row.away.items():
        operations.setdefault(operation_of(change), []).append(change)
        if isinstance(scored, str):
            changes[change] = scored
        elif scored.design is not home.design:
            changes[change] = "other images were scored than those of the row: run again"
        else:
            changes[change] = Changed(
                roc_auc(scored.samples, scored.design),
                rate(scored.said == scored.truth, scored.pooled),
                rate(scored.said != home.said, scored.pooled),
            )
    unchanged = roc_auc(home.samples, home.design)
    whole = {
        name: found
        for name, chains in operations.items()
        if len(found := [x for x in map(changes.get, chains) if isinstance(x, Changed)])
        == len(chains)
    }
    areas = {
        name: mean([unchanged, *(each.auc for each in found)]) for name, found in whole.items()
    }
    changed = flips = None
    if len(whole) == len(operations):
        changed = mean([mean([each.auc for each in found]) for found in whole.values()])
        flips = mean([mean([each.flips for each in found]) for found in whole.values()])
    return Robust(
        row.name,
        row.fitted_on,
        row.control,
        home,
        row.n_train,
        changes,
        operations,
        unchanged,
        areas,
        changed,
        flips,
    )


@dataclass(frozen=True)
class Pair:
    """What a row loses under the same changes as itself and fitted on changed copies too.

    Attributes
    ----------
    row
        Name of the plain row.
    loss, variant
        `Robust.loss` of the plain row and of its variant.
    ratio
        The second as a share of the first; None where the interval of the first has 0 in it.
    """

    row: str
    control: Control
    loss: Influence
    variant: Influence
    ratio: Influence | None


def pairs(rows: Sequence[Robust]) -> list[Pair]:
    """Pair the rows of one data set with their variants, where both have all figures."""
    by_name = {row.row: row for row in rows}
    found = []
    for row in rows:
        other = by_name.get(row.row + ROBUST)
        if other is None or other.changes.keys() != row.changes.keys():
            continue
        loss, variant = row.loss, other.loss
        if loss is None or variant is None:
            continue
        least = _least(loss.estimate(difference=True))
        share = ratio(variant, loss) if least is not None and least > 0 else None
        found.append(Pair(row.row, row.control, loss, variant, share))
    return found


def _least(of: Estimate) -> float | None:
    return of.value if of.low is None else of.low


def operation_of(change: str) -> str:
    """Name what a chain does, without its strengths: ``resize+jpeg``."""
    return "+".join(step.partition("=")[0] for step in change.split("+"))


def strength_of(change: str) -> str:
    """Give the strengths of a chain: ``0.5+70``."""
    return "+".join(step.partition("=")[2] for step in change.split("+"))


def long_form(rows: Sequence[Robust]) -> list[ProtocolFigure]:
    """Give all figures of the rows of one data set."""
    found = []
    shares = {pair.row + ROBUST: pair.ratio for pair in pairs(rows)}
    for row in rows:

        def add(
            part: str,
            metric: str,
            of: Influence | None,
            reason: str = "",
            row: Robust = row,
            difference: bool = False,
        ) -> None:
            figure = Estimate() if of is None else of.estimate(difference=difference)
            found.append(
                ProtocolFigure(
                    protocol=KIND,
                    row=row.row,
                    fitted_on=row.dataset,
                    scored_on=row.dataset,
                    scored_part=part,
                    metric=metric,
                    n=row.scored.n,
                    n_train=row.n_train,
                    reason=reason,
                    **figure.model_dump(),
                )
            )

        add("", "roc_auc", row.unchanged)
        for change, each in row.changes.items():
            if isinstance(each, str):
                add(change, "roc_auc", None, each)
                continue
            add(change, "roc_auc", each.auc)
            add(change, "accuracy", each.accuracy)
            add(change, "flips", each.flips)
        for name, area in row.areas.items():
            add(name, "area", area)
        add("all changes", "mean roc_auc", row.changed)
        add("all changes", "mean flips", row.flips)
        add("all changes", "mean roc_auc_loss", row.loss, difference=True)
        if row.row in shares:
            why = "" if shares[row.row] else "what the plain row loses is no certain loss"
            add("all changes", "loss_ratio", shares[row.row], why, difference=True)
    return found


_MEANING = (
    "The evaluated images were changed and scored once more by the same models. A column of an"
    " operation is the area under ROC AUC against its strength: the mean over the unchanged images"
    " and all its strengths, each as much as any other. Changed is the mean over operations of the"
    " mean over their strengths, the unchanged images left out; flips is the same mean of the share"
    " of images whose verdict is another than on the unchanged image, rightly or wrongly."
)

_PAIRED = (
    "Loss is unchanged less changed, for a row and for its variant that was fitted on changed"
    " copies of the training images too; the ratio is the variant's loss as a share of the row's:"
    " below 1 it loses less. It stands where the row's loss is certain: its interval is above 0."
)


def section(rows: Sequence[Robust]) -> Section:
    """Put the rows of one data set into a table and curves, the best under changes first."""

    def order(of: Robust) -> tuple[bool, float, str]:
        return bool(of.control), 2.0 if of.changed is None else -of.changed.value, of.row

    ordered = sorted(rows, key=order)
    operations: dict[str, list[str]] = {}
    for row in ordered:
        for name, chains in row.operations.items():
            known = operations.setdefault(name, [])
            known += [chain for chain in chains if chain not in known]
    strengths = "; ".join(
        f"{name} {', '.join(map(strength_of, its))}" for name, its in operations.items()
    )
    text = [_MEANING, f"Strengths: {strengths}. Images: {wording.count(ordered[0].scored.n)}."]
    text += _missing(ordered)
    columns = (
        Column("row", text=True, rising=True),
        Column("unchanged", mark=CHANCE),
        Column("changed", mark=CHANCE),
        Column("flips", rising=True),
        *(Column(name) for name in operations),
        Column("worst"),
        Column("worst change", text=True, rising=True),
    )
    blocks = blocks_of((row.control, _cells(row, list(operations))) for row in ordered)
    drawn = [row for row in ordered if not row.control and row.changed is not None][:DRAWN]
    drawn = drawn or ordered[:DRAWN]
    chart = Chart(
        "ROC AUC against strength, by operation; shaded: 95 % intervals"
        + wording.not_drawn((row.row for row in ordered), (row.row for row in drawn)),
        f"robustness-{ordered[0].dataset}",
        lambda: _draw(drawn, operations),
    )
    grids = [Grid(columns, blocks)]
    if paired := pairs(ordered):
        text.append(_PAIRED)
        grids.append(_paired(paired))
    return Section("Robustness", tuple(text), tuple(grids), (chart,))


def _paired(found: Sequence[Pair]) -> Grid:
    """Lay out rows beside their variants, in the order of the table above."""
    columns = (
        Column("row", text=True, rising=True),
        Column("loss", rising=True),
        Column(f"loss {ROBUST}", rising=True),
        Column("ratio", rising=True),
    )

    def cells(pair: Pair) -> tuple[Cell, ...]:
        loss, variant = (of.estimate(difference=True) for of in (pair.loss, pair.variant))
        share = Estimate() if pair.ratio is None else pair.ratio.estimate(difference=True)
        name = name_cell(pair.row, control=pair.control)
        return (name, difference_cell(loss), difference_cell(variant), figure_cell(share))

    blocks = blocks_of((pair.control, cells(pair)) for pair in found)
    return Grid(columns, blocks, PAIRED)


def _cells(row: Robust, operations: Sequence[str]) -> tuple[Cell, ...]:
    worst = row.worst
    name = name_cell(row.row, control=row.control)
    figures = [
        row.unchanged,
        row.changed,
        row.flips,
        *(row.areas.get(operation) for operation in operations),
        None if worst is None else worst[1],
    ]
    cells = [
        figure_cell(Estimate() if of is None else of.estimate(), drawn=at < 2)
        for at, of in enumerate(figures)
    ]
    return (name, *cells, Cell(wording.GAP if worst is None else worst[0], worst and worst[0]))


def _missing(rows: Sequence[Robust]) -> list[str]:
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for change, found in row.changes.items():
            if isinstance(found, str):
                reasons.setdefault((found, row.row), []).append(change)
    shared: dict[tuple[str, str], list[str]] = {}
    for (reason, name), changes in reasons.items():
        shared.setdefault((reason, ", ".join(changes)), []).append(name)
    return [
        f"Without figures: {', '.join(names)} under {changes}: {reason}."
        for (reason, changes), names in shared.items()
    ]


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a row under an operation, in the order of the axis: value, low, high."""

    row: str
    points: list[tuple[float, float | None, float | None]]


def curves(
    rows: Sequence[Robust], operations: Mapping[str, Sequence[str]]
) -> dict[str, tuple[list[str], list[Curve]]]:
    """Give by operation the marks of its axis and a curve a row.

    The unchanged images come first; where strengths lie on both sides of what changes nothing
    (brightness), between them.
    """
    found = {}
    for name, chains in operations.items():
        order = ["", *chains]
        neutral = _NEUTRAL.get(name)
        if neutral is not None:
            below = [chain for chain in chains if float(strength_of(chain)) < neutral]
            above = [chain for chain in chains if chain not in below]
            if below and above:
                by_strength = sorted(chains, key=lambda chain: float(strength_of(chain)))
                order = [*by_strength[: len(below)], "", *by_strength[len(below) :]]
        marks = [strength_of(chain) if chain else "none" for chain in order]
        its = []
        for row in rows:
            points = []
            for chain in order:
                of = row.changes.get(chain, "") if chain else None
                estimate = row.unchanged if of is None else None
                if isinstance(of, Changed):
                    estimate = of.auc
                figure = Estimate() if estimate is None else estimate.estimate()
                value = float("nan") if figure.value is None else figure.value
                points.append((value, figure.low, figure.high))
            its.append(Curve(row.row, points))
        found[name] = marks, its
    return found


def _draw(rows: Sequence[Robust], operations: Mapping[str, Sequence[str]]) -> Picture:
    from dfbench.results.figures.protocols import small_multiples

    found = curves(rows, operations)
    title = f"{rows[0].dataset}: ROC AUC of {wording.count(rows[0].scored.n)} images, changed"
    return small_multiples(
        {name: (marks, [(c.row, c.points) for c in its]) for name, (marks, its) in found.items()},
        title=title,
    )
