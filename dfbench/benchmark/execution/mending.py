"""What a damaged row of the store took down: the row is computed anew, and that runs once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dfbench.benchmark.execution.images import Images
from dfbench.benchmark.execution.job import Job
from dfbench.benchmark.execution.session import Session
from dfbench.benchmark.view import view_of
from dfbench.errors import DataError
from dfbench.features.base import Extractor
from dfbench.features.pipeline.shard import raw
from dfbench.features.pipeline.single_pass import Sources, look_up
from dfbench.features.views.view import View
from dfbench.models.selection.space import Space
from dfbench.results.records.records import Record
from dfbench.suites.datasets.manifest import Dataset


@dataclass(frozen=True, eq=False)
class _Look:
    """Images that extractors have seen in a view."""

    images: Sources
    extractors: Sequence[Extractor]
    view: View

    def lacks(self) -> bool:
        """Whether the store has not all that came of it."""
        return look_up(self.images, self.extractors, [self.view]).wanted.size > 0


@dataclass(frozen=True, eq=False)
class Torn:
    """What did not run as the store lacks what it had when the run began.

    Attributes
    ----------
    job
        What is to run once more.
    looks
        What is to be seen again before.
    """

    job: Job
    looks: list[_Look]


def torn_by(session: Session, job: Job, record: Record) -> Torn | None:
    """Say what of a job failed as rows of the store were dropped; None where that is not why."""
    again = _failed(session, job, record)
    if again is None:
        return None
    looks = [each for each in _looks(session, job) if each.lacks()]
    return Torn(again, looks) if looks else None


def _failed(session: Session, job: Job, record: Record) -> Job | None:
    if record.status == "failed":
        return job
    if record.status != "ok":
        return None
    failed = []
    for each in job.evaluations:
        found = session.out.load_evaluation(each.record["cell"], each.record["probe"])
        if found is not None and found.status == "failed":
            failed.append(each)
    space = Space(record.params, search=False)
    return replace(job, finished=True, space=space, evaluations=failed) if failed else None


def _looks(session: Session, job: Job) -> list[_Look]:
    cell = next(each for each in session.plan.cells if each.id == job.record["cell"])
    assert cell.dataset is not None  # it ran
    extractors, view = cell.row.extractors, view_of(cell.dataset)
    parts = (job.train, job.tune, job.evaluate, job.unlabelled)
    found = [_Look(_sources(cell.dataset, images), extractors, view) for images in parts]
    for chain, copies in zip(cell.row.views, job.copies, strict=True):
        changed = view_of(cell.dataset, chain)
        for part in (copies.train, copies.tune):
            found.append(_Look(_sources(cell.dataset, part), extractors, changed))
    for evaluation in cell.evaluations:
        for each in job.evaluations:
            if each.record["probe"] == evaluation.id:
                images = _sources(evaluation.dataset, each.images)
                found.append(_Look(images, extractors, evaluation.view))
    return found


def _sources(dataset: Dataset, images: Images) -> Sources:
    keys = [row.tobytes().hex() for row in raw(images.keys)]
    manifest = dataset.manifest
    pixels = dict(zip(manifest["sha256"], manifest["width"] * manifest["height"], strict=True))
    sizes = np.array([pixels.get(key, 0) for key in keys], np.int64)
    return Sources(dataset.root.absolute(), images.paths, keys, sizes)


def mended(session: Session, torn: Sequence[Torn]) -> list[Job]:
    """Compute anew what the store has dropped, and give the jobs that have all they need now."""
    rows: dict[str, list[str]] = {}
    for each in torn:
        rows.setdefault(each.job.record["dataset"], []).append(each.job.record["row"])
    for dataset, names in rows.items():
        session.reporter.note(
            f"{dataset}: stored features were damaged: they are computed anew, and what needs them"
            f" runs once more: {', '.join(dict.fromkeys(names))}"
        )
    jobs = [each.job for each in torn if _whole(session, each)]
    for job in jobs:
        # a worker of a cluster would take it for what came of the job this time
        if not job.finished:
            session.out.record_file(job.record["cell"]).unlink(missing_ok=True)
    return jobs


def _whole(session: Session, torn: Torn) -> bool:
    try:
        for look in torn.looks:
            session.executor.extract(
                look.images,
                look.extractors,
                views=[look.view],
                jobs=session.settings.jobs,
                progress=session.reporter.stage(f"{torn.job.record['dataset']}: features"),
            )
    except DataError as error:
        session.reporter.note(str(error))
    return not any(look.lacks() for look in torn.looks)
