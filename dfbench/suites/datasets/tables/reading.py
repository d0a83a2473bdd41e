"""Reading a table whatever its form."""

from __future__ import annotations

from pathlib import Path

from dfbench.errors import DataError
from dfbench.suites.datasets.tables.delimited import read_delimited
from dfbench.suites.datasets.tables.json_files import read_json, read_lines
from dfbench.suites.datasets.tables.table import Table
from dfbench.suites.datasets.tables.text import read_text

TABLE_SUFFIXES = frozenset((".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson"))
"""Extensions of tables, in lower case."""


def read_table(path: Path, *, expect: str = "", root: Path | None = None) -> Table:
    """Read a table, keeping every cell as the text it is (ids keep their leading zeros).

    Parameters
    ----------
    path
        ``.json``, ``.jsonl`` and ``.ndjson`` are read as such, all others as cells set apart by
        commas, semicolons, tabs or bars, in ``.txt`` also by blanks.
    expect
        A column that the table should have. ``column 1`` and so on mean that there is no header;
        so does a first row that names an image file.
    root
        A folder that it has to lie below, links resolved; None where a person names the file.

    Raises
    ------
    DataError
        Where the file is absent, empty, damaged or no table, naming the row; where it is larger
        than tables are, or leads out of ``root``.
    """
    text = read_text(path, root=root)
    if not any(line.strip() for line in text.lines()):
        raise DataError("the table is empty", where=path)
    match path.suffix.lower():
        case ".json":
            return read_json(text)
        case ".jsonl" | ".ndjson":
            return read_lines(text)
        case _:
            return read_delimited(text, expect=expect)
