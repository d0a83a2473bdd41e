"""Subsets: the images that a row is fitted, tuned and scored on, where a protocol asks for others.

Of a kind left out: a detector is fitted and tuned on real images and all kinds of fakes but this
one, and scored on real images and this kind. Fakes of no known kind might be of it: they are left
out of it all.

Of a fraction: which images a part holds depends on the seed of the row alone, smaller parts lie
within larger ones, classes (and kinds as far as they are known) keep their proportions and groups
stay whole; tuning split and test images are those of the row.

All but a fold of train: the row is fitted without the fold and scores it, so that every training
image has a score by a model that has not seen it. Folds keep classes, kinds and groups as parts of
a fraction do, and depend on the seed of the row alone; the tuning split is that of the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.benchmark.planning.row import Row
from dfbench.benchmark.protocols.base import Protocol, listed
from dfbench.errors import DataError, PluginError
from dfbench.results.records.subsets import Subset
from dfbench.suites.datasets.kinds import kinds_of
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.parts import Parts, parts_of
from dfbench.suites.datasets.splits import grouped, order_of, stratified
from dfbench.suites.suite import Suite

FEWEST = 10
"""Images of a kind among those of the figures from which on it is worth a detector of its own."""

_NO_KINDS = "the data tell no kinds of fakes: see [kind] in the guide of data sets"
_NO_REAL = 'the card does not say which class is real: see real = "..." in the guide of data sets'


@dataclass(frozen=True)
class Wanted:
    """A subset that a protocol asks of a data set.

    Attributes
    ----------
    subset
        Which.
    rows
        That take part, in the order of the suite.
    keeps_parameters
        Whether the parameters of the row itself are taken over instead of tuned anew.
    """

    subset: Subset
    rows: list[Row]
    keeps_parameters: bool = False


@dataclass(frozen=True)
class Task:
    """What a cell is fitted and scored on.

    Attributes
    ----------
    parts
        Lines of the manifest.
    labels
        Class number of each line of the manifest, shape (n,), dtype int64.
    kinds
        Kind of fake of each, shape (n,), dtype object; "" where it tells nothing new.
    classes
        Names by number.
    positive
        Of two classes the one to detect.
    """

    parts: Parts
    labels: NDArray[np.int64]
    kinds: NDArray[np.object_]
    classes: list[str]
    positive: int | None


def wanted(dataset: Dataset, suite: Suite, rows: Sequence[Row]) -> list[Wanted]:
    """List the subsets of a data set that the protocols of a suite ask for, each once.

    Parameters
    ----------
    dataset
        Tells which kinds there are.
    suite
        Its protocols that fit nothing anew ask for none.
    rows
        Of the run; a protocol's own list of rows chooses of them.

    Raises
    ------
    PluginError
        If a protocol breaks its contract.
    """
    found: list[Wanted] = []
    for protocol in suite.protocols:
        assert isinstance(protocol, Protocol)
        chosen = _chosen(rows, protocol.rows)
        where = f"suite {suite.name!r}, {protocol.kind}"
        keeps = _keeps(protocol, where)
        for subset in _asked(protocol, dataset, where):
            before = {row.name for each in found if each.subset == subset for row in each.rows}
            own = [row for row in chosen if row.name not in before]
            found.append(Wanted(subset, own, keeps))
    return [each for each in found if each.rows]


def _asked(protocol: Protocol, dataset: Dataset, where: str) -> list[Subset]:
    def listing() -> Iterable[Subset]:
        return protocol.subsets(dataset)

    found = listed("subsets", listing, Subset, where)
    for subset in found:
        if subset.fraction is not None and not 0 < subset.fraction <= 1:
            raise PluginError(f"a fraction lies in (0, 1], not {subset.fraction:g}", where=where)
        if not subset.name:
            raise PluginError("its subsets hold all of train: the row itself", where=where)
        if subset.merged and dataset.card.real_index is None and subset.left_out != "":
            raise PluginError(f"merges classes of {dataset.name!r}: {_NO_REAL}", where=where)
        if subset.left_out and not subset.merged and dataset.positive_index is None:
            hint = "merged=True takes all but the real one for one"
            raise PluginError("leaves a kind out of several classes", where=where, hint=hint)
    return found


def _keeps(protocol: Protocol, where: str) -> bool:
    (found,) = listed("keeps_parameters", lambda: [protocol.keeps_parameters], bool, where)
    return found


def _chosen(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """Choose rows by name, with those that they are derived from; all where no name is given.

    A control of shuffled labels takes no part: nothing can be lost of what it has not learnt. Nor
    do detectors that were trained elsewhere, and what is derived of them: none is fitted anew.
    """
    fixed: set[str] = set()
    for row in rows:  # what a row is derived from stands before it
        of_fixed = row.derived is not None and not fixed.isdisjoint(row.derived.of)
        if row.shuffled or row.brought or of_fixed:
            fixed.add(row.name)
    rows = [row for row in rows if row.name not in fixed]
    if not names:
        return rows
    kept = set(names)
    for row in reversed(rows):  # what a row is derived from stands before it
        if row.name in kept and row.derived is not None:
            kept |= set(row.derived.of)
    return [row for row in rows if row.name in kept]


def identity(dataset: Dataset, subset: Subset) -> dict[str, Any]:
    """Give what the identity of a subset's cell holds beside that of the row; empty for all."""
    if not subset.name:
        return {}
    return {"variant": subset.name} | ({"real": dataset.card.real} if subset.merged else {})


