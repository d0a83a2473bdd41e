"""What `dfbench data check` says of copies: across splits, with contrary labels, and of groups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dfbench.benchmark.audits.base import Finding, Looked
from dfbench.benchmark.audits.copies import Alike, first_choice
from dfbench.benchmark.audits.leaks_found import leaks_of, word
from dfbench.plain import counted
from dfbench.suites.datasets.listing import UNLABELLED
from dfbench.suites.datasets.manifest import Dataset


def listing(looked: Looked, alike: Alike) -> list[Finding]:
    """List the images that have a copy in another split or with another label, and groups."""
    dataset = looked.dataset
    found = [*_across(looked, alike), *_contrary(dataset, alike), *_groups(dataset)]
    if looked.parts is not None:
        found += [Finding(f"in a run, {said}", []) for said in word(leaks_of(looked, alike))]
    return found


def _across(looked: Looked, alike: Alike) -> Iterator[Finding]:
    dataset = looked.dataset
    splits = dataset.manifest["split"].to_numpy(object)
    paths = dataset.manifest["path"].to_numpy(object)
    for later, earlier in (("test", "train"), ("test", "validation"), ("validation", "train")):
        chosen = (splits[alike.first] == later) & (splits[alike.second] == earlier)
        pairs = first_choice(alike, chosen)
        if not pairs.size:
            continue
        exact = int(alike.exact[pairs].sum())
        counts = ((exact, "exact"), (len(pairs) - exact, "near"))
        of = int(((splits == later) & looked.readable).sum())
        have = "has" if len(pairs) == 1 else "have"
        yield Finding(
            f"{len(pairs):,} of {of:,} images of {later} {have} a copy in {earlier}: "
            + ", ".join(f"{n:,} {way}" for n, way in counts if n),
            [
                (_way(alike, pair), paths[alike.first[pair]], paths[alike.second[pair]])
                for pair in pairs
            ],
        )


def _contrary(dataset: Dataset, alike: Alike) -> Iterator[Finding]:
    labels = dataset.manifest["label"].to_numpy(np.int64)
    paths = dataset.manifest["path"].to_numpy(object)
    one, other = labels[alike.first], labels[alike.second]
    pairs = first_choice(alike, (one != other) & (one != UNLABELLED) & (other != UNLABELLED))
    if pairs.size:
        yield Finding(
            f"{counted(len(pairs), 'image has', 'images have')} a copy with another label",
            [
                (
                    _way(alike, pair),
                    *(
                        f"{paths[row]} ({dataset.classes[labels[row]]})"
                        for row in (alike.first[pair], alike.second[pair])
                    ),
                )
                for pair in pairs
            ],
        )


def _way(alike: Alike, pair: int) -> str:
    if alike.exact[pair]:
        return "exact"
    return "near, mirrored" if alike.mirrored[pair] else "near"


def _groups(dataset: Dataset) -> Iterator[Finding]:
    manifest = dataset.manifest[dataset.manifest["group"] != ""]
    cases: list[tuple[str, ...]] = []
    for group, same in manifest.groupby("group"):
        if same["split"].nunique() > 1:
            splits = " and ".join(sorted(same["split"].unique()))
            cases.append(("group", f"{group!r} ({counted(len(same), 'image')}) lies in {splits}"))
    if cases:
        lie = "group lies" if len(cases) == 1 else "groups lie"
        yield Finding(f"{len(cases):,} {lie} in several splits", cases)
