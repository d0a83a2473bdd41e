"""The table over all data sets for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table as Grid
from rich.text import Text

from dfbench.plain import in_line
from dfbench.results.board import sentences
from dfbench.results.board.board import Overall, shortened
from dfbench.results.document import wording
from dfbench.results.document.cells import tags
from dfbench.results.render.terminal.fitting import (
    empty,
    excess,
    heading,
    row_name,
    sentence,
)


@dataclass(frozen=True, slots=True)
class StandingsView:
    """The table over all data sets."""

    overall: Overall
    datasets: Sequence[str]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        everyone = [*self.overall.ranked, *self.overall.controls, *self.overall.gaps]
        names = {each.row: each.row for each in everyone} | shortened(everyone)
        longest = max((cell_len(in_line(name)) for name in names.values()), default=0)
        # the names of the data sets are broken ever shorter, then those of rows; last they go
        for width, shortest in ((24, None), (14, None), (10, None), (14, 19), (9, 16), (0, 1)):
            grid = self._grid(width, names)
            room = longest - excess(grid, console, options)
            if room >= longest:
                break
            if shortest is not None and (room >= shortest or not width):
                grid = self._grid(width, names, name=max(1, room))
                break
        yield Text("All data sets", style="bold")
        said = "ROC AUC on each, and means over the rows that have all."
        if not width:
            said = f"Means of ROC AUC over {len(self.datasets)} data sets; on each: leaderboard.md."
        yield sentence(" ".join([said, *sentences.friedman(self.overall)]), "dim")
        yield grid
        if self.overall.gaps:
            said = f"{wording.GAP} no figure there: such rows have no mean and no rank"
            yield sentence(said, "dim")

    def _grid(self, width: int, names: Mapping[str, str], *, name: int | None = None) -> Grid:
        shown = self.datasets if width else ()
        grid = empty(tight=width < 14)
        grid.add_column("mean\nrank", justify="right", no_wrap=True)
        grid.add_column("row", overflow="fold")
        grid.add_column("mean\nAUC", justify="right", no_wrap=True)
        for dataset in shown:
            grid.add_column(heading(dataset, width), justify="right", no_wrap=True)
        for part in (self.overall.ranked, self.overall.controls, self.overall.gaps):
            for standing in part:
                figures = [standing.mean_auc, *(standing.aucs[dataset] for dataset in shown)]
                grid.add_row(
                    wording.figure(standing.mean_rank, digits=2),
                    row_name(
                        names[standing.row],
                        tags(control=standing.control, doubted=False),
                        width=name,
                    ),
                    *map(wording.figure, figures),
                    end_section=standing is part[-1],
                    style="bold" if standing.best else None,
                )
        return grid