def hindrances(
    dataset: Dataset, asked: Iterable[tuple[Subset, int]]
) -> dict[tuple[Subset, int], str]:
    """Say by subset and seed why it cannot be, as far as it is known before images are read."""
    readable = (dataset.manifest["error"] == "").to_numpy(np.bool_)
    try:
        parts = parts_of(dataset, readable)
    except DataError:
        return {}  # the rows themselves have it too, and say it
    found = {each: task(dataset, parts, *each) for each in dict.fromkeys(asked)}
    return {key: its for key, its in found.items() if isinstance(its, str)}


def task(dataset: Dataset, parts: Parts, subset: Subset, seed: int) -> Task | str:
    """Give what a cell is fitted and scored on.

    Parameters
    ----------
    dataset
        As loaded.
    parts
        Of the row itself.
    subset
        All training images for the row itself.
    seed
        Of the cell.

    Returns
    -------
    Task or str
        Why it cannot be, where it cannot.
    """
    labels = dataset.manifest["label"].to_numpy(np.int64)
    kinds = kinds_of(dataset)
    binary = dataset.positive_index is not None
    told = kinds if binary else np.full(len(kinds), "", dtype=object)
    whole = Task(parts, labels, told, list(dataset.classes), dataset.positive_index)
    if not subset.name:
        return whole
    if subset.left_out == "":
        return _NO_KINDS if binary else _NO_REAL
    # a competition's images are the row's own business
    whole = replace(whole, parts=replace(parts, unlabelled=parts.unlabelled[:0]))
    if subset.merged:
        whole = _merged(dataset, whole, kinds)
    found = whole if subset.left_out is None else _without(whole, subset.left_out)
    if subset.fraction is not None and not isinstance(found, str):
        found = _part(dataset, found, kinds, subset.fraction, seed)
    if subset.fold is not None and not isinstance(found, str):
        found = _less_fold(dataset, found, kinds, *subset.fold, seed)
    return found


def _merged(dataset: Dataset, whole: Task, kinds: NDArray[np.object_]) -> Task:
    """Take all classes but the real one for one: what was a class then is a kind."""
    labels = whole.labels
    merged = np.where(labels < 0, labels, (labels != dataset.card.real_index).astype(np.int64))
    return Task(whole.parts, merged, kinds, [dataset.card.real, "fake"], 1)


def _without(whole: Task, kind: str) -> Task | str:
    kinds, positive = whole.kinds, whole.positive
    assert positive is not None  # of more than two classes they are merged
    real = whole.labels == 1 - positive
    others = real | ((kinds != kind) & (kinds != ""))
    parts = whole.parts
    trained = np.concatenate([parts.train, parts.tune])
    if not (kinds[trained] == kind).any():
        return (
            f"no image of {kind!r} is trained or tuned on: "
            "the row itself has never seen it (its figures by kind of fake)"
        )
    tested = parts.evaluate[kinds[parts.evaluate] == kind]
    if len(tested) < FEWEST:
        return f"{len(tested)} images of {kind!r} to score are too few (at least {FEWEST})"
    if not (others[parts.train] & ~real[parts.train]).any():
        return f"{kind!r} is the only kind of fake to train on: nothing is left without it"
    if not (others[parts.tune] & ~real[parts.tune]).any():
        return f"{kind!r} is the only kind of fake to tune on: nothing is left without it"
    return replace(
        whole,
        parts=replace(
            parts,
            train=parts.train[others[parts.train]],
            tune=parts.tune[others[parts.tune]],
            evaluate=parts.evaluate[real[parts.evaluate] | (kinds[parts.evaluate] == kind)],
        ),
    )


def _part(
    dataset: Dataset, whole: Task, kinds: NDArray[np.object_], fraction: float, seed: int
) -> Task | str:
    train = whole.parts.train
    lines = dataset.manifest.iloc[train]
    chosen = nested(
        lines["path"].tolist(),
        whole.labels[train],
        kinds[train].tolist(),
        lines["group"].tolist(),
        fraction,
        seed,
    )
    lost = _lost(whole, train[chosen])
    if lost is not None:
        return f"{fraction:.6g} of {len(train)} training {_units(dataset)} leaves none of {lost!r}"
    return replace(whole, parts=replace(whole.parts, train=train[chosen]))


