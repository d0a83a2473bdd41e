"""A table as text: columns by name, every cell as it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dfbench.errors import DataError

_COUNTS = {2: "two", 3: "three"}


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes
    ----------
    path
        Where it lies.
    columns
        Names in the header; ``column 1`` and so on where there is none.
    rows
        Number of the row as a spreadsheet counts (a header is row 1; of JSON, the number of the
        entry or line), and its cells, as many as there are columns.
    """

    path: Path
    columns: list[str]
    rows: list[tuple[int, list[str]]]

    def column(self, name: str) -> int:
        """Give the place of the column ``name``.

        Raises
        ------
        DataError
            Where there is none, or several that differ.
        """
        places = self._places.get(name)
        if places is None:
            raise DataError(f"there is no column {name!r}", where=self.path, hint=self.described)
        first = places[0]
        for number, cells in self.rows if len(places) > 1 else ():
            if any(cells[at] != cells[first] for at in places):
                raise DataError(
                    f"{_COUNTS.get(len(places), len(places))} columns are called {name!r}, and"
                    f" differ in row {number}",
                    where=self.path,
                    hint="rename one of them",
                )
        return first

    def cells(self, name: str) -> list[str]:
        """Give the cells of the column ``name``, row by row.

        Raises
        ------
        DataError
            As `column`.
        """
        at = self.column(name)
        return [cells[at] for _, cells in self.rows]

    @cached_property
    def clear(self) -> dict[str, None]:
        """Names of the columns, each once, without those of which several differ."""
        found: dict[str, None] = {}
        for name in self._places:
            try:
                self.column(name)
            except DataError:
                continue
            found[name] = None
        return found

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for at, column in enumerate(self.columns):
            found.setdefault(column, []).append(at)
        return found

    @property
    def described(self) -> str:
        """Its columns, for a message."""
        shown = [repr(column) for column in self.columns[:20]]
        more = f" and {len(self.columns) - 20} more" if len(self.columns) > 20 else ""
        return "its columns: " + ", ".join(shown) + more

    def without_header(self) -> Table:
        """Take the first row for one like the others."""
        names = [f"column {number}" for number in range(1, len(self.columns) + 1)]
        return Table(self.path, names, [(1, self.columns), *self.rows])


def is_numbered(name: str) -> bool:
    """Whether a column was named by its number, since the table has no header."""
    return re.fullmatch(r"column \d+", name) is not None


def is_index(name: str) -> bool:
    """Whether a column has no name of its own: the index that a data frame was written with."""
    return re.fullmatch(r"(Unnamed: \d+|\s*)", name) is not None
