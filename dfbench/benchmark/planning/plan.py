"""From a suite to cells: what would run, what is there already, what cannot run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path

from dfbench.benchmark.planning import subsets
from dfbench.benchmark.planning.cell import Cell, State, identified
from dfbench.benchmark.planning.ensembles import beside
from dfbench.benchmark.planning.row import Row
from dfbench.benchmark.protocols.base import Protocol
from dfbench.errors import CardError, DfbenchError, unknown
from dfbench.files import Progress, resolved
from dfbench.models.base import Model
from dfbench.results.records.evaluations import Asked
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.state import FinishedCells
from dfbench.results.records.subsets import WHOLE, Subset
from dfbench.suites.datasets import catalogue
from dfbench.suites.datasets.divisions import divided
from dfbench.suites.datasets.inference.read_as import ReadAs
from dfbench.suites.datasets.loading import load_dataset
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.parts import evaluated_split
from dfbench.suites.datasets.sources import split_source
from dfbench.suites.repeat import is_first
from dfbench.suites.suite import Budget, Suite, TuneFor

ORDERS = 5
"""Orders of the labels that a control of shuffled labels is fitted on, each as a seed of its own:
any one of them has a score that tells something, up or down; only their mean is at chance."""


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

    @property
    def counted(self) -> list[Cell]:
        """The cells but those of ensembles without a member, which are no work."""
        return [cell for cell in self.cells if not cell.subset.less]


def load_datasets(
    suite: Suite,
    chosen: Sequence[str],
    roots: dict[str, Path],
    progress: Callable[[str], Progress],
    asked: ReadAs | None = None,
    *,
    check: bool = False,
    plugins: Sequence[Path] = (),
) -> list[Dataset | tuple[str, DfbenchError]]:
    """Load the data sets of a run.

    Parameters
    ----------
    suite
        Gives them where none was chosen.
    chosen
        Names, cards or folders given by the user, with or without ``NAME=`` before them: exactly
        these.
    roots
        Root folder by the data set's name, or by its source as given, with or without a name
        before it, for cards that leave it open.
    progress
        Makes a progress callback for the data set of that name.
    plugins
        Files in which functions that cards name may be.
    asked
        How the one plain folder among them is to be read.
    check
        Whether each file is read and hashed, also where it seems to be as it was before.

    Returns
    -------
    list
        A registered data set that cannot be loaded is its name and the error, so that its rows can
        be shown as skipped; one that was named by the user is an error.

    Raises
    ------
    DfbenchError
        If a data set that was named cannot be loaded, two that differ have the same name, one was
        given two names, there is no data set, or none that a root was given for.
    """
    named = bool(chosen) or not isinstance(suite.datasets, str)
    sources = list(chosen)
    if not sources:
        sources = catalogue.default_names() if isinstance(suite.datasets, str) else suite.datasets
    if not sources:
        raise CardError("no data set to run on", hint="name one by --data")
    plain = [source for source in sources if asked and catalogue.plain_folder(source)]
    if asked and len(plain) != 1:
        raise CardError(
            f"--{next(iter(asked.given()))} says how one plain folder is to be read;"
            f" there {'are' if plain else 'is'} {len(plain) or 'none'} among the data sets",
            hint="write a card for each (dfbench data init FOLDER) where there are several"
            if plain
            else "what has a card goes by its card: change that instead",
        )
    loaded: list[Dataset | tuple[str, DfbenchError]] = []
    known: dict[str, Dataset] = {}
    unused = set(roots)
    for source in sources:
        try:
            data = str(split_source(source)[1])
            # finding the name of a folder lists its files: only where a root asks for it
            called = [catalogue.name_of(source), source, data] if roots else []
            unused -= {*called}
            root = next((roots[name] for name in called if name in roots), None)
            how = asked if source in plain else None
            dataset = load_dataset(
                source,
                root=root,
                plugins=plugins,
                asked=how,
                check=check,
                progress=progress(source),
            )
        except (DfbenchError, OSError) as error:
            if named:
                raise
            known_error = error if isinstance(error, DfbenchError) else DfbenchError(str(error))
            loaded.append((source, known_error))
            continue
        other = known.setdefault(dataset.name, dataset)
        if other is dataset:
            loaded.append(dataset)
        elif not _same(other, dataset):
            raise CardError(
                f"two data sets are named {dataset.name!r}: {other.root} and {dataset.root}",
                hint=f"give one of them another: NAME={data}",
            )
    if named:
        _check_named_once(list(known.values()))
    if unused:
        raise unknown("data set", min(unused), {*sources, *known}, where="--root")
    return loaded


def load_further(
    suite: Suite,
    loaded: Sequence[Dataset | tuple[str, DfbenchError]],
    progress: Callable[[str], Progress],
    plugins: Sequence[Path] = (),
    *,
    check: bool = False,
) -> dict[str, Dataset]:
    """Load the data sets that protocols have scored and no row is fitted on, by source.

    Parameters
    ----------
    suite, progress, plugins, check
        As of `load_datasets`.
    loaded
        Those of the run.

    Raises
    ------
    DfbenchError
        If one cannot be loaded, or has the name of another.
    """
    found: dict[str, Dataset] = {}
    for protocol in suite.protocols:
        assert isinstance(protocol, Protocol)
        for source in protocol.further():
            its = load_dataset(source, plugins=plugins, check=check, progress=progress(source))
            known = [*(each for each in loaded if isinstance(each, Dataset)), *found.values()]
            other = next((each for each in known if each.name == its.name), None)
            if other is not None and not _same(other, its):
                another = f"more-{its.name}={split_source(source)[1]}"
                raise CardError(
                    f"a data set of the run is named {its.name!r} too",
                    where=f"{protocol.kind}, {source}",
                    hint=f"give the further one another: {another}, on the command line"
                    f" --external {its.name}={another}",
                )
            found[source] = its if other is None else other
    return found


def _same(one: Dataset, other: Dataset) -> bool:
    return (resolved(one.root), one.fingerprint) == (resolved(other.root), other.fingerprint)


def _check_named_once(datasets: Sequence[Dataset]) -> None:
    """Raise where a data set has two names: it would count twice in ranks over data sets."""
    for one, other in combinations(datasets, 2):
        if _same(one, other):
            raise CardError(
                f"{one.name!r} and {other.name!r} are the same data set",
                where=one.root,
                hint="give it one name",
            )


Loaded = Dataset | tuple[str, DfbenchError]


def repeated(suite: Suite, datasets: Sequence[Loaded]) -> list[list[Loaded]]:
    """Give the divisions of each data set: itself where neither suite nor card repeats it.

    Raises
    ------
    DataError
        If it has too few images, or none with a label beside those of train.
    """
    found: list[list[Loaded]] = []
    for each in datasets:
        repeat = None if isinstance(each, tuple) else suite.repeat or each.card.repeat
        if isinstance(each, tuple) or repeat is None:
            if isinstance(each, Dataset):
                evaluated_split(each)  # or no row can have a figure
            found.append([each])
        else:
            found.append([*divided(each, repeat)])
    return found


def make_plan(
    suite: Suite,
    rows: Sequence[Row],
    datasets: Sequence[Loaded],
    seeds: Sequence[int],
    budget: Budget,
    out: ResultsFolder,
    *,
    check: bool = False,
) -> Plan:
    """Lay out the cells and look which are finished already; ``check`` reads all their scores.

    Of a data set that is divided several times, ``datasets`` has each division. Subsets, and
    controls of shuffled labels, are of the first.
    """
    cells: list[Cell] = []
    finished = FinishedCells(out, check=check)
    for dataset in datasets:
        shared = _Shared(
            dataset, budget, suite.tune_for, suite.refit, suite.on_leak == "drop", finished
        )
        first = isinstance(dataset, tuple) or is_first(dataset.division)
        own: dict[tuple[str, int], Cell] = {}
        for row in rows:
            if row.shuffled and not first:
                continue
            for seed in range(ORDERS) if row.shuffled else seeds:
                own[row.name, seed] = shared.cell(row, seed, own)
        cells += own.values()
        if isinstance(dataset, Dataset) and first:
            cells += _subsets(shared, dataset, suite, rows, seeds, own)
        cells += shared.ensembles.values()
    return Plan(suite, budget, cells)


def _subsets(
    shared: _Shared,
    dataset: Dataset,
    suite: Suite,
    rows: Sequence[Row],
    seeds: Sequence[int],
    of_rows: Mapping[tuple[str, int], Cell],
) -> list[Cell]:
    """Lay out what the suite's protocols ask to be fitted on other parts of train."""
    asked = subsets.wanted(dataset, suite, rows)
    wanted = [(each.subset, seed) for each in asked for seed in seeds]
    hindrances = subsets.hindrances(dataset, wanted)
    cells: list[Cell] = []
    for each in asked:
        own: dict[tuple[str, int], Cell] = {}
        for row in each.rows:
            for seed in seeds:
                takes_over = each.keeps_parameters and row.derived is None
                own[row.name, seed] = shared.cell(
                    row,
                    seed,
                    own,
                    subset=each.subset,
                    parameters_of=of_rows[row.name, seed].id if takes_over else "",
                    hindrance=hindrances.get((each.subset, seed), ""),
                )
        cells += own.values()
    return cells


