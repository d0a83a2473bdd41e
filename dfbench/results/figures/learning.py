"""Learning curves: a figure against the number of training images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from dfbench.results.figures.base import SOFT, colour, line, new, shortened, tidy
from dfbench.results.statistics.estimate import Estimate


def curves(found: Mapping[str, Sequence[tuple[int, Estimate]]], *, dataset: str) -> Figure:
    """Draw the curves of rows with their intervals, on a logarithmic axis of training images.

    Parameters
    ----------
    found
        By row, at least one, the number of training images and the figure of each point, by
        rising number.
    dataset
        Whose images they are.
    """
    figure = new(8, 4.6, f"{dataset}: learning curves")
    axes = figure.add_subplot()
    sizes = sorted({size for points in found.values() for size, _ in points})
    names = shortened(list(found), 32)
    for index, its in enumerate(found.values()):
        points = [
            # beside each other, so that intervals can be told apart
            (size * 1.015 ** (index - (len(found) - 1) / 2), value, each)
            for size, each in its
            if (value := each.value) is not None
        ]
        x = [at for at, _, _ in points]
        y = [value for _, value, _ in points]
        axes.plot(x, y, **line(index), markersize=5, label=names[index])
        for at, _, each in points:
            if each.low is not None and each.high is not None:
                axes.plot([at, at], [each.low, each.high], color=colour(index), alpha=0.5)
    axes.set_xscale("log")
    axes.axhline(0.5, color=SOFT, linestyle=":", linewidth=1)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(top=1.01)
    tidy(axes, "", "training images", "ROC AUC")
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
