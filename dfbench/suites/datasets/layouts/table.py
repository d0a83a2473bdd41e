"""The layout ``table``: tables of ids and labels beside folders of images."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from dfbench.errors import DataError
from dfbench.plain import counted
from dfbench.received.containers.places import is_folder
from dfbench.suites.datasets.image_files import Found, is_image, subfolders, walk
from dfbench.suites.datasets.layouts.base import (
    Declared,
    Layout,
    Sheet,
    check_labels,
    label_of,
    unread,
)
from dfbench.suites.datasets.layouts.way import Names, check_apart, find
from dfbench.suites.datasets.listing import SPLITS, UNLABELLED, Listed, Listing, SplitName
from dfbench.suites.datasets.section import Inside, Section, fault
from dfbench.suites.datasets.tables.matching import Images, Named
from dfbench.suites.datasets.tables.originals import groups_with_originals
from dfbench.suites.datasets.tables.reading import read_table
from dfbench.suites.datasets.tables.table import Table
from dfbench.suites.datasets.words import split_of


class TableFiles(Section):
    """One table and the folder that its images lie in, both relative to the root."""

    csv: Inside
    """Of any form: CSV, TSV, text, JSON, JSON Lines."""
    images: Inside = "."
    id_column: str = ""
    label_column: str = ""
    """Names of columns that differ from those of the other tables."""


class TableLayout(Layout):
    """A table of ids and labels per split, or one for all, and folders of images."""

    comments: ClassVar[dict[str, str]] = {
        "labels": "Label as found to class.",
        "no_label": "Labels that say that there is none: such rows are left out.",
        "split_values": "Value of split_column to split.",
        "split_folders": "Split to its folder, or a list of them.",
    }

    kind: Literal["table"]
    splits: dict[SplitName | Literal["all"], TableFiles] = Field(min_length=1)
    """Split to its table; ``all`` is one table that the split policy or ``split_column`` divides.
    A table of test without labels may stand beside it."""
    id_column: str = "image_id"
    label_column: str = "label"
    """A test table without this column, or with nothing in it, is unlabelled."""
    split_column: str = ""
    """Which split an image is of; the same table may then stand for several splits."""
    split_values: dict[str, SplitName] = Field(default_factory=dict)
    """Value of ``split_column`` to split, where it is not called like one."""
    split_folders: dict[SplitName, Names] = Field(default_factory=dict)
    """Split to the folders on the way to its images, of the table ``all``."""
    group_column: str = ""
    """What shares a source. Where it names originals, these belong to the group themselves."""
    kind_column: str = ""
    """Which kind of fake an image is."""
    extension: str = ""
    """Put behind each id; empty: ids carry their extension, or it is found in the folder."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Label in the table to class, where they differ."""
    no_label: list[str] = Field(default_factory=list)
    """Labels that say that there is none (empty, ``NaN``): their rows are left out."""

    @classmethod
    def advice(cls, names: Sequence[str]) -> str:
        """Name the form that is recognised."""
        return "a table of names and labels beside the images (train.csv, metadata.json)"

    def needs(self, classes: Sequence[str]) -> list[str]:
        """Name the tables."""
        return [table.csv for table in self.splits.values()]

    def check(self, classes: Sequence[str]) -> None:
        """Labels lead to classes; a table of all splits stands alone."""
        check_labels(self.labels, classes)
        if self.split_folders and (self.split_column or "all" not in self.splits):
            fault("layout.split_folders", "divides the table all, where no split_column does")
        check_apart("layout.split_folders", self.split_folders)
        if self.split_column and "all" in self.splits and len(self.splits) > 1:
            fault("layout.splits", "all is divided by split_column: no other table stands beside")
        for split in self.split_folders.keys() & self.splits.keys():
            fault("layout.split_folders", f"{split!r} has a table of its own")

    @property
    def split_names(self) -> list[str]:
        """The splits with a table, or ``all``; those that a column may tell."""
        if self.split_column and "all" in self.splits:
            return [str(name) for name in SPLITS]
        if self.split_folders:
            told = {*self.split_folders, *self.splits}
            return [str(name) for name in SPLITS if name in told]
        return [str(name) for name in self.splits]

    @property
    def optional_splits(self) -> list[str]:
        """Those that a column may tell, but for train."""
        return ["validation", "test"] if self.split_column and "all" in self.splits else []

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
            For a missing table, folder or column, an image given twice, a label outside the
            classes, a split that is none.
        """
        folders: dict[str, _Folder] = {}
        read: dict[str, Table] = {}
        lines: list[_Line] = []
        for split, files in self.splits.items():
            if files.images not in folders:
                folders[files.images] = _read_folder(root, files.images)
            if files.csv not in read:
                expect = files.id_column or self.id_column
                read[files.csv] = read_table(root / files.csv, expect=expect, root=root)
            lines += self._lines(card, files, split, read[files.csv], folders[files.images])
        groups = [line.group for line in lines]
        if self.group_column:
            groups = groups_with_originals(self.group_column, [line.id for line in lines], groups)
        result = Listing()
        seen: dict[str, tuple[str, Listed]] = {}
        for line, group in zip(lines, groups, strict=True):
            for image in (image._replace(group=group) for image in line.images):
                place, first = seen.setdefault(image.path, (line.place, image))
                if first is image:
                    result.images.append(image)
                elif first != image or image.fault:
                    what = f"image {image.path!r} stands in {place} too"
                    raise DataError(what, where=line.place)
        unlabelled = sum(line.left_out for line in lines)
        if unlabelled:
            n = counted(unlabelled, "row")
            result.warnings.append(f"{n} without a label left out")
        found = [folder.found for folder in folders.values()]
        with_image = sum(1 for image in result.images if not image.fault.startswith("row "))
        result.ignored = sum(len(f.images) + f.ignored for f in found) - with_image
        result.warnings += unread([what for each in found for what in each.unread.values()])
        return result

    def sheet(self, card: Declared, root: Path, paths: Sequence[str]) -> Sheet:
        """Give the ids of the test table, and its columns.

        Raises
        ------
        DataError
            As `scan`; also where there is no table of test, or a row of it names several images.
        """
        if "test" not in self.splits:
            raise DataError(f"{card.name!r} has no table of test")
        files = self.splits["test"]
        id_column = files.id_column or self.id_column
        table = read_table(root / files.csv, expect=id_column, root=root)
        lines = self._lines(card, files, "test", table, _read_folder(root, files.images))
        for line in lines:
            if len(line.images) > 1:
                what = f"{line.id!r} names {len(line.images)} images, which have a verdict each"
                raise DataError(what, where=line.place)
        return Sheet(
            [(line.id, line.images[0].path) for line in lines],
            id_column,
            files.label_column or self.label_column,
            {name: text for text, name in self.labels.items()},
        )

    def _lines(
        self, card: Declared, files: TableFiles, split: str, table: Table, folder: _Folder
    ) -> list[_Line]:
        ids = table.column(files.id_column or self.id_column)
        labels = self._label_column(table, files, split)
        told = self.split_column and table.column(self.split_column)
        # a table of test without labels may lack what goes with them
        groups, kinds = (
            table.column(name) if name and (labels is not None or name in table.columns) else None
            for name in (self.group_column, self.kind_column)
        )
        names = [cells[ids] + self.extension if cells[ids] else "" for _, cells in table.rows]
        lines = []
        for (number, cells), name, named in zip(
            table.rows, names, folder.images.find(names), strict=True
        ):
            row, place = f"row {number} of {files.csv}", f"{table.path}, row {number}"
            of = "" if split == "all" else split
            if isinstance(told, int):
                of = self._split_of(cells[told], place)
                if of != split != "all":
                    continue
            text = "" if labels is None else cells[labels]
            if self.split_folders and split == "all":
                of = self._split_by_folder(files.images, named, name)
                if not of and text not in self.no_label:
                    what = f"{named.images[0]!r} lies in none of layout.split_folders"
                    raise DataError(what, where=place)
            if not name:
                raise DataError("the id is empty", where=row)
            label = UNLABELLED
            nothing = not text or text in self.no_label
            if labels is not None and not (of == "test" and split == "all" and nothing):
                if text in self.no_label:
                    lines.append(_Line(place, cells[ids], "", [], left_out=True))
                    continue
                # sums and the like below the rows are of no file
                of_file = bool(named.images or (text and is_image(name)))
                if of_file or self.labels.get(text, text) in card.classes:
                    label = label_of(card, self.labels, text, where=place)
            kind = cells[kinds] if kinds is not None else ""
            fault = "" if named.images else _fault(name, named, files.images, row)
            images = [
                Listed(
                    path=posixpath.normpath(posixpath.join(files.images, path.lstrip("/"))),
                    label=label,
                    split=of,
                    fault=fault or folder.found.faults.get(path, ""),
                    kind=kind,
                )
                for path in named.images or (name,)
            ]
            group = cells[groups] if groups is not None else ""
            kept = bool(self.no_label) and split == "all" and nothing
            lines.append(_Line(place, cells[ids], group, images, without=kept))
        # a test is of labels, or for a submission
        images = [image for line in lines for image in line.images]
        if any(image.split == "test" and image.label != UNLABELLED for image in images):
            lines = [
                line._replace(images=[], left_out=True) if line.without else line for line in lines
            ]
        return lines

    def _split_by_folder(self, images: str, named: Named, name: str) -> str:
        """Tell the split of a row by the outermost folder on the way that is of one.

        Empty where none is. A row without an image may be of any.
        """
        path = posixpath.normpath(posixpath.join(images, (named.images or (name,))[0]))
        of = {folder: s for s, folders in self.split_folders.items() for folder in folders}
        found = find(posixpath.dirname(path).split("/"), of)
        if found is not None:
            return str(found.told)
        return "" if named.images else "train"

    def _label_column(self, table: Table, files: TableFiles, split: str) -> int | None:
        """Find the column of labels; None where the table of test has none, or nothing in it."""
        name = files.label_column or self.label_column
        if split == "test" and name not in table.columns:
            return None
        at = table.column(name)
        if split == "test" and not self.split_column and not any(c[at] for _, c in table.rows):
            return None
        return at

    def _split_of(self, text: str, place: str) -> str:
        """Read the split that a row is of.

        Raises
        ------
        DataError
            Where the text means none, or one that the card does not list; naming the row.
        """
        split = self.split_values.get(text) or split_of(text)
        if split is None:
            raise DataError(
                f"{text!r} in the column {self.split_column!r} is no split",
                where=place,
                hint="train, validation or test, as usually written",
            )
        if "all" not in self.splits and split not in self.splits:
            raise DataError(f"split {split!r} is none of layout.splits", where=place)
        return split


class _Line(NamedTuple):
    """A row of a table."""

    place: str
    """File and number of the row, for messages."""
    id: str
    group: str
    images: list[Listed]
    left_out: bool = False
    """Whether it has no label."""
    without: bool = False
    """Whether it is of test and has no label: left out where others have one."""


class _Folder(NamedTuple):
    """A folder of images."""

    found: Found
    images: Images


def _read_folder(root: Path, name: str) -> _Folder:
    folder = root / name
    if not is_folder(folder):
        raise DataError("no such folder of images", where=folder, hint="see layout.splits.*.images")
    found = walk(folder)
    return _Folder(found, Images(found.images, folder=name, beside=subfolders(root)))


def _fault(name: str, named: Named, images: str, row: str) -> str:
    """Say why a row has no image."""
    if named.rivals:
        shown = ", ".join(named.rivals[:3])
        more = f" and {len(named.rivals) - 3} more" if len(named.rivals) > 3 else ""
        return f"{row}: several images fit {name!r}: {shown}{more}"
    return f"{row}: no image {name!r} in {images}/"
