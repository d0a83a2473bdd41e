"""What the protocols of a suite have fitted models score: added to the cells of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import index
from pathlib import Path
from typing import Any

from dfbench.benchmark.planning.cell import Cell
from dfbench.benchmark.planning.evaluation import Evaluation
from dfbench.benchmark.planning.plan import Plan
from dfbench.benchmark.protocols.base import (
    Datasets,
    Protocol,
    Request,
    class_numbers,
    listed,
)
from dfbench.detectors.archive import ModelFileError, read
from dfbench.errors import DfbenchError, PluginError, unknown
from dfbench.registry import PICTURES, Part, Registry
from dfbench.results.records.evaluations import Asked
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.state import FinishedCells
from dfbench.suites.datasets.manifest import Dataset


def with_models(plan: Plan, out: ResultsFolder, *, missing: bool) -> Plan:
    """Have finished rows fitted once more whose kept model is damaged, or ``missing``."""
    cells: dict[str, Cell] = {}
    for cell in plan.cells:
        file = out.model_file(cell.id)
        lacks = cell.state == "done" and cell.is_whole
        lacks = lacks and (not _whole(file) if file.exists() else missing)
        members = [cells[member.id] for member in cell.members]
        cells[cell.id] = replace(cell, lacks_model=lacks, members=members)
    return replace(plan, cells=list(cells.values()))


def _whole(file: Path) -> bool:
    try:
        read(file)
    except ModelFileError:
        return False
    return True


def with_pictures(
    plan: Plan, figures: Sequence[str], out: ResultsFolder
) -> tuple[Plan, dict[tuple[str, ...], list[str]]]:
    """Have pictures drawn that finished rows lack, of the models that were kept of them.

    Parameters
    ----------
    plan
        With its evaluations; its cells keep their identity.
    figures
        Kinds of pictures that are wanted.
    out
        The results folder.

    Returns
    -------
    Plan
        With the cells that are taken up for it.
    dict of tuple of str to list of str
        By kinds of pictures, the rows that lack them and of which no model was kept.
    """
    taking = [part.name for part in Registry(PICTURES).among(figures) if _takes_model(part)]
    cells: dict[str, Cell] = {}
    undrawn: dict[tuple[str, ...], dict[str, None]] = {}
    for cell in plan.cells:
        lacking = _lacking(cell, taking, out)
        at_hand = cell.lacks_model or cell.evaluations or out.model_file(cell.id).is_file()
        if lacking and not at_hand:
            undrawn.setdefault(lacking, {})[cell.row.name] = None
        members = [cells[member.id] for member in cell.members]
        wanted = bool(lacking and at_hand)
        cells[cell.id] = replace(cell, lacks_pictures=wanted, members=members)
    return replace(plan, cells=list(cells.values())), {k: list(v) for k, v in undrawn.items()}


def _takes_model(part: Part) -> bool:
    try:
        return bool(part.load().takes_model())
    except DfbenchError:  # told where it is drawn
        return False


def _lacking(cell: Cell, figures: Sequence[str], out: ResultsFolder) -> tuple[str, ...]:
    """Give the kinds of pictures that a finished row was never asked for."""
    drawn = cell.is_whole and not cell.row.shuffled and cell.row.derived is None
    record = out.load_record(cell.id) if figures and drawn and cell.state == "done" else None
    return () if record is None else tuple(x for x in figures if x not in record.pictures)


def with_evaluations(
    plan: Plan,
    datasets: Datasets,
    out: ResultsFolder,
    *,
    further: Mapping[str, Dataset] | None = None,
    check: bool = False,
) -> Plan:
    """Add to the cells of a plan what the protocols of its suite have their models score.

    Parameters
    ----------
    plan
        Its cells keep their identity.
    datasets
        All of the run; a name and an error for one that could not be loaded.
    out
        The results folder: what it holds is not scored again.
    further
        By source the data sets that protocols ask for besides, which have no rows.
    check
        Whether all scores that it holds are read.

    Raises
    ------
    DfbenchError
        If a change is no chain of operations, there is no second data set to score, or a protocol
        breaks its contract.
    """
    finished = FinishedCells(out, check=check)
    asked: list[Asked] = []
    wanted: dict[str, dict[str, Evaluation]] = {}
    for protocol in plan.suite.protocols:
        assert isinstance(protocol, Protocol)
        own = [(further or {})[source] for source in protocol.further()]
        scored = [*datasets, *(each for each in own if each not in datasets)]
        known = _Requests(protocol, scored, f"suite {plan.suite.name!r}, {protocol.kind}")
        for cell in plan.cells:
            if cell.dataset is None or not _takes_part(cell, protocol):
                continue
            for request, evaluation in known.of(cell.dataset):
                asked.append(_asked(cell, protocol, request, evaluation))
                if evaluation is not None:
                    for each in _with_members(cell):
                        wanted.setdefault(each.id, {})[evaluation.id] = evaluation
    cells: dict[str, Cell] = {}
    for cell in plan.cells:
        lacking = [x for x in wanted.get(cell.id, {}).values() if _lacks(cell, x, finished)]
        members = [cells[member.id] for member in cell.members]
        cells[cell.id] = replace(cell, evaluations=tuple(lacking), members=members)
    return replace(plan, cells=list(cells.values()), asked=asked)


@dataclass
class _Requests:
    """What a protocol asks of the models of each data set, with the evaluation where one can be."""

    protocol: Protocol
    datasets: Datasets
    where: str
    known: dict[str, list[tuple[Request, Evaluation | None]]] = field(default_factory=dict)

    def of(self, dataset: Dataset) -> list[tuple[Request, Evaluation | None]]:
        if dataset.name not in self.known:
            requests = [self._mapped(dataset, each) for each in self._requests(dataset)]
            self.known[dataset.name] = [(each, self._evaluation(each)) for each in requests]
        return self.known[dataset.name]

    def _requests(self, dataset: Dataset) -> list[Request]:
        def listing() -> Iterable[Request]:
            return self.protocol.evaluations(dataset, self.datasets)

        try:
            return listed("evaluations", listing, Request, self.where)
        except DfbenchError as error:
            raise type(error)(error.what, where=self.where, hint=error.hint) from None

    def _mapped(self, dataset: Dataset, request: Request) -> Request:
        """Give a request with the numbers of classes, or why it cannot be."""
        texts = (request.scored_on, request.change, request.reason)
        if not all(isinstance(text, str) for text in texts):
            raise PluginError(f"what is no text: {request!r}", where=self.where)
        if request.reason:
            return request
        scored = self._scored(request.scored_on)
        if isinstance(scored, str):
            return replace(request, reason=scored)
        numbers = self._given(dataset, scored, request) or class_numbers(dataset, scored)
        if numbers is not None:
            return replace(request, numbers=numbers)
        ours, theirs = (", ".join(each.classes) for each in (dataset, scored))
        return replace(request, reason=f"the classes differ: {ours} against {theirs}")

    def _scored(self, name: str) -> Dataset | str:
        """Give the data set of a name, or why it is not there."""
        for each in self.datasets:
            if isinstance(each, Dataset) and each.name == name:
                return each
            if isinstance(each, tuple) and each[0] == name:
                return f"it cannot be loaded: {each[1]}"
        names = [each.name if isinstance(each, Dataset) else each[0] for each in self.datasets]
        fault = unknown("data set", name, names)
        raise PluginError(fault.what, where=self.where, hint=fault.hint)

    def _given(self, dataset: Dataset, scored: Dataset, request: Request) -> tuple[int, ...]:
        """Give the numbers that a request has; empty where it leaves them open."""
        try:
            numbers = tuple(index(number) for number in request.numbers)
        except TypeError:
            numbers = (-1,)
        own = range(len(dataset.classes))
        fit = len(numbers) == len(scored.classes) and all(number in own for number in numbers)
        if numbers and not fit:
            raise PluginError(
                f"{request.numbers!r} are no numbers of classes: one for each of"
                f" {', '.join(scored.classes)} ({scored.name}),"
                f" from 0 to {own[-1]} ({dataset.name})",
                where=self.where,
                hint="leave them out, and classes are mapped by their names",
            )
        return numbers

    def _evaluation(self, request: Request) -> Evaluation | None:
        if request.reason:
            return None
        scored = self._scored(request.scored_on)
        assert isinstance(scored, Dataset)
        try:
            return Evaluation(scored, request.change, request.numbers, request.whole)
        except DfbenchError as error:
            where = f"{self.where}, {request.change!r}"
            raise type(error)(error.what, where=where, hint=error.hint) from None


def _takes_part(cell: Cell, protocol: Protocol) -> bool:
    if not cell.is_whole:
        return False
    # a control of shuffled labels has learnt nothing that could be lost elsewhere
    return cell.row.name in protocol.rows if protocol.rows else not cell.row.shuffled


def _asked(
    cell: Cell, protocol: Protocol, request: Request, evaluation: Evaluation | None
) -> Asked:
    done: dict[str, Any] = (
        {"reason": request.reason} if evaluation is None else {"probe": evaluation.id}
    )
    return Asked(
        protocol=protocol.kind,
        dataset=cell.dataset_name,
        row=cell.row.name,
        seed=cell.seed,
        cell=cell.id,
        scored_on=request.scored_on,
        change=request.change,
        **done,
    )


def _with_members(cell: Cell) -> Iterator[Cell]:
    yield cell
    for member in cell.members:
        yield from _with_members(member)


def _lacks(cell: Cell, evaluation: Evaluation, finished: FinishedCells) -> bool:
    if cell.state == "done":
        return not finished.has_evaluation(cell.id, evaluation.id)
    return cell.state == "to run"
