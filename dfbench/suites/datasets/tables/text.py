"""The text of a table, whichever of the usual encodings it is written in, within bounds."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dfbench.errors import DataError
from dfbench.received.containers.places import read_bytes
from dfbench.received.files import why
from dfbench.received.texts import encoding_of

MOST_BYTES = 200_000_000
MOST_ROWS = 4_000_000
MOST_COLUMNS = 4_096
MOST_CELLS = 20_000_000
"""Of the largest table that is read: known sets have two million rows, and some have a hundred
columns."""
MOST_MEMORY = 850_000_000
"""Bytes that a table and its file may take: rows, cells and characters weigh more than written."""
_WHOLE_BYTES, _WHOLE_ROWS, _WHOLE_CELLS = 60_000_000, 1_000_000, 4_000_000
"""The same of JSON, which is made into values before it is a table."""
_LONGEST = 1_000_000
"""Bytes of a line."""
_JSON = (".json", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class Text:
    """A text, decoded line by line.

    Attributes
    ----------
    path
        Where it lies.
    data
        Its bytes.
    encoding
        Theirs.
    """

    path: Path
    data: bytes
    encoding: str

    def lines(self, newline: str = "") -> Iterator[str]:
        """Go through the lines, with their ends; ``newline`` is that of `open`."""
        return io.TextIOWrapper(io.BytesIO(self.data), self.encoding, newline=newline)

    def whole(self) -> str:
        """Decode all of it."""
        return self.data.decode(self.encoding)


def read_text(path: Path, *, root: Path | None = None) -> Text:
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
        whole = path.suffix.lower() in _JSON
        data = read_bytes(place, most=_WHOLE_BYTES if whole else MOST_BYTES, below=below)
        _check_counts(path, data, whole)
        return Text(path, data, encoding_of(data))
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


def check_memory(path: Path, taken: int) -> None:
    """Raise where a table would take too many bytes of memory.

    Raises
    ------
    DataError
        Saying so.
    """
    if taken > MOST_MEMORY:
        raise DataError(
            f"too large: takes more than {MOST_MEMORY / 1e6:,.0f} MB of memory as a table",
            where=path,
            hint="leave out what is not needed",
        )


def _check_counts(path: Path, data: bytes, whole: bool) -> None:
    """Raise where there is too much, by the bytes: before anything is made of it."""
    begins = b"{[" if whole else b"\n\r"
    rows, cells = MOST_ROWS, MOST_CELLS
    if whole:
        rows, cells = min(rows, _WHOLE_ROWS), min(cells, _WHOLE_CELLS)
    _check(path, max(data.count(each) for each in begins), rows, "rows")
    _check(path, max(data.count(each) for each in b",;\t|"), cells, "cells")
    at = len(data) if whole else 0
    while len(data) - at > _LONGEST:
        end = max(data.rfind(each, at, at + _LONGEST) for each in begins)
        if end < 0:
            line = data.count(b"\n", 0, at) + 1
            raise DataError(f"line {line} has more than {_LONGEST:,} bytes: no table", where=path)
        at = end + 1
