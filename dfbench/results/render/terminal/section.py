"""Sections and their tables for a terminal, as renderables of rich."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from dfbench.plain import counted, in_line
from dfbench.results.document.blocks import Cell, Column, Grid, Section
from dfbench.results.render.terminal.fitting import empty, excess, folded, heading, sentence

_HEADING = 8
"""Width that headings of figures are broken to."""
_READABLE, _SHORTEST = 24, 14
"""Widths that words are broken to, the second before columns are left out."""
_WAYS = ((True, None), (False, None), (False, _READABLE), (False, _SHORTEST))
"""How a table is tried, the fullest first: with details, and how wide words may be."""


@dataclass(frozen=True, slots=True)
class SectionView:
    """A section with its tables; pictures are left to the report."""

    section: Section

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield sentence(self.section.title, "bold")
        views = [GridView(grid) for grid in self.section.grids]
        plainly = self.section.plainly if views else ()
        if plainly and any(view.details(console, options) for view in views):
            plainly = ()
        for text in plainly or self.section.text:
            yield sentence(text, "dim")
        for grid in self.section.grids:
            if grid.title:
                yield sentence(grid.title, "italic")
            yield GridView(grid)


@dataclass(frozen=True, slots=True)
class GridView:
    """A table: with details where they fit, else without; last, columns from the right go."""

    grid: Grid

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        n = len(self.grid.columns)
        for details, names in _WAYS:
            table = _fill(self.grid, n, details=details, names=names)
            if excess(table, console, options) <= 0:
                break
        else:
            # where columns go anyway, words keep a readable width
            while n > 2 and excess(table, console, options) > 0:
                n -= 1
                table = _fill(self.grid, n, details=False, names=_READABLE)
        yield table
        left = len(self.grid.columns) - n
        if left:
            yield sentence(f"{counted(left, 'more column')}: leaderboard.md", "dim")

    def details(self, console: Console, options: ConsoleOptions) -> bool:
        """Whether there is room for details, and there are any."""
        if not any(cell.detail for block in self.grid.blocks for cells in block for cell in cells):
            return False
        table = _fill(self.grid, len(self.grid.columns), details=True, names=None)
        return excess(table, console, options) <= 0


def _fill(grid: Grid, n: int, *, details: bool, names: int | None) -> Table:
    """Make the table of the first ``n`` columns; ``names`` is how wide words may be."""
    table = empty(tight=names is not None)
    for column in grid.columns[:n]:
        title = heading(column.title, max(_HEADING, names or 0) if column.text else _HEADING)
        if column.text:
            table.add_column(title, overflow="fold")
        else:
            table.add_column(title, justify="right", no_wrap=True)
    for block in grid.blocks:
        for cells in block:
            table.add_row(
                *_texts(cells, grid.columns, details=details, names=names)[:n],
                end_section=cells is block[-1],
            )
    return table


def _texts(
    cells: tuple[Cell, ...], columns: tuple[Column, ...], *, details: bool, names: int | None
) -> list[Text]:
    texts: list[Text] = []
    for cell in cells:
        named = columns[len(texts)].text
        shown = "\n".join(folded(cell.shown, names)) if named and names else in_line(cell.shown)
        text = Text(shown, style="bold" if cell.bold else "")
        if cell.detail and details and cell.columns == 1:
            detail = in_line(cell.detail)
            text.append(f" ({detail})" if named else f" {detail}", style="dim")
        texts.append(text)
        texts += [Text("")] * (cell.columns - 1)
    return texts
