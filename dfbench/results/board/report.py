"""What a part of the board adds to it: sections, and figures in one long form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from pydantic import BaseModel, ConfigDict

from dfbench.results.document.blocks import Cell, Chart, Column, Grid, Section


class ProtocolFigure(BaseModel):
    """A figure of a row under a protocol: an object of ``protocols.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: str
    """Its kind, as a suite names it."""
    row: str
    fitted_on: str
    """Data set."""
    fitted_part: str = ""
    """Which part of its training images; empty for all of them."""
    scored_on: str
    """Data set; empty where the figure is over several."""
    scored_part: str = ""
    """Which of its images, or how they were changed (``jpeg=70``); empty for all as they are."""
    split: str = ""
    """Of repeated splits or folds the one that it is of; empty where there is one division."""
    metric: str
    value: float | None = None
    """None where it is not defined."""
    low: float | None = None
    high: float | None = None
    """Ends of the 95 % interval; None where there is none."""
    spread: float | None = None
    """Standard deviation over seeds; None with one."""
    n: int | None = None
    """Images scored."""
    n_train: int | None = None
    """Images fitted on."""
    reason: str = ""
    """Why there is no value."""


class Figure(BaseModel):
    """A figure: a line of ``figures.csv`` and ``leaderboard.parquet``.

    `dataset`, `row`, `seed`, `split`, `part` and `metric` together name one figure alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    """That the row was fitted on; empty where the figure is over several."""
    row: str
    """Empty where it is of the data set, or of all rows together."""
    seed: int | None = None
    """None: the board's figure, the mean over seeds."""
    split: str = ""
    """Of repeated splits or folds the one that it is of, as those of protocols are of the first;
    empty: the board's figure, over all of them."""
    part: str
    """What it is of: ``test`` or ``validation``, the evaluated images; ``class=NAME`` or
    ``kind=NAME``, those of a class or kind of fake; a protocol and its condition
    (``robustness: jpeg=50``), an audit and its (``leaks: without copies``); ``cost``; ``chosen``;
    ``all data sets``."""
    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    """Ends of the 95 % interval; None where there is none."""
    spread: float | None = None
    """Standard deviation over seeds; None with one."""
    n: int | None = None
    """Images that it is of."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is added to a board; by default nothing.

    Attributes
    ----------
    sections
        Of several data sets together.
    by_dataset
        Those that stand beside the leaderboard of a data set.
    figures
        All figures of the sections, a row at a time.
    others
        The same, of what is no protocol.
    warnings, notes
        By data set: what its figures may be owed to, and what makes rows unlike each other.
    """

    sections: Sequence[Section] = ()
    by_dataset: Mapping[str, Sequence[Section]] = field(default_factory=dict)
    figures: Sequence[ProtocolFigure] = ()
    others: Sequence[Figure] = ()
    warnings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)


def fault_of(report: object) -> str:
    """Say what keeps a report from being shown; empty where nothing does."""
    if not isinstance(report, Report):
        return f"a {type(report).__name__} in place of a Report"
    try:
        beside = [each for sections in report.by_dataset.values() for each in _all(sections)]
        for section in (*_all(report.sections), *beside):
            _check_section(section)
        for figure in _all(report.figures):
            _check(figure, ProtocolFigure)
        for other in _all(report.others):
            _check(other, Figure)
        for lines in (*report.warnings.values(), *report.notes.values()):
            _check_texts(*_all(lines))
    except (AttributeError, TypeError, ValueError) as error:
        return str(error)
    return ""


def _check_section(section: Section) -> None:
    _check(section, Section)
    _check_texts(section.title, *_all(section.text))
    for chart in _all(section.charts):
        _check(chart, Chart)
        _check_texts(chart.caption, chart.name)
    for grid in _all(section.grids):
        _check(grid, Grid)
        _check_grid(grid, f"section {section.title!r}")


def _check_grid(grid: Grid, where: str) -> None:
    _check_texts(grid.title, grid.row, grid.dataset)
    for column in _all(grid.columns):
        _check(column, Column)
        _check_texts(column.title)
        _check_numbers(column.mark)
    for row in (row for block in _all(grid.blocks) for row in _all(block)):
        for cell in _all(row):
            _check(cell, Cell)
            _check_texts(cell.shown, cell.detail, cell.row, cell.dataset)
            _check_numbers(cell.heat, *(cell.span or ()))
            if not isinstance(cell.value, str):
                _check_numbers(cell.value)
        width = sum(cell.columns for cell in row)
        if width != len(grid.columns):
            raise ValueError(f"{where}: a row of {width} cells for {len(grid.columns)} columns")


def _all(several: Any) -> Sequence[Any]:
    if not isinstance(several, list | tuple):
        raise TypeError(f"a {type(several).__name__} in place of a list or tuple")
    return several


def _check(each: object, kind: type) -> None:
    if not isinstance(each, kind):
        raise TypeError(f"a {type(each).__name__} in place of a {kind.__name__}")


def _check_numbers(*numbers: object) -> None:
    for number in numbers:
        if number is not None:
            _check(number, Real)


def _check_texts(*texts: object) -> None:
    for text in texts:
        _check(text, str)
