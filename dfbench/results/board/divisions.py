"""Rows on several divisions of a data set: what they come to together.

Of folds each image was scored once, by a model that had not seen it: the row stands on the board as
one that scored them all, see `sample.pooled`. Of splits it is the mean over them, see `repeated`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dfbench.results.board.read import RowRead, WholeRow
from dfbench.results.statistics.design import Design
from dfbench.results.statistics.measured import Images, Measured, measure
from dfbench.results.statistics.recomputed import Recomputed
from dfbench.results.statistics.repeated import Repeated
from dfbench.results.statistics.sample import pooled


def together(
    divisions: Sequence[RowRead], known: list[Images], further: Sequence[Recomputed]
) -> RowRead:
    """Put the divisions of a row together.

    Parameters
    ----------
    divisions
        In their order, at least one; a single one that is no division is given as it is.
    known
        Sets of images met so far, which is added to.
    further
        Metrics of somebody's own.
    """
    first = divisions[0]
    division = first.entry.division
    if division is None:
        return first
    ran = [each for each in divisions if each.measured is not None]
    if not ran:
        whole = WholeRow(None)
    elif division.kind == "split":
        whole = WholeRow(
            Repeated(tuple(each.measured for each in ran if each.measured), _ratio(ran))
        )
    else:
        whole = _pooled(ran, known, further)
    return replace(
        first,
        missing=[line for each in divisions for line in each.missing],
        unread=any(each.unread for each in divisions),
        divisions=tuple(divisions),
        over_all=whole,
    )


def _ratio(ran: Sequence[RowRead]) -> float:
    """Give images that are tested on over images that are trained and tuned on."""
    records = [record for each in ran for record in each.records]
    trained = sum(record.n_train + record.n_tune for record in records)
    return sum(record.n_test for record in records) / max(1, trained)


def _pooled(ran: Sequence[RowRead], known: list[Images], further: Sequence[Recomputed]) -> WholeRow:
    """Put folds together, of the seeds that all of them have."""
    measured = [each.measured for each in ran if each.measured is not None]
    seeds = [[record.seed for record in each.records] for each in ran]
    common = [seed for seed in seeds[0] if all(seed in its for its in seeds)]
    if not common:
        return WholeRow(None)
    samples = [
        pooled([its.samples[own.index(seed)] for its, own in zip(measured, seeds, strict=True)])
        for seed in common
    ]
    images = _images(
        measured, [each.entry.division.number for each in ran if each.entry.division], known
    )
    kinds = [each.kinds for each in ran]
    told = [kind for its in kinds for kind in its or ()]
    return WholeRow(
        measure(images, samples, further),
        None if any(its is None for its in kinds) else tuple(told),
    )


def _images(measured: Sequence[Measured], numbers: Sequence[int], known: list[Images]) -> Images:
    names = tuple(name for its in measured for name in its.images.names)
    designs = [its.images.design for its in measured]
    labels = np.concatenate([design.labels for design in designs])
    folds = np.repeat(numbers, [design.labels.size for design in designs])
    design = Design.of(labels, _groups(designs), folds)
    for images in known:
        if images.same(names, design):
            return images
    known.append(Images.of_design(names, design))
    return known[-1]


def _groups(designs: Sequence[Design]) -> NDArray[np.int64] | None:
    """Give all groups numbers; those of two folds are two."""
    if any(design.groups is None for design in designs):
        return None
    found: list[NDArray[np.int64]] = []
    for design in designs:
        assert design.groups is not None
        start = 0 if not found else int(found[-1].max(initial=-1)) + 1
        found.append(design.groups + start)
    return np.concatenate(found)
