"""The text of a table, whichever of the usual encodings it is written in, within bounds."""

from __future__ import annotations

import os
from pathlib import Path

from dfbench.errors import DataError
from dfbench.received.files import read_bytes, why
from dfbench.received.texts import decoded

MOST_BYTES = 300_000_000
MOST_ROWS = 4_000_000
MOST_COLUMNS = 4_096
MOST_CELLS = 20_000_000
"""Of the largest table that is read: known sets have two million rows, and some have a hundred
columns."""


def read_text(path: Path, *, root: Path | None = None) -> str:
    """Read a text file: by its byte-order mark, else as UTF-8, else as Windows-1252.

    Parameters
    ----------
    path
        Of the file.
    root
        A folder that it has to lie below, links resolved.

    Raises
    ------
    DataError
        Where the file is absent, leads out of ``root``, cannot be read, holds no text, or more
        than a table may.
    """
    place, below = path, None
    if root is not None:
        below = Path(os.path.realpath(root))
        try:
            place = Path(os.path.realpath(path))
        except ValueError as error:  # a NUL
            raise DataError(f"no name of a file: {error}", where=path) from None
        if not place.is_relative_to(below):
            raise DataError(
                "leads by a link out of the data set",
                where=path,
                hint="put the file itself there, or say that root is a folder that holds both",
            )
    try:
        data = read_bytes(place, most=MOST_BYTES, below=below)
        _check_counts(path, data)
        return decoded(data)
    except FileNotFoundError:
        raise DataError("no such file", where=path) from None
    except OSError as error:
        raise DataError(why(error), where=path) from None
    except ValueError as error:
        hint = "save it as UTF-8 text" if "NUL" in str(error) else None
        raise DataError(f"{error}: no table", where=path, hint=hint) from None


def check_size(path: Path, columns: int, rows: int) -> None:
    """Raise where a table of so many columns and rows would not fit into memory.

    Raises
    ------
    DataError
        Saying what is too many.
    """
    _check(path, columns, MOST_COLUMNS, "columns")
    _check(path, rows, MOST_ROWS, "rows")
    _check(path, columns * rows, MOST_CELLS, "cells")


def _check(path: Path, n: int, most: int, what: str) -> None:
    if n > most:
        raise DataError(
            f"too large: {n:,} {what}, at most {most:,} are read",
            where=path,
            hint="leave out what is not needed",
        )


def _check_counts(path: Path, data: bytes) -> None:
    """Raise where there are too many rows or cells, by the bytes: before anything is made of it."""
    begins = b"{[" if path.suffix.lower() in (".json", ".jsonl", ".ndjson") else b"\n\r"
    _check(path, max(data.count(each) for each in begins), MOST_ROWS, "rows")
    _check(path, max(data.count(each) for each in b",;\t|"), MOST_CELLS, "cells")
