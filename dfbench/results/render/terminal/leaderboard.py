"""The leaderboard of a data set for a terminal: fit for 80 columns, fuller in wider ones."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table as Grid
from rich.text import Text

from dfbench.results.board.board import Line, Table
from dfbench.results.document import wording
from dfbench.results.render.terminal.fitting import empty, excess, row_name
from dfbench.results.statistics.metrics import MAIN

_SHORT = {"roc_auc": "ROC\nAUC", "accuracy": "acc.", "balanced_accuracy": "bal.", "f1_macro": "F1"}
_SPAN = "{}" + wording.GAP + "{}"
_MANY = 3
"""Above so many classes their accuracies give way to the names of the rows."""


@dataclass(frozen=True, slots=True)
class LeaderboardView:
    """The rows with figures of a data set, the fuller the more room there is."""

    table: Table
    seeds: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        first = self.table.measured[0]
        levels = _LEVELS if len(first.classes) <= _MANY else _LEVELS_OF_MANY
        longest = max(cell_len(line.row) for line in self.table.measured)
        for level in levels:
            grid = _fill(self.table, level, seeds=self.seeds)
            room = longest - excess(grid, console, options)
            if room >= longest:
                break
            if room >= level.shortest or level is levels[-1]:
                grid = _fill(self.table, level, seeds=self.seeds, name=max(1, room))
                break
        yield grid
        if level.classes and first.classes:
            said = f"by class: accuracy in % of {'/'.join(first.classes)}"
        else:
            said = "the accuracy of each class: leaderboard.md"
        yield Text(said, style="dim")


@dataclass(frozen=True, slots=True)
class _Level:
    """How much of a line is shown, and how short the names of rows may be folded for it."""

    metric_intervals: bool = False
    features: bool = False
    classes: bool = False
    tight: bool = False
    metrics: tuple[str, ...] = MAIN
    cost: bool = True
    shortest: int = 1_000


# from the fullest to the barest; accuracies of few classes are worth a folded name
_FULL = (
    _Level(metric_intervals=True, features=True, classes=True),
    _Level(features=True, classes=True),
    _Level(classes=True),
)
_BARE = (
    _Level(tight=True, shortest=16),
    _Level(tight=True, cost=False, shortest=12),
    _Level(tight=True, cost=False, metrics=MAIN[:2]),
)
_LEVELS = (*_FULL, _Level(classes=True, tight=True, shortest=18), *_BARE)
_LEVELS_OF_MANY = (*_FULL, _Level(classes=True, tight=True), _Level(), *_BARE)


def _fill(table: Table, level: _Level, *, seeds: bool, name: int | None = None) -> Grid:
    """Make the grid; ``name`` is how wide the names of rows may be."""
    grid = empty(tight=level.tight)
    grid.add_column("#", justify="right", no_wrap=True)
    grid.add_column("row", overflow="fold")
    for metric in level.metrics:
        grid.add_column(_SHORT[metric], justify="right", no_wrap=True)
        if metric == "roc_auc" and seeds:
            grid.add_column("\N{PLUS-MINUS SIGN}\nseeds", justify="right", no_wrap=True)
        if metric == "roc_auc" or level.metric_intervals:
            grid.add_column("95 %", justify="left", no_wrap=True, style="dim")
        if metric == "accuracy" and level.classes:
            grid.add_column("by\nclass", justify="right", no_wrap=True)
    if level.cost:
        grid.add_column("fit s", justify="right", no_wrap=True)
        grid.add_column("img/s", justify="right", no_wrap=True)
    if level.features:
        grid.add_column("features", justify="right", no_wrap=True)
    for part in (table.ranked, table.controls):
        for line in part:
            cells = _cells(line, level, seeds=seeds, name=name)
            style = "bold" if line.best else None
            grid.add_row(*cells, end_section=line is part[-1], style=style)
    return grid


def _cells(line: Line, level: _Level, *, seeds: bool, name: int | None) -> list[Text]:
    named = row_name(line.row, line.control, width=name, tag=not level.tight)
    cells = [Text(wording.rank(line.rank)), named]
    for metric in level.metrics:
        found = line.metrics[metric]
        cells.append(Text(wording.figure(found.value)))
        if metric == "roc_auc" and seeds:
            cells.append(Text(wording.figure(found.spread)))
        if metric == "roc_auc" or level.metric_intervals:
            cells.append(Text(wording.interval(found, form=_SPAN)))
        if metric == "accuracy" and level.classes:
            cells.append(Text(_by_class(line)))
    if level.cost:
        cells.append(Text(wording.quantity(line.fit_seconds)))
        cells.append(Text(wording.quantity(line.predict_images_per_second)))
    if level.features:
        cells.append(Text(wording.count(line.n_features)))
    return cells


def _by_class(line: Line) -> str:
    values = (line.class_accuracy.get(name) for name in line.classes)
    return "/".join(wording.GAP if value is None else f"{100 * value:.0f}" for value in values)
