"""From a suite to cells: what would run, what is there already, what cannot run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from dfbench.benchmark.planning import subsets
from dfbench.benchmark.planning.evaluation import Evaluation
from dfbench.benchmark.planning.rows import Row
from dfbench.benchmark.planning.view import view_of
from dfbench.errors import CardError, DfbenchError, UnavailableError, unknown
from dfbench.features.copies import VERSION as COPIES
from dfbench.features.extraction.store import identity as feature_identity
from dfbench.features.views.view import PLAIN, View
from dfbench.files import Progress, digest
from dfbench.results.records.evaluations import Asked
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.subsets import WHOLE, Subset
from dfbench.suites.datasets import catalogue
from dfbench.suites.datasets.loading import load_dataset
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.suite import Budget, Suite

PROTOCOL = 2
"""Raised whenever the way a cell is run changes its scores: finished cells are then run again."""

ORDERS = 5
"""Orders of the labels that a control of shuffled labels is fitted on, each as a seed of its own:
any one of them has a score that tells something, up or down; only their mean is at chance."""

State = Literal["to run", "done", "skipped", "failed"]


@dataclass(frozen=True)
class Cell:
    """A row on a data set with a seed, or on a subset of it.

    Attributes
    ----------
    id
        Hash of ``identity``, which holds all that determines the scores.
    dataset
        None where the data set could not be loaded.
    state, reason
        What is to be done with it, and why it cannot be where it cannot.
    members
        Of a derived row: the cells whose scores it is made of.
    subset
        On which other part of the training images it is fitted, see
        `dfbench.benchmark.planning.subsets`; all of them for the row itself.
    parameters_of
        Cell whose parameters are taken over; empty where they are tuned.
    evaluations
        Other images that its model is yet to score. A finished cell that has any is fitted once
        more.
    """

    id: str
    identity: dict[str, Any]
    dataset_name: str
    dataset: Dataset | None
    row: Row
    seed: int
    state: State
    reason: str = ""
    members: list[Cell] = field(default_factory=list)
    subset: Subset = WHOLE
    parameters_of: str = ""
    evaluations: tuple[Evaluation, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether a worker has something to do for it."""
        return self.row.derived is None and (self.state == "to run" or bool(self.evaluations))


@dataclass(frozen=True)
class Plan:
    """What a run is to do, cell by cell, in the order of the suite.

    Attributes
    ----------
    asked
        What protocols have the fitted models score, what is there already included.
    """

    suite: Suite
    budget: Budget
    cells: list[Cell]
    asked: list[Asked] = field(default_factory=list)

    @property
    def to_run(self) -> list[Cell]:
        """The cells that are missing and can run."""
        return [cell for cell in self.cells if cell.state == "to run"]


def load_datasets(
    suite: Suite,
    chosen: Sequence[str],
    roots: dict[str, Path],
    progress: Callable[[str], Progress],
) -> list[Dataset | tuple[str, DfbenchError]]:
    """Load the data sets of a run.

    Parameters
    ----------
    suite
        Gives them where none was chosen.
    chosen
        Names, cards or folders given by the user: exactly these.
    roots
        Root folder by the data set's name, or by its source as given, for cards that leave it
        open.
    progress
        Makes a progress callback for the data set of that name.

    Returns
    -------
    list
        A registered data set that cannot be loaded is its name and the error, so that its rows can
        be shown as skipped; one that was named by the user is an error.

    Raises
    ------
    DfbenchError
        If a data set that was named cannot be loaded, two that differ have the same name, there
        is no data set, or none that a root was given for.
    """
    named = bool(chosen) or not isinstance(suite.datasets, str)
    sources = list(chosen)
    if not sources:
        sources = catalogue.default_names() if isinstance(suite.datasets, str) else suite.datasets
    if not sources:
        raise CardError("no data set to run on", hint="name one by --data")
    loaded: list[Dataset | tuple[str, DfbenchError]] = []
    known: dict[str, Dataset] = {}
    unused = set(roots)
    for source in sources:
        try:
            # finding the name of a folder lists its files: only where a root asks for it
            name = catalogue.name_of(source) if roots else source
            unused -= {source, name}
            root = roots.get(name, roots.get(source))
            dataset = load_dataset(source, root=root, progress=progress(source))
        except (DfbenchError, OSError) as error:
            if named:
                raise
            known_error = error if isinstance(error, DfbenchError) else DfbenchError(str(error))
            loaded.append((source, known_error))
            continue
        other = known.setdefault(dataset.name, dataset)
        if other is dataset:
            loaded.append(dataset)
        elif (other.root.resolve(), other.fingerprint) != (
            dataset.root.resolve(),
            dataset.fingerprint,
        ):
            raise CardError(
                f"two data sets are named {dataset.name!r}: {other.root} and {dataset.root}",
                hint="give one of them another name in its card (dfbench data init FOLDER)",
            )
    if unused:
        raise unknown("data set", min(unused), {*sources, *known}, where="--root")
    return loaded


