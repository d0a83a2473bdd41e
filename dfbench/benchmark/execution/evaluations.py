"""Evaluations before and after the workers: features of the images, and why some have no scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dfbench.benchmark.execution.images import Images
from dfbench.benchmark.execution.job import EvaluationJob, Job, Table
from dfbench.benchmark.execution.overlaps import Overlap, overlap
from dfbench.benchmark.execution.prepare import images_of
from dfbench.benchmark.execution.session import Session
from dfbench.benchmark.planning.cell import Cell
from dfbench.benchmark.planning.evaluation import Evaluation
from dfbench.benchmark.planning.subsets import Task, task
from dfbench.benchmark.reading import look_at
from dfbench.benchmark.reporter import Reporter
from dfbench.errors import DataError, DfbenchError, UnavailableError
from dfbench.features.base import Extractor
from dfbench.features.pipeline.single_pass import Sources
from dfbench.features.pipeline.store import identity as feature_identity
from dfbench.features.views.view import View
from dfbench.files import digest
from dfbench.models.selection.space import Space
from dfbench.results.records.evaluations import EvaluationRecord
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record, Status
from dfbench.results.records.subsets import WHOLE
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.parts import all_labelled, parts_of


@dataclass
class _Scene:
    """What a data set has for evaluations: its images that are scored, or why there are none."""

    dataset: Dataset
    whole: bool
    images: Images | None = None
    sources: Sources | None = None
    split: str = ""
    reason: str = ""
    failed: dict[tuple[View, str], DfbenchError] = field(default_factory=dict)
    """By view and extractor."""
    numbered: dict[tuple[int, ...], Images] = field(default_factory=dict)
    """The images by the numbers that the classes have for a cell."""
    seen: dict[tuple[Path, Path], int] = field(default_factory=dict)
    """How many images are among those of a training part, by the files of both."""
    overlaps: dict[str, Overlap | None] = field(default_factory=dict)
    """Of all labelled images with those of a data set, by its name."""


def prepare_evaluations(session: Session, jobs: Sequence[Job]) -> list[Job]:
    """Bring the features of all evaluations into the store and give each job those of its cell.

    An evaluation that cannot be scored gets its record at once. A job for a finished cell fits it
    as it was fitted; without an evaluation that can be scored it is left out.
    """
    out = session.out
    cells = {cell.id: cell for cell in session.plan.cells}
    asked = [(cells[job.record["cell"]], job) for job in jobs]
    if not any(cell.evaluations or cell.taken_up for cell, _ in asked):
        return list(jobs)
    scenes = _look(session, [cell for cell, _ in asked])
    found = []
    for cell, job in asked:
        sound = []
        for evaluation in cell.evaluations:
            scene = scenes[_place(evaluation)]
            status, reason = _fault(evaluation, cell, scene)
            if reason:
                out.write_evaluation(failed_evaluation(cell, evaluation, status, reason))
            else:
                sound.append(_job(session, evaluation, cell, scene, job))
        if cell.state == "to run":
            found.append(replace(job, evaluations=sound))
        elif sound or cell.taken_up:
            found.append(
                replace(job, evaluations=sound, finished=True, space=_as_it_was(out, cell))
            )
    return found


def _as_it_was(out: ResultsFolder, cell: Cell) -> Space:
    record = out.load_record(cell.id)
    assert record is not None  # it is done
    return Space(record.params, search=False)


def failed_evaluation(
    cell: Cell, evaluation: Evaluation, status: Status, reason: str
) -> EvaluationRecord:
    """Make the record of an evaluation that has no scores."""
    return EvaluationRecord(**_basis(cell, evaluation), status=status, reason=reason)


def _basis(cell: Cell, evaluation: Evaluation) -> dict[str, Any]:
    return {
        "cell": cell.id,
        "probe": evaluation.id,
        "scored_on": evaluation.dataset.name,
        "fingerprint": evaluation.dataset.fingerprint,
        "change": evaluation.change,
        "identity": evaluation.identity,
    }


def _fault(evaluation: Evaluation, cell: Cell, scene: _Scene) -> tuple[Status, str]:
    if scene.reason:
        return "failed", scene.reason
    for extractor in cell.row.extractors:
        error = scene.failed.get((evaluation.view, _key(extractor)))
        if error is not None:
            return "skipped" if isinstance(error, UnavailableError) else "failed", str(error)
    return "ok", ""


def _place(evaluation: Evaluation) -> tuple[str, bool]:
    return evaluation.dataset.name, evaluation.whole


def _job(
    session: Session, evaluation: Evaluation, cell: Cell, scene: _Scene, job: Job
) -> EvaluationJob:
    assert scene.images is not None  # there is no fault
    images = _numbered(scene, scene.images, evaluation.numbers)
    own: dict[str, Any] = {}
    if scene.whole:
        if cell.dataset_name not in scene.overlaps:
            scene.overlaps[cell.dataset_name] = _overlap(session, cell, scene, job)
        found = scene.overlaps[cell.dataset_name]
        own = {} if found is None else {"n_copied": found.fitted, "n_shared": found.evaluated}
    return EvaluationJob(
        record={
            **_basis(cell, evaluation),
            "split": scene.split,
            "n": len(images),
            "n_seen": _seen(scene, scene.images, job.train),
            "grouped": scene.dataset.grouped,
            **own,
        },
        tables=[Table.of(e, evaluation.view) for e in cell.row.extractors],
        images=images,
    )


def _numbered(scene: _Scene, images: Images, numbers: tuple[int, ...]) -> Images:
    """Give the class numbers that a cell has; files of a run are shared by its cells."""
    if numbers == tuple(range(len(numbers))):
        return images
    if numbers not in scene.numbered:
        scene.numbered[numbers] = images.labelled(np.array(numbers, np.int64)[images.labels])
    return scene.numbered[numbers]


def _seen(scene: _Scene, images: Images, train: Images) -> int:
    which = images.file, train.file
    if which not in scene.seen:
        scene.seen[which] = int(np.isin(images.keys, train.keys).sum())
    return scene.seen[which]


def _overlap(session: Session, cell: Cell, scene: _Scene, job: Job) -> Overlap | None:
    assert scene.sources is not None  # there is no fault
    assert cell.dataset is not None  # it is fitted on it
    fitted = [*job.train.paths, *job.tune.paths]
    return overlap(
        session, (cell.dataset, fitted, job.evaluate.paths), (scene.dataset, scene.sources)
    )


def _look(session: Session, cells: Sequence[Cell]) -> dict[tuple[str, bool], _Scene]:
    """Make the passes over the images of each data set that evaluations are of."""
    datasets: dict[tuple[str, bool], Dataset] = {}
    needed: dict[tuple[str, bool], dict[View, dict[str, Extractor]]] = {}
    for cell in cells:
        for evaluation in cell.evaluations:
            datasets[_place(evaluation)] = evaluation.dataset
            views = needed.setdefault(_place(evaluation), {})
            views.setdefault(evaluation.view, {}).update({_key(e): e for e in cell.row.extractors})
    scenes = {}
    for place, dataset in datasets.items():
        scene = scenes[place] = _Scene(dataset, whole=place[1])
        try:
            _set(session, scene)
            _extract(session, scene, needed[place])
        except DataError as error:
            scene.reason = str(error)
    return scenes


def _set(session: Session, scene: _Scene) -> None:
    dataset = scene.dataset
    _, faults = look_at(
        dataset,
        [],
        jobs=session.settings.jobs,
        reporter=session.reporter,
        extract=session.executor.extract,
    )
    parts = (all_labelled if scene.whole else parts_of)(dataset, faults == "")
    own = task(dataset, parts, WHOLE, 0)
    assert isinstance(own, Task)  # nothing hinders a row itself
    scene.images, scene.split = images_of(dataset, own, session.out)["evaluate"], parts.split
    chosen = dataset.manifest.iloc[parts.evaluate]
    scene.sources = Sources(
        dataset.root.absolute(),
        chosen["path"].tolist(),
        chosen["sha256"].tolist(),
        (chosen["width"] * chosen["height"]).to_numpy(np.int64),
    )


def _extract(
    session: Session, scene: _Scene, needed: Mapping[View, Mapping[str, Extractor]]
) -> None:
    """Make one pass for the views that the same extractors see: one decoding serves them all."""
    passes: dict[tuple[str, ...], list[View]] = {}
    extractors: dict[str, Extractor] = {}
    for view, its in needed.items():
        passes.setdefault(tuple(sorted(its)), []).append(view)
        extractors.update(its)
    assert scene.sources is not None  # there is no fault
    for keys, views in passes.items():
        outcome = session.executor.extract(
            scene.sources,
            [extractors[key] for key in keys],
            views=views,
            jobs=session.settings.jobs,
            progress=session.reporter.stage(f"{scene.dataset.name}: features for protocols"),
        )
        for place, error in outcome.failed.items():
            at, number = divmod(place, len(keys))
            scene.failed[views[at], keys[number]] = error


def _key(extractor: Extractor) -> str:
    return digest(feature_identity(extractor))


def give_up_evaluations(cell: Cell, out: ResultsFolder, status: Status, reason: str) -> None:
    """Write why the evaluations that a cell still lacks have no scores."""
    for evaluation in cell.evaluations:
        if not out.has_evaluation(cell.id, evaluation.id):
            out.write_evaluation(failed_evaluation(cell, evaluation, status, reason))


def complain_of_evaluations(
    cells: Sequence[Cell], records: Mapping[str, Record], out: ResultsFolder, reporter: Reporter
) -> None:
    """Say which evaluations of this run have no scores."""
    for cell in cells:
        record = records.get(cell.id)
        if record is None or record.status != "ok":
            continue
        reasons: dict[str, list[str]] = {}
        for evaluation in cell.evaluations:
            scored = out.load_evaluation(cell.id, evaluation.id)
            if scored is not None and scored.status != "ok":
                what = (
                    f"changed by {evaluation.change}"
                    if evaluation.change
                    else f"of {evaluation.dataset.name}"
                )
                reasons.setdefault(scored.reason, []).append(what)
        for reason, names in reasons.items():
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            where = f"{cell.dataset_name} {cell.row.name}"
            reporter.note(f"{where}: no scores of images {names[0]}{more}: {reason}")
