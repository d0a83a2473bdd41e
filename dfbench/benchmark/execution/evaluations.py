"""Protocols that need no other training: what each fitted model scores beside its own images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dfbench.benchmark.execution.job import Images, Job, Probing, Table
from dfbench.benchmark.execution.prepare import images_of
from dfbench.benchmark.execution.settings import Settings
from dfbench.benchmark.planning.cell import Cell
from dfbench.benchmark.planning.evaluation import Probe, class_numbers
from dfbench.benchmark.planning.plan import Plan
from dfbench.benchmark.planning.subsets import Task, task
from dfbench.benchmark.reading import look_at
from dfbench.benchmark.reporter import Reporter
from dfbench.errors import CardError, DataError, DfbenchError, UnavailableError
from dfbench.features.base import Extractor
from dfbench.features.extraction.single_pass import Source, extract
from dfbench.features.extraction.store import identity as feature_identity
from dfbench.features.views.operations import STRENGTHS
from dfbench.features.views.view import View
from dfbench.files import digest
from dfbench.models.selection.space import Space
from dfbench.results.records.evaluations import Asked, EvaluationRecord
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record, Status
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.roles import roles
from dfbench.suites.protocols import CrossDataset, Robustness

CHANGES = tuple(
    f"{name}={strength:g}" for name, strengths in STRENGTHS.items() for strength in strengths
)
"""The changes of a robustness protocol that names none."""

_Datasets = Sequence[Dataset | tuple[str, DfbenchError]]


def with_probes(plan: Plan, datasets: _Datasets, out: ResultsFolder) -> Plan:
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
    wanted: dict[str, dict[str, Probe]] = {}
    for protocol in plan.suite.protocols:
        if not isinstance(protocol, CrossDataset | Robustness):
            continue
        where = f"suite {plan.suite.name!r}, {protocol.kind}"
        if isinstance(protocol, CrossDataset) and len(datasets) < 2:
            raise CardError(
                "one data set only, which leaves no other to score",
                where=where,
                hint="name more by --data, or leave the protocol out",
            )
        for cell in plan.cells:
            # a control of shuffled labels has learnt nothing that could be lost elsewhere
            named = not cell.row.shuffled if not protocol.rows else cell.row.name in protocol.rows
            if cell.dataset is None or cell.variant or not named:
                continue
            for scored_on, change, found in _of_cell(protocol, cell.dataset, datasets, where):
                whose: dict[str, Any] = {
                    "protocol": protocol.kind,
                    "dataset": cell.dataset_name,
                    "row": cell.row.name,
                    "seed": cell.seed,
                    "cell": cell.id,
                    "scored_on": scored_on,
                    "change": change,
                }
                if isinstance(found, str):
                    asked.append(Asked(**whose, reason=found))
                    continue
                asked.append(Asked(**whose, probe=found.id))
                for each in _with_members(cell):
                    wanted.setdefault(each.id, {})[found.id] = found
    cells: dict[str, Cell] = {}
    for cell in plan.cells:
        lacking: tuple[Probe, ...] = ()
        if cell.state in ("to run", "done"):
            lacking = tuple(
                probe
                for probe in wanted.get(cell.id, {}).values()
                if cell.state == "to run" or not out.has_evaluation(cell.id, probe.id)
            )
        members = [cells[member.id] for member in cell.members]
        cells[cell.id] = replace(cell, probes=lacking, members=members)
    return replace(plan, cells=list(cells.values()), asked=asked)


def _of_cell(
    protocol: CrossDataset | Robustness, own: Dataset, datasets: _Datasets, where: str
) -> Iterator[tuple[str, str, Probe | str]]:
    """Yield the data set and the change that a protocol asks for, and the probe or why not."""
    if isinstance(protocol, Robustness):
        numbers = tuple(range(len(own.classes)))
        for change in dict.fromkeys(protocol.changes or CHANGES):
            try:
                yield own.name, change, Probe(own, change, numbers)
            except DfbenchError as error:
                raise type(error)(
                    error.what, where=f"{where}, {change!r}", hint=error.hint
                ) from None
        return
    for other in datasets:
        if isinstance(other, tuple):
            yield other[0], "", f"it cannot be loaded: {other[1]}"
        elif other.name != own.name:
            found = class_numbers(own, other)
            names = [", ".join(each.classes) for each in (own, other)]
            yield (
                other.name,
                "",
                f"the classes differ: {names[0]} against {names[1]}"
                if found is None
                else Probe(other, "", found),
            )


def _with_members(cell: Cell) -> Iterator[Cell]:
    yield cell
    for member in cell.members:
        yield from _with_members(member)


@dataclass
class _Scene:
    """What a data set has for probes: its evaluated images, or why there are none."""

    dataset: Dataset
    images: Images | None = None
    sources: list[Source] = field(default_factory=list)
    split: str = ""
    reason: str = ""
    failed: dict[tuple[View, str], DfbenchError] = field(default_factory=dict)
    """By view and extractor."""


def add_probes(
    jobs: Sequence[Job], plan: Plan, out: ResultsFolder, settings: Settings, reporter: Reporter
) -> list[Job]:
    """Bring the features of all probes into the store and give each job those of its cell.

    A probe that cannot be scored gets its record at once. A job for a finished cell fits it as it
    was fitted; without a probe that can be scored it is left out.
    """
    cells = {cell.id: cell for cell in plan.cells}
    probes = [(cells[job.record["cell"]], job) for job in jobs]
    if not any(cell.probes for cell, _ in probes):
        return list(jobs)
    scenes = _look([cell for cell, _ in probes], settings, reporter)
    found = []
    for cell, job in probes:
        sound = []
        for probe in cell.probes:
            scene = scenes[probe.dataset.name]
            status, reason = _fault(probe, cell, scene)
            if reason:
                out.write_evaluation(failed_probe(cell, probe, status, reason))
            else:
                sound.append(_probing(probe, cell, scene, job))
        if cell.state == "to run":
            found.append(replace(job, probes=sound))
        elif sound:
            found.append(replace(job, probes=sound, finished=True, space=_as_it_was(out, cell)))
    return found


def _as_it_was(out: ResultsFolder, cell: Cell) -> Space:
    record = out.load_record(cell.id)
    assert record is not None  # it is done
    return Space(record.params, search=False)


def failed_probe(cell: Cell, probe: Probe, status: Status, reason: str) -> EvaluationRecord:
    """Make the record of a probe that has no scores."""
    return EvaluationRecord(**_basis(cell, probe), status=status, reason=reason)


def _basis(cell: Cell, probe: Probe) -> dict[str, Any]:
    return {
        "cell": cell.id,
        "probe": probe.id,
        "scored_on": probe.dataset.name,
        "fingerprint": probe.dataset.fingerprint,
        "change": probe.change,
        "identity": probe.identity,
    }


def _fault(probe: Probe, cell: Cell, scene: _Scene) -> tuple[Status, str]:
    if scene.reason:
        return "failed", scene.reason
    for extractor in cell.row.extractors:
        error = scene.failed.get((probe.view, _key(extractor)))
        if error is not None:
            return "skipped" if isinstance(error, UnavailableError) else "failed", str(error)
    return "ok", ""


def _probing(probe: Probe, cell: Cell, scene: _Scene, job: Job) -> Probing:
    assert scene.images is not None  # there is no fault
    images = scene.images
    if probe.numbers != tuple(range(len(probe.numbers))):
        images = replace(images, labels=[probe.numbers[label] for label in images.labels])
    seen = set(job.train.keys)
    return Probing(
        record={
            **_basis(cell, probe),
            "split": scene.split,
            "n": len(images.keys),
            "n_seen": sum(key in seen for key in images.keys),
            "grouped": scene.dataset.grouped,
        },
        tables=[Table.of(e, probe.view) for e in cell.row.extractors],
        images=images,
    )


def _look(cells: Sequence[Cell], settings: Settings, reporter: Reporter) -> dict[str, _Scene]:
    """Make the passes over the evaluated images of each data set that is probed."""
    datasets: dict[str, Dataset] = {}
    needed: dict[str, dict[View, dict[str, Extractor]]] = {}
    for cell in cells:
        for probe in cell.probes:
            datasets[probe.dataset.name] = probe.dataset
            views = needed.setdefault(probe.dataset.name, {})
            views.setdefault(probe.view, {}).update({_key(e): e for e in cell.row.extractors})
    scenes = {}
    for name, dataset in datasets.items():
        scene = scenes[name] = _Scene(dataset)
        try:
            _set(scene, settings, reporter)
            _extract(scene, needed[name], settings, reporter)
        except DataError as error:
            scene.reason = str(error)
    return scenes


def _set(scene: _Scene, settings: Settings, reporter: Reporter) -> None:
    dataset = scene.dataset
    _, faults = look_at(dataset, [], jobs=settings.jobs, reporter=reporter)
    parts = roles(dataset, faults == "")
    own = task(dataset, parts, "", 0)
    assert isinstance(own, Task)  # nothing hinders a row itself
    scene.images, scene.split = images_of(dataset, own)["evaluate"], parts.split
    chosen = dataset.manifest.iloc[parts.evaluate]
    pixels = (chosen["width"] * chosen["height"]).tolist()
    scene.sources = [
        Source(dataset.root / path, key, n)
        for path, key, n in zip(scene.images.paths, scene.images.keys, pixels, strict=True)
    ]


def _extract(
    scene: _Scene,
    needed: Mapping[View, Mapping[str, Extractor]],
    settings: Settings,
    reporter: Reporter,
) -> None:
    """Make one pass for the views that the same extractors see: one decoding serves them all."""
    passes: dict[tuple[str, ...], list[View]] = {}
    extractors: dict[str, Extractor] = {}
    for view, its in needed.items():
        passes.setdefault(tuple(sorted(its)), []).append(view)
        extractors.update(its)
    for keys, views in passes.items():
        outcome = extract(
            scene.sources,
            [extractors[key] for key in keys],
            views=views,
            jobs=settings.jobs,
            progress=reporter.stage(f"{scene.dataset.name}: features for protocols"),
        )
        for place, error in outcome.failed.items():
            at, number = divmod(place, len(keys))
            scene.failed[views[at], keys[number]] = error


def _key(extractor: Extractor) -> str:
    return digest(feature_identity(extractor))


def give_up_probes(cell: Cell, out: ResultsFolder, status: Status, reason: str) -> None:
    """Write why the probes that a cell still lacks have no scores."""
    for probe in cell.probes:
        if not out.has_evaluation(cell.id, probe.id):
            out.write_evaluation(failed_probe(cell, probe, status, reason))


def complain_of_probes(
    cells: Sequence[Cell], records: Mapping[str, Record], out: ResultsFolder, reporter: Reporter
) -> None:
    """Say which probes of this run have no scores."""
    for cell in cells:
        record = records.get(cell.id)
        if record is None or record.status != "ok":
            continue
        reasons: dict[str, list[str]] = {}
        for probe in cell.probes:
            made = out.load_evaluation(cell.id, probe.id)
            if made is not None and made.status != "ok":
                what = f"changed by {probe.change}" if probe.change else f"of {probe.dataset.name}"
                reasons.setdefault(made.reason, []).append(what)
        for reason, names in reasons.items():
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            where = f"{cell.dataset_name} {cell.row.name}"
            reporter.note(f"{where}: no scores of images {names[0]}{more}: {reason}")
