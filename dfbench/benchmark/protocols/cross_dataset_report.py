"""Report across data sets: matrices, means over pairs, and thresholds taken along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dfbench.results.board.board import CHANCE
from dfbench.results.board.evaluations import EvaluatedRow, Scored
from dfbench.results.board.report import ProtocolFigure
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Chart, Column, Grid, Section
from dfbench.results.document.cells import blocks_of, dataset_cell, figure_cell, name_cell
from dfbench.results.records.records import Control
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.influence import Influence, combine, mean, rate, roc_auc

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

KIND = "cross-dataset"
DRAWN = 6
"""Rows that have a heat map."""
RATES = ("accuracy", "fpr", "tpr")
"""Figures of verdicts at the threshold that was chosen on the data set fitted on."""
_TITLES = {"roc_auc": "ROC AUC", "accuracy": "accuracy", "fpr": "FPR", "tpr": "TPR"}


@dataclass(frozen=True)
class Pair:
    """A row fitted on one data set and scored on another, or on its own.

    Attributes
    ----------
    scored
        None where there are no scores; `reason` says why.
    estimates
        By metric: ``roc_auc``, and `RATES` where there is a threshold.
    """

    row: str
    control: Control
    fitted_on: str
    scored_on: str
    n_train: int
    scored: Scored | None
    estimates: dict[str, Influence]
    reason: str = ""

    @property
    def home(self) -> bool:
        """Whether the model scored images of the data set that it was fitted on."""
        return self.fitted_on == self.scored_on


def pairs_of(rows: Sequence[EvaluatedRow]) -> list[Pair]:
    """Take the figures of all pairs of data sets, those at home included."""
    found = []
    for row in rows:
        said = "the row has no result on the data set it is fitted on"
        places = {(row.fitted_on, ""): row.home or said, **row.away}
        for (scored_on, _), scored in places.items():
            there = None if isinstance(scored, str) else scored
            found.append(
                Pair(
                    row.name,
                    row.control,
                    row.fitted_on,
                    scored_on,
                    row.n_train,
                    there,
                    {} if there is None else _estimates(there),
                    scored if isinstance(scored, str) else "",
                )
            )
    return found


def _estimates(scored: Scored) -> dict[str, Influence]:
    found = {"roc_auc": roc_auc(scored.samples, scored.design)}
    if scored.flagged is not None:
        truth = scored.truth == scored.positive
        found["accuracy"] = rate(scored.flagged == truth, scored.pooled)
        found["fpr"] = rate(scored.flagged, scored.design, ~truth)
        found["tpr"] = rate(scored.flagged, scored.design, truth)
    return found


@dataclass(frozen=True)
class Summary:
    """A row over all pairs of data sets that fit each other.

    Attributes
    ----------
    figures
        By name: ``home``, ``away`` (mean ROC AUC on the diagonal, off it), ``loss`` (mean over
        the pairs of what a model fitted on the data set itself has more), and for each of `RATES`
        ``<rate> home`` and ``<rate> away``. Not defined where a pair is missing.
    """

    row: str
    control: Control
    pairs: list[Pair]
    figures: dict[str, Estimate]


def summarise(pairs: Sequence[Pair]) -> list[Summary]:
    """Sum up each row, the highest mean off the diagonal first, controls last."""
    fitting = {(pair.fitted_on, pair.scored_on) for pair in pairs if not pair.home and pair.scored}
    found = []
    for name in dict.fromkeys(pair.row for pair in pairs):
        own = [pair for pair in pairs if pair.row == name]
        found.append(Summary(name, own[0].control, own, _means(own, fitting)))

    def order(of: Summary) -> tuple[bool, float, str]:
        value = of.figures["away"].value
        return bool(of.control), 2.0 if value is None else -value, of.row

    return sorted(found, key=order)


def _means(own: Sequence[Pair], fitting: set[tuple[str, str]]) -> dict[str, Estimate]:
    by_place = {(pair.fitted_on, pair.scored_on): pair.estimates for pair in own if pair.scored}
    homes = list(dict.fromkeys((name, name) for place in sorted(fitting) for name in place))
    names = ["home", "away", "loss", *(f"{name} {at}" for name in RATES for at in ("home", "away"))]
    figures = {name: Estimate() for name in names}
    if not fitting or not by_place.keys() >= {*fitting, *homes}:
        return figures
    away = sorted(fitting)
    for name in ("roc_auc", *RATES):
        if any(name not in by_place[place] for place in (*homes, *away)):
            continue
        at_home = mean([by_place[place][name] for place in homes])
        elsewhere = mean([by_place[place][name] for place in away])
        before = "" if name == "roc_auc" else f"{name} "
        figures[f"{before}home"], figures[f"{before}away"] = (
            at_home.estimate(),
            elsewhere.estimate(),
        )
    lost = [
        combine([(1, by_place[b, b]["roc_auc"]), (-1, by_place[a, b]["roc_auc"])]) for a, b in away
    ]
    figures["loss"] = mean(lost).estimate(difference=True)
    return figures


def long_form(pairs: Sequence[Pair], summaries: Sequence[Summary]) -> list[ProtocolFigure]:
    """Give all figures, those over several pairs with an empty data set."""
    found = []
    for pair in pairs:
        base: dict[str, Any] = {
            "protocol": KIND,
            "row": pair.row,
            "fitted_on": pair.fitted_on,
            "scored_on": pair.scored_on,
        }
        if pair.scored is None:
            found.append(ProtocolFigure(**base, metric="roc_auc", reason=pair.reason))
            continue
        for metric, estimate in pair.estimates.items():
            of = estimate.estimate().model_dump() | {"n": pair.scored.n, "n_train": pair.n_train}
            found.append(ProtocolFigure(**base, metric=metric, **of))
        if pair.scored.thresholds:
            cut = float(np.mean(pair.scored.thresholds))
            found.append(ProtocolFigure(**base, metric="threshold", value=cut))
    for each in summaries:
        base = {"protocol": KIND, "row": each.row, "fitted_on": "", "scored_on": ""}
        for name, figure in each.figures.items():
            found.append(ProtocolFigure(**base, metric=f"mean {name}", **figure.model_dump()))
    return found


def sections(pairs: Sequence[Pair], summaries: Sequence[Summary]) -> list[Section]:
    """Put the matrices, the means and the thresholds into tables and a picture."""
    datasets = list(dict.fromkeys(pair.fitted_on for pair in pairs))
    datasets += [p.scored_on for p in pairs if p.scored_on not in datasets]
    datasets = list(dict.fromkeys(datasets))
    shown = [each for each in summaries if any(p.scored and not p.home for p in each.pairs)]
    facts = _facts(pairs)
    grids, charts = [], []
    if shown:
        grids = [_means_grid(shown), _matrix_grid(shown, datasets)]
        drawn = [each for each in shown if not each.control][:DRAWN] or shown[:DRAWN]
        left_out = wording.not_drawn((each.row for each in shown), (each.row for each in drawn))
        charts = [_chart(drawn, datasets, left_out)]
    found = [
        Section(
            "Across data sets",
            (_MEANING + _INTERVALS, *facts),
            tuple(grids),
            tuple(charts),
            plainly=(_MEANING, *facts),
        )
    ]
    if any("accuracy" in pair.estimates for pair in pairs):
        grid = _transfer_grid(shown)
        found.append(Section("Thresholds taken along", (_TRANSFER,), (grid,), folded=True))
    return found


_MEANING = (
    "Models fitted on one data set score the evaluated images of the others, each shown as its own"
    " card says. Home is the mean ROC AUC on the data sets that models were fitted on, away the"
    " mean over all pairs off the diagonal; the loss is the mean, over these pairs, of what a model"
    " fitted on the data set itself has more."
)
_INTERVALS = " Intervals of ROC AUC are DeLong's; images of different data sets are independent."
_TRANSFER = (
    "The threshold was chosen on the tuning split of the data set fitted on (Youden's index, or the"
    " row's own rule) and is applied as it is to the images of the other: what a detector's user"
    " would meet. ROC AUC sees no threshold and hides this."
)


def _facts(pairs: Sequence[Pair]) -> list[str]:
    sizes = {pair.scored_on: pair.scored.n for pair in pairs if pair.scored}
    said = []
    if sizes:
        listed = ", ".join(f"{wording.count(n)} of {name}" for name, n in sizes.items())
        said.append(f"Images scored: {listed}.")
    seen = {(p.fitted_on, p.scored_on): p.scored.n_seen for p in pairs if p.scored and not p.home}
    for (fitted_on, scored_on), n in seen.items():
        if n:
            said.append(
                f"{wording.count(n)} of the images of {scored_on} are among those that models were"
                f" fitted on of {fitted_on}: figures of this pair are too good."
            )
    return said + _without(pairs)


def _without(pairs: Sequence[Pair]) -> list[str]:
    """Say which pairs of data sets have no figures, those of the same reason together."""
    rows: dict[tuple[str, str], list[str]] = {}
    for pair in pairs:
        if pair.scored is None and not pair.home:
            place = f"{pair.fitted_on} \N{RIGHTWARDS ARROW} {pair.scored_on}"
            rows.setdefault((place, pair.reason), []).append(pair.row)
    every = {pair.row for pair in pairs}
    places: dict[str, list[str]] = {}
    for (place, reason), names in rows.items():
        whose = "" if len(names) == len(every) else f" ({', '.join(names)})"
        places.setdefault(reason, []).append(place + whose)
    return [f"Without figures: {', '.join(its)}: {reason}." for reason, its in places.items()]


def _name(of: Summary) -> Cell:
    return name_cell(of.row, control=of.control)


def _means_grid(summaries: Sequence[Summary]) -> Grid:
    rates = [f"{name} {at}" for name in RATES for at in ("away", "home")]
    rates = [name for name in rates if any(s.figures[name].value is not None for s in summaries)]
    columns = (
        Column("row", text=True, rising=True),
        Column("AUC away", mark=CHANCE),
        Column("AUC home", mark=CHANCE),
        Column("loss", rising=True),
        *(Column(_spelt(name), rising=name.startswith("fpr")) for name in rates),
    )
    lines = []
    for of in summaries:
        figures = of.figures
        loss = figures["loss"]
        cells = (
            _name(of),
            figure_cell(figures["away"], drawn=True),
            figure_cell(figures["home"], drawn=True),
            Cell(wording.signed(loss.value), loss.value, wording.interval(loss)),
            *(figure_cell(figures[name]) for name in rates),
        )
        lines.append((of.control, cells))
    return Grid(columns, blocks_of(lines), "Means over pairs of data sets")


def _spelt(name: str) -> str:
    rate_of, at = name.split()
    return f"{_TITLES[rate_of]} {at}"


def _matrix_grid(summaries: Sequence[Summary], datasets: Sequence[str]) -> Grid:
    columns = (
        Column("row", text=True, rising=True),
        Column("fitted on", text=True, rising=True),
        *(Column(name, mark=CHANCE) for name in datasets),
    )
    blocks = []
    for of in summaries:
        by_place = {(pair.fitted_on, pair.scored_on): pair for pair in of.pairs}
        lines = []
        for fitted_on in dict.fromkeys(pair.fitted_on for pair in of.pairs):
            cells = [_heat_cell(by_place.get((fitted_on, name))) for name in datasets]
            lines.append((_name(of), dataset_cell(fitted_on), *cells))
        blocks.append(tuple(lines))
    return Grid(
        columns, tuple(blocks), "ROC AUC by data set fitted on (lines) and scored (columns)"
    )


def _heat_cell(pair: Pair | None) -> Cell:
    if pair is None or "roc_auc" not in pair.estimates:
        return Cell(wording.GAP)
    figure = pair.estimates["roc_auc"].estimate()
    cell = figure_cell(figure)
    heat = None if figure.value is None else max(0.0, 2 * figure.value - 1)
    return Cell(cell.shown, cell.value, cell.detail, heat=heat)


def _transfer_grid(summaries: Sequence[Summary]) -> Grid:
    columns = (
        Column("row", text=True, rising=True),
        Column("fitted on", text=True, rising=True),
        Column("scored on", text=True, rising=True),
        Column("threshold"),
        *(Column(_TITLES[name], rising=name == "fpr") for name in ("roc_auc", *RATES)),
    )
    blocks = []
    for of in summaries:
        lines = []
        for pair in of.pairs:
            if pair.scored is None or "accuracy" not in pair.estimates:
                continue
            cut = float(np.mean(pair.scored.thresholds))
            where = f"{pair.scored_on} (home)" if pair.home else pair.scored_on
            figures = [pair.estimates[name].estimate() for name in ("roc_auc", *RATES)]
            lines.append(
                (
                    _name(of),
                    dataset_cell(pair.fitted_on),
                    dataset_cell(pair.scored_on, where),
                    Cell(wording.figure(cut), cut),
                    *map(figure_cell, figures),
                )
            )
        if lines:
            blocks.append(tuple(lines))
    return Grid(columns, tuple(blocks))


def _chart(summaries: Sequence[Summary], datasets: Sequence[str], left_out: str) -> Chart:
    values = {
        of.row: [
            [_value(of, fitted_on, scored_on) for scored_on in datasets] for fitted_on in datasets
        ]
        for of in summaries
    }

    def draw() -> Picture:
        from dfbench.results.figures.protocols import matrices

        return matrices(values, datasets)

    caption = f"ROC AUC by data set fitted on (lines) and scored (columns){left_out}"
    return Chart(caption, "cross-dataset", draw)


def _value(of: Summary, fitted_on: str, scored_on: str) -> float:
    for pair in of.pairs:
        if (pair.fitted_on, pair.scored_on) == (fitted_on, scored_on) and pair.estimates:
            return pair.estimates["roc_auc"].value
    return float("nan")
