"""The reading of a folder whose labels stand in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dfbench.suites.datasets.inference.candidates import Candidate, Folders, examine, is_table
from dfbench.suites.datasets.inference.choosing import choose
from dfbench.suites.datasets.inference.columns import NO_COLUMN, Choice, values
from dfbench.suites.datasets.inference.combining import (
    NONE,
    FoundTable,
    Reading,
)
from dfbench.suites.datasets.words import meaning, plain


@dataclass(slots=True)
class Tables:
    """The tables of a folder: what they tell, and which were left aside and why."""

    found: FoundTable | None = None
    aside: list[tuple[str, str]] = field(default_factory=list)


def find_tables(
    root: Path,
    images: Sequence[str],
    files: Sequence[str],
    columns: Mapping[str, str] | None = None,
) -> Tables:
    """Find the tables of labels in a folder, and what they say.

    Parameters
    ----------
    root
        The folder.
    images, files
        Paths of its images, and of its other files, with ``/`` between parts.
    columns
        Names of columns of ``classes``, ``kinds``, ``groups`` and ``splits`` that go before what
        would be guessed, ``none`` for no such. Another text may be meant for folders.
    """
    given = dict(columns or {})
    folders = Folders(images)
    result = Tables()
    candidates: list[Candidate] = []
    for file in sorted(filter(is_table, files)):
        found = examine(root, file, folders)
        if isinstance(found, str):
            result.aside.append((file, found))
        else:
            candidates.append(found)
    _give_labels(candidates, given.get("classes", ""))
    chosen = choose(candidates, result.aside)
    if chosen is not None:
        reason = _unclear(list(chosen.labelled.values()))
        if reason:
            result.aside += [(one.file, reason) for one in chosen.all.values()]
        else:
            result.found = Reading(chosen, given).found(images)
    result.aside.sort()
    return result


def _unclear(labelled: Sequence[Candidate]) -> str:
    """Say why the labels of the tables are no classes; empty where they are."""
    first = labelled[0]
    told = set(values(first.table, first.labels.column))
    for one in labelled[1:]:
        column, found = one.labels.column, set(values(one.table, one.labels.column))
        alike = {plain(text) for text in found} & {plain(text) for text in told}
        if not alike or meaning(column) != meaning(first.labels.column):
            return f"{first.file} and {one.file} tell labels in different ways"
        told |= found
    if len(told) < 2:
        column = first.labels.column
        return f"column {column!r} says {''.join(told)!r} of every image: one class only"
    return ""


def _give_labels(candidates: Sequence[Candidate], name: str) -> None:
    """Take the column ``name`` for the labels, where any table has it: it may be of folders."""
    having = [one for one in candidates if name and name in one.table.columns]
    if having or name.lower() == NONE:
        for one in candidates:
            one.labels = Choice(name) if one in having else Choice("", NO_COLUMN)
