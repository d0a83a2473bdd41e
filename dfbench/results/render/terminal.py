"""The board for a terminal, as renderables of rich: fit for 80 columns, fuller in wider ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table as Grid
from rich.text import Text

from dfbench.results.board.board import Board, Line, Overall, Standing, Table
from dfbench.results.document import wording
from dfbench.results.document.blocks import Section
from dfbench.results.render.terminal_grid import SectionView, empty, excess, folded
from dfbench.results.statistics.metrics import MAIN

_SHORT = {"roc_auc": "ROC\nAUC", "accuracy": "acc.", "balanced_accuracy": "bal.", "f1_macro": "F1"}
_SPAN = "{}" + wording.GAP + "{}"
_MANY = 3
"""Above so many classes their accuracies give way to the names of the rows."""
_RANKS = (
    "# is 1 and the number of rows that are significantly better by ROC AUC; bold: not"
    " significantly worse than the best"
)


@dataclass(frozen=True, slots=True)
class BoardView:
    """What prints a board: ``console.print(BoardView(board))``.

    One table a data set, then the overall one, which is what stays in sight.
    """

    board: Board

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        seeds = self.board.several_seeds
        told: dict[str, str] = {}
        for table in self.board.tables:
            yield TableView(table, seeds, dict(told))
            yield ""
            for line in table.missing:
                told.setdefault(" ".join(line.reason.split()), table.dataset)
        if self.board.overall is not None:
            yield OverallView(self.board.overall, [t.dataset for t in self.board.tables])
        yield from _sections(self.board.sections)
        if self.board.tables:
            yield Text(_RANKS, style="dim")


def _sections(sections: Sequence[Section]) -> RenderResult:
    """Show the sections that are not folded."""
    for section in sections:
        if not section.folded:
            yield ""
            yield SectionView(section)


@dataclass(frozen=True, slots=True)
class TableView:
    """The table of one data set with what belongs to it.

    ``told`` has the reasons that stand under a table above, with its data set.
    """

    table: Table
    seeds: bool = False
    told: Mapping[str, str] = field(default_factory=dict)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.table.dataset, style="bold")
        for warning in self.table.warnings:
            yield Text(f"Warning: {warning}", style="bold red")
        facts = wording.facts(self.table)
        if self.table.smallest is not None:
            facts.append(wording.smallest(self.table))
        if facts:
            yield Text("; ".join(facts), style="dim")
        for note in self.table.notes:
            yield Text(f"Note: {note}", style="yellow")
        if self.table.measured:
            yield from self._grid(console, options)
        if self.table.reported:
            yield Text(f"{wording.REPORTED}:", style="dim")
        for row, figures in self.table.reported.items():
            yield Text.assemble("  ", row, (f": {figures}", "dim"))
        for reason in wording.reasons(self.table.missing, seeds=self.seeds):
            style = "red" if reason.status == "failed" else "yellow"
            rows = Text.assemble((reason.status, style), f" {', '.join(reason.rows)}: ")
            above = self.told.get(reason.reason)
            said = reason.reason or "no reason given"
            yield rows.append(said if above is None else f"as on {above}", style="dim")
        yield from _sections(self.table.sections)

    def _grid(self, console: Console, options: ConsoleOptions) -> RenderResult:
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
        for control in wording.controls(self.table):
            yield Text(control, style="dim")


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
            cells = _cells(line, level, seeds=seeds)
            if name is not None:
                cells[1] = Text("\n".join(folded(line.row, name)))
            style = "bold" if line.best else None
            grid.add_row(*cells, end_section=line is part[-1], style=style)
    return grid


def _cells(line: Line, level: _Level, *, seeds: bool) -> list[Text]:
    name = Text(line.row)
    if line.control and not level.tight:
        name.append(" (control)", style="dim")
    cells = [Text(wording.rank(line.rank)), name]
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


@dataclass(frozen=True, slots=True)
class OverallView:
    """The table over all data sets."""

    overall: Overall
    datasets: list[str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("All data sets", style="bold")
        said = ["ROC AUC on each, and means over the rows that have all."]
        yield Text(" ".join([*said, *wording.friedman(self.overall)]), style="dim")
        everyone = [*self.overall.ranked, *self.overall.controls, *self.overall.gaps]
        longest = max((cell_len(standing.row) for standing in everyone), default=0)
        # the names of the data sets are broken ever shorter, then those of rows; last they go
        for width, shortest in ((24, None), (14, None), (10, None), (14, 19), (9, 16), (0, 1)):
            grid = self._grid(width)
            room = longest - excess(grid, console, options)
            if room >= longest:
                break
            if shortest is not None and (room >= shortest or not width):
                grid = self._grid(width, name=max(1, room))
                break
        yield grid
        if self.overall.gaps:
            yield Text(f"{wording.GAP} no figure there: such rows have no mean and no rank", "dim")

    def _grid(self, width: int, *, name: int | None = None) -> Grid:
        shown = self.datasets if width else []
        grid = empty(tight=width < 14)
        grid.add_column("mean\nrank", justify="right", no_wrap=True)
        grid.add_column("row", overflow="fold")
        grid.add_column("mean\nAUC", justify="right", no_wrap=True)
        for dataset in shown:
            title = Text("\n".join(folded(dataset, width)))
            grid.add_column(title, justify="right", no_wrap=True)
        for part in (self.overall.ranked, self.overall.controls, self.overall.gaps):
            for standing in part:
                cells = self._cells(standing, shown)
                if name is not None:
                    cells[1] = Text("\n".join(folded(standing.row, name)))
                style = "bold" if standing.best else None
                grid.add_row(*cells, end_section=standing is part[-1], style=style)
        return grid

    def _cells(self, of: Standing, shown: Sequence[str]) -> list[Text]:
        name = Text(of.row)
        if of.control:
            name.append(" (control)", style="dim")
        return [
            Text(wording.figure(of.mean_rank, digits=2)),
            name,
            Text(wording.figure(of.mean_auc)),
            *(Text(wording.figure(of.aucs[dataset])) for dataset in shown),
        ]
