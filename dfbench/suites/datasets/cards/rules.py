"""The rules of a card: how images are divided, which share a source, of which kind fakes are."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from dfbench.errors import DataError
from dfbench.suites.datasets.csv_files import read_csv
from dfbench.suites.datasets.listing import SPLITS, SplitName
from dfbench.suites.datasets.section import Section, compiled

_FRACTIONS: dict[SplitName, float] = {"train": 0.7, "validation": 0.15, "test": 0.15}
_COLUMNS = ("path", "kind")


class SplitRule(Section):
    """How images come into train, validation and test."""

    policy: Literal["given", "stratified", "grouped"]
    """``given``: by the layout. ``stratified``: each class divided alike. ``grouped``: the same as
    far as it goes with no group in two splits."""
    fractions: dict[SplitName, float] = Field(default_factory=lambda: dict(_FRACTIONS))
    seed: int = 0

    @field_validator("fractions")
    @classmethod
    def _check_fractions(cls, value: dict[SplitName, float]) -> dict[SplitName, float]:
        if any(not 0 < part < 1 for part in value.values()):
            raise ValueError("each fraction lies between 0 and 1; leave out a split of size 0")
        if abs(sum(value.values()) - 1) > 1e-6:
            raise ValueError(f"the fractions sum to {sum(value.values()):g}, not to 1")
        if "train" not in value:
            raise ValueError("there is no fraction for train")
        return {name: value[name] for name in SPLITS if name in value}


class GroupRule(Section):
    """Which images share a source (a person, a video)."""

    pattern: str = ""
    """Regular expression with the named group ``group``, searched in the path relative to the
    root. An image that it does not match is a source of its own."""
    pairs: str = ""
    """What stands between the two sources that a group is named after, such as ``_`` in
    ``000_003``: such images belong with both."""

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if not (self.pattern or self.pairs):
            raise ValueError("needs a pattern, or pairs where the layout tells groups")
        if self.pattern:
            compiled(self.pattern, "group")
        return self

    @property
    def tells(self) -> bool:
        """Whether it tells groups itself, and the layout need not."""
        return bool(self.pattern)

    def read(self, root: Path, paths: Sequence[str]) -> dict[str, str]:
        """Read the group of each image from its path; images of no known group are absent.

        Raises
        ------
        DataError
            Where the pattern matches no image.
        """
        matches = {path: re.search(self.pattern, path) for path in paths}
        groups = {path: match.group("group") or "" for path, match in matches.items() if match}
        known = {path: group for path, group in groups.items() if group}
        if paths and not known:
            raise DataError(
                f"group.pattern {self.pattern!r} finds nothing in any of {len(paths):,} paths,"
                f" such as {paths[0]}",
                where=root,
                hint="see [group] in the card",
            )
        return known


class KindRule(Section):
    """Which kind of fake (generator, manipulation) an image is."""

    pattern: str = ""
    """Regular expression with the named group ``kind``, searched in the path relative to the root.
    What it does not match is of no known kind."""
    csv: str = ""
    """Instead of a pattern: a table relative to the root with the columns ``path`` (relative to
    the root) and ``kind``."""

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if bool(self.pattern) == bool(self.csv):
            raise ValueError("needs a pattern or a csv, one of them")
        if self.pattern:
            compiled(self.pattern, "kind")
        return self

    def read(self, root: Path, paths: Sequence[str]) -> dict[str, str]:
        """Read the kind of each image from its path, or from the table.

        Parameters
        ----------
        root
            Of the data.
        paths
            Of the images, relative to ``root``.

        Returns
        -------
        dict
            Path to kind; images of no known kind are absent.

        Raises
        ------
        DataError
            Where the rule tells nothing of any image, or the table is absent or lacks a column.
        """
        where = root
        if self.pattern:
            matches = {path: re.search(self.pattern, path) for path in paths}
            kinds = {path: match.group("kind") or "" for path, match in matches.items() if match}
            what = (
                f"kind.pattern {self.pattern!r} finds nothing in any of {len(paths):,} paths,"
                f" such as {paths[0] if paths else ''}"
            )
        else:
            where = root / self.csv
            kinds = _read_table(where)
            what = f"names none of the {len(paths)} images by its path below {root}"
        known = {path: kinds[path] for path in paths if kinds.get(path)}
        if paths and not known:
            raise DataError(what, where=where, hint="see [kind] in the card")
        return known


def _read_table(path: Path) -> dict[str, str]:
    data = read_csv(path, expect=_COLUMNS[0])
    for name in _COLUMNS:
        if name not in data.columns:
            raise DataError(
                f"there is no column {name!r}",
                where=path,
                hint="its columns: " + ", ".join(repr(column) for column in data.columns),
            )
    at = [data.columns.index(name) for name in _COLUMNS]
    return {posixpath.normpath(cells[at[0]]): cells[at[1]] for _, cells in data.rows}
