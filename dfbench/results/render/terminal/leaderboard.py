"""The leaderboard of a data set for a terminal: fit for 80 columns, fuller in wider ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table as Grid
from rich.text import Text

from dfbench.plain import in_line
from dfbench.results.board.board import Line, Table, shortened
from dfbench.results.board.columns import COLUMNS, ROW, LineColumn, own_column
from dfbench.results.document import wording
from dfbench.results.document.blocks import Grid as Cells
from dfbench.results.document.cells import tags
from dfbench.results.render.terminal.fitting import (
    empty,
    excess,
    row_name,
    sentence,
    words,
)
from dfbench.results.render.terminal.section import GridView
from dfbench.results.statistics.metrics import MAIN

_SPAN = "{}" + wording.GAP + "{}"
_MANY = 3
"""Above so many classes their accuracies give way to the names of the rows."""


@dataclass(frozen=True, slots=True)
class LeaderboardView:
    """The rows with figures of a data set, the fuller the more room there is."""

    table: Table
    seeds: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        grid, level = self._fitting(console, options)
        yield grid
        if (beside := _own(self.table)) and not level.rest:
            yield _beside(self.table, beside)
        first = self.table.measured[0]
        if first.classes and not _CLASSES & level.without:
            said = f"by class: accuracy in % of {'/'.join(first.classes)}"
        else:
            said = "the accuracy of each class: leaderboard.md"
        yield sentence(said, "dim")

    def has_intervals(self, console: Console, options: ConsoleOptions) -> bool:
        """Whether there is room for the intervals of figures other than ROC AUC."""
        return self._fitting(console, options)[1].intervals

    def _fitting(self, console: Console, options: ConsoleOptions) -> tuple[Grid, _Level]:
        """Give the fullest grid that there is room for."""
        first = self.table.measured[0]
        levels = _LEVELS if len(first.classes) <= _MANY else _LEVELS_OF_MANY
        names = shortened(self.table.measured)
        longest = max(cell_len(in_line(_called(line, names))) for line in self.table.measured)
        for level in levels:
            grid = _fill(self.table, level, seeds=self.seeds)
            room = longest - excess(grid, console, options)
            if room >= longest:
                break
            if room >= level.shortest or level is levels[-1]:
                grid = _fill(self.table, level, seeds=self.seeds, name=max(1, room))
                break
        return grid, level


@dataclass(frozen=True, slots=True)
class _Level:
    """How much of a line is shown, and how short the names of rows may be folded for it."""

    intervals: bool = False
    rest: bool = False
    tight: bool = False
    without: frozenset[str] = frozenset()
    shortest: int = 1_000

    def columns(self, table: Table) -> list[LineColumn]:
        """Give what is shown of a table."""
        shown = [*_COLUMNS, *_own(table)] if self.rest else _COLUMNS[: len(_FIRST)]
        return [column for column in shown if column.key not in self.without]


_FIRST = (
    *("rank", "row", "roc_auc", "accuracy", "class_accuracy", "balanced_accuracy", "f1_macro"),
    *("fit_seconds", "predict_images_per_second"),
)
"""What 80 columns show, in this order; the rest that a terminal has a heading for comes last."""
_BY_KEY = {column.key: column for column in COLUMNS if column.short}
_COLUMNS = [_BY_KEY[key] for key in dict.fromkeys((*_FIRST, *_BY_KEY))]
_CLASSES = frozenset({"class_accuracy"})
_NO_COST = _CLASSES | {"fit_seconds", "predict_images_per_second"}

# from the fullest to the barest; accuracies of few classes are worth a folded name
_FULL = (_Level(intervals=True, rest=True), _Level(rest=True), _Level())
_BARE = (
    _Level(tight=True, without=_CLASSES, shortest=16),
    _Level(tight=True, without=_NO_COST, shortest=12),
    _Level(tight=True, without=_NO_COST | set(MAIN[2:])),
)
_LEVELS = (*_FULL, _Level(tight=True, shortest=18), *_BARE)
_LEVELS_OF_MANY = (*_FULL, _Level(tight=True), _Level(without=_CLASSES), *_BARE)


def _fill(table: Table, level: _Level, *, seeds: bool, name: int | None = None) -> Grid:
    """Make the grid; ``name`` is how wide the names of rows may be."""
    grid = empty(tight=level.tight)
    columns, names = level.columns(table), shortened(table.measured)
    for column in columns:
        title = Text("\n").join(map(words, column.short.split("\n")))
        if column is ROW:
            grid.add_column(title, overflow="fold")
        else:
            grid.add_column(title, justify="right", no_wrap=True)
        if _has_spread(column, seeds=seeds):
            grid.add_column("\N{PLUS-MINUS SIGN}\nseeds", justify="right", no_wrap=True)
        if _has_interval(column, level):
            grid.add_column("95 %", justify="left", no_wrap=True, style="dim")
    for block in (table.ranked, table.controls):
        for line in block:
            cells = [
                cell
                for column in columns
                for cell in _cells(line, column, level, names, seeds=seeds, name=name)
            ]
            style = "bold" if line.best else None
            grid.add_row(*cells, end_section=line is block[-1], style=style)
    return grid


def _own(table: Table) -> list[LineColumn]:
    """Give the columns of somebody's own that there is something in."""
    return [column for column in map(own_column, table.own) if column.parts(table)]


def _beside(table: Table, columns: list[LineColumn]) -> GridView:
    """Make a table of what the leaderboard has no room for."""
    heads = (ROW.head(), *(column.head() for column in columns))
    blocks = tuple(
        tuple(
            (ROW.cell(line, ""), *(column.cell(line, "") for column in columns)) for line in block
        )
        for block in (table.ranked, table.controls)
        if block
    )
    return GridView(Cells(heads, blocks))


def _has_spread(column: LineColumn, *, seeds: bool) -> bool:
    return seeds and column.key == "roc_auc"


def _has_interval(column: LineColumn, level: _Level) -> bool:
    return column.estimate is not None and (level.intervals or column.key == "roc_auc")


def _called(line: Line, names: Mapping[str, str]) -> str:
    return ROW.cell(line, "").shown.replace(line.row, names.get(line.row, line.row))


def _cells(
    line: Line,
    column: LineColumn,
    level: _Level,
    names: Mapping[str, str],
    *,
    seeds: bool,
    name: int | None,
) -> list[Text]:
    """Show a line in a column, and what stands beside it: spread and interval."""
    if column is ROW:
        shown = "" if level.tight else tags(control=line.control, doubted=bool(line.warnings))
        return [row_name(_called(line, names), shown, width=name)]
    cells = [words(column.said(line))]
    if column.estimate is not None:
        found = column.estimate(line)
        if _has_spread(column, seeds=seeds):
            cells.append(Text(wording.figure(found.spread)))
        if _has_interval(column, level):
            cells.append(Text(wording.interval(found, form=_SPAN)))
    return cells
