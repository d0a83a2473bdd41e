"""The critical-difference diagram."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dfbench.results.figures import fonts
from dfbench.results.figures.base import COLOURS, DOT, SOFT, literal, new
from dfbench.results.statistics.ranks import cliques

_AXIS = 4.6
"""Inches of the axis of ranks."""
_LINE = 0.21
"""Inches between two names."""
_STEP = 0.085
"""Inches between two bars."""
_SIZE = 8.5


def critical_difference(
    names: Sequence[str], ranks: Sequence[float], critical: float, *, n_datasets: int
) -> Figure:
    """Draw mean ranks on an axis, and bars that join the rows that they cannot tell apart.

    Demsar (2006), "Statistical comparisons of classifiers over multiple data sets", JMLR 7,
    figure 1.

    Parameters
    ----------
    names, ranks
        Of R rows, at least two, by mean rank, 1 the best.
    critical
        Difference of mean ranks from which on two rows differ.
    n_datasets
        Data sets that the ranks are from.
    """
    n = len(names)
    bars = _levels(cliques(np.asarray(ranks, dtype=np.float64), critical))
    n_levels = 1 + max((level for _, _, level in bars), default=-1)
    n_left = (n + 1) // 2
    below = 0.16 + _STEP * n_levels
    height = 1.0 + below + _LINE * n_left
    title = f"mean ranks of {n} rows over {n_datasets} data sets{DOT}best to the left"
    labels = [f"{literal(name)}  {rank:.2f}" for name, rank in zip(names, ranks, strict=True)]
    widths = _widths(labels)
    left = 0.35 + max(widths[:n_left])
    right = 0.35 + max(widths[n_left:])
    figure = new(left + _AXIS + right, height, title)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, left + _AXIS + right)
    axes.set_ylim(0, height)

    def at(rank: float) -> float:
        return left + (rank - 1) / max(1, n - 1) * _AXIS

    top = height - 1.0
    _scale(axes, at, n, top)
    _difference(axes, at, n, critical, top + 0.42)
    for first, last, level in bars:
        y = top - 0.1 - _STEP * level
        ends = [at(ranks[first]) - 0.05, at(ranks[last]) + 0.05]
        axes.plot(ends, [y, y], color=COLOURS[0], linewidth=3, solid_capstyle="butt", zorder=3)
    for i, (label, rank) in enumerate(zip(labels, ranks, strict=True)):
        on_left = i < n_left
        y = top - below - _LINE * (i if on_left else n - 1 - i)
        end = left - 0.12 if on_left else left + _AXIS + 0.12
        axes.plot([at(rank), at(rank), end], [top, y, y], color=SOFT, linewidth=0.8)
        axes.text(
            end + (-0.06 if on_left else 0.06), y, label,
            ha="right" if on_left else "left", va="center", fontsize=_SIZE,
        )  # fmt: skip
    return figure


def _widths(labels: Sequence[str]) -> list[float]:
    """Measure labels, in inches."""
    sheet = new(1, 1, "")
    texts = [sheet.text(0, 0, label, fontsize=_SIZE) for label in labels]
    fonts.fit(sheet)
    return [text.get_window_extent().width / sheet.dpi for text in texts]


def _levels(bars: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Give each bar the first level on which no other meets it."""
    ends: list[int] = []
    placed = []
    for first, last in bars:
        level = next((i for i, end in enumerate(ends) if end < first), len(ends))
        ends[level : level + 1] = [last]
        placed.append((first, last, level))
    return placed


def _scale(axes: Axes, at: Callable[[float], float], n: int, top: float) -> None:
    axes.plot([at(1), at(n)], [top, top], color="black", linewidth=1.2)
    for tick in range(1, n + 1, 1 + (n - 1) // 14):
        x = at(tick)
        axes.plot([x, x], [top, top + 0.06], color="black", linewidth=1.2)
        axes.text(x, top + 0.09, f"{tick}", ha="center", va="bottom", fontsize=8)


def _difference(
    axes: Axes, at: Callable[[float], float], n: int, critical: float, y: float
) -> None:
    """Draw how long the critical difference is, no longer than the axis."""
    reach = at(1 + min(critical, n - 1))
    axes.plot([at(1), reach], [y, y], color="black", linewidth=1.4)
    for x in (at(1), reach):
        axes.plot([x, x], [y - 0.05, y + 0.05], color="black", linewidth=1.4)
    beyond = "" if critical <= n - 1 else ", wider than the axis"
    axes.text(
        (at(1) + reach) / 2, y + 0.07, f"critical difference {critical:.2f}{beyond}",
        ha="center", va="bottom", fontsize=8,
    )  # fmt: skip
