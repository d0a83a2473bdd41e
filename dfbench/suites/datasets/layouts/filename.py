"""The layout ``filename``: labels, and groups and kinds if any, are told by the names of files."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from dfbench.errors import DataError
from dfbench.received.containers.places import is_folder
from dfbench.received.patterns import full_matches, groups
from dfbench.suites.datasets.image_files import walk
from dfbench.suites.datasets.layouts.base import Declared, Layout, check_labels, label_of, unread
from dfbench.suites.datasets.layouts.way import Names, check_apart, find
from dfbench.suites.datasets.listing import SPLITS, Listed, Listing, SplitName
from dfbench.suites.datasets.section import Inside, compiled, matched


class FilenameLayout(Layout):
    """Label, and group if any, are read from the file name."""

    comments: ClassVar[dict[str, str]] = {
        "pattern": "Matches the whole file name; named groups: label, group, kind.",
        "labels": "Label as found to class.",
        "split_folders": "Split to its folder, or a list of them.",
    }

    kind: Literal["filename"]
    pattern: str
    """Regular expression with the named group ``label`` and, if there are any, ``group`` and
    ``kind``. It matches the whole file name; with a ``/`` in it, the whole path below ``where``."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Matched text to class, where they differ."""
    split_folders: dict[SplitName, Names] = Field(default_factory=dict)
    """Split to the folders on the way to its images; empty where they are to be divided."""
    where: Inside = "."

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, value: str) -> str:
        return compiled(value, "label")

    @classmethod
    def advice(cls, names: Sequence[str]) -> str:
        """Give an option and lines of a card that would read the labels from ``names``."""
        pattern, labels = _suggested(names)
        if not all(re.fullmatch(pattern, name) for name in names):
            return "or labels in names of files, by --classes and a regular expression or a card"
        classes = ", ".join(f'"{name}"' for name in labels.values())
        mapping = ", ".join(f'"{text}" = "{name}"' for text, name in labels.items())
        return (
            f"or, to be checked, labels in names of files: --classes '{pattern}', or a card with"
            f' lines such as: classes = [{classes}]; layout = {{ kind = "filename",'
            f" pattern = '{pattern}', labels = {{ {mapping} }} }}"
        )

    def needs(self, classes: Sequence[str]) -> list[str]:
        """Name the folder of the images."""
        return [self.where]

    def check(self, classes: Sequence[str]) -> None:
        """Labels lead to classes, folders to one split each."""
        check_labels(self.labels, classes)
        check_apart("layout.split_folders", self.split_folders)

    @property
    def split_names(self) -> list[str]:
        """The splits that folders tell."""
        return [name for name in SPLITS if name in self.split_folders]

    @property
    def gives_groups(self) -> bool:
        """Whether the pattern has the named group ``group``."""
        return "group" in groups(self.pattern)

    @property
    def gives_kinds(self) -> bool:
        """Whether the pattern has the named group ``kind``."""
        return "kind" in groups(self.pattern)

    def scan(self, card: Declared, root: Path) -> Listing:
        """List all images below ``where``.

        Raises
        ------
        DataError
            Where a name does not match the pattern, or its label is no class.
        """
        folder = root / self.where
        if not is_folder(folder):
            raise DataError("no such folder", where=folder, hint="see layout.where in the card")
        found = walk(folder)
        result = Listing(ignored=found.ignored, warnings=unread(found.unread.values()))
        splits = {name: s for s, names in self.split_folders.items() for name in names}
        for path, texts in self._read_names(card, folder, found.images).items():
            split = find(path.split("/")[:-1], splits)
            if splits and split is None:
                raise DataError(
                    f"lies in none of the folders of splits ({', '.join(splits)})",
                    where=folder / path,
                    hint="see layout.split_folders in the card",
                )
            result.images.append(
                Listed(
                    path=posixpath.normpath(posixpath.join(self.where, path)),
                    label=label_of(card, self.labels, texts["label"], where=str(folder / path)),
                    split="" if split is None else str(split.told),
                    group=texts.get("group", ""),
                    fault=found.faults.get(path, ""),
                    kind=texts.get("kind", ""),
                )
            )
        return result

    def _read_names(
        self, card: Declared, folder: Path, paths: list[str]
    ) -> dict[str, dict[str, str]]:
        """Give the texts of the named groups for each path."""
        whole = "/" in self.pattern
        names = paths if whole else [path.rpartition("/")[2] for path in paths]
        found = matched(full_matches(self.pattern, names), where=f"{folder}, layout.pattern")
        matches = dict(zip(paths, found, strict=True))
        strange = [path for path, match in matches.items() if match is None]
        if strange:
            n, all_others = len(strange) - 1, len(paths) - 1
            others = f" (nor do {n} of {all_others} others)" if n else ""
            raise DataError(
                f"the name does not match layout.pattern '{self.pattern}' of {card.name!r}{others}",
                where=folder / strange[0],
            )
        return {path: match.groupdict("") for path, match in matches.items() if match}


def _suggested(names: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Give a pattern that would read the labels from ``names``, and label to class."""
    label, labels = _label_pattern(names)
    firsts = Counter(name.partition("_")[0] for name in names if "_" in name)
    shared = sum(firsts.values()) == len(names) and 2 < len(firsts) <= len(names) / 2
    # names that begin alike may be frames of one video
    start = r"(?P<group>[^_]+)_.*" if shared and label.startswith(r".*") else ""
    return (start + label.removeprefix(r".*") if start else label), labels


def _label_pattern(names: Sequence[str]) -> tuple[str, dict[str, str]]:
    numbered = {"0": "real", "1": "fake"}
    if all(re.fullmatch(r".*_[01]\.\w+", name) for name in names):
        return r".*_(?P<label>[01])\.\w+", numbered
    firsts = Counter(re.split(r"[\W_\d]+", name)[0] for name in names)
    if len(firsts) == 2 and all(firsts):
        return f"(?P<label>{'|'.join(sorted(firsts))}).*", {name: name for name in sorted(firsts)}
    return r".*_(?P<label>[01])\.\w+", numbered
