"""Reading CSV files as text, every cell as it is written."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from dfbench.errors import DataError


@dataclass(frozen=True, slots=True)
class Csv:
    """A table as text.

    Attributes
    ----------
    columns
        Names in the header.
    rows
        Number of the row as a spreadsheet counts (the header is row 1), and its cells, as many as
        there are columns.
    """

    columns: list[str]
    rows: list[tuple[int, list[str]]]


def read_csv(path: Path, *, expect: str = "") -> Csv:
    """Read a table, keeping every cell as the text it is (ids keep their leading zeros).

    The separator is the one of comma, semicolon and tab with which the header has a column
    ``expect``, comma if none.

    Raises
    ------
    DataError
        Where the file is absent, empty or no table.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError("no such file", where=path) from None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=path) from None
    except UnicodeDecodeError:
        raise DataError("not a UTF-8 text file", where=path) from None
    lines = text.splitlines(keepends=True)
    if not lines:
        raise DataError("the table is empty", where=path)
    first = next(csv.reader([lines[0]]), [])
    separator = ","
    if expect not in first:
        for other in (";", "\t"):
            if expect in (cell.strip() for cell in lines[0].rstrip("\r\n").split(other)):
                separator = other
    rows: list[tuple[int, list[str]]] = []
    try:
        for number, cells in enumerate(csv.reader(lines, delimiter=separator), start=1):
            if any(cell.strip() for cell in cells):
                rows.append((number, [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise DataError(f"not a table: {error}", where=path) from None
    if not rows:
        raise DataError("the table is empty", where=path)
    columns = rows[0][1]
    width = len(columns)
    return Csv(columns, [(number, (c + [""] * width)[:width]) for number, c in rows[1:]])
