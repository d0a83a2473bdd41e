"""What the tables that were chosen say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dfbench.suites.datasets.inference.choosing import Chosen
from dfbench.suites.datasets.inference.columns import (
    Choice,
    group_column,
    kind_column,
    split_column,
    values,
)
from dfbench.suites.datasets.inference.polarity import Classes, classes_of
from dfbench.suites.datasets.layouts.table import TableFiles, TableLayout
from dfbench.suites.datasets.tables.table import is_numbered
from dfbench.suites.datasets.words import meaning

Told = Literal["kinds", "groups", "splits"]
NONE = "none"
"""Given for a column: the tables tell no such thing."""
_FEW = 3
"""A label of fewer images may be a slip of the pen."""


@dataclass(slots=True)
class FoundTable:
    """What tables say of a folder.

    Attributes
    ----------
    layout
        How a card would say it.
    classes
        Their names; of two the fake one is last, where it is known.
    positive
        The fake one of two; empty where nothing tells it.
    files
        The tables, relative to the root.
    told
        How they were read, in a line.
    warnings
        What may mislead, a sentence each.
    labels
        Path of an image to its class, as the tables say.
    chosen
        Whether the column of labels was given.
    missing
        What was given, but is no column of these tables: a sentence each.
    """

    layout: TableLayout
    classes: list[str]
    positive: str
    files: list[str]
    told: str
    warnings: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    chosen: bool = False
    missing: list[str] = field(default_factory=list)


class Reading:
    """Puts together what the chosen tables say.

    Parameters
    ----------
    chosen
        The tables.
    given
        Names of columns that go before what would be guessed, ``none`` for no such.
    """

    def __init__(self, chosen: Chosen, given: Mapping[str, str]) -> None:
        self.chosen = chosen
        self.given = given
        self.labelled = chosen.labelled
        self.warnings: list[str] = []
        self.missing: list[str] = []

    def found(self, images: Sequence[str]) -> FoundTable:
        """Say what the tables tell of ``images``, all that lie below the root."""
        classes = self._classes()
        self.warnings += classes.warnings
        labels = {
            path: classes.labels.get(text, text)
            for one in self.labelled.values()
            for path, text in one.told().items()
            if text
        }
        rare = [name for name, n in Counter(labels.values()).items() if n < _FEW]
        if len(classes.names) > 2 and rare:
            self.warnings.append(f"label {rare[0]!r} has fewer than {_FEW} images: a slip?")
        parts = [self._said(classes)]
        column = self.given.get("classes", "")
        chosen = any(one.labels.column == column for one in self.labelled.values())
        if column and not chosen:
            self._has("classes", column)
        splits = self._extra("splits", self._splits())
        used = {splits} | {
            c for one in self.labelled.values() for c in (one.ids, one.labels.column)
        }
        tables = [one.table for one in self.labelled.values()]
        ids = [one.ids for one in self.labelled.values()]
        fakes = [
            [
                classes.positive == classes.labels.get(t, t)
                for t in one.table.cells(one.labels.column)
            ]
            for one in self.labelled.values()
        ]
        kinds = kind_column(tables, fakes, used) if classes.positive else Choice()
        kind = self._extra("kinds", kinds)
        group = self._extra("groups", group_column(tables, ids, used | {kind}))
        for what, name in (("splits", splits), ("groups", group), ("kinds", kind)):
            parts += [f"{what} from {_called(name)}"] if name else []
        parts[1:1] = [f"{one.file} has no labels" for one in self.chosen.unlabelled.values()]
        self._count(images)
        return FoundTable(
            layout=self._layout(classes, splits, group, kind),
            classes=classes.names,
            positive=classes.positive,
            files=[one.file for one in self.chosen.all.values()],
            told="; ".join(parts),
            warnings=self.warnings,
            labels=labels,
            chosen=chosen,
            missing=self.missing,
        )

    def _classes(self) -> Classes:
        found: list[str] = []
        folders: dict[str, Counter[str]] = {}
        for one in self.labelled.values():
            found += values(one.table, one.labels.column)
            for path, text in one.told().items():
                said = {meaning(part) for part in path.split("/")[:-1]} - {""}
                if len(said) == 1 and text:
                    folders.setdefault(text, Counter())[said.pop()] += 1
        first = next(iter(self.labelled.values()))
        return classes_of(first.labels.column, list(dict.fromkeys(found)), folders)

    def _said(self, classes: Classes) -> str:
        *others, last = [one.file for one in self.labelled.values()]
        names = f"{', '.join(others)} and {last}" if others else last
        column = next(iter(self.labelled.values())).labels.column
        told = f" ({classes.told})" if classes.told else ""
        divided = "all" in self.labelled
        named = next(iter(self.labelled.values())).role
        rest = f", {named} divided" if divided and named != "all" else ""
        return f"labels from {names}, {_called(column)}{told}{rest}"

    def _splits(self) -> Choice:
        if list(self.chosen.all) != ["all"]:
            return Choice()
        one = self.labelled["all"]
        return split_column(one.table, one.labels.column)

    def _extra(self, what: Told, guessed: Choice) -> str:
        name = self.given.get(what, "")
        if name.lower() == NONE:
            return ""
        if name:
            return name if self._has(what, name) else ""
        if guessed.reason:
            self.warnings.append(guessed.reason)
        return guessed.column

    def _has(self, what: str, name: str) -> bool:
        for one in self.labelled.values():
            if name not in one.table.columns:
                told = f"{what}: {name!r} is no column of {one.file} ({one.table.described})"
                self.missing.append(told)
                return False
        return True

    def _layout(self, classes: Classes, splits: str, group: str, kind: str) -> TableLayout:
        first = next(iter(self.labelled.values()))
        ids, labels = first.ids, first.labels.column
        return TableLayout(
            kind="table",
            splits={
                role: TableFiles(
                    csv=one.file,
                    images=one.folder,
                    id_column="" if one.ids == ids else one.ids,
                    label_column="" if one.labels.column in ("", labels) else one.labels.column,
                )
                for role, one in self.chosen.all.items()
            },
            id_column=ids,
            label_column=labels,
            split_column=splits,
            group_column=group,
            kind_column=kind,
            labels={text: name for text, name in classes.labels.items() if text != name},
        )

    def _count(self, images: Sequence[str]) -> None:
        """Warn of images without a row, and of rows without an image."""
        named: set[str] = set()
        for one in self.chosen.all.values():
            named |= one.images
            absent = [row for row in one.named if not row.images]
            if absent:
                several = sum(bool(row.rivals) for row in absent)
                unclear = f", {several} fit several" if several else ""
                self.warnings.append(
                    f"{len(absent)} of {len(one.named)} rows of {one.file} name no image{unclear}"
                )
        left = len(images) - len(named)
        if left:
            self.warnings.append(f"{left} of {len(images)} images are in no table: left out")


def _called(column: str) -> str:
    return column if is_numbered(column) else f"column {column}"
