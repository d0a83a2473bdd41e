"""A data set in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from dfbench.suites.datasets.kinds import kinds_of
from dfbench.suites.datasets.listing import SPLITS, UNLABELLED
from dfbench.suites.datasets.manifest import Dataset

COMMON = 10
"""How many of the most common sizes are told."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Least, middle and greatest of a quantity."""

    least: float
    median: float
    greatest: float


@dataclass(frozen=True, slots=True)
class Description:
    """The numbers of a data set.

    Attributes
    ----------
    name, root, fingerprint, classes, positive
        Of the data set.
    counts
        Split to class to number of images; ``"(unlabelled)"`` stands for the missing class,
        ``"(undivided)"`` for the missing split. Broken images count, as lines of the manifest.
    kinds
        Split to kind of fake to number of images; of two classes, where the card tells kinds.
        ``"(unknown)"`` are fakes of no known kind.
    real
        Of more than two classes the one of real images; empty where the card does not tell.
    images, broken, ignored
        Numbers of images, of those that cannot be opened, and of files left aside.
    groups
        Number of groups, 0 without groups.
    formats
        Format to number of images, the most frequent first.
    sizes
        The ten most common (width, height) in pixels, with their numbers.
    width, height
        In pixels; None if no image can be opened.
    file_bytes
        Of one file.
    total_bytes
        Of all files.
    normalise
        What images are made into before anything sees them, in words; empty where they are not.
    """

    name: str
    root: str
    fingerprint: str
    classes: list[str]
    positive: str
    counts: dict[str, dict[str, int]]
    kinds: dict[str, dict[str, int]]
    real: str
    images: int
    broken: int
    ignored: int
    groups: int
    formats: dict[str, int]
    sizes: list[tuple[tuple[int, int], int]]
    width: Spread | None
    height: Spread | None
    file_bytes: Spread | None
    total_bytes: int
    normalise: str


def describe(dataset: Dataset) -> Description:
    """Count the images of a data set by split, class, size and format."""
    manifest = dataset.manifest
    known = manifest[manifest["error"] == ""]
    names = dict(enumerate(dataset.classes))
    names[UNLABELLED] = "(unlabelled)"
    cells = Counter(zip(manifest["split"].tolist(), manifest["label"].tolist(), strict=True))
    counts: dict[str, dict[str, int]] = {
        split or "(undivided)": {
            names[label]: cells[split, label] for label in names if cells[split, label]
        }
        for split in (*SPLITS, "")
        if any(cells[split, label] for label in names)
    }
    sizes = Counter(zip(known["width"].tolist(), known["height"].tolist(), strict=True))
    groups = set(manifest["group"].tolist()) - {""}
    return Description(
        name=dataset.name,
        root=str(dataset.root),
        fingerprint=dataset.fingerprint,
        classes=list(dataset.classes),
        positive=dataset.card.positive,
        counts=counts,
        kinds=_kinds(dataset),
        real=dataset.card.real,
        images=len(manifest),
        broken=len(dataset.broken),
        ignored=dataset.ignored,
        groups=len(groups),
        formats=dict(Counter(known["format"].tolist()).most_common()),
        # by number, then by size: equal numbers must not depend on the order of files
        sizes=sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:COMMON],
        width=_spread(known["width"]),
        height=_spread(known["height"]),
        file_bytes=_spread(known["bytes"]),
        total_bytes=int(manifest["bytes"].sum()),
        normalise=str(dataset.card.normalise or ""),
    )


def _kinds(dataset: Dataset) -> dict[str, dict[str, int]]:
    kinds = kinds_of(dataset)
    if dataset.positive_index is None or not (kinds != "").any():
        return {}
    fake = dataset.manifest["label"].to_numpy() == dataset.positive_index
    split_of = dataset.manifest["split"].to_numpy(object)
    found: dict[str, dict[str, int]] = {}
    for split in SPLITS:
        own = Counter(kinds[fake & (split_of == split)].tolist())
        if own:
            unknown = {"(unknown)": own.pop("")} if "" in own else {}
            found[split] = dict(sorted(own.items())) | unknown
    return found


def _spread(column: Any) -> Spread | None:
    values = column.to_numpy()
    if not len(values):
        return None
    return Spread(float(values.min()), float(np.median(values)), float(values.max()))
