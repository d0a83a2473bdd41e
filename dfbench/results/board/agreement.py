"""Whether rows agree on what they were fitted and scored on: classes, images, and their labels.

Checksums tell that a table is what was written, not that whoever wrote it told the truth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dfbench.results.records.divisions import Division, over
from dfbench.results.records.records import Record
from dfbench.results.statistics.measured import Images

Said = TypeVar("Said", bound=Hashable)
Told = tuple[Record, Images]
"""The record of a cell, and what its scores tell of their images."""


def contradicted(cells: Iterable[Told]) -> dict[str, str]:
    """Say of each cell, by its name, in what it contradicts most others of its data set.

    Cells of one state of a data set and of the same classes are held against each other. Where as
    many say one thing as another, nobody knows who is right, and none of them is believed.
    """
    cells = list(cells)
    found = _of_data(cells)
    for its in _by_state(each for each in cells if each[0].cell not in found).values():
        sheets = {id(images): images for _, images in its}
        if len(sheets) > 1:
            weights = Counter(id(images) for _, images in its)
            faults = _faults(sheets, weights)
            found |= {r.cell: faults[id(images)] for r, images in its if id(images) in faults}
    return found


def at_odds(divisions: Sequence[tuple[Division | None, Sequence[Told]]]) -> dict[str, str]:
    """Say of each cell of a row, by its name, why it cannot be put together with the others.

    Parameters
    ----------
    divisions
        Each with the cells that ran on it, one a seed.
    """
    if len(divisions) < 2:
        return {}
    cells = [told for _, its in divisions for told in its]
    if fault := _at_odds([division for division, _ in divisions], [its for _, its in divisions]):
        return {record.cell: fault for record, _ in cells}
    if divisions[0][0] is None or divisions[0][0].kind == "split":
        return {}
    seeds = [{record.seed for record, _ in its} for _, its in divisions if its]
    return {
        record.cell: f"left out: seed {record.seed} did not run on all folds that ran"
        for record, _ in cells
        if not all(record.seed in each for each in seeds)
    }


def _at_odds(divisions: Sequence[Division | None], cells: Sequence[Sequence[Told]]) -> str:
    """Say why divisions have no one figure; empty where they have."""
    families = dict.fromkeys(map(over, divisions))
    if len(families) > 1:
        return f"it was run on {' and on '.join(families)}: run it again, with one --repeat"
    if len({_classes(told) for its in cells for told in its}) > 1:
        return "its divisions are not of the same classes, or not in one order"
    images = [its[0][1] for its in cells if its]
    if "fold" in {its.kind for its in divisions if its is not None}:
        twice = len(set().union(*(each.names for each in images))) < sum(
            len(each.names) for each in images
        )
        return "an image was tested on in two of its folds" if twice else ""
    labels: dict[str, int] = {}
    for each in images:
        own = dict(zip(each.names, each.design.labels.tolist(), strict=True))
        if any(labels.get(name, label) != label for name, label in own.items()):
            return "the same image has other labels on other splits"
        labels |= own
    return ""


def _of_data(cells: Sequence[Told]) -> dict[str, str]:
    """Say which cells tell of other classes, images or training images than their like."""
    found = _outvoted(
        cells, _data, _classes, "its classes are not those, or not in the order, that"
    )
    # scores that were brought may lack images, and were fitted nobody knows on what
    own = [
        each
        for each in cells
        if each[0].cell not in found and each[0].kind != "imported" and not each[0].elsewhere
    ]
    found |= _outvoted(own, _parts, _names, "it was scored on other images than those that")
    own = [each for each in own if each[0].cell not in found and not each[0].variant]
    return found | _outvoted(
        own, _fitted, _n_train, "it was fitted on another number of images than"
    )


def _outvoted(
    cells: Iterable[Told],
    like: Callable[[Told], Hashable],
    says: Callable[[Told], Hashable],
    fault: str,
) -> dict[str, str]:
    """Hold cells that are alike against each other, in one thing that each says."""
    groups: dict[Hashable, list[Told]] = {}
    for each in cells:
        if each[0].fingerprint:  # of records of before it the state is not known
            groups.setdefault(like(each), []).append(each)
    found: dict[str, str] = {}
    for its in groups.values():
        votes = Counter(map(says, its))
        if len(votes) > 1:
            off = [record for record, images in its if _in_doubt(votes, says((record, images)))]
            found |= {record.cell: f"{fault} other rows of the data set have" for record in off}
    return found


def _data(told: Told) -> Hashable:
    record, _ = told
    return record.dataset, record.fingerprint, record.variant


def _parts(told: Told) -> Hashable:
    record, _ = told
    return _data(told), record.split, record.n_left_out


def _fitted(told: Told) -> Hashable:
    record, _ = told
    return _parts(told), record.tuned_on, record.drops_leaks


def _classes(told: Told) -> Hashable:
    record, _ = told
    return tuple(record.classes), record.positive


def _names(told: Told) -> Hashable:
    return told[1].names


def _n_train(told: Told) -> Hashable:
    return told[0].n_train


def _by_state(cells: Iterable[Told]) -> dict[object, list[Told]]:
    found: dict[object, list[Told]] = {}
    for record, images in cells:
        state = record.dataset, record.fingerprint, tuple(record.classes), record.positive
        found.setdefault(state, []).append((record, images))
    return found


def _faults(sheets: Mapping[int, Images], weights: Mapping[int, int]) -> dict[int, str]:
    """Say what is wrong with sets of images, of which so many cells tell each."""
    votes: dict[str, Counter[int]] = {}
    for key, images in sheets.items():
        for name, label in zip(images.names, images.design.labels.tolist(), strict=True):
            votes.setdefault(name, Counter())[label] += weights[key]
    found: dict[int, str] = {}
    for key, images in sheets.items():
        labels = zip(images.names, images.design.labels.tolist(), strict=True)
        off = sum(_in_doubt(votes[name], label) for name, label in labels)
        if off:
            found[key] = (
                f"{off:,} of its {len(images.names):,} labels are not those that other rows have of"
                " the same images"
            )
    return found | _of_groups({k: v for k, v in sheets.items() if k not in found}, weights)


def _of_groups(sheets: Mapping[int, Images], weights: Mapping[int, int]) -> dict[int, str]:
    """Say the same of the groups, where the images are the same."""
    votes: dict[Sequence[str], Counter[bytes]] = {}
    told = {key: _bytes(images.design.groups) for key, images in sheets.items()}
    for key, images in sheets.items():
        votes.setdefault(images.names, Counter())[told[key]] += weights[key]
    return {
        key: "its groups are not those that other rows have of the same images"
        for key, images in sheets.items()
        if _in_doubt(votes[images.names], told[key])
    }


def _bytes(groups: NDArray[np.int64] | None) -> bytes:
    # numbered by the first image of each: other numbers of the same groups are no contradiction
    if groups is None:
        return b""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return bytes(first[inverse].astype(np.int64).tobytes())


def _in_doubt(votes: Counter[Said], said: Said) -> bool:
    """Whether no more than half of those who say anything say this."""
    return 2 * votes[said] <= sum(votes.values())
