"""Makes tables fit a terminal: without lines, and with names broken where they are too wide."""

from __future__ import annotations

import re

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from dfbench.plain import in_line

# lines under the heading and between the blocks of rows, nothing else; said to be of ASCII, or
# rich puts another frame in its place where a terminal has no lines: there they are written as -
_BOX = box.Box("    \n    \n ── \n    \n ── \n ── \n    \n    \n", ascii=True)


def words(text: str, style: str = "") -> Text:
    """Show text as it is written: nothing in it is markup, and nothing steers the terminal."""
    return Text(in_line(text), style)


def empty(*, tight: bool) -> Table:
    """Make a table without columns, their space narrow where it is ``tight``."""
    return Table(
        box=_BOX,
        show_edge=False,
        pad_edge=False,
        padding=(0, 0) if tight else (0, 1, 0, 0),
        header_style="bold",
    )


def excess(table: Table, console: Console, options: ConsoleOptions) -> int:
    """Columns of the terminal that the table lacks where nothing is folded."""
    wide = options.update(width=10_000, max_width=10_000)
    return Measurement.get(console, wide, table).maximum - options.max_width


def folded(name: str, width: int) -> list[str]:
    """Break a name behind its marks (``hsv+lbp+fft/`` ``xgboost``) where it is too wide."""
    lines = [""]
    for piece in re.split(r"(?<=[/+_ -])", in_line(name)):
        if lines[-1] and cell_len(lines[-1] + piece) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def heading(name: str, width: int) -> Text:
    """Give a heading that is broken to a width; its signs are no markup."""
    return Text("\n".join(folded(name, width)))


def row_name(row: str, tags: str, *, width: int | None) -> Text:
    """Name a row: with its tags, or without them broken to a width."""
    if width is not None:
        return heading(row, width)
    name = words(row)
    return name.append(f" ({tags})", style="dim") if tags else name
