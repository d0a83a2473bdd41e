"""Tables whose cells are set apart by a character: CSV, TSV and text."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from dfbench.errors import DataError
from dfbench.suites.datasets.image_files import is_image
from dfbench.suites.datasets.tables.table import Table, is_numbered
from dfbench.suites.datasets.tables.text import check_size

_DELIMITERS = (",", ";", "\t", "|")
_BLANKS = " "
_NONE = "\x1f"
"""Stands for: one column, whatever its cells hold."""
_SAMPLE = 50
"""Rows by which the delimiter is told."""


def read_delimited(path: Path, text: str, *, expect: str = "") -> Table:
    """Read a table with the delimiter by which most rows are as wide as the first.

    Parameters
    ----------
    path
        Of the file; in ``.txt`` blanks may set cells apart as well.
    text
        Its content.
    expect
        A column that the table should have; what gives it goes first.

    Raises
    ------
    DataError
        Where it is empty, a row has more cells than there are columns, or a quote is left open.
    """
    comments = _comments(text)
    text = text[sum(map(len, comments)) :]
    told = re.match(r"sep=(.)\r?\n", text)  # a line that Excel reads and writes
    delimiter = told[1] if told else _delimiter(path, text, expect)
    records = list(_records(path, text[told.end() :] if told else text, delimiter))
    if told or comments:
        above = len(comments) + bool(told)
        records = [(number + above, cells) for number, cells in records]
    if not records:
        raise DataError("the table is empty", where=path)
    table = _with_header(path, records)
    names_image = any(is_image(re.split(r"[/\\]", cell)[-1]) for cell in table.columns)
    wanted = is_numbered(expect) and expect not in table.columns
    return table.without_header() if names_image or wanted else table


def _comments(text: str) -> list[str]:
    """Give the lines before the table that begin with #; a single one may be a header."""
    found: list[str] = []
    for line in io.StringIO(text, newline=""):
        if not line.startswith("#"):
            header = len(found) == 1 and any(
                found[0].count(each) == line.count(each) > 0 for each in _DELIMITERS
            )
            return [] if header else found
        if any(map(is_image, re.split(r"[,;|\s]", line))):
            return []  # a row, of an image whose name begins so
        found.append(line)
    return found


def _with_header(path: Path, records: list[tuple[int, list[str]]]) -> Table:
    columns, rows = records[0][1], records[1:]
    width = len(columns)
    check_size(path, width, len(rows))
    # R leaves the column of row names out of the header
    if width > 1 and rows and all(len(cells) == width + 1 and cells[-1] for _, cells in rows):
        columns, width = ["", *columns], width + 1
    fitted = []
    for number, cells in rows:
        if any(cells[width:]):
            raise DataError(
                f"row {number} has {len(cells)} cells, the first row {width}",
                where=path,
                hint="put quotes around cells that hold the delimiter",
            )
        fitted.append((number, (cells + [""] * (width - len(cells)))[:width]))
    return Table(path, columns, fitted)


def _delimiter(path: Path, text: str, expect: str) -> str:
    """Choose the delimiter by the widths of the first rows."""
    candidates = [*_DELIMITERS, *([_BLANKS] if path.suffix.lower() == ".txt" else [])]
    best, delimiter = (False, 0.0, 0, 0), _NONE
    failed: DataError | None = None
    for candidate in candidates:
        try:
            sample = [
                cells for _, cells in itertools.islice(_records(path, text, candidate), _SAMPLE)
            ]
        except DataError as error:
            if candidate in text.partition("\n")[0]:
                failed = failed or error
            continue
        if not sample or len(sample[0]) < 2:
            continue
        alike = sum(len(cells) == len(sample[0]) for cells in sample) / len(sample)
        images = sum(is_image(cell) for cells in sample for cell in cells)
        score = (bool(expect) and expect in sample[0], round(alike, 1), images, len(sample[0]))
        # blanks are part of names more often than they set cells apart
        if score > best and (candidate != _BLANKS or (alike == 1 and delimiter == _NONE)):
            best, delimiter = score, candidate
    if failed is not None and delimiter == _NONE:
        raise failed
    return delimiter


def _records(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Go through the rows that are not blank, with their numbers."""
    if delimiter == _BLANKS:
        for number, line in enumerate(io.StringIO(text), start=1):
            if cells := line.split():
                check_size(path, len(cells), 1)
                yield number, cells
        return
    quote = "'" if '"' not in text and _single_quoted(text, delimiter) else '"'
    # strict: an open quote would swallow rows
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quotechar=quote,
        skipinitialspace=delimiter != "\t",
        strict=True,
    )
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            check_size(path, len(cells), 1)
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                yield number, stripped
    except csv.Error as error:
        raise DataError(f"row {number + 1} is no row of a table: {error}", where=path) from None


def _single_quoted(text: str, delimiter: str) -> bool:
    """Whether each of the first lines begins or ends a cell with a single quote."""
    lines = [line for line in text[:20_000].splitlines()[:_SAMPLE] if line.strip()]
    cell = re.compile(rf"(^|{re.escape(delimiter)})\s*'[^']*'\s*($|{re.escape(delimiter)})")
    return len(lines) > 1 and all(cell.search(line) for line in lines[1:-1] or lines[1:])