def make_plan(
    suite: Suite,
    rows: Sequence[Row],
    datasets: Sequence[Dataset | tuple[str, DfbenchError]],
    seeds: Sequence[int],
    budget: Budget,
    out: ResultsFolder,
) -> Plan:
    """Lay out the cells and look which are finished already."""
    cells: list[Cell] = []
    # what is left out hangs on what is taken for a copy
    also = {"on_leak": f"drop {COPIES}"} if suite.on_leak == "drop" else {}
    for dataset in datasets:
        own: dict[tuple[str, int], Cell] = {}
        for row in rows:
            for seed in range(ORDERS) if row.shuffled else seeds:
                members = [own[name, seed] for name in row.derived.of] if row.derived else []
                own[row.name, seed] = _cell(dataset, row, seed, budget, out, members, also)
        cells += own.values()
        if isinstance(dataset, Dataset):
            cells += _subsets(dataset, suite, rows, seeds, budget, out, own, also)
    return Plan(suite, budget, cells)


def _subsets(
    dataset: Dataset,
    suite: Suite,
    rows: Sequence[Row],
    seeds: Sequence[int],
    budget: Budget,
    out: ResultsFolder,
    of_rows: dict[tuple[str, int], Cell],
    also: dict[str, Any],
) -> list[Cell]:
    """Lay out what the suite's protocols ask to be fitted on other parts of train."""
    asked = subsets.wanted(dataset, suite, rows)
    hindrances = subsets.hindrances(dataset, asked, seeds)
    cells: list[Cell] = []
    for each in asked:
        own: dict[tuple[str, int], Cell] = {}
        for row in each.rows:
            for seed in seeds:
                members = [own[name, seed] for name in row.derived.of] if row.derived else []
                extra = also | subsets.identity(dataset, each.subset)
                if each.keeps_parameters and row.derived is None:
                    extra["parameters"] = of_rows[row.name, seed].id
                reason = hindrances.get((each.subset, seed), "")
                own[row.name, seed] = _cell(
                    dataset, row, seed, budget, out, members, extra, each.subset, reason
                )
        cells += own.values()
    return cells


def _cell(
    dataset: Dataset | tuple[str, DfbenchError],
    row: Row,
    seed: int,
    budget: Budget,
    out: ResultsFolder,
    members: Sequence[Cell],
    extra: Mapping[str, Any] = MappingProxyType({}),
    subset: Subset = WHOLE,
    hindrance: str = "",
) -> Cell:
    error: DfbenchError | None = None
    if isinstance(dataset, tuple):
        name, error = dataset
        fingerprint, view = "", PLAIN
    else:
        name = dataset.name
        fingerprint, view = dataset.fingerprint, view_of(dataset)
    what: dict[str, Any] = {
        "protocol": PROTOCOL,
        "dataset": name,
        "fingerprint": fingerprint,
        "row": row.name,
        "seed": seed,
        **extra,
    }
    try:
        what |= _of_derived(row, members) if row.derived else _of_model(row, view, budget)
    except UnavailableError as absent:
        # a file that counts by its content is not there
        row = replace(row, status="skipped", reason=str(absent))
    cell = digest(what)

    def make(state: State, reason: str = "") -> Cell:
        found = None if isinstance(dataset, tuple) else dataset
        return Cell(
            id=cell,
            identity=what,
            dataset_name=name,
            dataset=found,
            row=row,
            seed=seed,
            state=state,
            reason=reason,
            members=list(members),
            subset=subset,
            parameters_of=extra.get("parameters", ""),
        )

    if error is not None:
        return make("skipped", str(error))
    runs = row.model is not None or row.derived is not None
    record = out.read_cell(cell) if runs else None
    if record is not None and record.status == "ok":
        return make("done")
    if row.status != "ok":
        return make("failed" if row.status == "failed" else "skipped", row.reason)
    if hindrance:
        return make("skipped", hindrance)
    return make("to run")


def _of_model(row: Row, view: View, budget: Budget) -> dict[str, Any]:
    space = row.space
    model: dict[str, Any] = {"name": row.model_name, "version": 0, "source": row.source}
    if row.model is not None:
        model["version"] = row.model.version
        if space.fixed:
            model["params"] = row.model.identity(space.fixed)
        if space.choices:
            model["choices"] = dict(space.choices)
    found: dict[str, Any] = {
        "features": [feature_identity(extractor, view) for extractor in row.extractors],
        "model": model,
    }
    if row.shuffled:
        found["labels"] = "shuffled"
    # what is not tuned does not hang on the budget
    return found | ({"budget": budget.model_dump()} if space.search else {})


def _of_derived(row: Row, members: Sequence[Cell]) -> dict[str, Any]:
    assert row.derived is not None
    return {
        "derived": row.derived.model_dump(include={"combine", "calibrate", "threshold"}),
        "members": [member.id for member in members],
    }
