"""What `dfbench data check` says of copies: across splits, with contrary labels, and of groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfbench.benchmark.audits.leaks import Alike, find_alike, first_choice, leaks_of
from dfbench.benchmark.reading import look_at
from dfbench.benchmark.reporter import Reporter
from dfbench.errors import DataError
from dfbench.features.internal.thumbnail import Thumbnail
from dfbench.results.board.leaks import word
from dfbench.suites.datasets.listing import UNLABELLED
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.parts import Parts, parts_of


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that makes figures of a data set doubtful.

    Attributes
    ----------
    what
        In a line, with counts.
    cases
        Of each image or group: what it is, then one line or two.
    """

    what: str
    cases: list[tuple[str, ...]]


def find_leaks(dataset: Dataset, *, jobs: int, reporter: Reporter) -> list[Finding]:
    """List the images that have a copy in another split or with another label.

    Raises
    ------
    DfbenchError
        If a file vanishes or changes on the way, or cannot be normalised.
    """
    outcome, faults = look_at(dataset, [Thumbnail()], jobs=jobs, reporter=reporter)
    for error in outcome.failed.values():
        raise error
    parts: Parts | None
    try:
        parts = parts_of(dataset, faults == "")
    except DataError:  # nothing can be run on it; what it holds can be looked at all the same
        parts = None
    alike = find_alike(dataset, faults, parts, jobs=jobs)
    found = [*_across(dataset, faults, alike), *_contrary(dataset, alike), *_groups(dataset)]
    if parts is not None:
        found += [
            Finding(f"in a run, {said}", []) for said in word(leaks_of(dataset, parts, alike))
        ]
    return found


def _across(dataset: Dataset, faults: NDArray[np.object_], alike: Alike) -> Iterator[Finding]:
    splits = dataset.manifest["split"].to_numpy(object)
    paths = dataset.manifest["path"].to_numpy(object)
    for later, earlier in (("test", "train"), ("test", "validation"), ("validation", "train")):
        among = (splits[alike.first] == later) & (splits[alike.second] == earlier)
        pairs = first_choice(alike, among)
        if not pairs.size:
            continue
        exact = int(alike.exact[pairs].sum())
        counts = ((exact, "exact"), (len(pairs) - exact, "near"))
        of = int(((splits == later) & (faults == "")).sum())
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
            f"{len(pairs):,} images have a copy with another label",
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
            cases.append(("group", f"{group!r} ({len(same)} images) lies in {splits}"))
    if cases:
        lie = "group lies" if len(cases) == 1 else "groups lie"
        yield Finding(f"{len(cases):,} {lie} in several splits", cases)
