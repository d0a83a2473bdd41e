"""The layout ``paths``: patterns of whole paths, and lists that lie beside the images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from dfbench.errors import DataError
from dfbench.received.patterns import full_matches, groups
from dfbench.suites.datasets.image_files import Found, walk
from dfbench.suites.datasets.layouts.base import Declared, Layout, check_labels, label_of, unread
from dfbench.suites.datasets.listing import SPLITS, Listed, Listing, SplitName
from dfbench.suites.datasets.section import Inside, Section, compiled, fault, matched
from dfbench.suites.datasets.tables.lists import (
    KEY,
    Entry,
    Keys,
    by_columns,
    by_pattern,
    find_lists,
    within,
)
from dfbench.suites.datasets.words import split_of

_TOLD = ("label", "split", "kind", "group")
_SHOWN = 3
"""Folders that are named of those whose images are left out."""

_Column = Literal["key", "label", "split", "kind", "group"]


def _one(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Places = Annotated[list[Inside], BeforeValidator(_one), Field(min_length=1)]
"""Paths below the root, or a single one."""


class PathPattern(Section):
    """A form of path, and what images of that form are."""

    pattern: str
    """Regular expression of the whole path below the root. Its named groups tell ``label``,
    ``split``, ``kind`` and ``group``; ``key`` is what lists call the image by, ``video`` the video
    that it is a frame of, as its owners count them."""
    label: str = ""
    split: SplitName | Literal[""] = ""
    kind: str = ""
    """What such images are, where no group of the pattern tells it."""

    @field_validator("pattern")
    @classmethod
    def _check_pattern(cls, value: str) -> str:
        groups(value)
        return value


class ListFile(Section):
    """A list beside the images."""

    file: Places
    """Where it lies, relative to the root; of several places the first that is there counts. ``*``
    stands for any name: each file that fits is read."""
    pattern: str = ""
    """Regular expression that is looked for in each line, with the named group ``key``, and such
    as ``label``, ``split``, ``kind`` and ``group``. Of JSON each value is a line, with the keys
    that lead to it: ``train/071_054/label/fake``."""
    columns: dict[_Column, str] = Field(default_factory=dict)
    """Instead of a pattern, of a table: what is told to the name of its column."""
    split: SplitName | Literal[""] = ""
    """Of all that it names."""
    optional: bool = False
    """Whether the data can be read without it."""
    within: bool = False
    """Whether what it calls images by is relative to its own folder."""

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if bool(self.pattern) == bool(self.columns):
            raise ValueError("needs a pattern or columns, one of them")
        if self.pattern:
            compiled(self.pattern, KEY)
        return self

    @property
    def tells(self) -> set[str]:
        """What it tells of an image."""
        told = set(groups(self.pattern)) if self.pattern else set(self.columns)
        return {str(name) for name in told} | ({"split"} if self.split else set())


class PathsLayout(Layout):
    """Patterns of whole paths tell class, split, kind and group, with lists beside the images.

    The first pattern that fits counts. What no pattern fits is left out, and counted. What the path
    tells goes before what a list tells.
    """

    comments: ClassVar[dict[str, str]] = {
        "paths": "Regular expressions of whole paths; named groups: label, split, kind, group.",
        "lists": "Lists beside the images, which call them by the named group key.",
        "splits": "The splits that paths and lists tell.",
        "rest": "Split of images of which nothing tells one.",
        "labels": "Label as found to class.",
        "kinds": "Kind as found to what it is called.",
        "ignore": "Paths to leave out without a word.",
    }

    kind: Literal["paths"]
    splits: list[SplitName] = Field(default_factory=list)
    """The splits that are told; without train the images of no split are to be divided."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Label as found to class, where they differ."""
    kinds: dict[str, str] = Field(default_factory=dict)
    """Kind as found to what it is called, where they differ."""
    split_values: dict[str, SplitName] = Field(default_factory=dict)
    """Split as found to split, where it is not called like one."""
    ignore: str = ""
    """Regular expression of whole paths that are left out without a word: masks, landmarks."""
    rest: SplitName | Literal[""] = ""
    """Split of images of which nothing tells one; else they are left out."""
    paths: list[PathPattern] = Field(min_length=1)
    lists: list[ListFile] = Field(default_factory=list)

    @field_validator("splits")
    @classmethod
    def _in_order(cls, value: list[SplitName]) -> list[SplitName]:
        return [name for name in SPLITS if name in value]

    @field_validator("ignore")
    @classmethod
    def _check_ignore(cls, value: str) -> str:
        if value:
            groups(value)
        return value

    @classmethod
    def advice(cls, names: Sequence[str]) -> str:
        """Say nothing: the patterns are somebody's who knows the data."""
        return ""

    def needs(self, classes: Sequence[str]) -> list[str]:
        """Name the lists at the place that their owners give them."""
        return [each.file[0] for each in self.lists if not _several(each.file[0])]

    def reads_beside(self, inner: Path, root: Path, classes: Sequence[str]) -> bool:
        """Whether the root is the folder that is meant: always, where no list says otherwise."""
        return not self.needs(classes)

    def check(self, classes: Sequence[str]) -> None:
        """Labels lead to classes, and something tells them; so for splits."""
        check_labels(self.labels, classes)
        listed = {name for each in self.lists for name in each.tells}
        for at, each in enumerate(self.paths):
            named = groups(each.pattern)
            if each.label and each.label not in classes:
                fault(f"layout.paths.{at}.label", f"{each.label!r} is none of the classes")
            if not (each.label or "label" in named or "label" in listed):
                fault(f"layout.paths.{at}", "nothing tells the label: a group, a key, or a list")
            told = each.split or "split" in named or "split" in listed or self.rest
            if "train" in self.splits and not told:
                fault(f"layout.paths.{at}", "nothing tells the split: a group, a key, or a list")
            alone = (each.label or "label" in named) and (each.split or "split" in named)
            if self.lists and KEY not in named and not alone:
                fault(f"layout.paths.{at}.pattern", "lists need a named group (?P<key>...)")

    @property
    def split_names(self) -> list[str]:
        """The splits that are told."""
        return [str(name) for name in self.splits]

    @property
    def optional_splits(self) -> list[str]:
        """Those that a part of the data may lack: all but train."""
        return [str(name) for name in self.splits if name != "train"]

    @property
    def gives_groups(self) -> bool:
        """Whether paths or lists tell which images share a source."""
        return self._told_anywhere("group")

    @property
    def gives_kinds(self) -> bool:
        """Whether paths or lists tell the kind of a fake."""
        return self._told_anywhere("kind") or any(each.kind for each in self.paths)

    def _told_anywhere(self, name: str) -> bool:
        return any(name in groups(each.pattern) for each in self.paths) or any(
            name in each.tells for each in self.lists
        )

    def scan(self, card: Declared, root: Path) -> Listing:
        """List the images whose paths a pattern fits.

        Raises
        ------
        DataError
            Where no path fits, a list is absent, damaged or contradicts another, a label is
            outside the classes, or a split is none.
        """
        found = walk(root)
        ignored = self._ignored(root, found.images)
        fitting = self._fitting(root, [path for path in found.images if path not in ignored])
        strays = [path for path in found.images if path not in fitting and path not in ignored]
        if not fitting:
            such = f", such as {strays[0]}" if strays else ""
            raise DataError(
                f"none of {len(found.images):,} images lies as {card.name!r} does{such}",
                where=root,
                hint="patterns in layout.paths are of whole paths below the root"
                if card.about is None
                else f"dfbench data info {card.name} shows the folders that are expected",
            )
        named: dict[str, set[str]] = {}
        keys = self._keys(root, found, named) if self.lists else None
        result = Listing(ignored=found.ignored + len(ignored) + len(strays))
        unnamed: list[str] = []
        for path, (form, texts) in fitting.items():
            listed = None if keys is None else keys.get(texts.get(KEY, ""), path)
            told = self._told(form, texts, listed)
            split = self._split(told.get("split", ""), root / path) if self.splits else ""
            if "label" not in told or ("train" in self.splits and not split):
                unnamed.append(path)
                result.ignored += 1
                continue
            label = label_of(card, self.labels, told["label"], where=str(root / path))
            kind, group = told.get("kind", ""), told.get("group", "")
            if not group and keys is not None and texts.get(KEY) in keys.originals:
                group = texts[KEY]
            result.images.append(
                Listed(
                    path,
                    label,
                    split,
                    group,
                    found.faults.get(path, ""),
                    "" if label == card.real_index else self.kinds.get(kind, kind),
                )
            )
        result.warnings += [
            *_left_out("of no form in layout.paths", strays),
            *_left_out("in none of the lists", unnamed),
            *self._unmatched(root, named, keys),
            *unread(found.unread.values()),
        ]
        return result

    def videos(self, paths: Sequence[str]) -> list[str]:
        """Name what the pattern tells as ``video``; else the folder."""
        fitting = self._fitting(Path(), paths)
        return [
            fitting[path][1].get("video") or path.rpartition("/")[0]
            if path in fitting
            else path.rpartition("/")[0]
            for path in paths
        ]

    def _fitting(self, root: Path, paths: Sequence[str]) -> dict[str, _Fit]:
        """Give the first pattern that fits each path, with what it found; in the paths' order."""
        found: dict[str, _Fit] = {}
        rest = list(paths)
        for at, form in enumerate(self.paths):
            where = f"{root}, layout.paths.{at}.pattern"
            matches = zip(rest, matched(full_matches(form.pattern, rest), where=where), strict=True)
            left = []
            for path, match in matches:
                if match is None:
                    left.append(path)
                else:
                    found[path] = _Fit(form, match.groupdict(""))
            rest = left
        return {path: found[path] for path in paths if path in found}

    def _ignored(self, root: Path, paths: Sequence[str]) -> set[str]:
        if not self.ignore:
            return set()
        found = matched(full_matches(self.ignore, paths), where=f"{root}, layout.ignore")
        return {path for path, match in zip(paths, found, strict=True) if match}

    def _told(
        self, form: PathPattern, texts: Mapping[str, str], listed: Mapping[str, str] | None
    ) -> dict[str, str]:
        """Put together what is told of an image: by its path, else by a list, else for its form."""
        told = {"label": form.label, "split": str(form.split or self.rest), "kind": form.kind}
        told |= listed or {}
        told |= {name: texts[name] for name in _TOLD if texts.get(name)}
        return {name: text for name, text in told.items() if text}

    def _split(self, text: str, where: Path) -> str:
        if not text:
            return ""
        split = self.split_values.get(text) or split_of(text)
        if split is None:
            raise DataError(f"{text!r} is no split", where=where, hint="see layout.split_values")
        if split not in self.splits:
            raise DataError(f"split {split!r} is none of layout.splits", where=where)
        return split

    def _keys(self, root: Path, found: Found, named: dict[str, set[str]]) -> Keys:
        """Read the lists; what each calls images by comes into ``named``."""

        def entries() -> Iterator[Entry]:
            for each in self.lists:
                files = find_lists(found.others, each.file)
                if not files and not each.optional:
                    raise DataError(
                        "no such list: it is published with the data, or beside them",
                        where=root / each.file[0],
                        hint=" or ".join(["put it there", *each.file[1:]]),
                    )
                if not files:
                    continue
                its = named.setdefault(files[0], set())
                for file in files:
                    for entry in self._entries(root, file, each):
                        its.add(entry.key)
                        yield entry
                if not its and not each.optional:
                    raise DataError(
                        "the list names nothing",
                        where=root / files[0],
                        hint="is it the one that is published? layout.lists tells its form",
                    )

        return Keys(entries())

    def _unmatched(self, root: Path, named: dict[str, set[str]], keys: Keys | None) -> list[str]:
        """Count what lists name and no image is called by.

        Raises
        ------
        DataError
            Where nothing of a list fits, and what it does not name is of a split all the same.
        """
        said = []
        for file, its in named.items():
            lost = its - keys.used if keys is not None else set()
            if not lost:
                continue
            such = ", ".join(map(repr, sorted(lost)[:_SHOWN]))
            if len(lost) == len(its) and self.rest:
                raise DataError(
                    f"the list names no image that is there, but {such}: all would be of split"
                    f" {self.rest!r}",
                    where=root / file,
                    hint="is it the list of these images? names are told apart by case",
                )
            n = f"{len(lost):,} of {len(its):,} names in {file}"
            said.append(f"{n} {'is' if len(lost) == 1 else 'are'} of no image, such as {such}")
        return said

    @staticmethod
    def _entries(root: Path, file: str, each: ListFile) -> Iterator[Entry]:
        if each.pattern:
            found = by_pattern(root, file, each.pattern)
        else:
            found = by_columns(root, file, {str(told): name for told, name in each.columns.items()})
        if each.within:
            found = within(found, file.rpartition("/")[0])
        for entry in found:
            if each.split:
                entry = entry._replace(told={"split": str(each.split), **entry.told})
            yield entry


class _Fit(NamedTuple):
    """The pattern that fits a path, and what its named groups found."""

    form: PathPattern
    texts: Mapping[str, str]


def _several(place: str) -> bool:
    return any(each in place for each in "*?[")


def _left_out(what: str, paths: Sequence[str]) -> list[str]:
    """Say how many images are left out, and where they lie."""
    if not paths:
        return []
    folders = list(dict.fromkeys(path.rpartition("/")[0] or "." for path in paths))
    shown = ", ".join(folders[:_SHOWN])
    more = f" and {len(folders) - _SHOWN:,} more folders" if len(folders) > _SHOWN else ""
    n = "1 image" if len(paths) == 1 else f"{len(paths):,} images"
    return [f"{n} {what}, in {shown}{more}: left out"]