@dataclass(frozen=True)
class _Shared:
    """What all cells of a data set have in common, and where they may be finished already.

    Attributes
    ----------
    ensembles
        What ensembles need beside the rows, each once: their members on folds of train, and
        themselves without one of them; by subset, row and seed.
    """

    dataset: Loaded
    budget: Budget
    tune_for: TuneFor
    refit: bool
    drops_leaks: bool
    finished: FinishedCells
    ensembles: dict[tuple[Subset, str, int], Cell] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.dataset[0] if isinstance(self.dataset, tuple) else self.dataset.name

    def cell(
        self,
        row: Row,
        seed: int,
        others: Mapping[tuple[str, int], Cell],
        *,
        subset: Subset = WHOLE,
        parameters_of: str = "",
        hindrance: str = "",
    ) -> Cell:
        """Lay out a cell; ``others`` by row and seed have the members of a derived one."""
        cell = self._stated(
            Cell(
                dataset_name=self.name,
                dataset=None if isinstance(self.dataset, tuple) else self.dataset,
                row=row,
                seed=seed,
                budget=self.budget,
                tune_for=self.tune_for,
                refit=self.refit,
                drops_leaks=self.drops_leaks,
                subset=subset,
                parameters_of=parameters_of,
                members=[others[name, seed] for name in row.derived.of] if row.derived else [],
            ),
            hindrance,
        )
        if row.derived is None or isinstance(self.dataset, tuple):
            return cell
        return beside(cell, self.dataset, self.ensembles, self._stated)

    def _stated(self, cell: Cell, hindrance: str) -> Cell:
        """Give a cell with its identity, and with what is to be done with it."""
        cell = identified(cell)
        if isinstance(self.dataset, tuple):
            return replace(cell, state="skipped", reason=str(self.dataset[1]))
        return _with_state(cell, self.finished, hindrance)


def _with_state(cell: Cell, finished: FinishedCells, hindrance: str) -> Cell:
    row = cell.row
    runs = row.model is not None or row.derived is not None
    record = finished.read(cell.id) if runs else None
    if record is not None and record.status == "ok":
        return replace(cell, state="done")
    status, reason = row.standing
    if status != "ok":
        state: State = "failed" if status == "failed" else "skipped"
        return replace(cell, state=state, reason=reason)
    if cell.is_refitted and row.model is not None and row.model.refit is Model.refit:
        hindrance = f"{row.model_name} cannot be refitted: it has no method refit (--no-refit)"
    if hindrance:
        return replace(cell, state="skipped", reason=hindrance)
    return replace(cell, state="to run")
