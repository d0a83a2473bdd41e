"""A data set at a glance."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dfbench.results.figures.base import (
    COLOURS,
    DOT,
    SOFT,
    colour,
    hatch,
    literal,
    new,
    shortened,
    tidy,
)

_COMMON = 10
_SAMPLES = 6
_MOST_CLASSES = 10


def overview(
    counts: Mapping[str, Mapping[str, int]],
    samples: Mapping[str, Sequence[NDArray[np.uint8]]],
    sizes: Sequence[tuple[int, int]],
    *,
    name: str,
) -> Figure:
    """Draw counts, a few images of each class, and how large images are.

    Parameters
    ----------
    counts
        Images by split and class.
    samples
        Some images of each class, RGB.
    sizes
        Width and height of every image.
    name
        Of the data set.
    """
    classes, others = list(samples)[:_MOST_CLASSES], list(samples)[_MOST_CLASSES:]
    height = 3.4 + 1.45 * len(classes)
    figure = new(10, height + 0.6, f"{name}{DOT}{len(sizes):,} images")
    parts: Any = figure.subfigures(2, 1, height_ratios=(3.4, 1.45 * max(1, len(classes))))
    upper, lower = parts
    left, middle, right = upper.subplots(1, 3)
    _counts(left, counts, list(samples))
    _common(middle, sizes)
    _histogram(right, sizes)
    grid = lower.subplots(max(1, len(classes)), _SAMPLES, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    for row, label, shown in zip(grid, classes, shortened(classes, 24), strict=False):
        for axes, image in zip(row, samples[label], strict=False):
            axes.imshow(image)
        row[0].set_title(shown, fontsize=10, loc="left", fontweight="bold")
    if others:
        said = textwrap.fill(f"without images here: {', '.join(map(literal, others))}", 130)
        figure.supxlabel(said, fontsize=8, color=SOFT)
    return figure


def _counts(axes: Axes, counts: Mapping[str, Mapping[str, int]], classes: Sequence[str]) -> None:
    present = {label for split in counts.values() for label in split}
    names = [*classes, *sorted(present - set(classes))]
    splits = [s for s in ("train", "validation", "test") if s in counts]
    splits += [s for s in counts if s not in splits]
    width = 0.8 / max(1, len(names))
    for index, (label, title) in enumerate(zip(names, shortened(names, 18), strict=True)):
        places = np.arange(len(splits)) + (index - (len(names) - 1) / 2) * width
        values = [counts[split].get(label, 0) for split in splits]
        bars = axes.bar(
            places, values, width, color=colour(index), hatch=hatch(index), edgecolor="white",
            linewidth=0, label=title,
        )  # fmt: skip
        if len(names) * len(splits) <= 9:
            shown = [f"{value:,}" if value else "" for value in values]
            axes.bar_label(bars, shown, fontsize=7, padding=1)
    axes.set_xticks(range(len(splits)), list(map(literal, splits)))
    axes.margins(y=0.15 + 0.09 * -(-len(names) // 2))
    tidy(axes, "images by split and class")
    axes.legend(fontsize=7, frameon=False, ncols=2, loc="upper right")


def _common(axes: Axes, sizes: Sequence[tuple[int, int]]) -> None:
    common = Counter(sizes).most_common(_COMMON)[::-1]
    bars = axes.barh(range(len(common)), [n for _, n in common], color=COLOURS[0])
    axes.bar_label(bars, [f"{n:,}" for _, n in common], fontsize=7, padding=2)
    axes.set_yticks(
        range(len(common)), [f"{w} \N{MULTIPLICATION SIGN} {h}" for (w, h), _ in common]
    )
    axes.set_ylim(-0.8, max(2.0, len(common)) - 0.2)
    axes.margins(x=0.2)
    different = len(set(sizes))
    said = f"most common of {different:,} sizes" if different > _COMMON else "sizes"
    tidy(axes, f"{said} (width \N{MULTIPLICATION SIGN} height)", "images")


def _histogram(axes: Axes, sizes: Sequence[tuple[int, int]]) -> None:
    values = np.asarray(sizes, dtype=float).reshape(-1, 2)
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    alone = high == low
    bins = np.array([0.9, 1.1]) * max(low, 1) if alone else np.linspace(low - 0.5, high + 0.5, 31)
    for index, name in enumerate(("width", "height")):
        axes.hist(
            values[:, index], bins=bins.tolist(), histtype="step", linewidth=1.6 - 0.4 * index,
            linestyle=("-", "--")[index], color=(COLOURS[0], COLOURS[1])[index], label=name,
        )  # fmt: skip
    if alone:
        axes.set_xlim(0, max(2 * low, 1))
        axes.text(
            0.5, 0.5, f"all {low:.0f} pixels", transform=axes.transAxes, ha="center", color=SOFT
        )
    tidy(axes, "widths and heights", "pixels", "images")
    axes.legend(fontsize=8, frameon=False)
