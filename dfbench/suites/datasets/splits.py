"""Dividing images into train, validation and test.

A division depends on the relative paths, the labels, the groups, the fractions and the seed:
never on the order in which a file system lists the files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.listing import UNLABELLED, Listed


def assign(card: Card, images: Sequence[Listed]) -> list[str]:
    """Split of each image, by the card's policy.

    Raises
    ------
    DataError
        If unlabelled images are to be divided by class.
    """
    rule = card.split
    if rule.policy == "given":
        return [image.split for image in images]
    # where a part of the data is to be divided, splits that the layout gives beside it stay
    keeps = "train" not in card.layout.split_names
    others = [image for image in images if not (keeps and image.split)]
    for image in others:
        if image.label == UNLABELLED:
            raise DataError(
                f"image without a label in {card.name!r}: split.policy {rule.policy!r} cannot "
                "divide it by class",
                where=image.path,
                hint="choose split.policy 'given', or leave the unlabelled split out of the card",
            )
    fractions: dict[str, float] = dict(rule.fractions.items())
    labelled = {image.split for image in images if image.label != UNLABELLED}
    if keeps and labelled & fractions.keys() and fractions.keys() - labelled:
        left = {name: share for name, share in fractions.items() if name not in labelled}
        fractions = {name: share / sum(left.values()) for name, share in left.items()}
    paths = [image.path for image in others]
    labels = np.array([image.label for image in others], dtype=np.int64)
    kinds = [image.kind for image in others]
    if rule.policy == "stratified":
        found = stratified(paths, labels, fractions, rule.seed, kinds)
    else:
        groups = [image.group for image in others]
        found = grouped(paths, labels, groups, fractions, rule.seed, kinds)
    divided = dict(zip(paths, found, strict=True))
    return [divided.get(image.path, image.split) for image in images]


def order_of(keys: Sequence[str], seed: int) -> list[bytes]:
    """Give pseudo-random sort keys that depend on each key and the seed alone."""
    prefix = f"{seed}\0".encode()
    return [hashlib.blake2b(prefix + key.encode(), digest_size=16).digest() for key in keys]


def stratified(
    paths: Sequence[str],
    labels: NDArray[np.int64],
    fractions: Mapping[str, float],
    seed: int,
    kinds: Sequence[str] | None = None,
) -> list[str]:
    """Divide the images of each class, and of each kind in it, by the same fractions.

    Parameters
    ----------
    paths
        n different names.
    labels
        Shape (n,), dtype int64.
    fractions
        Share of each split; they sum to 1.
    seed
        Another seed gives another division.
    kinds
        n names, "" for none: images of a class are divided alike by kind too.

    Returns
    -------
    list of str
        Split of each image. The share of a split in a class is off by less than one image, but
        each split gets at least one image of each class that has as many images as there are
        splits. As far as that leaves it open, the same holds for each kind in a class; an image
        that is alone of its kind is in the largest split.
    """
    order = order_of(paths, seed)
    kind_of = np.array(list(kinds) if kinds is not None else [""] * len(paths), dtype=object)
    result = [""] * len(paths)
    for label in np.unique(labels):
        inside = labels == label
        names = sorted(set(kind_of[inside].tolist()))
        strata = [
            sorted(np.flatnonzero(inside & (kind_of == name)).tolist(), key=lambda i: order[i])
            for name in names
        ]
        table = _counts_of_strata([len(members) for members in strata], fractions)
        for members, counts in zip(strata, table, strict=True):
            splits = np.repeat(list(fractions), counts).tolist()
            for index, split in zip(members, splits, strict=True):
                result[index] = split
    return result


def _counts_of_strata(sizes: Sequence[int], fractions: Mapping[str, float]) -> NDArray[np.int64]:
    """Divide several strata so that all of them together are divided as one would be.

    Each is divided alone; then images go over, one at a time, from splits that have too many to
    splits that have too few, in the stratum whose shares suffer least.

    Returns
    -------
    ndarray of shape (len(sizes), len(fractions)), dtype int64
    """
    table = np.array([list(_counts(n, fractions).values()) for n in sizes], dtype=np.int64)
    surplus = table.sum(axis=0) - list(_counts(sum(sizes), fractions).values())
    size = np.array(sizes)[:, None, None]
    while surplus.any():
        off = table - np.outer(sizes, list(fractions.values()))
        # growth of the squared distance from the shares, for each stratum, split from, split to;
        # an image more or less matters more to a small stratum
        cost = (1 - off[:, :, None] + off[:, None, :]) / size
        # no split is left without a stratum that could be in all, if that can be helped
        cost = cost + 100.0 * ((size >= len(fractions)) & (table == 1)[:, :, None])
        open_ = (table > 0)[:, :, None] & (surplus > 0)[:, None] & (surplus < 0)
        cost = np.where(open_, cost.round(12), np.inf)
        stratum, out_of, into = np.unravel_index(cost.argmin(), cost.shape)
        for counts in (table[stratum], surplus):
            counts[out_of] -= 1
            counts[into] += 1
    return table


def _counts(n: int, fractions: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers in the proportion of ``fractions`` that sum to ``n`` (largest remainder)."""
    counts = {split: int(share * n + 1e-9) for split, share in fractions.items()}
    remainders = {split: share * n - counts[split] for split, share in fractions.items()}
    for split in sorted(remainders, key=lambda s: -remainders[s])[: n - sum(counts.values())]:
        counts[split] += 1
    if n >= len(counts):
        for split in counts:
            if counts[split] == 0:
                counts[max(counts, key=lambda s: counts[s])] -= 1
                counts[split] = 1
    return counts


