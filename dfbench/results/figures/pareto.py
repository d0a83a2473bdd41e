"""What a row costs beside what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from dfbench.results.figures.base import COLOURS, DOT, SOFT, literal, new, tidy
from dfbench.results.figures.labels import annotate

_MARKS = {
    "features": ("o", COLOURS[0]),
    "network": ("s", COLOURS[1]),
    "derived": ("D", COLOURS[2]),
    "detector": ("^", COLOURS[3]),
    "control": ("X", SOFT),
    "": ("o", COLOURS[7]),
}


@dataclass(frozen=True, slots=True)
class Point:
    """A row.

    Attributes
    ----------
    name
        Of the row.
    rate
        Images per second, above 0.
    auc
        ROC AUC.
    span
        Its interval.
    kind
        ``features``, ``network``, ``derived``, ``detector``, ``control``, or nothing.
    front
        Whether it is on the Pareto front.
    """

    name: str
    rate: float
    auc: float
    span: tuple[float, float] | None = None
    kind: str = ""
    front: bool = False


def pareto(points: Sequence[Point], *, dataset: str) -> Figure:
    """Draw ROC AUC against images per second, and the front of what none is better and faster than.

    Parameters
    ----------
    points
        At least one.
    dataset
        Name of the data set.
    """
    figure = new(9, 5.6, f"{dataset}{DOT}ROC AUC beside images per second")
    axes = figure.add_subplot()
    front = sorted((p for p in points if p.front), key=lambda p: p.rate)
    axes.step(
        [p.rate for p in front], [p.auc for p in front],
        where="pre", color=SOFT, linewidth=1.2, zorder=2, label="Pareto front",
    )  # fmt: skip
    for kind in _MARKS:
        _scatter(axes, [p for p in points if p.kind == kind], kind)
    _scale(axes, [p.rate for p in points])
    tidy(axes, "", "images per second, from file to verdict (log)", "ROC AUC")
    axes.grid(color="#e6e9ed", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    figure.legend(
        *axes.get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8,
        frameon=False,
    )  # fmt: skip
    # from the front on, the best first: the others stand where there is room left
    order = sorted(points, key=lambda p: (not p.front, -p.auc))
    annotate(
        axes,
        [(p.rate, p.auc) for p in order],
        [literal(p.name) for p in order],
        [p.front for p in order],
        [7.0 if p.front else 5.0 for p in order],
        [
            line
            for a, b in pairwise(front)
            for line in (
                ((a.rate, a.auc), (a.rate, b.auc)),
                ((a.rate, b.auc), (b.rate, b.auc)),
            )
        ],
    )
    return figure


def _scatter(axes: Axes, points: Sequence[Point], kind: str) -> None:
    """Draw the rows of a kind, those of the front larger and with an edge."""
    mark, colour = _MARKS[kind]
    for p in points:
        if p.span is not None:
            axes.plot([p.rate] * 2, p.span, color=colour, alpha=0.3, linewidth=1, zorder=1)
    for some, size, edge in (
        ([p for p in points if not p.front], 26, "none"),
        ([p for p in points if p.front], 64, "black"),
    ):
        axes.scatter(
            [p.rate for p in some], [p.auc for p in some],
            marker=mark, color=colour, s=size, edgecolors=edge, zorder=3,
        )  # fmt: skip
    if points:
        axes.scatter([], [], marker=mark, color=colour, s=40, label=kind or "other")


def _scale(axes: Axes, rates: Sequence[float]) -> None:
    """Lay out the horizontal axis: by the logarithm, with room for names to the right."""
    low, high = min(rates), max(rates)
    axes.set_xscale("log")
    axes.set_xlim(low / 1.6, high * 1.9)
    subs = (1.0, 2.0, 5.0) if high / low > 8 else (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.5g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
