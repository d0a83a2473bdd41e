"""Makes tables fit a terminal: without lines, and with names broken where they are too wide."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from dfbench.plain import cells, in_line, lines, shortened

# lines under the heading and between the blocks of rows, nothing else; said to be of ASCII, or
# rich puts another frame in its place where a terminal has no lines: there they are written as -
_BOX = box.Box("    \n    \n ── \n    \n ── \n ── \n    \n    \n", ascii=True)


_WHOLE = 16
"""Cells of a name without marks that are never cut."""


def words(text: str, style: str = "") -> Text:
    """Show text as it is written: nothing in it is markup, and nothing steers the terminal."""
    return Text(in_line(text), style)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that is broken at its blanks for a person: a path or an address stays whole.

    Where nobody sees it, as it is piped on, it is a line.
    """

    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.max_width
        broken = lines(self.text.plain, wide) if console.is_terminal else [self.text.plain]
        at = 0
        for line in broken:
            at = self.text.plain.index(line, at)
            part = self.text[at : at + len(line)]
            part.no_wrap, part.overflow = True, "ignore"
            yield part
            at += len(line)


def sentence(text: str, style: str = "") -> Sentence:
    """Show a sentence as it is written, see `words`."""
    return Sentence(words(text, style))


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
    """Break a name behind its marks (``hsv+lbp+fft/`` ``xgboost``) where it is too wide.

    What stands in round brackets is kept together, and what has no marks is cut in its middle.
    """
    found = [""]
    for piece in re.split(r"(?<=[/+_ -])(?![^()]*\))", in_line(name)):
        if found[-1] and cells(found[-1] + piece) > width:
            found.append("")
        found[-1] += shortened(piece, max(width, _WHOLE))
    return [line.rstrip() for line in found]


def heading(name: str, width: int) -> Text:
    """Give a heading that is broken to a width; its signs are no markup."""
    return Text("\n".join(folded(name, width)))


def row_name(row: str, tags: str, *, width: int | None) -> Text:
    """Name a row: with its tags, or without them broken to a width."""
    if width is not None:
        return heading(row, width)
    name = words(row)
    return name.append(f" ({tags})", style="dim") if tags else name
