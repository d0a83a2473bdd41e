"""Images of a data set that are copies of each other across its splits, parts and classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfbench.benchmark.audits.base import Looked
from dfbench.benchmark.view import view_of
from dfbench.features.copies import find_copies
from dfbench.features.internal.thumbnail import Thumbnail
from dfbench.features.pipeline.store import StoredRows, identity
from dfbench.suites.datasets.parts import Parts


@dataclass(frozen=True, slots=True)
class Alike:
    """Pairs of images that are copies, as row numbers of the manifest.

    Images of the same split, part and class are not held against each other. Of many equal files
    each is paired with one of each other kind.

    Attributes
    ----------
    first, second
        Shape (p,), dtype int64; both orders of a pair.
    exact, mirrored
        Shape (p,): whether the files are equal; whether one is mirrored.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    exact: NDArray[np.bool_]
    mirrored: NDArray[np.bool_]


def find_alike(looked: Looked) -> Alike:
    """Find copies across splits, parts and classes; thumbnails must be in the store."""
    dataset, manifest = looked.dataset, looked.dataset.manifest
    rows = np.flatnonzero(looked.readable)
    if not rows.size:
        return _none()
    chosen = manifest.iloc[rows]
    kinds = _codes(
        chosen["split"], part_numbers(len(manifest), looked.parts)[rows], chosen["label"]
    )
    files = _codes(chosen["sha256"])
    # equal files of a kind stand for each other
    _, kept, stands = np.unique(
        np.stack([files, kinds], axis=1), axis=0, return_index=True, return_inverse=True
    )
    stands = stands.reshape(-1)
    keys = chosen["sha256"].iloc[kept].tolist()
    thumbnails = StoredRows([identity(Thumbnail(), view_of(dataset))], keys, Thumbnail.dtype)
    near = find_copies(thumbnails, kinds[kept], jobs=looked.jobs)
    changed = files[kept][near.first] != files[kept][near.second]
    equal = np.array(list(_equal(files[kept])), np.int64).reshape(-1, 2)
    a = np.concatenate([equal[:, 0], near.first[changed]])
    b = np.concatenate([equal[:, 1], near.second[changed]])
    exact = np.arange(len(a)) < len(equal)
    mirrored = np.concatenate([np.zeros(len(equal), np.bool_), near.mirrored[changed]])
    # back from those that stand for others to all of them
    order = np.argsort(stands, kind="stable")
    edges = np.searchsorted(stands[order], np.arange(len(kept) + 1))
    first, second, which = [], [], []
    for pair, (one, other) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        for x, y in ((one, other), (other, one)):
            members = order[edges[x] : edges[x + 1]]
            first.append(members)
            second.append(np.full(len(members), kept[y]))
            which.append(np.full(len(members), pair))
    if not first:
        return _none()
    pairs = np.concatenate(which)
    return Alike(
        rows[np.concatenate(first)],
        rows[np.concatenate(second)],
        exact[pairs],
        mirrored[pairs],
    )


def _none() -> Alike:
    pairs, flags = np.empty(0, np.int64), np.empty(0, np.bool_)
    return Alike(pairs, pairs, flags, flags)


def _codes(*columns: object) -> NDArray[np.int64]:
    """Give each combination of values that occurs a number."""
    import pandas as pd

    codes = np.zeros(len(columns[0]), np.int64)  # type: ignore[arg-type]
    for column in columns:
        own, values = pd.factorize(np.asarray(column))
        codes = np.unique(codes * len(values) + own, return_inverse=True)[1].reshape(-1)
    return codes.astype(np.int64)


TRAIN, TUNE, EVALUATE = 0, 1, 2
"""Numbers of the parts, the earlier first."""


def part_numbers(n: int, parts: Parts | None) -> NDArray[np.int64]:
    """Give the part of each of n rows as a number, -1 for none."""
    of = np.full(n, -1, np.int64)
    if parts is not None:
        for part, rows in enumerate((parts.train, parts.tune, parts.evaluate)):
            of[rows] = part
    return of


def _equal(files: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Pair the places of equal numbers."""
    order = np.argsort(files, kind="stable")
    edges = np.flatnonzero(np.diff(files[order])) + 1
    for same in np.split(order, edges):
        for i, one in enumerate(same.tolist()):
            for other in same[i + 1 :].tolist():
                yield one, other


def first_choice(alike: Alike, chosen: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Give one of the pairs of each image: of an equal file if there is one, then by place.

    Parameters
    ----------
    alike
        Of p pairs.
    chosen
        Shape (p,): those to choose from.

    Returns
    -------
    ndarray of shape (m,), dtype intp
        Places of pairs, ascending by their first image.
    """
    places = np.flatnonzero(chosen)
    order = np.lexsort((alike.second[places], ~alike.exact[places], alike.first[places]))
    places = places[order]
    return places[np.unique(alike.first[places], return_index=True)[1]]
