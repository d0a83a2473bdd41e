"""Images of a data set that are copies of each other across its parts, and what leaks by them.

A detector that has seen an image, or a copy of it, need not detect anything to be right about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dfbench.benchmark.planning.view import view_of
from dfbench.benchmark.reporter import Reporter
from dfbench.errors import DataError
from dfbench.features.copies import VERSION, find_copies
from dfbench.features.extraction.store import identity, load_features
from dfbench.features.internal.thumbnail import Thumbnail
from dfbench.results.board.leaks import AUDIT, Leak, Leaks, Part, word
from dfbench.results.records.folder import ResultsFolder
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.parts import Parts, complete
from dfbench.suites.suite import OnLeak

SHOWN = 3
"""Leaked images that an error names."""


class LeakError(DataError):
    """Leaks, where the user asked for none."""


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


def find_alike(
    dataset: Dataset, faults: NDArray[np.object_], parts: Parts | None, *, jobs: int
) -> Alike:
    """Find copies across splits, parts and classes; thumbnails must be in the store.

    Parameters
    ----------
    dataset
        As loaded.
    faults
        Why an image cannot be used, "" where it can: the others are left out.
    parts
        What a run makes of it; None where it can make nothing of it.
    jobs
        Threads.
    """
    manifest = dataset.manifest
    rows = np.flatnonzero(faults == "")
    chosen = manifest.iloc[rows]
    kinds = _codes(chosen["split"], _parts(len(manifest), parts)[rows], chosen["label"])
    files = _codes(chosen["sha256"])
    # equal files of a kind stand for each other
    _, kept, stands = np.unique(
        np.stack([files, kinds], axis=1), axis=0, return_index=True, return_inverse=True
    )
    stands = stands.reshape(-1)
    keys = chosen["sha256"].iloc[kept].tolist()
    thumbnails = load_features(identity(Thumbnail(), view_of(dataset)), keys, Thumbnail.dtype)
    near = find_copies(thumbnails.reshape(len(keys), -1), kinds[kept], jobs=jobs)
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
        nothing = np.empty(0, np.int64)
        return Alike(nothing, nothing, exact, mirrored)
    pairs = np.concatenate(which)
    return Alike(
        rows[np.concatenate(first)],
        rows[np.concatenate(second)],
        exact[pairs],
        mirrored[pairs],
    )


def _codes(*columns: object) -> NDArray[np.int64]:
    """Give each combination of values that occurs a number."""
    import pandas as pd

    codes = np.zeros(len(columns[0]), np.int64)  # type: ignore[arg-type]
    for column in columns:
        own, values = pd.factorize(np.asarray(column))
        codes = np.unique(codes * len(values) + own, return_inverse=True)[1].reshape(-1)
    return codes.astype(np.int64)


_TRAIN, _TUNE, _EVALUATE = 0, 1, 2


def _parts(n: int, parts: Parts | None) -> NDArray[np.int64]:
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


def leaks_of(dataset: Dataset, parts: Parts, alike: Alike) -> Leaks:
    """Say what leaks between the parts that a run makes of a data set."""
    manifest = dataset.manifest
    paths, labels = manifest["path"].to_numpy(object), manifest["label"].to_numpy(np.int64)
    groups = manifest["group"].to_numpy(object)
    of = _parts(len(manifest), parts)

    def known(rows: NDArray[np.intp], later: int) -> list[Leak]:
        """Give those of ``rows``, of the part ``later``, that an earlier one knows."""
        found: dict[int, Leak] = {}
        among = (of[alike.first] == later) & _before(of[alike.second], later)
        for pair in first_choice(alike, among):
            row, other = int(alike.first[pair]), int(alike.second[pair])
            found[row] = Leak(
                image=paths[row],
                way="exact" if alike.exact[pair] else "near",
                part=_name(of[other]),
                other=paths[other],
                other_label=bool(labels[row] != labels[other]),
            )
        earlier = [(groups[i], int(of[i])) for i in np.flatnonzero(_before(of, later)) if groups[i]]
        shared = dict(sorted(earlier, key=lambda item: -item[1]))
        for row in rows.tolist():
            if row not in found and groups[row] in shared:
                part = _name(shared[groups[row]])
                found[row] = Leak(image=paths[row], way="group", part=part, other=groups[row])
        return [found[row] for row in sorted(found)]

    drop: dict[Part, list[str]] = {}
    for part, rows in ((_TRAIN, parts.train), (_TUNE, parts.tune)):
        after = of > part
        copied = alike.first[(of[alike.first] == part) & after[alike.second]]
        shared = set(groups[after]) - {""}
        bad = np.isin(rows, copied) | np.array([groups[row] in shared for row in rows], np.bool_)
        if bad.any():
            drop[_name(part)] = paths[rows[bad]].tolist()
    return Leaks(
        dataset=dataset.name,
        fingerprint=dataset.fingerprint,
        version=VERSION,
        split=parts.split,
        n_evaluate=len(parts.evaluate),
        n_tune=len(parts.tune),
        evaluate=known(parts.evaluate, _EVALUATE),
        tune=known(parts.tune, _TUNE),
        drop=drop,
    )


def _before(of: NDArray[np.int64], later: int) -> NDArray[np.bool_]:
    return (of >= 0) & (of < later)


def _name(part: int) -> Part:
    return "train" if part == _TRAIN else "tune"


def first_choice(alike: Alike, among: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Give one of the pairs of each image: of an equal file if there is one, then by place.

    Parameters
    ----------
    alike
        Of p pairs.
    among
        Shape (p,): those to choose from.

    Returns
    -------
    ndarray of shape (m,), dtype intp
        Places of pairs, ascending by their first image.
    """
    places = np.flatnonzero(among)
    order = np.lexsort((alike.second[places], ~alike.exact[places], alike.first[places]))
    places = places[order]
    return places[np.unique(alike.first[places], return_index=True)[1]]


