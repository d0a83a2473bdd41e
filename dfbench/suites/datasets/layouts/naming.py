"""Which folders and files stand for which split and class, by their names."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from dfbench.suites.datasets.image_files import holds_images, subfolders
from dfbench.suites.datasets.listing import SPLITS, SplitName

_SPLIT_WORDS: dict[SplitName, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}


def by_split(names: Sequence[str]) -> dict[SplitName, str]:
    """Find which of ``names`` stands for which split, in any case and shortened as usual."""
    result: dict[SplitName, str] = {}
    for split in SPLITS:
        fitting = [name for name in names if name.lower() in _SPLIT_WORDS[split]]
        if fitting:
            result[split] = fitting[0]
    return result


def class_folders(folder: Path) -> list[str]:
    """Names of the subfolders that hold images, at any depth."""
    return [name for name in subfolders(folder) if holds_images(folder / name)]


def natural(names: Collection[str]) -> list[str]:
    """Sort names, numbers in them by value: class2 before class10."""
    return sorted(names, key=lambda n: [(p.isdigit(), p.zfill(12)) for p in re.split(r"(\d+)", n)])


def join(*parts: str) -> str:
    """Join relative paths with ``/``, leaving out those of the folder itself."""
    return "/".join(part for part in parts if part not in ("", "."))
