"""The layout ``table``: CSV files of ids and labels beside folders of images."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple, Self

from pydantic import Field

from dfbench.errors import DataError
from dfbench.suites.datasets.csv_files import Csv, read_csv
from dfbench.suites.datasets.image_files import Found, subfolders, walk
from dfbench.suites.datasets.layouts.base import (
    Declared,
    Layout,
    Sheet,
    check_labels,
    label_of,
)
from dfbench.suites.datasets.layouts.naming import by_split, class_folders, natural
from dfbench.suites.datasets.listing import SPLITS, UNLABELLED, Listed, Listing, SplitName
from dfbench.suites.datasets.section import Section

_ID_WORDS = ("image_id", "id", "image", "filename", "file_name", "file", "path", "name")
_LABEL_WORDS = ("label", "labels", "class", "target", "y")


class Table(Section):
    """One CSV file and the folder that its images lie in, both relative to the root."""

    csv: str
    images: str = "."


class TableLayout(Layout):
    """A CSV file of ids and labels per split, and folders of images."""

    comments: ClassVar[dict[str, str]] = {"labels": "Label as found to class."}

    kind: Literal["table"]
    splits: dict[SplitName | Literal["all"], Table] = Field(min_length=1)
    """Split to its table; ``all`` is one table that the split policy divides."""
    id_column: str = "image_id"
    label_column: str = "label"
    """A test table without this column, or with nothing in it, is unlabelled."""
    group_column: str = ""
    kind_column: str = ""
    """Which kind of fake an image is."""
    extension: str = ""
    """Put behind each id; empty: ids carry their extension, or it is found in the folder."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Label in the table to class, where they differ."""

    @classmethod
    def recognise(cls, root: Path) -> tuple[Self, list[str]] | None:
        """Find ``train.csv`` beside ``train/``, and the same for another split at least.

        Raises
        ------
        DataError
            If the table of train has no columns of ids and labels, or one label only.
        """
        tables = _tables_beside_folders(root)
        if "train" not in tables or len(tables) < 2:
            return None
        if len(class_folders(root / tables["train"].images)) > 1:
            return None
        id_column, label_column, classes = _read_columns(root / tables["train"].csv)
        layout = cls(
            kind="table", splits={**tables}, id_column=id_column, label_column=label_column
        )
        return layout, classes

    @classmethod
    def advice(cls, names: Sequence[str]) -> str:
        """Name the form that is recognised."""
        return "train.csv beside train/"

    def needs(self, classes: Sequence[str]) -> list[str]:
        """Name the tables."""
        return [table.csv for table in self.splits.values()]

    def check(self, classes: Sequence[str]) -> None:
        """Labels lead to classes."""
        check_labels(self.labels, classes)

    @property
    def split_names(self) -> list[str]:
        """The splits with a table, or ``all``."""
        return [str(name) for name in self.splits]

    @property
    def gives_groups(self) -> bool:
        """Whether there is a column of groups."""
        return bool(self.group_column)

    @property
    def gives_kinds(self) -> bool:
        """Whether there is a column of kinds."""
        return bool(self.kind_column)

    def scan(self, card: Declared, root: Path) -> Listing:
        """List the rows of all tables; an id without its image is kept as a broken line.

        Raises
        ------
        DataError
            For a missing table, folder or column, an id given twice, a label outside the classes.
        """
        result = Listing()
        seen: dict[str, str] = {}
        folders: dict[str, _Folder] = {}
        for split, table in self.splits.items():
            if table.images not in folders:
                folders[table.images] = _read_folder(root / table.images)
            given = "" if split == "all" else split
            for line in self._lines(card, root, table, given, folders[table.images]):
                path = line.image.path
                if path in seen:
                    raise DataError(f"image {path!r} stands in {seen[path]} too", where=line.place)
                seen[path] = line.place
                result.images.append(line.image)
        found = [folder.found for folder in folders.values()]
        with_image = sum(1 for image in result.images if not image.fault.startswith("row "))
        result.ignored = sum(len(f.images) + f.ignored for f in found) - with_image
        return result

    def sheet(self, card: Declared, root: Path, paths: Sequence[str]) -> Sheet:
        """Give the ids of the test table, and its columns.

        Raises
        ------
        DataError
            As `scan`; also where there is no table of test.
        """
        if "test" not in self.splits:
            raise DataError(f"{card.name!r} has no table of test")
        table = self.splits["test"]
        lines = self._lines(card, root, table, "test", _read_folder(root / table.images))
        return Sheet(
            [(line.id, line.image.path) for line in lines],
            self.id_column,
            self.label_column,
            {name: text for text, name in self.labels.items()},
        )

    def _lines(
        self, card: Declared, root: Path, table: Table, split: str, folder: _Folder
    ) -> list[_Line]:
        path = root / table.csv
        data = read_csv(path, expect=self.id_column)
        ids = _column(data, self.id_column, path)
        labels = self._label_column(data, path, split)
        groups = _column(data, self.group_column, path) if self.group_column else None
        kinds = _column(data, self.kind_column, path) if self.kind_column else None
        lines = []
        for number, cells in data.rows:
            row = f"row {number} of {table.csv}"
            place = f"{path}, row {number}"
            name, fault = _locate(cells[ids] + self.extension, folder, table.images, row)
            label = UNLABELLED
            if labels is not None:
                label = label_of(card, self.labels, cells[labels], where=place)
            image = Listed(
                path=posixpath.normpath(posixpath.join(table.images, name)),
                label=label,
                split=split,
                group=cells[groups] if groups is not None else "",
                fault=fault or folder.found.faults.get(name, ""),
                kind=cells[kinds] if kinds is not None else "",
            )
            lines.append(_Line(place, cells[ids], image))
        return lines

    def _label_column(self, data: Csv, path: Path, split: str) -> int | None:
        """Find the column of labels; None where the table of test has none, or nothing in it."""
        if split == "test" and self.label_column not in data.columns:
            return None
        at = _column(data, self.label_column, path)
        if split == "test" and not any(cells[at] for _, cells in data.rows):
            return None
        return at