def _less_fold(
    dataset: Dataset, whole: Task, kinds: NDArray[np.object_], number: int, of: int, seed: int
) -> Task | str:
    train = whole.parts.train
    lines = dataset.manifest.iloc[train]
    folds = folds_of(
        lines["path"].tolist(),
        whole.labels[train],
        kinds[train].tolist(),
        lines["group"].tolist() if dataset.grouped else None,
        of,
        seed,
    )
    own = folds == number
    what = f"{len(train)} training {_units(dataset)}"
    if not own.any():
        return f"{what} leave nothing for fold {number} of {of}"
    lost = _lost(whole, train[~own])
    if lost is not None:
        return f"{what} less fold {number} of {of} have none of {lost!r}"
    none = whole.parts.unlabelled[:0]
    parts = replace(
        whole.parts, train=train[~own], evaluate=train[own], unlabelled=none, split="train"
    )
    return replace(whole, parts=parts)


def _units(dataset: Dataset) -> str:
    return "images in whole groups" if dataset.grouped else "images"


def _lost(whole: Task, left: NDArray[np.int64]) -> str | None:
    """Name the first class of which no image is left."""
    there = set(whole.labels[left].tolist())
    return next((name for label, name in enumerate(whole.classes) if label not in there), None)


def folds_of(
    paths: Sequence[str],
    labels: NDArray[np.int64],
    kinds: Sequence[str],
    groups: Sequence[str] | None,
    n_folds: int,
    seed: int,
) -> NDArray[np.int64]:
    """Divide n images into folds as data sets are divided: by class, by kind, groups whole.

    Parameters
    ----------
    paths, labels, kinds, seed
        As for `nested`.
    groups
        n names, empty for none; None where no image has one.
    n_folds
        At least 2.

    Returns
    -------
    ndarray of shape (n,), dtype int64
        Number of the fold of each image, from 1 on.
    """
    shares = {str(number): 1 / n_folds for number in range(1, n_folds + 1)}
    if groups is None:
        found = stratified(paths, labels, shares, seed, kinds)
    else:
        found = grouped(paths, labels, groups, shares, seed, kinds)
    return np.array(found, dtype=np.int64)


def nested(
    paths: Sequence[str],
    labels: NDArray[np.int64],
    kinds: Sequence[str],
    groups: Sequence[str],
    fraction: float,
    seed: int,
) -> NDArray[np.bool_]:
    """Choose a part of n images, so that smaller parts lie within larger ones.

    Units (groups, or images without one) stand in a random order by seed within their class and
    kind, the most frequent of their images; kinds are then dealt out evenly along the class, and
    of each class the units whose middle lies within the fraction are taken.

    Parameters
    ----------
    paths
        n different names.
    labels
        Shape (n,), dtype int64.
    kinds, groups
        n names each; empty for none.
    fraction
        Part of each class, in (0, 1].
    seed
        Another seed gives another part.

    Returns
    -------
    ndarray of shape (n,), dtype bool
        Without groups, the part of a class is off by half an image at most.
    """
    names = [f"g\0{group}" if group else f"i\0{p}" for group, p in zip(groups, paths, strict=True)]
    units, unit_of, sizes = np.unique(names, return_inverse=True, return_counts=True)
    classes, label_of = np.unique(labels, return_inverse=True)
    counts = np.zeros((len(units), len(classes)))
    np.add.at(counts, (unit_of, label_of), 1)
    stratum = counts.argmax(axis=1)
    kind_of = _most_frequent(unit_of, np.asarray(kinds, dtype=str), label_of == stratum[unit_of])
    order = order_of(units.tolist(), seed)
    shuffled = np.array(sorted(range(len(units)), key=lambda u: order[u]), dtype=np.intp)
    chosen = np.zeros(len(units), dtype=np.bool_)
    for k in range(len(classes)):
        own = shuffled[stratum[shuffled] == k]
        along = np.empty(len(own))
        for kind in np.unique(kind_of[own]):
            same = kind_of[own] == kind
            along[same] = _middles(sizes[own[same]])
        own = own[np.argsort(along, kind="stable")]
        chosen[own] = _middles(sizes[own]) < fraction
    return chosen[unit_of]


def _middles(sizes: NDArray[np.intp]) -> NDArray[np.float64]:
    """Place of the middle of each unit, where all units laid end to end reach from 0 to 1."""
    ends = np.cumsum(sizes)
    found: NDArray[np.float64] = (ends - sizes / 2) / max(1, int(sizes.sum()))
    return found


def _most_frequent(
    unit_of: NDArray[np.intp], kinds: NDArray[np.str_], counted: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Give the number of the most frequent kind of each unit among the images that count."""
    known, kind_of = np.unique(kinds, return_inverse=True)
    counts = np.zeros((int(unit_of.max(initial=-1)) + 1, len(known)))
    np.add.at(counts, (unit_of[counted], kind_of[counted]), 1)
    found: NDArray[np.intp] = counts.argmax(axis=1)
    return found
