"""The layout ``table``: CSV files of ids and labels beside folders of images."""

from __future__ import annotations

import csv
import posixpath
from dataclasses import dataclass
from pathlib import Path

from dfbench.errors import DataError
from dfbench.suites.datasets.card import UNLABELLED, Card, Table, TableLayout
from dfbench.suites.datasets.rows import Row, Scan, label_of
from dfbench.suites.datasets.walk import Found, walk


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


def scan_table(card: Card, layout: TableLayout, root: Path) -> Scan:
    """List the rows of all tables; an id without its image is kept as a broken line.

    Raises
    ------
    DataError
        For a missing table, folder or column, an id given twice, a label outside the classes.
    """
    result = Scan()
    seen: dict[str, str] = {}
    listings: dict[str, tuple[Found, dict[str, list[str]]]] = {}
    for split, table in layout.splits.items():
        if table.images not in listings:
            listings[table.images] = _listing(root / table.images)
        given = "" if split == "all" else split
        for place, row in _rows(card, layout, root, table, given, listings[table.images]):
            if row.path in seen:
                raise DataError(f"image {row.path!r} stands in {seen[row.path]} too", where=place)
            seen[row.path] = place
            result.rows.append(row)
    listed = sum(len(found.images) for found, _ in listings.values())
    faultless = sum(1 for row in result.rows if not row.fault.startswith("row "))
    result.ignored = listed - faultless + sum(found.ignored for found, _ in listings.values())
    return result


def _listing(folder: Path) -> tuple[Found, dict[str, list[str]]]:
    if not folder.is_dir():
        raise DataError("no such folder of images", where=folder, hint="see layout.splits.*.images")
    found = walk(folder)
    by_stem: dict[str, list[str]] = {}
    for path in found.images:
        by_stem.setdefault(posixpath.splitext(path)[0], []).append(path)
        by_stem.setdefault(path, []).append(path)
    return found, by_stem


def _rows(
    card: Card,
    layout: TableLayout,
    root: Path,
    table: Table,
    split: str,
    listing: tuple[Found, dict[str, list[str]]],
) -> list[tuple[str, Row]]:
    path = root / table.csv
    data = read_csv(path, expect=layout.id_column)
    ids = _column(data, layout.id_column, path)
    assert ids is not None
    unlabelled_allowed = split == "test"
    labels = _column(data, layout.label_column, path, optional=unlabelled_allowed)
    groups = _column(data, layout.group_column, path) if layout.group_column else None
    kinds = _column(data, layout.kind_column, path) if layout.kind_column else None
    # a test table may have the column and nothing in it
    if unlabelled_allowed and labels is not None and not any(c[labels] for _, c in data.rows):
        labels = None
    found, by_stem = listing
    rows = []
    for number, cells in data.rows:
        place = f"row {number} of {table.csv}"
        image, fault = _locate(cells[ids] + layout.extension, by_stem, table.images, place)
        label = UNLABELLED
        if labels is not None:
            label = label_of(card, layout.labels, cells[labels], where=f"{path}, row {number}")
        group = cells[groups] if groups is not None else ""
        kind = cells[kinds] if kinds is not None else ""
        fault = fault or found.faults.get(image, "")
        full = posixpath.normpath(posixpath.join(table.images, image))
        rows.append((f"{path}, row {number}", Row(full, label, split, group, fault, kind)))
    return rows


def _column(data: Csv, name: str, path: Path, *, optional: bool = False) -> int | None:
    if name in data.columns:
        return data.columns.index(name)
    if optional:
        return None
    raise DataError(
        f"there is no column {name!r}",
        where=path,
        hint="its columns: " + ", ".join(repr(column) for column in data.columns),
    )


def _locate(name: str, by_stem: dict[str, list[str]], images: str, place: str) -> tuple[str, str]:
    """Find the image of an id: its path below the folder, and what is wrong with it."""
    if not name:
        raise DataError("the id is empty", where=place)
    candidates = by_stem.get(name, [])
    if len(candidates) == 1:
        return candidates[0], ""
    if candidates:
        return name, f"{place}: several images fit {name!r}: {', '.join(candidates)}"
    return name, f"{place}: no image {name!r} in {images}/"


def ids(card: Card, layout: TableLayout, root: Path, split: str) -> list[tuple[str, str]]:
    """Give each id of a split's table, in its order, with the path of its image below the root.

    Raises
    ------
    DataError
        As `scan_table`; also where the split has no table.
    """
    if split not in layout.splits:
        raise DataError(f"{card.name!r} has no table of {split}")
    table = layout.splits[split]
    rows = _rows(card, layout, root, table, split, _listing(root / table.images))
    data = read_csv(root / table.csv, expect=layout.id_column)
    column = _column(data, layout.id_column, root / table.csv)
    assert column is not None
    names = [cells[column] for _, cells in data.rows]
    return [(name, row.path) for name, (_, row) in zip(names, rows, strict=True)]
