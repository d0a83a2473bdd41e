"""Divisions: a data set divided several times, for repeated hold-out and k-fold cross-validation.

Of repeated splits the first is what the card alone would give, the others have the seeds after
its seed. Of folds each image is in the test images once; what is left of a fold's images is divided
into train and validation as the card's fractions say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from dfbench.errors import DataError
from dfbench.suites.datasets.listing import UNLABELLED
from dfbench.suites.datasets.manifest import Dataset, fingerprint_of
from dfbench.suites.datasets.splits import grouped, stratified
from dfbench.suites.repeat import Repeat


def divided(dataset: Dataset, repeat: Repeat) -> list[Dataset]:
    """Divide a data set several times.

    Parameters
    ----------
    dataset
        Its labelled images are divided anew, wherever they were; those without a label are left
        to the first division.
    repeat
        How often, and how.

    Returns
    -------
    list of Dataset
        The same images and card, each with other splits, a fingerprint of its own and its
        ``division``.

    Raises
    ------
    DataError
        If there are too few images, or groups, for each part of each division to have all classes.
    """
    chosen = np.flatnonzero((dataset.manifest["label"] != UNLABELLED).to_numpy(np.bool_))
    found = []
    for division, splits in zip(repeat.divisions, _splits(dataset, repeat, chosen), strict=True):
        manifest = dataset.manifest.copy(deep=False)
        column = manifest["split"].to_numpy(object, copy=True)
        if division.number > 1:
            column[:] = ""
        column[chosen] = splits
        manifest["split"] = column
        its = replace(
            dataset,
            manifest=manifest,
            fingerprint=fingerprint_of(dataset.card, manifest),
            division=division,
            undivided=dataset.fingerprint,
        )
        _check(its)
        found.append(its)
    return found


def divided_as(dataset: Dataset, name: str) -> Dataset:
    """Give one division of a data set, as `divided` does; itself where no division is named.

    Parameters
    ----------
    dataset
        As loaded.
    name
        Of a division, e.g. ``fold 2 of 5``.

    Raises
    ------
    DataError
        As `divided`, and where there is no such division.
    """
    if not name:
        return dataset
    kind, number, _, of = name.split()
    try:
        repeat = Repeat(**{f"{kind}s": int(of)})
    except ValidationError:
        raise DataError(f"no division of {dataset.name!r}: {name}") from None
    return divided(dataset, repeat)[int(number) - 1]


def _splits(dataset: Dataset, repeat: Repeat, chosen: NDArray[np.intp]) -> list[list[str]]:
    rule = dataset.card.split
    fractions: dict[str, float] = dict(rule.fractions.items())
    if repeat.kind == "split":
        return [_divide(dataset, chosen, fractions, rule.seed + k) for k in range(repeat.n)]
    equal = {str(k): 1 / repeat.n for k in range(repeat.n)}
    fold_of = np.array(_divide(dataset, chosen, equal, rule.seed), dtype=object)
    left = {name: part for name, part in fractions.items() if name != "test"}
    rest = {name: part / sum(left.values()) for name, part in left.items()}
    found = []
    for fold in equal:
        splits = np.full(len(chosen), "test", dtype=object)
        others = fold_of != fold
        splits[others] = _divide(dataset, chosen[others], rest, rule.seed)
        found.append(splits.tolist())
    return found


def _divide(
    dataset: Dataset, rows: NDArray[np.intp], fractions: Mapping[str, float], seed: int
) -> list[str]:
    """Divide images by the policy of the card; of given splits with groups kept whole."""
    if len(fractions) == 1:
        return [next(iter(fractions))] * len(rows)
    lines = dataset.manifest.iloc[rows]
    paths, kinds = lines["path"].tolist(), lines["kind"].tolist()
    labels = lines["label"].to_numpy(np.int64)
    policy = dataset.card.split.policy
    if policy == "grouped" or (policy == "given" and dataset.grouped):
        return grouped(paths, labels, lines["group"].tolist(), fractions, seed, kinds)
    return stratified(paths, labels, fractions, seed, kinds)


def _check(dataset: Dataset) -> None:
    """Raise where a part of a division lacks a class."""
    assert dataset.division is not None
    manifest = dataset.manifest[dataset.manifest["error"] == ""]
    labels, splits = manifest["label"].to_numpy(np.int64), manifest["split"].to_numpy(object)
    lacking = _lacking(labels, splits, dataset)
    if lacking:
        kind, _, of = dataset.division
        what = "groups" if dataset.grouped else "images"
        raise DataError(
            f"{dataset.name!r} has too few {what} for {of} {kind}s: no readable image of class"
            f" {lacking[1]!r} in {lacking[0]} of {dataset.division.name}",
            hint=f"fewer {kind}s, or more {what} of the class",
        )


def _lacking(
    labels: NDArray[np.int64], splits: NDArray[np.object_], dataset: Dataset
) -> Sequence[str]:
    fractions = dataset.card.split.fractions
    wanted = {"train", "test" if dataset.division and dataset.division.kind == "fold" else ""}
    for split in [*fractions, *(wanted - {"", *fractions})]:
        for label, name in enumerate(dataset.classes):
            if not (labels[splits == split] == label).any():
                return split, name
    return ()
