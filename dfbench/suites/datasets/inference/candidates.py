"""A file that may be a table of images: which column names them, in which folder they lie."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from dfbench.errors import DataError
from dfbench.suites.datasets.inference.columns import (
    ID_NAMES,
    Choice,
    is_missing,
    key,
    label_column,
    looked_into,
    values,
)
from dfbench.suites.datasets.inference.ids import LEAST, id_column
from dfbench.suites.datasets.inference.polarity import (
    FLAGS,
    clear_meaning,
    flag,
    flag_meaning,
    one_of,
)
from dfbench.suites.datasets.listing import SplitName
from dfbench.suites.datasets.tables.matching import Images, Named
from dfbench.suites.datasets.tables.reading import TABLE_SUFFIXES, read_table
from dfbench.suites.datasets.tables.table import Table, is_numbered
from dfbench.suites.datasets.words import meaning, split_of

_ABOUT = re.compile(
    r"(readme|licen[cs]e|copying|notice|requirements|changelog|citation|authors|contributing)\b.*",
    re.IGNORECASE,
)
_FILLERS = re.compile(r"(?<![^\W_])(of|for|the|official|ids?|names?)(?![^\W_])", re.IGNORECASE)
NO_TABLE = "not a table of files and labels"
Role = SplitName | Literal["all"]


@dataclass(slots=True)
class Candidate:
    """A table whose rows name images.

    Attributes
    ----------
    file, folder
        The table and the folder of its images, relative to the root.
    role
        The split that it is of, ``all`` where its name tells none.
    table
        Its content.
    ids
        The column that names images.
    named
        The images of each row, relative to the root.
    labels
        The column of labels, or why there is none.
    """

    file: str
    folder: str
    role: Role
    table: Table
    ids: str
    named: list[Named]
    labels: Choice = field(default_factory=Choice)
    _flags: bool | None = None

    @property
    def images(self) -> set[str]:
        """All images that it names."""
        return {path for row in self.named for path in row.images}

    def told(self) -> dict[str, str]:
        """Give the label that it tells of each image; those of which it tells none are absent."""
        texts = self.table.cells(self.labels.column)
        pairs = zip(self.named, texts, strict=True)
        return {p: text for row, text in pairs if not is_missing(text) for p in row.images}

    def token(self, text: str) -> str:
        """Say what a label of it means: real, fake, or itself in one spelling."""
        column = self.labels.column
        if self._flags is None:
            found = values(self.table, column)
            self._flags = bool(meaning(column)) and one_of(found, FLAGS)
        return flag_meaning(column, text) if self._flags else (clear_meaning(text) or flag(text))


class Folders:
    """The images below a root, in each of its folders by their ids."""

    def __init__(self, images: Sequence[str]) -> None:
        self._all = list(images)
        self._read: dict[str, Images] = {}
        self._top = sorted({path.split("/")[0] for path in images if "/" in path})
        above = {posixpath.dirname(path) for path in images}
        self.names = {part for folder in above for part in _up(folder)}

    def images(self, folder: str) -> Images:
        """Give the images below a folder, relative to it."""
        if folder not in self._read:
            start = "" if folder == "." else f"{folder}/"
            paths = [path[len(start) :] for path in self._all if path.startswith(start)]
            self._read[folder] = Images(paths, folder=folder, beside=self._top)
        return self._read[folder]


def is_table(file: str) -> bool:
    """Whether a file may be a table by its name."""
    name = posixpath.basename(file)
    suffix = posixpath.splitext(name)[1].lower()
    return suffix in TABLE_SUFFIXES and not name.startswith(".") and not _ABOUT.fullmatch(name)


def examine(root: Path, file: str, folders: Folders) -> Candidate | str:
    """Read a table and find the images that its rows name; else say why it is none."""
    try:
        return _examined(file, read_table(root / file, root=root), folders)
    except DataError as error:
        return error.what


def _examined(file: str, table: Table, folders: Folders) -> Candidate | str:
    if not table.rows:
        return "has no rows"
    role = _role(file)
    best: tuple[float, str, str] = (0.0, "", ".")
    unclear = ""
    for folder in _places(file, role, folders):
        share, column, reason = id_column(table, folders.images(folder))
        unclear = unclear or reason
        if share > best[0]:
            best = (share, column, folder)
    share, column, folder = best
    # a text about the data may name an image now and then
    if not column or (file.lower().endswith(".txt") and share <= LEAST):
        none = "most of its rows name no image" if share else NO_TABLE
        return unclear or none
    found = _candidate(file, folder, role, table, column, folders)
    headless = _is_row(found, folders)
    if headless:
        at = f"column {table.columns.index(column) + 1}"
        found = _candidate(file, folder, role, table.without_header(), at, folders)
    if sum(bool(row.images) for row in found.named) < LEAST * len(found.named):
        return "most of its rows name no image"
    return found


def _candidate(
    file: str, folder: str, role: Role, table: Table, ids: str, folders: Folders
) -> Candidate:
    start = "" if folder == "." else f"{folder}/"
    named = [
        row._replace(images=tuple(start + path for path in row.images))
        for row in folders.images(folder).find(table.cells(ids))
    ]
    # sums and the like below the rows are of no image
    rows = [row for row, found in zip(table.rows, named, strict=True) if found.images]
    labels = label_column(replace(table, rows=rows) if rows else table, ids)
    return Candidate(file, folder, role, table, ids, named, labels)


def _is_row(found: Candidate, folders: Folders) -> bool:
    """Whether the header is a row like the others: its names are an image, or a label of theirs."""
    table = found.table
    if is_numbered(found.ids) or table.path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        return False
    if key(found.ids) in ID_NAMES:
        return False
    if folders.images(found.folder).find([found.ids])[0].images:
        return True
    columns = [name for name in looked_into(table) if name not in (found.ids, "")]
    return any(name in few for name in columns if len(few := values(table, name)) <= 20)


def _role(file: str) -> Role:
    """Tell the split of a table by its name, else by the folders that it lies in."""
    path, name = posixpath.split(file)
    for part in (posixpath.splitext(name)[0], *reversed(path.split("/"))):
        if split := split_of(_FILLERS.sub(" ", part)):
            return split
    return "all"


def _places(file: str, role: Role, folders: Folders) -> list[str]:
    """Name the folders that the images of a table may lie in, the likeliest first."""
    own = posixpath.dirname(file) or "."
    beside = [
        folder
        for folder in sorted(folders.names, key=lambda name: (len(name), name))
        if role != "all"
        and (posixpath.dirname(folder) or ".") == own
        and split_of(posixpath.basename(folder)) == role
    ]
    return list(dict.fromkeys([*beside, *([own] if own in folders.names else []), "."]))


def _up(folder: str) -> list[str]:
    """Give a folder and all above it, but for the root."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
