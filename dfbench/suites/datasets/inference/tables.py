"""The reading of a folder whose labels stand in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dfbench.suites.datasets.inference.candidates import Candidate, Folders, examine, is_table
from dfbench.suites.datasets.inference.choosing import choose
from dfbench.suites.datasets.inference.columns import NO_COLUMN, Choice
from dfbench.suites.datasets.inference.combining import FoundTable, Reading
from dfbench.suites.datasets.inference.read_as import NONE
from dfbench.suites.datasets.words import meaning, natural, plain


@dataclass(slots=True)
class Tables:
    """The tables of a folder: what they tell, and which were left aside and why."""

    found: FoundTable | None = None
    aside: list[tuple[str, str]] = field(default_factory=list)
    columns: dict[str, list[str]] = field(default_factory=dict)
    """Of each table that names images."""

    def having(self, column: str) -> str:
        """Name a table with such a column; empty where none has it."""
        return next((file for file, names in self.columns.items() if column in names), "")


def find_tables(
    root: Path,
    images: Sequence[str],
    files: Sequence[str],
    columns: Mapping[str, str] | None = None,
    meant: Mapping[str, str] | None = None,
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
    meant
        Label to class, as somebody says; it may be meant for folders.
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
            result.columns[file] = found.table.columns
    _give_labels(candidates, given.get("classes", ""))
    chosen = choose(candidates, result.aside)
    if chosen is not None:
        reason = _unclear(list(chosen.labelled.values()))
        if reason:
            result.aside += [(one.file, reason) for one in chosen.all.values()]
        else:
            read = Reading(chosen, given, meant).found(images)
            if isinstance(read, str):
                result.aside += [(one.file, read) for one in chosen.all.values()]
            else:
                result.found = read
    result.aside.sort()
    return result


def _unclear(labelled: Sequence[Candidate]) -> str:
    """Say why the labels of the tables are no classes; empty where they are."""
    first = labelled[0]
    texts = [set(one.told().values()) for one in labelled]
    for one, found in zip(labelled, texts, strict=True):
        alike = {plain(text) for text in found} & {plain(text) for text in texts[0]}
        if not alike or meaning(one.labels.column) != meaning(first.labels.column):
            return f"{first.file} and {one.file} tell labels in different ways"
        own, others = ({plain(text) for text in some} for some in (found, texts[0]))
        if not (own <= others or others <= own):
            shown = " and ".join(
                f"{each.file} {', '.join(natural(some)[:5])}"
                for each, some in ((first, texts[0]), (one, found))
            )
            return f"the labels are not the same: {shown}"
    told = set().union(*texts)
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
