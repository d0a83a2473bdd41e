"""Pictures of protocols: matrices over data sets, curves over strengths."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from dfbench.results.figures.base import SOFT, colour, line, new, shortened, tidy

_ACROSS = 3
Points = Sequence[tuple[float, float | None, float | None]]
"""Value and ends of the interval; NaN is a gap."""


def matrices(values: Mapping[str, Sequence[Sequence[float]]], names: Sequence[str]) -> Figure:
    """Draw a heat map a row of the board: fitted on (lines), scored on (columns).

    Parameters
    ----------
    values
        By row of the board: ROC AUC, shape (D, D); NaN is a gap.
    names
        Of the D data sets.
    """
    across = min(_ACROSS, len(values))
    down = math.ceil(len(values) / across)
    side = 1.1 + 0.75 * len(names)
    figure = new(
        max(4.5, across * (side + 0.5)),
        down * side + 0.9,
        "ROC AUC by data set: fitted on (lines), scored on (columns)",
    )
    axes = figure.subplots(down, across, squeeze=False, sharey=True)
    for place in axes.flat[len(values) :]:
        place.set_axis_off()
    labels = shortened(names, 20)
    titles = shortened(list(values), 30)
    shown = None
    for place, title, matrix in zip(axes.flat, titles, values.values(), strict=False):
        found = np.asarray(matrix, dtype=float)
        shown = place.imshow(found, cmap="cividis", vmin=0.5, vmax=1)
        for y, x in np.ndindex(found.shape):
            value = found[y, x]
            said = "\N{EN DASH}" if math.isnan(value) else f"{value:.2f}"
            dark = not math.isnan(value) and value < 0.75
            place.text(
                x, y, said, ha="center", va="center", fontsize=9,
                fontweight="bold" if x == y else "normal", color="white" if dark else "black",
            )  # fmt: skip
        place.set_xticks(range(len(names)), labels, rotation=30, ha="right")
        place.set_yticks(range(len(names)), labels)
        tidy(place, title)
        for side_of in ("left", "bottom"):
            place.spines[side_of].set_visible(False)
        place.tick_params(length=0)
    if shown is not None:
        bar = figure.colorbar(shown, ax=axes, shrink=0.8, extend="min")
        bar.set_label("ROC AUC", fontsize=9)
        bar.ax.tick_params(labelsize=8)
    return figure


def small_multiples(
    panels: Mapping[str, tuple[Sequence[str], Sequence[tuple[str, Points]]]], *, title: str
) -> Figure:
    """Draw a panel an operation, with a curve a row over its strengths.

    Parameters
    ----------
    panels
        By operation: the marks of the axis, and by row the points over them.
    title
        Above all.
    """
    across = min(_ACROSS, len(panels))
    down = math.ceil(len(panels) / across)
    figure = new(max(5.0, 3.3 * across), 2.5 * down + 1.1, title)
    axes = figure.subplots(down, across, squeeze=False, sharey=True)
    for place in axes.flat[len(panels) :]:
        place.set_axis_off()
    for number, (place, (name, (marks, rows))) in enumerate(
        zip(axes.flat, panels.items(), strict=False)
    ):
        span = np.arange(len(marks))
        place.axhline(0.5, color=SOFT, linestyle=":", linewidth=1)
        labels = shortened([row for row, _ in rows], 34)
        for index, (_, points) in enumerate(rows):
            values = np.array([value for value, _, _ in points])
            low, high = (
                np.array([np.nan if ends[k] is None else ends[k] for ends in points], dtype=float)
                for k in (1, 2)
            )
            place.fill_between(span, low, high, color=colour(index), alpha=0.10, linewidth=0)
            place.plot(
                span, values, **line(index), markersize=4.5, linewidth=1.4, label=labels[index],
            )  # fmt: skip
        place.set_xticks(span, marks)
        place.set_xlim(-0.25, len(marks) - 0.75)
        tidy(place, name, "", "ROC AUC" if number % across == 0 else "")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    if handles:
        figure.legend(
            handles, labels, loc="outside lower center", ncols=min(3, len(handles)), fontsize=8,
            frameon=False,
        )  # fmt: skip
    return figure
