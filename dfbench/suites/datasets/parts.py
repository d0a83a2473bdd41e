"""The parts of a data set: which images a run fits on, tunes on, and takes its figures from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError
from dfbench.suites.datasets.listing import UNLABELLED
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.splits import grouped, stratified

TUNE_FRACTION = 0.2
"""Part of train that parameters are chosen on where validation cannot serve for it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that a run makes of a data set, as row numbers of its manifest.

    Attributes
    ----------
    train, tune, evaluate
        Shape (n,), dtype intp, ascending, without common elements: to fit on, to choose parameters
        and stop early on, to take the figures from.
    unlabelled
        The same, of the images of test that have no label: to be scored for a competition.
    split
        Where `evaluate` is from: ``test``, or ``validation`` where test is absent or unlabelled.
    tuned_on
        ``validation``, or ``part of train`` where validation serves for the figures or is absent.
    """

    train: NDArray[np.intp]
    tune: NDArray[np.intp]
    evaluate: NDArray[np.intp]
    unlabelled: NDArray[np.intp]
    split: str
    tuned_on: str


def parts_of(dataset: Dataset, readable: NDArray[np.bool_]) -> Parts:
    """Find out which split serves for which part.

    Parameters
    ----------
    dataset
        Its manifest's splits are used as they are; a part of train is taken for tuning with the
        card's seed, by class and with groups kept whole, where validation cannot be used.
    readable
        Shape (n,): which images could be decoded. The others take no part.

    Raises
    ------
    DataError
        If there is nothing to evaluate on, or a part lacks a class; naming data set, part and
        class.
    """
    manifest = dataset.manifest
    labels = manifest["label"].to_numpy(np.int64)
    split_of = manifest["split"].to_numpy(object)
    usable = readable & (labels != UNLABELLED)
    train = split_of == "train"
    evaluated = evaluated_split(dataset)
    labelled = set(split_of[labels != UNLABELLED].tolist())
    if evaluated == "test" and "validation" in labelled:
        tune, tuned_on = split_of == "validation", "validation"
    else:
        tune, tuned_on = _part_of_train(dataset, train, labels), "part of train"
        train = train & ~tune
    result = Parts(
        train=np.flatnonzero(train & usable),
        tune=np.flatnonzero(tune & usable),
        evaluate=np.flatnonzero((split_of == evaluated) & usable),
        unlabelled=np.flatnonzero((split_of == "test") & readable & (labels == UNLABELLED)),
        split=evaluated,
        tuned_on=tuned_on,
    )
    complete(dataset, result)
    return result


def all_labelled(dataset: Dataset, readable: NDArray[np.bool_]) -> Parts:
    """Take all readable images with a label for evaluated ones, whatever their split.

    Raises
    ------
    DataError
        If there is none of a class.
    """
    labels = dataset.manifest["label"].to_numpy(np.int64)
    rows, none = np.flatnonzero(readable & (labels != UNLABELLED)), np.empty(0, np.intp)
    for label, name in enumerate(dataset.classes):
        if not (labels[rows] == label).any():
            raise DataError(f"no readable image of class {name!r} in {dataset.name!r}")
    return Parts(none, none, rows, none, split="all labelled", tuned_on="")


def evaluated_split(dataset: Dataset) -> str:
    """Say which split the figures are from: test, or validation where it has no labels.

    Raises
    ------
    DataError
        If neither has.
    """
    manifest = dataset.manifest
    labelled = set(manifest["split"][manifest["label"] != UNLABELLED])
    for split in ("test", "validation"):
        if split in labelled:
            return split
    raise DataError(
        f"{dataset.name!r} has no labelled test or validation split: there is nothing to take"
        " figures from",
        hint="--repeat folds=5 divides what has labels; so does a card whose layout names no train",
    )


def complete(dataset: Dataset, parts: Parts) -> None:
    """Check that each part has images of each class.

    Raises
    ------
    DataError
        If one lacks a class.
    """
    labels = dataset.manifest["label"].to_numpy(np.int64)
    names = {"train": parts.train, parts.tuned_on: parts.tune, parts.split: parts.evaluate}
    for what, rows in names.items():
        for label, name in enumerate(dataset.classes):
            if not (labels[rows] == label).any():
                raise DataError(
                    f"no readable image of class {name!r} in {what} of {dataset.name!r}"
                )


def _part_of_train(
    dataset: Dataset, train: NDArray[np.bool_], labels: NDArray[np.int64]
) -> NDArray[np.bool_]:
    rows = np.flatnonzero(train & (labels != UNLABELLED))
    paths = dataset.manifest["path"].iloc[rows].tolist()
    fractions = {"train": 1 - TUNE_FRACTION, "tune": TUNE_FRACTION}
    seed = dataset.card.split.seed
    if dataset.grouped:
        groups = dataset.manifest["group"].iloc[rows].tolist()
        parts = grouped(paths, labels[rows], groups, fractions, seed)
    else:
        parts = stratified(paths, labels[rows], fractions, seed)
    chosen = np.zeros(len(labels), dtype=np.bool_)
    chosen[rows[np.array(parts, dtype=object) == "tune"]] = True
    return chosen
