"""What ensembles need beside the rows that they are made of.

On folds of train: each member is fitted without a fold, with the parameters that the row itself
came to, and scores it. Ensembles share these cells. Without a member: the ensemble is fitted again
on what is left, so that the board can tell what the member adds; that takes stored scores alone.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import replace

from dfbench.benchmark.planning import subsets
from dfbench.benchmark.planning.cell import Cell
from dfbench.results.records.subsets import WHOLE, Subset
from dfbench.suites.datasets.manifest import Dataset

Laid = MutableMapping[tuple[Subset, str, int], Cell]
"""By subset, row and seed."""
Stated = Callable[[Cell, str], Cell]
"""Gives a cell its identity and its state; the text says why it cannot run, if it cannot."""


def beside(cell: Cell, dataset: Dataset, laid: Laid, stated: Stated) -> Cell:
    """Lay out what an ensemble needs, and give it with its folds.

    Parameters
    ----------
    cell
        Of a derived row.
    dataset
        That it is of.
    laid
        What was laid out before, which is added to.
    stated
        Finishes a cell.
    """
    spec = cell.row.derived
    assert spec is not None
    if spec.folds is not None and cell.state == "to run" and (why := _unfit(cell)):
        return replace(cell, state="skipped", reason=why)
    absent = any(member.state in ("skipped", "failed") for member in cell.members)
    if spec.folds is not None and not absent:  # else it is skipped when its turn comes
        folds = [
            cell.subset.model_copy(update={"fold": (number, spec.folds)})
            for number in range(1, spec.folds + 1)
        ]
        if cell.state == "to run" and (why := _hindrance(cell, folds, dataset, laid)):
            return replace(cell, state="skipped", reason=why)  # no fold is fitted in vain
        cell = replace(cell, folds=_on_folds(cell, folds, laid, stated))
    if cell.subset == WHOLE and not absent and len(cell.members) > 1:
        for place in range(len(cell.members)):
            _without(cell, place, laid, stated)
    return cell


def _unfit(cell: Cell) -> str:
    """Say which member has seen the training images elsewhere; empty where none may have."""
    for member in cell.members:
        told = member.row.elsewhere
        if told is not None and told.trained_on != "other":
            seen = "perhaps " if told.trained_on == "unknown" else ""
            return (
                f"{member.row.name} was trained elsewhere, {seen}on the training images: folds of"
                " train tell nothing of it (leave folds out, or trained_on says other data)"
            )
        if why := _unfit(member):
            return why
    return ""


def _hindrance(cell: Cell, folds: list[Subset], dataset: Dataset, laid: Laid) -> str:
    """Say why a fold cannot be, as far as it is known before images are read; empty if all can."""
    if all((fold, member.row.name, cell.seed) in laid for fold in folds for member in cell.members):
        return ""  # another ensemble has them
    found = subsets.hindrances(dataset, [(fold, cell.seed) for fold in folds])
    return next(iter(found.values()), "")


def _on_folds(cell: Cell, folds: list[Subset], laid: Laid, stated: Stated) -> list[list[Cell]]:
    def on_fold(its: Cell, fold: Subset) -> Cell:
        key = fold, its.row.name, its.seed
        if key not in laid:
            # of what is not fitted here, or is made of others, there are no parameters
            own = "" if its.row.derived or its.row.brought else its.parameters_of or its.id
            changed = replace(
                its,
                subset=fold,
                parameters_of=own,
                members=[on_fold(member, fold) for member in its.members],
                reason="",
            )
            laid[key] = stated(changed, "")
        return laid[key]

    return [[on_fold(member, fold) for member in cell.members] for fold in folds]


def _without(cell: Cell, place: int, laid: Laid, stated: Stated) -> None:
    spec = cell.row.derived
    assert spec is not None
    rest = [name for at, name in enumerate(spec.of) if at != place]
    subset = Subset(less=spec.of[place])
    changed = replace(
        cell,
        row=replace(cell.row, derived=spec.model_copy(update={"of": rest})),
        subset=subset,
        members=[each for at, each in enumerate(cell.members) if at != place],
        folds=[[each for at, each in enumerate(fold) if at != place] for fold in cell.folds],
    )
    laid[subset, cell.row.name, cell.seed] = stated(changed, "")