class _Line(NamedTuple):
    """A row of a table."""

    place: str
    """File and number of the row, for messages."""
    id: str
    image: Listed


class _Folder(NamedTuple):
    """A folder of images."""

    found: Found
    by_name: dict[str, list[str]]
    """Path with and without its extension to the images that it fits."""


def _read_folder(folder: Path) -> _Folder:
    if not folder.is_dir():
        raise DataError("no such folder of images", where=folder, hint="see layout.splits.*.images")
    found = walk(folder)
    by_name: dict[str, list[str]] = {}
    for path in found.images:
        by_name.setdefault(posixpath.splitext(path)[0], []).append(path)
        by_name.setdefault(path, []).append(path)
    return _Folder(found, by_name)


def _column(data: Csv, name: str, path: Path) -> int:
    if name in data.columns:
        return data.columns.index(name)
    raise DataError(f"there is no column {name!r}", where=path, hint=_columns(data))


def _columns(data: Csv) -> str:
    return "its columns: " + ", ".join(repr(column) for column in data.columns)


def _locate(name: str, folder: _Folder, images: str, row: str) -> tuple[str, str]:
    """Find the image of an id: its path below the folder, and what is wrong with it."""
    if not name:
        raise DataError("the id is empty", where=row)
    candidates = folder.by_name.get(name, [])
    if len(candidates) == 1:
        return candidates[0], ""
    if candidates:
        return name, f"{row}: several images fit {name!r}: {', '.join(candidates)}"
    return name, f"{row}: no image {name!r} in {images}/"


def _tables_beside_folders(root: Path) -> dict[SplitName, Table]:
    """Find the splits that have both a table and a folder of images."""
    files = {
        entry.stem: entry.name
        for entry in root.iterdir()
        if entry.suffix.lower() == ".csv" and entry.is_file()
    }
    tables, folders = by_split(sorted(files)), by_split(subfolders(root))
    return {
        split: Table(csv=files[tables[split]], images=folders[split])
        for split in SPLITS
        if split in tables and split in folders
    }


def _read_columns(path: Path) -> tuple[str, str, list[str]]:
    """Tell the columns of ids and of labels of a table, and the classes in it."""
    data = read_csv(path)
    id_column = _guess_column(data, _ID_WORDS, 0)
    label_column = _guess_column(data, _LABEL_WORDS, 1)
    if not data.rows or label_column is None or id_column is None:
        raise DataError(
            "the table needs a column of ids, a column of labels, and rows",
            where=path,
            hint=_columns(data),
        )
    at = data.columns.index(label_column)
    classes = natural({cells[at] for _, cells in data.rows})
    if len(classes) < 2:
        raise DataError(f"column {label_column!r} has only {classes[0]!r}", where=path)
    return id_column, label_column, classes


def _guess_column(data: Csv, words: tuple[str, ...], fallback: int) -> str | None:
    lower = {column.lower(): column for column in reversed(data.columns)}
    for word in words:
        if word in lower:
            return lower[word]
    return data.columns[fallback] if fallback < len(data.columns) else None
