"""The layout ``folders``: names of folders on the way to an image tell class, split and kind."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from dfbench.errors import DataError
from dfbench.plain import counted
from dfbench.received.containers.places import is_folder
from dfbench.suites.datasets.image_files import walk
from dfbench.suites.datasets.layouts.base import Declared, Layout, unread
from dfbench.suites.datasets.layouts.way import Names, check_apart, find, level
from dfbench.suites.datasets.listing import SPLITS, UNLABELLED, Listed, Listing, SplitName
from dfbench.suites.datasets.section import fault
from dfbench.suites.datasets.words import is_neutral


class FoldersLayout(Layout):
    """Folders that are called like classes, splits and kinds of fakes, wherever they stand.

    Where several on the way to an image stand for classes, the outermost counts; so for splits
    and kinds. A split folder that stands in the root is looked for nowhere else. A test split
    without any class folder is unlabelled.
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
    kinds: Names = Field(default_factory=list)
    """Folders that each hold the fakes of one kind, which is called like them."""
    groups: int = Field(default=0, ge=-20, le=20)
    """Which folder below the root holds images of one source: counted from 1 at the root, or from
    -1 at the image; 0 for none. One that tells class, split or kind, or is called like ``frames``,
    is no source."""
    ignore: Names = Field(default_factory=list)
    """Folders to leave out, above or beside class folders; one in a class folder by its path from
    the root."""

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
        folders = {path.rpartition("/")[0] for path in walk(root).images}
        read = self.reader(classes, folders)
        return read(inner.name).label is not None or any(
            folder.split("/")[0] != inner.name and read(folder).label is not None
            for folder in folders
        )

    def check(self, classes: Sequence[str]) -> None:
        """Each folder that is named is of a class, and of one only."""
        for name in self.folders:
            if name not in classes:
                fault("layout.folders", f"{name!r} is none of the classes ({', '.join(classes)})")
        check_apart("layout.folders", {name: self.folders_of(name) for name in classes})
        check_apart("layout.splits", self.splits)

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

    def reader(self, classes: Sequence[str], folders: Iterable[str]) -> Callable[[str], Told]:
        """Give what reads a folder, by its path below the root; ``folders`` are all there are."""
        outermost = {folder.partition("/")[0] for folder in folders}
        return functools.cache(_Reader(self, classes, outermost).read)

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
        read = self.reader(card.classes, {path.rpartition("/")[0] for path in found.images})
        told = {path: read(path.rpartition("/")[0]) for path in found.images}
        self._check_splits(card, root, {each.split for each in told.values()})
        unlabelled = "test" not in {each.split for each in told.values() if each.label is not None}
        parents = _outer_folders(path for path, each in told.items() if each.label is not None)
        result = Listing(ignored=found.ignored)
        strays: list[str] = []
        beside: list[str] = []
        outside: list[str] = []
        real_index = card.real_index
        for path, each in told.items():
            if each.ignored:
                result.ignored += 1
                continue
            if "train" in self.splits and not each.split:
                outside.append(path)
                result.ignored += 1
                continue
            if each.label is None and not (unlabelled and each.split == "test"):
                (beside if path.rpartition("/")[0] in parents else strays).append(path)
                result.ignored += 1
                continue
            real = each.label is None or each.label == real_index
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
        result.warnings += [*self._idle(result), *_unread(found.unread, read, card.classes)]
        return result

    def _idle(self, result: Listing) -> list[str]:
        """Say which keys tell nothing of any image."""
        known = {image.kind for image in result.images}
        idle = [name for name in self.kinds if name.rpartition("/")[2] not in known]
        said = [f"layout.kinds: no fakes lie in {', '.join(idle[:5])}"] if idle else []
        if self.groups and not any(image.group for image in result.images):
            said.append(f"layout.groups: no folder of a source stands at level {self.groups}")
        return said

    def _check_splits(self, card: Declared, root: Path, present: set[str]) -> None:
        for split in SPLITS:
            if split not in self.splits or split in present:
                continue
            folder = root / self.splits[split][0]
            if not is_folder(folder):
                raise DataError(
                    f"no such folder: it should hold split {split!r} of {card.name!r}",
                    where=folder,
                    hint="see layout.splits in the card",
                )

    def _refuse(self, card: Declared, root: Path, strays: Sequence[str]) -> None:
        """Complain of images that lie in folders that the card does not know."""
        folders = Counter(path.rpartition("/")[0] for path in strays)
        folder = min(folders)
        classes = ", ".join(card.classes)
        raise DataError(
            f"holds {counted(folders[folder], 'image')} but is none of the classes ({classes})",
            where=root / folder,
            hint="name it in classes, in layout.folders or in layout.ignore of the card",
        )


class Told(NamedTuple):
    """What the folders on the way to an image tell of it."""

    label: int | None
    split: str
    kind: str
    group: str
    ignored: bool


class _Reader:
    """Reads folders."""

    def __init__(
        self, layout: FoldersLayout, classes: Sequence[str], outermost: Collection[str]
    ) -> None:
        self.groups = layout.groups
        self.labels = {f: i for i, name in enumerate(classes) for f in layout.folders_of(name)}
        splits = {f: str(s) for s, folders in layout.splits.items() for f in folders}
        self.splits = {name: s for name, s in splits.items() if name not in outermost}
        self.outer_splits = {name: s for name, s in splits.items() if name in outermost}
        self.kinds = {name: name.rpartition("/")[2] for name in layout.kinds}
        self.ignore = dict.fromkeys(layout.ignore, True)

    def read(self, folder: str) -> Told:
        parts = tuple(folder.split("/")) if folder else ()
        split = find(parts[:1], self.outer_splits) or find(parts, self.splits)
        # a folder that is a split is a class only where no other is
        but = split.start if split else -1
        label = find(parts, self.labels, but=but) or find(parts, self.labels)
        kind = find(parts, self.kinds)
        ignored = find(parts, self.ignore)
        inside = ignored is not None and label is not None and label.end <= ignored.end
        if inside and not (ignored and ignored.start == 0 and ignored.end > 0):
            ignored = None
        telling = {each.end for each in (split, label, kind) if each is not None}
        at = level(self.groups, parts) if self.groups else None
        group = ""
        if at is not None and at not in telling:
            group = "" if is_neutral(parts[at]) else parts[at]
        return Told(
            None if label is None or ignored else label.told,
            "" if split is None else split.told,
            "" if kind is None else kind.told,
            group,
            ignored is not None,
        )


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
