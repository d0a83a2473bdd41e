"""What all figures share: titles, colours, saving."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dfbench.files import atomic_path
from dfbench.plain import in_line

COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#8C8C8C",
    "#7A5195",
    "#B8A800",
)
"""The first seven are Okabe and Ito's (2008), which colour-blind readers can tell apart."""
SOFT = "#6b7280"
DOT = "  \N{MIDDLE DOT}  "
_DPI = 100
_LETTER = 0.095
"""Inches of a letter of a title."""


@dataclass(frozen=True, slots=True)
class Title:
    """Whose figure it is.

    Attributes
    ----------
    n
        Number of images that it shows.
    split
        Where they are from.
    """

    dataset: str
    row: str
    n: int
    split: str

    def __str__(self) -> str:
        return DOT.join([self.dataset, self.row, f"n = {self.n:,} {self.split} images"])


def literal(text: str) -> str:
    """Write names of anybody's for a figure: a dollar begins no formula there."""
    return in_line(text).replace("$", r"\$")


def new(width: float, height: float, title: str) -> Figure:
    """Make an empty figure of so many inches."""
    figure = Figure(figsize=(width, height), layout="constrained", dpi=_DPI)
    FigureCanvasAgg(figure)
    figure.suptitle(_broken(title, round(width / _LETTER)), fontsize=11, fontweight="bold")
    return figure


def _broken(title: str, width: int) -> str:
    """Break a title, between its parts where that does."""
    lines = [""]
    for part in literal(title).split(DOT):
        joined = f"{lines[-1]}{DOT}{part}" if lines[-1] else part
        if len(joined) <= width:
            lines[-1] = joined
        else:
            lines += textwrap.wrap(part, width)
    return "\n".join(line for line in lines if line)


def tidy(axes: Axes, title: str, x: str = "", y: str = "") -> None:
    """Give axes their words, and take away what says nothing."""
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def shortened(names: Sequence[str], width: int = 14) -> list[str]:
    """Shorten names in their middle, no further than they still differ; see `literal`."""
    for wide in range(width, max(map(len, names), default=0)):
        found = [_short(name, wide) for name in names]
        if len(set(found)) == len(set(names)):
            return list(map(literal, found))
    return list(map(literal, names))


def _short(name: str, width: int) -> str:
    if len(name) <= width:
        return name
    head = (width - 1) // 2
    return f"{name[:head]}\N{HORIZONTAL ELLIPSIS}{name[-(width - 1 - head) :]}"


def whole_numbers(axes: Axes) -> None:
    """Mark whole numbers alone on the horizontal axis."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def colour(index: int) -> str:
    """Give the colour of a class."""
    return COLOURS[index % len(COLOURS)]


def save(figure: Figure, path: Path, *, dpi: float = _DPI) -> None:
    """Write a figure as PNG, whole or not at all; equal figures give equal bytes."""
    with atomic_path(path) as temporary, warnings.catch_warnings():
        # a sign that the font lacks is drawn as a box
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(temporary, format="png", dpi=dpi, metadata={"Software": None})
