"""Cells that tables share: the name of a row, a number, an estimate with its interval."""

from __future__ import annotations

from collections.abc import Iterable

from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell
from dfbench.results.statistics.estimate import Estimate


def name_cell(
    row: str,
    *,
    control: bool | str = False,
    bold: bool = False,
    doubted: bool = False,
    mark: str = "",
) -> Cell:
    """Name a row; ``mark`` stands behind the name, then the tags of what is not like others."""
    return Cell(row + mark, row, tags(control=control, doubted=doubted), bold, row=row)


def tags(*, control: bool | str, doubted: bool) -> str:
    """Give what stands behind the name of a row that is a control, or that is warned of."""
    return ", ".join(["control"] * bool(control) + ["warning"] * doubted)


def dataset_cell(name: str, shown: str = "") -> Cell:
    """Name a data set, where that is not all in other words."""
    return Cell(shown or name, shown or name, dataset=name)


def number_cell(value: float | None) -> Cell:
    """Show a share or an area."""
    return Cell(wording.figure(value), value)


def figure_cell(of: Estimate, *, bold: bool = False, drawn: bool = False) -> Cell:
    """Show an estimate with its spread and its interval.

    Parameters
    ----------
    of
        Between 0 and 1 where it is drawn.
    bold
        Whether it stands out.
    drawn
        Whether a page draws its interval.
    """
    said = " ".join(part for part in (wording.spread(of), wording.interval(of)) if part)
    span = None if of.low is None or of.high is None or not drawn else (of.low, of.high)
    return Cell(wording.figure(of.value), of.value, said, bold, span=span)


def difference_cell(of: Estimate) -> Cell:
    """Show a difference, signed, with its interval."""
    ends = wording.signed_interval(of.low, of.high)
    return Cell(wording.signed(of.value), of.value, ends)


def blocks_of(
    lines: Iterable[tuple[bool | str, tuple[Cell, ...]]],
) -> tuple[tuple[tuple[Cell, ...], ...], ...]:
    """Put a line between the rows and the controls, each of which is told by what stands first."""
    every = list(lines)
    parts = [
        tuple(cells for control, cells in every if bool(control) == wanted)
        for wanted in (False, True)
    ]
    return tuple(part for part in parts if part)
