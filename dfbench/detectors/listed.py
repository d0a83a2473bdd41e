"""The images that a table names, of which no more is asked than a column of paths or ids."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from dfbench.errors import DataError
from dfbench.suites.datasets.image_files import walk
from dfbench.suites.datasets.inference.candidates import NO_TABLE, Candidate, Folders, examine
from dfbench.suites.datasets.inference.columns import ID_NAMES, ORIGINALS, key
from dfbench.suites.datasets.inference.ids import LEAST
from dfbench.suites.datasets.tables.reading import read_table
from dfbench.suites.datasets.tables.table import Table, is_index
from dfbench.suites.datasets.tables.text import read_text

_SAMPLE = 400
"""Rows by which the column is told."""


class Listed(NamedTuple):
    """An image of a table."""

    name: str
    """As the table has it; of a row that names several, their paths from the table on."""
    path: str
    """Where it lies; empty where there is none."""
    reason: str = ""
    """Why there is none."""


def listed(table: Path) -> Iterator[Listed]:
    """Go through the images that the rows of a table name, row by row.

    Parameters
    ----------
    table
        CSV, TSV, text, JSON or JSON Lines. Its cells are paths relative to its folder, or ids that
        images below its folder are found by as in a data set.

    Raises
    ------
    DataError
        Where it is damaged, or most of its rows name no image.
    """
    read = _lines(table) or read_table(table)
    column = _column(read, LEAST)
    if column is not None:
        return _of_files(read, column)
    found = _found_below(table)
    if isinstance(found, Candidate):
        return _of_ids(table, found)
    column = _column(read, 0)
    if column is not None:
        return _of_files(read, column)
    what = "no column names images" if found == NO_TABLE else found
    raise DataError(what, where=table, hint="one must be paths, from the folder of the table on")


def _lines(path: Path) -> Table | None:
    """Read a text file of paths, which may hold blanks and commas; None where it is another."""
    if path.suffix.lower() != ".txt":
        return None
    lines = [(n, line.strip()) for n, line in enumerate(read_text(path).lines(), start=1)]
    table = Table(path, ["column 1"], [(n, [line]) for n, line in lines if line])
    return table if _share(table, "column 1") >= LEAST else None


def _column(table: Table, least: float) -> str | None:
    """Find the column of which most cells are paths of files; None where none is.

    Raises
    ------
    DataError
        Where several are, and name different files.
    """
    shares = {name: _share(table, name) for name in table.clear if not is_index(name)}
    columns = [name for name, share in shares.items() if share and share >= least]
    if not columns:
        return None

    def tier(name: str) -> tuple[bool, bool]:
        return key(name) not in ORIGINALS, key(name) in ID_NAMES

    first, *others = sorted(columns, key=tier, reverse=True)
    for other in others:
        if tier(other) == tier(first) and table.cells(other) != table.cells(first):
            raise DataError(
                f"its columns {first!r} and {other!r} name different images",
                where=table.path,
                hint="leave one of them",
            )
    return first


def _share(table: Table, column: str) -> float:
    cells = table.cells(column)
    cells = cells[:: max(1, len(cells) // _SAMPLE)]
    return sum(bool(_file(table.path, cell)) for cell in cells) / max(1, len(cells))


def _file(table: Path, cell: str) -> str:
    """Give the path of the file that a cell names from the table's folder on; "" if none."""
    for text in dict.fromkeys((cell, cell.replace("\\", "/"))):
        path = os.path.join(table.parent, text)  # noqa: PTH118 - one of 200,000
        if text and os.path.isfile(path):  # noqa: PTH113
            return path
    return ""


def _of_files(table: Table, column: str) -> Iterator[Listed]:
    at = table.column(column)
    for number, cells in table.rows:
        path = _file(table.path, cells[at])
        yield Listed(cells[at], path) if path else _missing(table, number, cells[at])


def _found_below(table: Path) -> Candidate | str:
    """Find the images below a table's folder that its rows name; else say why there are none."""
    try:
        return examine(table.parent, table.name, Folders(walk(table.parent).images))
    except DataError as error:  # a folder that may not be looked into
        return f"most of its rows name no file, and {error}"


def _of_ids(path: Path, found: Candidate) -> Iterator[Listed]:
    at = found.table.column(found.ids)
    for (number, cells), named in zip(found.table.rows, found.named, strict=True):
        if not named.images:
            yield _missing(found.table, number, cells[at], named.rivals)
        for image in named.images:
            name = cells[at] if len(named.images) == 1 else image
            yield Listed(name, os.path.join(path.parent, image))  # noqa: PTH118


def _missing(table: Table, number: int, cell: str, rivals: Sequence[str] = ()) -> Listed:
    what = f"no image {cell!r}" if cell else "the cell is empty"
    if rivals:
        what = f"several images fit {cell!r}: {', '.join(rivals[:3])}"
    return Listed(cell or "-", "", f"row {number} of {table.path.name}: {what}")
