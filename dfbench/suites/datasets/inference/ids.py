"""Which column of a table names images."""

from __future__ import annotations

import re
from typing import NamedTuple

from dfbench.suites.datasets.inference.columns import ID_NAMES, ORIGINALS, key, looked_into
from dfbench.suites.datasets.tables.matching import Images, Named
from dfbench.suites.datasets.tables.table import Table, is_index

LEAST = 0.5
"""Share of its rows that must name images."""
_SAMPLE = 400
"""Rows by which the column is told."""
_FILE = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")


class _Column(NamedTuple):
    """A column that may be the ids, by a part of its rows."""

    name: str
    tier: tuple[bool, bool, bool]
    """Paths and files go before bare numbers, and what is called like ids before what is not."""
    named: list[Named]

    @property
    def share(self) -> float:
        return sum(bool(row.images) for row in self.named) / max(1, len(self.named))

    @property
    def parts(self) -> float:
        """How much of each path agrees."""
        return sum(row.parts for row in self.named) / max(1, len(self.named))

    def agrees(self, other: _Column) -> bool:
        """Whether both name the same images."""
        rows = zip(self.named, other.named, strict=True)
        both = [(a.images, b.images) for a, b in rows if a.images and b.images]
        return bool(both) and all(one == another for one, another in both)


def id_column(table: Table, images: Images) -> tuple[float, str, str]:
    """Find the column whose cells name images; which share of them, or why it is not clear."""
    step = max(1, len(table.rows) // _SAMPLE)
    columns: list[_Column] = []
    reason = ""
    for name in looked_into(table):
        if is_index(name):
            continue
        cells = table.cells(name)
        found = images.find(cells[::step])
        if 2 * sum(bool(row.rivals) for row in found) > len(found):
            reason = "its names fit several images each: they need the folders before them"
        files = sum("/" in cell or "\\" in cell or _FILE.search(cell) is not None for cell in cells)
        tier = (key(name) not in ORIGINALS, 2 * files > len(cells), key(name) in ID_NAMES)
        column = _Column(name, tier, found)
        # labels may be called like folders: ids differ
        if 2 * len(set(cells)) >= len(cells) and column.share:
            columns.append(column)
    fitting = [column for column in columns if column.share >= LEAST]
    if not fitting:
        share = max((column.share for column in columns), default=0)
        return share, "", reason
    first = max(fitting, key=lambda column: (column.tier, column.share))
    rivals = [c for c in fitting if c.tier == first.tier and not c.agrees(first)]
    if rivals:
        shown = f"{first.name!r} and {rivals[0].name!r}"
        return 0, "", f"its columns {shown} name different images"
    # of those that say the same, the one that says most of each path
    same = [column for column in fitting if column.agrees(first)]
    best = max(
        same, key=lambda c: (round(c.share, 2), c.parts, c.tier, -table.columns.index(c.name))
    )
    return best.share, best.name, ""
