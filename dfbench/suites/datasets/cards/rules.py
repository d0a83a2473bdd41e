"""The rules of a card: how images are divided, which share a source, of which kind fakes are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from dfbench.errors import DataError
from dfbench.received.patterns import searched
from dfbench.suites.datasets.listing import SPLITS, SplitName
from dfbench.suites.datasets.section import Inside, Section, compiled, matched
from dfbench.suites.datasets.tables.json_files import KEY_COLUMN
from dfbench.suites.datasets.tables.matching import Images
from dfbench.suites.datasets.tables.reading import read_table

_FRACTIONS: dict[SplitName, float] = {"train": 0.7, "validation": 0.15, "test": 0.15}
_ID_COLUMN = "path"


class SplitRule(Section):
    """How images come into train, validation and test."""

    policy: Literal["given", "stratified", "grouped"]
    """``given``: by the layout. ``stratified``: each class divided alike. ``grouped``: the same as
    far as it goes with no group in two splits."""
    fractions: dict[SplitName, float] = Field(default_factory=lambda: dict(_FRACTIONS))
    seed: int = Field(default=0, ge=-(2**63), lt=2**63)

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


class _Told(Section):
    """What is told of an image by its path, or by a table."""

    told: ClassVar[str]
    """Named group of the pattern, and column of the table."""

    pattern: str = ""
    csv: Inside = ""

    def read(self, root: Path, paths: Sequence[str]) -> dict[str, str]:
        """Read it for each image.

        Parameters
        ----------
        root
            Of the data.
        paths
            Of the images, relative to ``root``.

        Returns
        -------
        dict
            Path to group or kind; images of which none is known are absent.

        Raises
        ------
        DataError
            Where the pattern finds nothing in any path, or the table is absent, lacks a column,
            contradicts itself or names no image.
        """
        if self.csv:
            return _read_column(root, self.csv, self.told, paths)
        return _search(self.pattern, self.told, root, paths)


class GroupRule(_Told):
    """Which images share a source (a person, a video)."""

    told = "group"
    pattern: str = ""
    """Regular expression with the named group ``group``, searched in the path relative to the
    root. An image that it does not match is a source of its own."""
    csv: Inside = ""
    """Instead of a pattern: a table relative to the root with the columns ``path`` (relative to
    the root) and ``group``. An image that it does not name is a source of its own."""
    pairs: str = ""
    """What stands between the two sources that a group is named after, such as ``_`` in
    ``000_003``: such images belong with both."""

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, value: str) -> str:
        return compiled(value, "group") if value else value

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if self.pattern and self.csv:
            raise ValueError("needs a pattern or a csv, not both")
        if not (self.tells or self.pairs):
            raise ValueError("needs a pattern or a csv; or pairs, where the layout tells groups")
        return self

    @property
    def tells(self) -> bool:
        """Whether it tells groups itself, and the layout need not."""
        return bool(self.pattern or self.csv)


class KindRule(_Told):
    """Which kind of fake (generator, manipulation) an image is."""

    told = "kind"
    pattern: str = ""
    """Regular expression with the named group ``kind``, searched in the path relative to the root.
    What it does not match is of no known kind."""
    csv: Inside = ""
    """Instead of a pattern: a table relative to the root with the columns ``path`` (relative to
    the root) and ``kind``."""

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if bool(self.pattern) == bool(self.csv):
            raise ValueError("needs a pattern or a csv, one of them")
        if self.pattern:
            compiled(self.pattern, "kind")
        return self


def _search(pattern: str, name: str, root: Path, paths: Sequence[str]) -> dict[str, str]:
    """Search for a pattern in each path; absent where its named group finds nothing."""
    found = matched(searched(pattern, paths), where=f"{root}, {name}.pattern")
    told = {path: match.group(name) for path, match in zip(paths, found, strict=True) if match}
    known = {path: text for path, text in told.items() if text}
    if paths and not known:
        raise DataError(
            f"{name}.pattern {pattern!r} finds nothing in any of {len(paths):,} paths, such as"
            f" {paths[0]}",
            where=root,
            hint=f"see [{name}] in the card",
        )
    return known


def _read_column(root: Path, csv: str, column: str, paths: Sequence[str]) -> dict[str, str]:
    """Read what a table tells of each image; absent where it names none or tells nothing."""
    where = root / csv
    table = read_table(where, expect=_ID_COLUMN, root=root)
    # the keys of a JSON object are a column of this name
    by_key = _ID_COLUMN not in table.columns and KEY_COLUMN in table.columns
    ids = table.cells(KEY_COLUMN if by_key else _ID_COLUMN)
    told: dict[str, str] = {}
    named = Images(paths).find(ids)
    for (number, _), name, images, text in zip(
        table.rows, ids, named, table.cells(column), strict=True
    ):
        if images.rivals:
            what = f"row {number}: several images fit {name!r}: {', '.join(images.rivals[:3])}"
            raise DataError(what, where=where)
        for path in images.images:
            if told.setdefault(path, text) != text:
                what = f"row {number} says {text!r} of {path!r}, a row before it {told[path]!r}"
                raise DataError(what, where=where)
    known = {path: text for path, text in told.items() if text}
    if paths and not known:
        raise DataError(
            f"names none of the {len(paths)} images by its path below {root}",
            where=where,
            hint=f"see [{column}] in the card",
        )
    return known
