"""The layout ``folders``: names of folders on the way to an image tell class, split and kind."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from dfbench.errors import DataError
from dfbench.suites.datasets.image_files import walk
from dfbench.suites.datasets.layouts.base import Declared, Layout, unread
from dfbench.suites.datasets.listing import SPLITS, UNLABELLED, Listed, Listing, SplitName
from dfbench.suites.datasets.section import fault
from dfbench.suites.datasets.words import is_neutral


def _several(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_several)]
"""Names of folders, or a single one; a name with ``/`` is of a folder in a folder."""


class FoldersLayout(Layout):
    """Folders that are called like classes, splits and kinds of fakes, wherever they stand.

    Where several on the way to an image stand for classes, the outermost counts; so for splits
    and kinds. A test split without any class folder is unlabelled.
    """

    comments: ClassVar[dict[str, str]] = {
        "splits": "Split to its folder, or a list of them.",
        "folders": "Class to its folder, or a list of them.",
        "kinds": "Folders that each hold the fakes of one kind.",
        "groups": (
            "Which folder on the way holds images of one source (a video, a person):\n"
            "1 is the outermost, -1 the one that the image lies in."
        ),
        "ignore": "Folders to leave out.",
    }

    kind: Literal["folders"]
    splits: dict[SplitName, Names] = Field(default_factory=dict)
    """Split to its folders; empty where folders tell none."""
    folders: dict[str, Names] = Field(default_factory=dict)
    """Class to its folders, where they are not called like the class."""
    kinds: list[str] = Field(default_factory=list)
    """Folders that each hold the fakes of one kind, which is called like them."""
    groups: int = Field(default=0, ge=-20, le=20)
    """Which folder below the root holds images of one source: counted from 1 at the root, or from
    -1 at the image; 0 for none. One that tells class, split or kind, or is called like ``frames``,
    is no source."""
    ignore: list[str] = Field(default_factory=list)
    """Folders to leave out."""

    @classmethod
    def advice(cls, names: Sequence[str]) -> str:
        """Name the form."""
        return "a folder for each class (real/ and fake/), at any depth"

    def needs(self, classes: Sequence[str]) -> list[str]:
        """Name the split folders, else the class folders."""
        names = self.splits.values() or [self.folders_of(name) for name in classes]
        return [folder for each in names for folder in each]

    def reads_beside(self, inner: Path, root: Path, classes: Sequence[str]) -> bool:
        """Whether folders outside ``inner`` are called like classes too."""
        read = self.reader(classes)
        folders = {path.rpartition("/")[0] for path in walk(root).images}
        return read(inner.name).label is not None or any(
            folder.split("/")[0] != inner.name and read(folder).label is not None
            for folder in folders
        )

    def check(self, classes: Sequence[str]) -> None:
        """Each folder that is named is of a class, and of one only."""
        for name in self.folders:
            if name not in classes:
                fault("layout.folders", f"{name!r} is none of the classes ({', '.join(classes)})")
        _check_apart("layout.folders", {name: self.folders_of(name) for name in classes})
        _check_apart("layout.splits", self.splits)

    @property
    def split_names(self) -> list[str]:
        """The splits with a folder."""
        return [name for name in SPLITS if name in self.splits]

    @property
    def gives_groups(self) -> bool:
        """Whether a folder on the way is of one source."""
        return self.groups != 0

    @property
    def gives_kinds(self) -> bool:
        """Whether folders are named after kinds of fakes."""
        return bool(self.kinds)

    def reader(self, classes: Sequence[str]) -> Callable[[str], Told]:
        """Give what reads a folder, by its path below the root."""
        return functools.cache(_Reader(self, classes).read)

    def folders_of(self, name: str) -> list[str]:
        """Folders of a class."""
        return self.folders.get(name, [name])

    def scan(self, card: Declared, root: Path) -> Listing:
        """List all images in class folders, and those of an unlabelled test split.

        Raises
        ------
        DataError
            For a missing split folder, and for a folder of images that is of no class.
        """
        found = walk(root)
        read = self.reader(card.classes)
        told = {path: read(path.rpartition("/")[0]) for path in found.images}
        self._check_splits(card, root, {each.split for each in told.values()})
        unlabelled = "test" not in {each.split for each in told.values() if each.label is not None}
        parents = _outer_folders(path for path, each in told.items() if each.label is not None)
        result = Listing(ignored=found.ignored)
        strays: list[str] = []
        beside: list[str] = []
        outside: list[str] = []
        for path, each in told.items():
            if "train" in self.splits and not each.split:
                if not each.ignored:
                    outside.append(path)
                result.ignored += 1
                continue
            if each.label is None and not (unlabelled and each.split == "test"):
                if not each.ignored:
                    (beside if path.rpartition("/")[0] in parents else strays).append(path)
                result.ignored += 1
                continue
            real = each.label is None or each.label == card.real_index
            result.images.append(
                Listed(
                    path,
                    UNLABELLED if each.label is None else each.label,
                    each.split,
                    each.group,
                    found.faults.get(path, ""),
                    "" if real else each.kind,
                )
            )
        if strays:
            self._refuse(card, root, strays)
        for where, paths in (("beside the class folders", beside), ("in no split", outside)):
            if paths:
                said = "1 image lies" if len(paths) == 1 else f"{len(paths):,} images lie"
                result.warnings.append(f"{said} {where}, such as {min(paths)}: left out")
        result.warnings += _unread(found.unread, read, card.classes)
        return result

    def _check_splits(self, card: Declared, root: Path, present: set[str]) -> None:
        for split in self.split_names:
            if split not in present and not (root / self.splits[split][0]).is_dir():  # type: ignore[index]
                raise DataError(
                    f"no such folder: it should hold split {split!r} of {card.name!r}",
                    where=root / self.splits[split][0],  # type: ignore[index]
                    hint="see layout.splits in the card",
                )

    def _refuse(self, card: Declared, root: Path, strays: Sequence[str]) -> None:
        """Complain of images that lie in folders that the card does not know."""
        folders = Counter(path.rpartition("/")[0] for path in strays)
        folder = min(folders)
        classes = ", ".join(card.classes)
        raise DataError(
            f"holds {folders[folder]} images but is none of the classes ({classes})",
            where=root / folder,
            hint="name it in classes, in layout.folders or in layout.ignore of the card",
        )


def _check_apart(key: str, names: Mapping[Any, Sequence[str]]) -> None:
    seen: dict[str, str] = {}
    for name, folders in names.items():
        for folder in folders:
            if seen.setdefault(folder, name) != name:
                fault(key, f"folder {folder!r} stands for {seen[folder]!r} and for {name!r}")


class Told(NamedTuple):
    """What the folders on the way to an image tell of it."""

    label: int | None
    split: str
    kind: str
    group: str
    ignored: bool


class _Reader:
    """Reads folders, each once."""

    def __init__(self, layout: FoldersLayout, classes: Sequence[str]) -> None:
        self.layout = layout
        self.labels = {f: i for i, name in enumerate(classes) for f in layout.folders_of(name)}
        self.splits = {f: str(s) for s, folders in layout.splits.items() for f in folders}
        self.kinds = {name: name for name in layout.kinds}
        self.ignore = dict.fromkeys(layout.ignore, True)

    def read(self, folder: str) -> Told:
        parts = tuple(folder.split("/")) if folder else ()
        telling: set[int] = set()
        split = _outermost(parts, self.splits, telling)
        label = _outermost(parts, self.labels, telling, but=frozenset(telling))
        if label is None:
            label = _outermost(parts, self.labels, telling)
        kind = _outermost(parts, self.kinds, telling)
        ignored = _outermost(parts, self.ignore, set())
        at = self.layout.groups
        at = at - 1 if at > 0 else len(parts) + at
        group = ""
        if self.layout.groups and 0 <= at < len(parts) and at not in telling:
            group = "" if is_neutral(parts[at]) else parts[at]
        return Told(None if ignored else label, split or "", kind or "", group, bool(ignored))


def _outermost(
    parts: tuple[str, ...],
    names: Mapping[str, Any],
    telling: set[int],
    but: frozenset[int] = frozenset(),
) -> Any:
    """Give what the outermost folder that has a meaning stands for; None where none has."""
    if not names:
        return None
    longest = max(name.count("/") for name in names) + 1
    for start in range(len(parts)):
        for end in range(min(start + longest, len(parts)), start, -1):
            name = "/".join(parts[start:end])
            if name in names and not but.intersection(range(start, end)):
                telling.update(range(start, end))
                return names[name]
    return None


def _outer_folders(paths: Iterable[str]) -> set[str]:
    """Give all folders that some of the images lie below of, but not in."""
    found: set[str] = set()
    for folder in {path.rpartition("/")[0] for path in paths}:
        outer = folder
        while outer:
            outer = outer.rpartition("/")[0]
            found.add(outer)
    return found


def _unread(
    found: Mapping[str, str], read: Callable[[str], Told], classes: Sequence[str]
) -> list[str]:
    """Say of which class files hold pictures that are not read, and which."""
    files: dict[str, list[str]] = {}
    for path, what in found.items():
        told = read(path.rpartition("/")[0])
        if not told.ignored:
            name = " of no class" if told.label is None else f" of class {classes[told.label]}"
            files.setdefault(name, []).append(what)
    return [line for name, own in sorted(files.items()) for line in unread(own, name)]
