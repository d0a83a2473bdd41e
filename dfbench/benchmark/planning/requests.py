"""What the protocols of a suite have fitted models score: added to the cells of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from dfbench.benchmark.planning.cell import Cell
from dfbench.benchmark.planning.evaluation import Evaluation
from dfbench.benchmark.planning.plan import Plan
from dfbench.benchmark.protocols.base import Datasets, Protocol, Request
from dfbench.errors import DfbenchError
from dfbench.results.records.evaluations import Asked
from dfbench.results.records.folder import ResultsFolder
from dfbench.suites.datasets.manifest import Dataset


def with_evaluations(plan: Plan, datasets: Datasets, out: ResultsFolder) -> Plan:
    """Add to the cells of a plan what the protocols of its suite have their models score.

    Parameters
    ----------
    plan
        Its cells keep their identity.
    datasets
        All of the run; a name and an error for one that could not be loaded.
    out
        The results folder: what it holds is not scored again.

    Raises
    ------
    DfbenchError
        If a change is no chain of operations, or there is no second data set to score.
    """
    asked: list[Asked] = []
    wanted: dict[str, dict[str, Evaluation]] = {}
    for protocol in plan.suite.protocols:
        assert isinstance(protocol, Protocol)
        known = _Requests(protocol, datasets, f"suite {plan.suite.name!r}, {protocol.kind}")
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
        lacking = [x for x in wanted.get(cell.id, {}).values() if _lacks(cell, x, out)]
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
            self.known[dataset.name] = [(x, self._evaluation(x)) for x in self._requests(dataset)]
        return self.known[dataset.name]

    def _requests(self, dataset: Dataset) -> list[Request]:
        try:
            return list(self.protocol.evaluations(dataset, self.datasets))
        except DfbenchError as error:
            raise type(error)(error.what, where=self.where, hint=error.hint) from None

    def _evaluation(self, request: Request) -> Evaluation | None:
        if request.reason:
            return None
        loaded = {each.name: each for each in self.datasets if isinstance(each, Dataset)}
        try:
            return Evaluation(loaded[request.scored_on], request.change, request.numbers)
        except DfbenchError as error:
            where = f"{self.where}, {request.change!r}"
            raise type(error)(error.what, where=where, hint=error.hint) from None


def _takes_part(cell: Cell, protocol: Protocol) -> bool:
    if cell.subset.name:
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


def _lacks(cell: Cell, evaluation: Evaluation, out: ResultsFolder) -> bool:
    if cell.state == "done":
        return not out.has_evaluation(cell.id, evaluation.id)
    return cell.state == "to run"
