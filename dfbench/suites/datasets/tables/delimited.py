"""Tables whose cells are set apart by a character: CSV, TSV and text."""

from __future__ import annotations

import csv
import itertools
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from dfbench.errors import DataError
from dfbench.suites.datasets.image_files import is_image
from dfbench.suites.datasets.tables.table import Table, is_numbered
from dfbench.suites.datasets.tables.text import Text, check_memory, check_size

_DELIMITERS = (",", ";", "\t", "|")
_BLANKS = " "
_NONE = "\x1f"
"""Stands for: one column, whatever its cells hold."""
_SAMPLE = 50
"""Rows by which the delimiter is told."""
_ROW = 200
"""Bytes that a row takes beside its cells."""
_SAME = 10_000
"""Different cells that are looked for again."""


def read_delimited(text: Text, *, expect: str = "") -> Table:
    """Read a table with the delimiter by which most rows are as wide as the first.

    Parameters
    ----------
    text
        Of the file; in ``.txt`` blanks may set cells apart as well.
    expect
        A column that the table should have; what gives it goes first.

    Raises
    ------
    DataError
        Where it is empty, a row has more cells than there are columns, or a quote is left open.
    """
    path, above = text.path, _comments(text)
    told = re.match(r"sep=(.)\r?\n", _first(_Below(text, above)))  # Excel reads and writes it
    below = _Below(text, above + bool(told))
    delimiter = told[1] if told else _delimiter(below, expect)
    records = _kept(below, _records(below, delimiter))
    if not records:
        raise DataError("the table is empty", where=path)
    table = _with_header(path, records)
    names_image = any(is_image(re.split(r"[/\\]", cell)[-1]) for cell in table.columns)
    wanted = is_numbered(expect) and expect not in table.columns
    return table.without_header() if names_image or wanted else table


class _Below(NamedTuple):
    """A text without its first lines."""

    text: Text
    above: int

    def lines(self) -> Iterator[str]:
        return itertools.islice(self.text.lines(), self.above, None)


def _first(below: _Below) -> str:
    return next(below.lines(), "")


def _comments(text: Text) -> int:
    """Count the lines before the table that begin with #; a single one may be a header."""
    n, before = 0, ""
    for n, line in enumerate(text.lines()):
        if not line.startswith("#"):
            header = n == 1 and any(
                before.count(each) == line.count(each) > 0 for each in _DELIMITERS
            )
            return 0 if header else n
        if any(map(is_image, re.split(r"[,;|\s]", line))):
            return 0  # a row, of an image whose name begins so
        before = line
    return n + 1


def _kept(below: _Below, records: Iterable[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """Keep the rows within the memory of a table, cells that come again once.

    Raises
    ------
    DataError
        Where they take more.
    """
    found: list[tuple[int, list[str]]] = []
    same: dict[str, str] = {}
    taken = len(below.text.data)
    for number, cells in records:
        for at, cell in enumerate(cells):
            known = same.get(cell)
            if known is not None:
                cells[at] = known
                continue
            taken += sys.getsizeof(cell)
            if len(same) < _SAME:
                same[cell] = cell
        taken += _ROW + 8 * len(cells)
        check_memory(below.text.path, taken)
        found.append((number + below.above, cells))
    return found


def _with_header(path: Path, records: list[tuple[int, list[str]]]) -> Table:
    columns, rows = records[0][1], records[1:]
    width = len(columns)
    check_size(path, width, len(rows))
    # R leaves the column of row names out of the header
    if width > 1 and rows and all(len(cells) == width + 1 and cells[-1] for _, cells in rows):
        columns, width = ["", *columns], width + 1
    for number, cells in rows:
        if any(cells[width:]):
            raise DataError(
                f"row {number} has {len(cells)} cells, the first row {width}",
                where=path,
                hint="put quotes around cells that hold the delimiter",
            )
        del cells[width:]
        cells += [""] * (width - len(cells))
    return Table(path, columns, rows)


def _delimiter(below: _Below, expect: str) -> str:
    """Choose the delimiter by the widths of the first rows."""
    path = below.text.path
    candidates = [*_DELIMITERS, *([_BLANKS] if path.suffix.lower() == ".txt" else [])]
    best, delimiter = (False, 0.0, 0, 0), _NONE
    failed: DataError | None = None
    for candidate in candidates:
        try:
            rows = itertools.islice(_records(below, candidate), _SAMPLE)
            sample = [cells for _, cells in rows]
        except DataError as error:
            if candidate in _first(below):
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


def _records(below: _Below, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Go through the rows that are not blank, with their numbers."""
    path = below.text.path
    if delimiter == _BLANKS:
        for number, line in enumerate(below.lines(), start=1):
            if cells := line.split():
                check_size(path, len(cells), 1)
                yield number, cells
        return
    single = _single_quoted(below, delimiter) and not any('"' in line for line in below.lines())
    # strict: an open quote would swallow rows
    reader = csv.reader(
        below.lines(),
        delimiter=delimiter,
        quotechar="'" if single else '"',
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


def _single_quoted(below: _Below, delimiter: str) -> bool:
    """Whether each of the first lines begins or ends a cell with a single quote."""
    head = "".join(itertools.islice(below.lines(), _SAMPLE))[:20_000]
    lines = [line for line in head.splitlines() if line.strip()]
    cell = re.compile(rf"(^|{re.escape(delimiter)})\s*'[^']*'\s*($|{re.escape(delimiter)})")
    return len(lines) > 1 and all(cell.search(line) for line in lines[1:-1] or lines[1:])
