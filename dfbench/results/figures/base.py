"""What all figures share: titles, colours, saving."""

from __future__ import annotations

import textwrap
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from dfbench.files import atomic_path
from dfbench.plain import in_line
from dfbench.results.figures import fonts

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
_DASHES = ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)), (0, (3, 1, 1, 1)))
_MARKERS = "os^Dv*PX<>"
_HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "----", "++++", "oooo", "||||", "OOOO")
SOFT = "#6b7280"
DOT = "  \N{MIDDLE DOT}  "
_DPI = 100
_LETTER = 0.095
"""Inches of a letter of a title."""
COLUMN, PAGE = 3.4, 7.0
"""Inches of a column of a paper, and of both."""
_WIDE = 9.5
"""Inches from which on a drawing takes both columns."""
_SMALLER, _LITTLE_SMALLER = 0.75, 0.85
"""Of the letters in one that is as wide as a column, as both."""
_for_paper: ContextVar[bool] = ContextVar("_for_paper", default=False)
_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    "svg": {"Creator": None, "Date": None},
}
FORMS = tuple(_METADATA)
"""Formats that figures are written in."""
_EMBEDDED = {"pdf.fonttype": 42, "svg.fonttype": "path", "svg.hashsalt": "dfbench"}
"""Letters come along as outlines of TrueType: some publishers refuse others."""


@dataclass(frozen=True, slots=True)
class Title:
    """Whose figure it is.

    Attributes
    ----------
    n
        Number of images that it shows.
    split
        Where they are from.
    part
        What of a row it is where that has several, such as ``seed 0``.
    """

    dataset: str
    row: str
    n: int
    split: str
    part: str = ""

    def __str__(self) -> str:
        images = f"n = {self.n:,} {self.split} images"
        return DOT.join(filter(None, [self.dataset, self.row, self.part, images]))


class Line(TypedDict):
    """How a line is drawn: told apart by its dashes and marks where there is no colour."""

    color: str
    linestyle: str | tuple[int, tuple[int, ...]]
    marker: str


def line(index: int) -> Line:
    """Give the colour, the dashes and the mark of the line of a row or a class."""
    return {
        "color": colour(index),
        "linestyle": _DASHES[index % len(_DASHES)],
        "marker": mark(index),
    }


def mark(index: int) -> str:
    """Give the mark of the points of a class."""
    return _MARKERS[index % len(_MARKERS)]


def hatch(index: int) -> str:
    """Give the hatch of the bars of a class."""
    return _HATCHES[index % len(_HATCHES)]


def number(value: float) -> str:
    """Word a figure as all forms of the board do."""
    return f"{value:z.3f}"


def literal(text: str) -> str:
    """Write names of anybody's for a figure: a dollar begins no formula there."""
    return _readable(text).replace("$", r"\$")


def _readable(text: str) -> str:
    return fonts.readable(in_line(text))


@contextmanager
def for_paper() -> Iterator[None]:
    """Have `new` make figures for a paper: without title, small ones as wide as a column."""
    before = _for_paper.set(True)
    try:
        yield
    finally:
        _for_paper.reset(before)


def new(width: float, height: float, title: str) -> Figure:
    """Make an empty figure of so many inches; see `for_paper`."""
    if _for_paper.get():
        if width < _WIDE:
            width, height = COLUMN, max(2.2, 1.2 * COLUMN * height / width)
        title = ""
    figure = Figure(figsize=(width, height), layout="constrained", dpi=_DPI)
    FigureCanvasAgg(figure)
    figure.suptitle(_title(title, round(width / _LETTER)), fontsize=11, fontweight="bold")
    return figure


def _title(title: str, width: int) -> str:
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
    return [name.replace("$", r"\$") for name in _distinct(names, width)]


def broken(names: Sequence[str], width: int, lines: int) -> list[str]:
    """Shorten names to so many lines, and break them into these; see `shortened`."""
    found = []
    for name in _distinct(names, width * lines):
        its = [""]
        n_lines = max(1, -(-_cells(name) // width))
        balanced = -(-_cells(name) // n_lines)
        for character in name:
            if _cells(its[-1] + character) > balanced and len(its) < n_lines:
                its.append("")
            its[-1] += character
        found.append("\n".join(its).replace("$", r"\$"))
    return found


def _distinct(names: Sequence[str], width: int) -> list[str]:
    names = list(map(_readable, names))
    for wide in range(width, max(map(_cells, names), default=0)):
        found = [_short(name, wide) for name in names]
        if len(set(found)) == len(set(names)):
            return found
    return names


def _cells(text: str) -> int:
    """Say how wide a text is, in letters: those of Chinese take two."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _short(name: str, width: int) -> str:
    if _cells(name) <= width:
        return name
    name, tail = name[:width], name[-width:]
    while _cells(tail) > width - 1 - (width - 1) // 2:
        tail = tail[1:]
    while _cells(name) > (width - 1) // 2:
        name = name[:-1]
    return f"{name}\N{HORIZONTAL ELLIPSIS}{tail}"


def whole_numbers(axes: Axes) -> None:
    """Mark whole numbers alone on the horizontal axis."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def colour(index: int) -> str:
    """Give the colour of a class."""
    return COLOURS[index % len(COLOURS)]


def shrink(figure: Figure) -> None:
    """Make a figure `for_paper` no wider than the page, and its letters as small as a caption's.

    One that was laid out by hand stays as it is: it is scaled where it is taken in.
    """
    width, height = figure.get_size_inches()
    if not isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        return
    if width > PAGE:
        figure.set_size_inches(PAGE, height * PAGE / width)
    factor = _SMALLER if width <= COLUMN else _LITTLE_SMALLER
    for text in figure.findobj(Text):
        text.set_fontsize(max(6.0, factor * float(text.get_fontsize())))
    for axis in (each for axes in figure.axes for each in (axes.xaxis, axes.yaxis)):
        axis.set_tick_params(labelsize=8 * factor + 0.5)


def save(figure: Figure, path: Path, *, dpi: float = _DPI, form: str = "png") -> None:
    """Write a figure in one of `FORMS`, whole or not at all; equal figures give equal bytes."""
    fonts.fit(figure)
    with (
        atomic_path(path) as temporary,
        rc_context(_EMBEDDED),
        warnings.catch_warnings(),
    ):
        # words of somebody's own picture may hold what no font here has
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(temporary, format=form, dpi=dpi, metadata=_METADATA[form])
