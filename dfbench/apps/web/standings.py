"""What the leaderboard of the page shows: lines to sort and filter, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dfbench.apps.web.datasets import chapter
from dfbench.apps.web.surest import surest
from dfbench.apps.web.table import Entry
from dfbench.apps.web.words import escape
from dfbench.detectors.contents import Contents
from dfbench.errors import DfbenchError
from dfbench.received.containers.places import is_folder
from dfbench.results.board.board import Line, Table
from dfbench.results.board.columns import COLUMNS
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell
from dfbench.results.document.cells import figure_cell
from dfbench.results.render.report import Figures, embedded, stored_pictures
from dfbench.results.results import Results

_PLACES = {"main": "", "more": "More figures", "cost": "Tuning and cost"}


@dataclass
class Standings:
    """The boards of results folders, and what single models tell of themselves.

    Attributes
    ----------
    results
        The folders.
    models
        What the files of models tell.
    roots
        By data set, the folder of its images, where their right and wrong ones are to be shown.

    Raises
    ------
    DfbenchError
        Where such a folder is not there.
    """

    results: Sequence[Results]
    models: Sequence[Contents] = ()
    roots: Mapping[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, root in self.roots.items():
            if not is_folder(root):
                raise DfbenchError(f"the images of {name}: no such folder", where=root)

    @cached_property
    def found(self) -> list[tuple[Results, Table]]:
        """All tables, each with the folder that it is of."""
        return [(each, table) for each in self.results for table in each.board.tables]

    @cached_property
    def pictures(self) -> dict[Path, tuple[Mapping[str, Path], Figures]]:
        """By folder, the pictures that lie in it: overviews by data set, figures by cell."""
        return {each.folder: stored_pictures(each.folder, each.board) for each in self.results}

    def entries(self) -> list[Entry]:
        """Give each row and data set, in the order of the boards; then the models."""
        found = [
            Entry(
                row=line.row,
                dataset=table.dataset,
                metrics=line.metrics,
                kind="control" if line.control else line.kind,
                rank=line.rank,
                rate=line.predict_images_per_second,
                status=line.status,
            )
            for _, table in self.found
            for line in table.lines
        ]
        found += [
            Entry(
                row=each.row,
                dataset=each.dataset,
                metrics=each.figures,
                kind="control" if each.control else each.kind,
            )
            for each in self.models
        ]
        return found

    def detail(self, dataset: str, row: str) -> str:
        """Show the figures of a row and the images that it was surest about; "" for no such row."""
        for results, table in self.found:
            for line in table.lines:
                if (table.dataset, line.row) == (dataset, row):
                    return self._detail(results, table, line)
        for contents in self.models:
            if (contents.dataset, contents.row) == (dataset, row):
                return _wrapped(_of_model(contents))
        return ""

    def _detail(self, results: Results, table: Table, line: Line) -> str:
        found = [f'<h2 class="df-head">{escape(line.row)} on {escape(table.dataset)}</h2>']
        found += [f'<p class="df-outside">{escape(text)}.</p>' for text in table.warnings]
        if line.status != "ok":
            why = line.reason or "no reason given"
            found.append(f"<p><b>{escape(line.status)}</b>: {escape(why)}</p>")
            return _wrapped(found)
        found.append(f'<div class="df-figures">{"".join(_figures(table, line))}</div>')
        root = self.roots.get(line.dataset)
        found.append(surest(results.folder, line, root))
        _, figures = self.pictures[results.folder]
        for fit in line.fits:
            auc = fit.metrics.get("roc_auc")
            drawn = [
                embedded(each.caption, each.path, drawing=each.drawing)
                for each in figures.get(fit.cell, ())
                if root is None or each.path.stem != "examples"  # which shows these once more
            ]
            several = len(line.fits) > 1
            whose = f" of seed {fit.name}: ROC AUC {wording.figure(auc)}" if several else ""
            if drawn:
                head = f"<h3>Pictures{whose}</h3>"
                found.append(f'{head}<div class="df-plots">{"".join(drawn)}</div>')
        return _wrapped(found)

    def datasets(self) -> str:
        """Show all data sets."""
        return _wrapped(
            chapter(table, self.pictures[results.folder][0]) for results, table in self.found
        )

    def notices(self) -> str:
        """Say what a reader must know before any figure."""
        said = [
            f"<li><b>{escape(table.dataset)}</b>: {escape(text)}</li>"
            for _, table in self.found
            for text in table.warnings
        ]
        return f'<ul class="df-notices">{"".join(said)}</ul>' if said else ""


def _wrapped(parts: Iterable[str]) -> str:
    return f'<div class="df-text">{"".join(parts)}</div>'


def _of_model(contents: Contents) -> list[str]:
    """Show what a model tells of itself."""
    found = [f'<h2 class="df-head">{escape(contents.row)} on {escape(contents.dataset)}</h2>']
    found += [f'<p class="df-outside">{escape(text)}.</p>' for text in contents.warnings]
    rows = [
        _row(wording.TITLES[name], figure_cell(each))
        for name, each in contents.figures.items()
        if name in wording.TITLES and each.value is not None
    ]
    counts = (
        f"{contents.n_test:,} {contents.split or 'test'} images, {contents.n_train:,} for training"
    )
    found.append(f"<p>{escape(counts)}; kept {escape(contents.created)}.</p>")
    if rows:
        found.append(f'<div class="df-figures"><table>{"".join(rows)}</table></div>')
    else:
        found.append("<p>Its file tells no figures.</p>")
    return found


def _figures(table: Table, line: Line) -> list[str]:
    """Give a table of all figures, one of the others, one of the cost."""
    found = []
    for place, title in _PLACES.items():
        rows = [
            (column.head(part).title, column.cell(line, part))
            for column in COLUMNS
            if column.place == place and column.key != "row"
            for part in column.parts(table)
        ]
        shown = "".join(_row(name, cell) for name, cell in rows if cell.shown)
        head = f"<caption>{escape(title)}</caption>" if title else ""
        found.append(f"<table>{head}{shown}</table>" if shown else "")
    return found


def _row(name: str, cell: Cell) -> str:
    return (
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(cell.shown)}'
        f" <small>{escape(cell.detail)}</small></td></tr>"
    )