def settle(
    dataset: Dataset,
    faults: NDArray[np.object_],
    parts: Parts,
    out: ResultsFolder,
    on_leak: OnLeak,
    *,
    jobs: int,
    reporter: Reporter,
) -> Parts:
    """Look for leaks, keep what was found in a results folder, and do about it what is asked.

    Parameters
    ----------
    dataset, faults, parts
        As `find_alike`.
    out
        The results folder; what an earlier run found there is taken from it.
    on_leak
        ``"warn"`` says so; ``"drop"`` also leaves the copies out of train and tune, never out of
        the images of the figures; ``"stop"`` is an error.
    jobs
        Threads.
    reporter
        Hears of leaks.

    Returns
    -------
    Parts
        The parts to run with.

    Raises
    ------
    LeakError
        If there are leaks and ``on_leak`` is ``"stop"``.
    DataError
        If dropping leaves a part without a class.
    """
    leaks = out.read_findings(AUDIT, dataset.fingerprint, Leaks)
    counts = len(parts.evaluate), len(parts.tune)
    if leaks is None or leaks.version != VERSION or counts != (leaks.n_evaluate, leaks.n_tune):
        leaks = leaks_of(dataset, parts, find_alike(dataset, faults, parts, jobs=jobs))
        out.write_findings(AUDIT, dataset.fingerprint, leaks)
    said = "; ".join(word(leaks))
    if not said:
        return parts
    if on_leak == "stop":
        named = [leak.image for leak in (*leaks.evaluate, *leaks.tune)]
        shown = ", ".join(named[:SHOWN])
        more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
        raise LeakError(
            f"{said}: {shown}{more}",
            where=dataset.name,
            hint='dfbench data check lists them; on_leak = "drop" leaves the copies out of train',
        )
    if on_leak == "warn":
        reporter.note(f'{dataset.name}: {said}; on_leak = "drop" leaves the copies out of train')
        return parts
    paths = dataset.manifest["path"].to_numpy(object)

    def without(rows: NDArray[np.intp], part: Part) -> NDArray[np.intp]:
        return rows[~np.isin(paths[rows], leaks.drop.get(part, []))]

    left = replace(parts, train=without(parts.train, "train"), tune=without(parts.tune, "tune"))
    gone = len(parts.train) - len(left.train), len(parts.tune) - len(left.tune)
    reporter.note(
        f"{dataset.name}: {said}; left out: {gone[0]:,} images of train, {gone[1]:,} of tune"
    )
    try:
        complete(dataset, left)
    except DataError as error:
        raise DataError(
            error.what, hint='all of them were dropped; on_leak = "warn" keeps them'
        ) from None
    return left
