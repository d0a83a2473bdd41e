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
    keeps = "all" in card.layout.split_names
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
    if rule.policy == "stratified":
        found = stratified(paths, labels, fractions, rule.seed)
    else:
        found = grouped(paths, labels, [image.group for image in others], fractions, rule.seed)
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
) -> list[str]:
    """Divide the images of each class by the same fractions.

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

    Returns
    -------
    list of str
        Split of each image. The share of a split in a class is off by less than one image, but
        each split gets at least one image of each class that has as many images as there are
        splits.
    """
    order = order_of(paths, seed)
    result = [""] * len(paths)
    for label in np.unique(labels):
        members = sorted(np.flatnonzero(labels == label).tolist(), key=lambda i: order[i])
        at = 0
        for split, count in _counts(len(members), fractions).items():
            for index in members[at : at + count]:
                result[index] = split
            at += count
    return result


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
) -> list[str]:
    """Divide whole groups so that the classes keep the fractions as well as the groups allow.

    Groups are dealt from the largest to the smallest, each to the split that it brings closest to
    its target counts of every class (the greedy rule of scikit-learn's ``StratifiedGroupKFold``,
    here with unequal fractions); then a split that lacks a class gets the smallest group that can
    be spared.

    Parameters
    ----------
    paths, labels, fractions, seed
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
    splits = list(fractions)
    return [splits[place[g]] for g in group_of.tolist()]


def _fill_gaps(
    place: NDArray[np.intp], counts: NDArray[np.float64], dealt: list[int], n_splits: int
) -> None:
    """Move a group to each split that lacks a class, if another split can spare one."""
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
