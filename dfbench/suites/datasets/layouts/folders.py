"""The layout ``folders``: a folder for each class, in a folder for each split if there are any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field

from dfbench.errors import DataError
from dfbench.suites.datasets.image_files import subfolders, walk
from dfbench.suites.datasets.layouts.base import Declared, Layout
from dfbench.suites.datasets.layouts.naming import by_split, class_folders, join, natural
from dfbench.suites.datasets.listing import SPLITS, UNLABELLED, Listed, Listing, SplitName
from dfbench.suites.datasets.section import fault


class FoldersLayout(Layout):
    """Split folders that hold class folders, or class folders alone.

    Images may lie deeper than the class folder. A test folder with images but without any class
    folder is an unlabelled split.
    """

    comments: ClassVar[dict[str, str]] = {
        "folders": "Class to its folder.",
        "ignore": "Folders to leave out.",
    }

    kind: Literal["folders"]
    splits: dict[SplitName, str] = Field(default_factory=dict)
    """Split to its folder; empty where class folders stand alone."""
    folders: dict[str, str] = Field(default_factory=dict)
    """Class to its folder, where the folder is not called like the class."""
    ignore: list[str] = Field(default_factory=list)
    """Folders beside the class folders to leave out."""

    @classmethod
    def recognise(cls, root: Path) -> tuple[Self, list[str]] | None:
        """Find class folders in split folders, else class folders alone."""
        return cls._in_splits(root) or cls._alone(root)

    @classmethod
    def _in_splits(cls, root: Path) -> tuple[Self, list[str]] | None:
        splits = by_split(subfolders(root))
        if "train" not in splits or len(splits) < 2:
            return None
        names = {name for folder in splits.values() for name in class_folders(root / folder)}
        return (cls(kind="folders", splits=splits), natural(names)) if len(names) > 1 else None

    @classmethod
    def _alone(cls, root: Path) -> tuple[Self, list[str]] | None:
        classes = natural(class_folders(root))
        if len(classes) < 2 or by_split(classes):
            return None
        return cls(kind="folders"), classes

    @classmethod
    def advice(cls, names: Sequence[str]) -> str:
        """Name both forms."""
        return "train/ and test/ folders with a folder per class in each; a folder per class"

    def needs(self, classes: Sequence[str]) -> list[str]:
        """Name the split folders, else the class folders."""
        return list(self.splits.values()) or [self.folder_of(name) for name in classes]

    def check(self, classes: Sequence[str]) -> None:
        """Each folder that is named is of a class."""
        for name in self.folders:
            if name not in classes:
                fault("layout.folders", f"{name!r} is none of the classes ({', '.join(classes)})")

    @property
    def split_names(self) -> list[str]:
        """The splits with a folder."""
        return [str(name) for name in self.splits]

    def folder_of(self, name: str) -> str:
        """Folder of the class ``name``, relative to its split's."""
        return self.folders.get(name, name)

    def scan(self, card: Declared, root: Path) -> Listing:
        """List what lies in the class folders.

        Raises
        ------
        DataError
            For a missing split folder, and for a folder of images that is of no class.
        """
        result = Listing()
        if not self.splits:
            self._scan_classes(card, root, "", "", result)
        for split in SPLITS:
            if split in self.splits:
                base = self.splits[split]
                if not (root / base).is_dir():
                    raise DataError(
                        f"no such folder: it should hold split {split!r} of {card.name!r}",
                        where=root / base,
                        hint="see layout.splits in the card",
                    )
                self._scan_classes(card, root, base, split, result)
        return result

    def _scan_classes(
        self, card: Declared, root: Path, base: str, split: str, result: Listing
    ) -> None:
        """Add the images of one split folder (or of the root) to ``result``."""
        folder = root / base
        wanted = {self.folder_of(name): label for label, name in enumerate(card.classes)}
        present = [name for name in wanted if (folder / name).is_dir()]
        unlabelled = split == "test" and not present
        if not unlabelled:
            self._check_others(card, folder, {name.split("/")[0] for name in wanted})
            for name in present:
                _take(root, join(base, name), wanted[name], split, result)
            result.ignored += sum(1 for entry in folder.iterdir() if not entry.is_dir())
        else:
            _take(root, base, UNLABELLED, split, result)

    def _check_others(self, card: Declared, folder: Path, known: set[str]) -> None:
        """Make sure that no images lie in folders that the card does not know."""
        for name in subfolders(folder):
            if name in known or name in self.ignore:
                continue
            images = walk(folder / name).images
            if images:
                raise DataError(
                    f"holds {len(images)} images but is none of the classes "
                    f"({', '.join(card.classes)})",
                    where=folder / name,
                    hint="name it in classes or in layout.ignore of the card",
                )


def _take(root: Path, base: str, label: int, split: str, result: Listing) -> None:
    found = walk(root / base)
    result.ignored += found.ignored
    result.images += [
        Listed(join(base, path), label, split, "", found.faults.get(path, ""))
        for path in found.images
    ]
