"""What the tables that were chosen say together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dfbench.suites.datasets.inference.candidates import Candidate, Role
from dfbench.suites.datasets.inference.choosing import Chosen
from dfbench.suites.datasets.inference.columns import (
    Choice,
    SplitChoice,
    group_column,
    is_missing,
    kind_column,
    testimony,
)
from dfbench.suites.datasets.inference.polarity import (
    BY_FOLDERS,
    Classes,
    Witness,
    as_said,
    classes_of,
)
from dfbench.suites.datasets.inference.read_as import NONE
from dfbench.suites.datasets.inference.splits import folders_of
from dfbench.suites.datasets.inference.table_splits import TableSplits
from dfbench.suites.datasets.layouts.table import TableFiles, TableLayout
from dfbench.suites.datasets.listing import SplitName
from dfbench.suites.datasets.tables.table import is_numbered
from dfbench.suites.datasets.words import meaning, split_of

Told = Literal["kinds", "groups", "splits"]
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
    doubt
        Why it is not known which of two classes is fake, where something tells it.
    only
        The split that the only table is called after; its images are divided all the same.
    asked
        What is not clear, and what would settle it.
    named
        All images that the tables name.
    images
        How many there are in all.
    as_said
        Whether the user says what the labels mean.
    by_folder
        Whether rows name folders of images.
    turned
        Whether a column and names of folders tell different splits.
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
    doubt: str = ""
    only: Role = "all"
    asked: tuple[str, str] | None = None
    named: set[str] = field(default_factory=set)
    images: int = 0
    as_said: bool = False
    by_folder: bool = False
    turned: bool = False

    @property
    def gives_splits(self) -> bool:
        """Whether the tables divide the images."""
        return "train" in self.layout.split_names and len(self.layout.split_names) > 1


class Reading:
    """Puts together what the chosen tables say.

    Parameters
    ----------
    chosen
        The tables.
    given
        Names of columns that go before what would be guessed, ``none`` for no such.
    meant
        Label to class, as somebody says.
    """

    def __init__(
        self, chosen: Chosen, given: Mapping[str, str], meant: Mapping[str, str] | None = None
    ) -> None:
        self.chosen = chosen
        self.given = given
        self.meant = dict(meant or {})
        self.labelled = chosen.labelled
        self.counts = Counter(
            text for one in self.labelled.values() for text in one.told().values()
        )
        self.splits = TableSplits(chosen, given)
        self.warnings = self.splits.warnings
        self.missing = self.splits.missing

    def found(self, images: Sequence[str]) -> FoundTable | str:
        """Say what the tables tell of ``images``, all below the root; else why not."""
        twice = next(filter(None, map(_twice, self.labelled.values())), "")
        if twice:
            return twice
        classes = self._classes()
        column = self.given.get("classes", "")
        chosen = any(one.labels.column == column for one in self.labelled.values())
        if classes.fault and not chosen:
            return classes.fault
        self.warnings += [classes.fault] if classes.fault else []
        self.warnings += classes.warnings
        labels = {
            path: classes.labels.get(text, text)
            for one in self.labelled.values()
            for path, text in one.told().items()
            if text not in classes.dropped
        }
        rare = [name for name, n in Counter(labels.values()).items() if n < _FEW]
        if len(classes.names) > 2 and rare:
            self.warnings.append(f"label {rare[0]!r} has fewer than {_FEW} images: a slip?")
        parts = [self._said(classes)]
        if column and not chosen and not self.meant:
            self._has("classes", column)
        found = self.splits.guessed()
        splits = self._extra("splits", Choice(found.column, found.reason))
        if splits and splits != found.column:
            found = self.splits.read(splits)
            splits = found.column
        if splits and not self.given.get("splits"):
            self.splits.hold_against_folders(found)
        folders = {} if splits else self.splits.folders(labels)
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
        if not group and not self.given.get("groups") and self._rows_name_several():
            group = ids[0]  # the frames of a video
        if folders:
            parts.append(f"splits from folders {folders_of(folders)}")
        for what, name in (("splits", splits), ("groups", group), ("kinds", kind)):
            told = found.told if what == "splits" else ""
            parts += [f"{what} from {_called(name)}{told}"] if name else []
        parts[1:1] = [f"{one.file} has no labels" for one in self.chosen.unlabelled.values()]
        self._count(images)
        return FoundTable(
            layout=self._layout(
                classes, (found if splits else SplitChoice(), folders), group, kind
            ),
            classes=classes.names,
            positive=classes.positive,
            files=[one.file for one in self.chosen.all.values()],
            told="; ".join(parts),
            warnings=self.warnings,
            labels=labels,
            chosen=chosen,
            missing=self.missing,
            doubt=classes.doubt,
            only=next(iter(self.labelled.values())).role if len(self.labelled) == 1 else "all",
            asked=self.splits.asked,
            named=set().union(*(one.images for one in self.chosen.all.values())),
            images=len(images),
            as_said=self._said_so,
            turned=self.splits.turned,
            by_folder=any(
                len(row.images) > 1 for one in self.chosen.all.values() for row in one.named
            ),
        )

    def _rows_name_several(self) -> bool:
        """Whether most rows name several images each, by the same column."""
        named = [row for one in self.labelled.values() for row in one.named if row.images]
        several = sum(len(row.images) > 1 for row in named)
        return 2 * several > len(named) and len({o.ids for o in self.labelled.values()}) == 1

    @property
    def _said_so(self) -> bool:
        return bool(self.meant) and set(self.meant) <= set(self.counts)

    def _classes(self) -> Classes:
        column = next(iter(self.labelled.values())).labels.column
        if self._said_so:
            return as_said(column, self.counts, self.meant, self._witnesses())
        return classes_of(column, self.counts, self._witnesses())

    def _witnesses(self) -> list[Witness]:
        """Find what tells the meaning of labels: names of folders, columns, other tables."""
        folders: dict[str, Counter[str]] = {}
        others: dict[str, dict[str, Counter[str]]] = {}
        for one in self.labelled.values():
            own = one.told()
            for path, text in own.items():
                said = {meaning(part) for part in path.split("/")[:-1]} - {""}
                if len(said) == 1:
                    folders.setdefault(text, Counter())[said.pop()] += 1
            columns = testimony(one.table, one.labels.column, one.ids)
            for name, says in columns.items():
                known = others.setdefault(f"{_called(name)} says", {})
                for text, counts in says.items():
                    known.setdefault(text, Counter()).update(counts)
            for witness in self.chosen.witnesses:
                told = witness.told()
                for path, text in own.items():
                    meant = witness.token(told[path]) if path in told else ""
                    if meant in ("real", "fake"):
                        known = others.setdefault(f"{witness.file} says", {})
                        known.setdefault(text, Counter())[meant] += 1
        found = [Witness(BY_FOLDERS, folders)] if folders else []
        return found + [Witness(name, says) for name, says in others.items()]

    def _said(self, classes: Classes) -> str:
        *others, last = [one.file for one in self.labelled.values()]
        names = f"{', '.join(others)} and {last}" if others else last
        column = next(iter(self.labelled.values())).labels.column
        told = f" ({classes.told})" if classes.told else ""
        divided = "all" in self.labelled
        named = next(iter(self.labelled.values())).role
        rest = f", {named} divided" if divided and named != "all" else ""
        return f"labels from {names}, {_called(column)}{told}{rest}"

    def _extra(self, what: Told, guessed: Choice) -> str:
        name = self.given.get(what, "")
        if name.lower() == NONE or (what == "splits" and self.splits.by_folders):
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

    def _layout(
        self,
        classes: Classes,
        splits: tuple[SplitChoice, dict[SplitName, list[str]]],
        group: str,
        kind: str,
    ) -> TableLayout:
        column, folders = splits
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
            split_column=column.column,
            split_values=dict(column.values),
            split_folders=folders,
            group_column=group,
            kind_column=kind,
            labels={text: name for text, name in classes.labels.items() if text != name},
            no_label=self._no_label(classes, column, folders),
        )

    def _no_label(
        self, classes: Classes, column: SplitChoice, folders: Mapping[SplitName, Sequence[str]]
    ) -> list[str]:
        """Give the labels that say that there is none, and warn of their rows but in test."""
        result: dict[str, None] = dict.fromkeys(classes.dropped)
        for role, one in self.labelled.items():
            cells = one.table.cells(one.labels.column)
            result |= dict.fromkeys(text for text in cells if is_missing(text))
            said = one.table.cells(column.column) if column.column else [""] * len(cells)
            left, tests, labelled = 0, 0, False
            for text, row, value in zip(cells, one.named, said, strict=True):
                if not row.images:
                    continue
                inner = row.images[0].split("/")[:-1]
                test = (
                    bool(set(folders.get("test", ())).intersection(inner))
                    or (column.values.get(value) or split_of(value)) == "test"
                )
                labelled = labelled or (test and not is_missing(text))
                left += is_missing(text) and not (role == "all" and test)
                tests += is_missing(text) and role == "all" and test
            left += tests if labelled else 0
            if left:
                rows = f"{left:,} row{'s' * (left > 1)}"
                self.warnings.append(f"{rows} of {one.file} without a label left out")
        return list(result)

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


def _twice(one: Candidate) -> str:
    """Say of which image a table tells two labels; empty where of none."""
    first: dict[str, tuple[int, str]] = {}
    texts = one.table.cells(one.labels.column)
    for (number, _), row, text in zip(one.table.rows, one.named, texts, strict=True):
        for path in row.images:
            before, said = first.setdefault(path, (number, text))
            if said != text:
                return f"rows {before} and {number} tell different labels of {path}"
    return ""


def _called(column: str) -> str:
    return column if is_numbered(column) else f"column {column}"
