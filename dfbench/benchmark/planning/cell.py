"""A cell: a row on a data set with a seed, and what it is known by.

A cell's identity holds all that determines its scores; its hash names the files of the results, so
that the same cell is found again. It is made of the fields in `identified` alone and kept in the
record; nobody reads facts back from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from dfbench.benchmark.planning import subsets
from dfbench.benchmark.planning.evaluation import Evaluation
from dfbench.benchmark.planning.row import Row
from dfbench.benchmark.view import view_of
from dfbench.errors import UnavailableError
from dfbench.features.copies import VERSION as COPIES
from dfbench.features.pipeline.store import identity as feature_identity
from dfbench.features.views.view import PLAIN, View
from dfbench.files import digest
from dfbench.results.records.identity import storable
from dfbench.results.records.subsets import WHOLE, Subset
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.repeat import Division, is_first
from dfbench.suites.suite import Budget, TuneFor

PROTOCOL = 2
"""Raised whenever the way a cell is run changes its scores: finished cells are then run again."""

SOURCES = "sources"
"""Key of what calibrates holding out images of one source together, where a card has groups."""

State = Literal["to run", "done", "skipped", "failed"]


@dataclass(frozen=True)
class Cell:
    """A row on a data set with a seed, or on a subset of it.

    Attributes
    ----------
    dataset
        None where the data set could not be loaded.
    budget
        Of the tuning.
    tune_for
        Figure of the tuning split that parameters are chosen by, where any are.
    refit
        Whether rows are fitted on train and tuning part together once parameters are chosen.
    drops_leaks
        Whether images that later parts repeat are left out of train and tune.
    subset
        On which other part of the training images it is fitted, see
        `dfbench.benchmark.planning.subsets`; all of them for the row itself.
    parameters_of
        Cell whose parameters are taken over; empty where they are tuned.
    members
        Of a derived row: the cells whose scores it is made of.
    folds
        Of a derived row whose weights are chosen on folds of train: the cells that score each
        fold, one a member, in the order of `members`.
    identity
        All that determines the scores, as JSON-able values, see `identified`.
    state, reason
        What is to be done with it, and why it cannot be where it cannot.
    evaluations
        Other images that its model is yet to score. A finished cell that has any asks the model
        that was kept of it, or is fitted once more.
    lacks_model
        Whether it is finished and is fitted once more for its model to be kept.
    lacks_pictures
        Whether it is finished, and pictures are yet to be drawn of the model that was kept of it.
    """

    dataset_name: str
    dataset: Dataset | None
    row: Row
    seed: int
    budget: Budget
    drops_leaks: bool = False
    subset: Subset = WHOLE
    parameters_of: str = ""
    tune_for: TuneFor = "roc_auc"
    refit: bool = False
    members: list[Cell] = field(default_factory=list)
    folds: list[list[Cell]] = field(default_factory=list)
    identity: dict[str, Any] = field(default_factory=dict)
    state: State = "to run"
    reason: str = ""
    evaluations: tuple[Evaluation, ...] = ()
    lacks_model: bool = False
    lacks_pictures: bool = False

    @property
    def division(self) -> Division | None:
        """Which of several divisions of the data set it is on."""
        return None if self.dataset is None else self.dataset.division

    @property
    def is_whole(self) -> bool:
        """Whether it is the row itself, on the only or first division.

        Models are kept of it, pictures drawn, and protocols ask it.
        """
        return self.subset == WHOLE and is_first(self.division)

    @cached_property
    def id(self) -> str:
        """Hash of the identity."""
        return digest(self.identity)

    @cached_property
    def study(self) -> str:
        """Name of its study: a larger budget goes on where a smaller one ended, a refit too."""
        own = {key: its for key, its in self.identity.items() if key not in ("budget", "refit")}
        return digest(own)

    @property
    def chosen_by(self) -> TuneFor:
        """`tune_for` where the row leaves anything to choose; else all are alike."""
        space = self.row.space
        return self.tune_for if space.drawn or space.choices else "roc_auc"

    @property
    def is_refitted(self) -> bool:
        """`refit` where the row is fitted here; a derived one is made of members that are."""
        return self.refit and self.row.derived is None and not self.row.brought

    @property
    def fits(self) -> bool:
        """Whether a worker has something to do for it."""
        wanted = self.state == "to run" or bool(self.evaluations) or self.taken_up
        return self.row.derived is None and wanted

    @property
    def taken_up(self) -> bool:
        """Whether it is finished, and its model is asked for besides what it is to score."""
        return self.lacks_model or self.lacks_pictures


def identified(cell: Cell) -> Cell:
    """Give a cell with its identity, made of its other fields.

    Where a file that counts by its content is absent, the row cannot run, and the identity lacks
    what hangs on it.
    """
    try:
        own = _of_derived(cell) if cell.row.derived is not None else _of_model(cell)
    except UnavailableError as absent:
        row = replace(cell.row, status="skipped", reason=str(absent))
        return replace(cell, row=row, identity=storable(_of_all(cell)))
    return replace(cell, identity=storable(_of_all(cell) | own))


def _of_all(cell: Cell) -> dict[str, Any]:
    dataset = cell.dataset
    found: dict[str, Any] = {
        "protocol": PROTOCOL,
        "dataset": cell.dataset_name,
        "fingerprint": "" if dataset is None else dataset.fingerprint,
        "row": cell.row.name,
        "seed": cell.seed,
    }
    if cell.division is not None:
        found["division"] = cell.division.name
    if cell.drops_leaks:
        # what is left out hangs on what is taken for a copy
        found["on_leak"] = f"drop {COPIES}"
    if dataset is not None:
        found |= subsets.identity(dataset, cell.subset)
    if cell.parameters_of:
        found["parameters"] = cell.parameters_of
    return found


def _of_model(cell: Cell) -> dict[str, Any]:
    row, view = cell.row, PLAIN if cell.dataset is None else view_of(cell.dataset)
    found: dict[str, Any] = {"features": _features(row, view), "model": _model(row)}
    if row.shuffled:
        found["labels"] = "shuffled"
    if row.augment is not None:
        found["augment"] = row.augment.identity()
    if cell.dataset is not None and cell.dataset.grouped and row.holds_out_sources:
        found[SOURCES] = "held out whole"
    if cell.chosen_by != "roc_auc":
        found["tune_for"] = cell.chosen_by
    if cell.is_refitted:
        found["refit"] = True
    # what is not tuned does not hang on the budget
    return found | ({"budget": cell.budget.model_dump()} if row.space.drawn else {})


def _features(row: Row, view: View) -> list[dict[str, Any]]:
    return [feature_identity(extractor, view) for extractor in row.extractors]


def _model(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {"name": row.model_name, "version": 0, "source": row.source}
    if row.model is not None:
        found["version"] = row.model.version
        if row.space.fixed:
            found["params"] = row.model.identity(row.space.fixed)
        if row.space.choices:
            found["choices"] = dict(row.space.choices)
        if row.space.ranges:
            found["search"] = row.space.described()
            found["own"] = row.space.search
    return found


def _of_derived(cell: Cell) -> dict[str, Any]:
    assert cell.row.derived is not None
    told = cell.row.derived.model_dump(include={"combine", "calibrate", "threshold"})
    if cell.row.derived.folds is not None:
        told["folds"] = cell.row.derived.folds  # with the members it tells which cells score them
    return {
        "derived": told,
        "members": [member.id for member in cell.members],
    }