def grouped(
    paths: Sequence[str],
    labels: NDArray[np.int64],
    groups: Sequence[str],
    fractions: Mapping[str, float],
    seed: int,
    kinds: Sequence[str] | None = None,
) -> list[str]:
    """Divide whole groups so that the classes keep the fractions as well as the groups allow.

    Groups are dealt from the largest to the smallest, each to the split that it brings closest to
    its target counts of every class (the greedy rule of scikit-learn's ``StratifiedGroupKFold``,
    here with unequal fractions); then a split that lacks a class gets the smallest group that can
    be spared, and after that one that lacks a kind in a class.

    Parameters
    ----------
    paths, labels, fractions, seed, kinds
        As for `stratified`.
    groups
        n names; an image whose group is empty is a group of its own.

    Returns
    -------
    list of str
        Split of each image; equal groups have equal splits.
    """
    names = [f"g\0{group}" if group else f"i\0{p}" for group, p in zip(groups, paths, strict=True)]
    number = {name: i for i, name in enumerate(sorted(set(names)))}
    group_of = np.array([number[name] for name in names], dtype=np.intp)
    n_classes = int(labels.max(initial=0)) + 1
    counts = np.zeros((len(number), n_classes))
    np.add.at(counts, (group_of, labels), 1)
    totals = counts.sum(axis=0)
    shares = counts / np.where(totals > 0, totals, 1)  # of its class that each group holds

    order = order_of(list(number), seed)
    sizes = np.sqrt((shares**2).sum(axis=1)).round(12).tolist()
    dealt = sorted(range(len(number)), key=lambda g: (-sizes[g], order[g]))
    target = np.array(list(fractions.values()))[:, None] * (totals > 0)
    missing = target.copy()  # what each split still wants of each class
    place = np.zeros(len(number), dtype=np.intp)
    for group in dealt:
        share = shares[group]
        # growth of the squared distance from the target if the group goes to each split
        cost = (share * (share - 2 * missing)).sum(axis=1)
        place[group] = int(cost.argmin())
        missing[place[group]] -= share
    _fill_gaps(place, counts, dealt, len(fractions))
    if kinds is not None and any(kinds):
        # no split loses a kind in a class, and so no class
        _fill_gaps(place, _counts_of_kinds(group_of, labels, kinds), dealt, len(fractions))
    splits = list(fractions)
    return [splits[place[g]] for g in group_of.tolist()]


def _counts_of_kinds(
    group_of: NDArray[np.intp], labels: NDArray[np.int64], kinds: Sequence[str]
) -> NDArray[np.float64]:
    """Count the images of each kind in a class, by group."""
    pairs = list(zip(labels.tolist(), kinds, strict=True))
    number = {pair: i for i, pair in enumerate(sorted(set(pairs)))}
    counts = np.zeros((int(group_of.max(initial=-1)) + 1, len(number)))
    np.add.at(counts, (group_of, np.array([number[pair] for pair in pairs], np.intp)), 1)
    return counts


def _fill_gaps(
    place: NDArray[np.intp], counts: NDArray[np.float64], dealt: list[int], n_splits: int
) -> None:
    """Move a group to each split that lacks a column, if another split can spare one."""
    held = np.zeros((n_splits, counts.shape[1]))
    np.add.at(held, place, counts)
    for split in range(n_splits):
        for label in np.flatnonzero(counts.sum(axis=0)):
            if held[split, label]:
                continue
            for group in reversed(dealt):
                left = held[place[group]] - counts[group]
                if counts[group, label] and (left[counts[group] > 0] > 0).all():
                    held[place[group]] -= counts[group]
                    held[split] += counts[group]
                    place[group] = split
                    break
