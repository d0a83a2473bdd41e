"""Makes the cells of a data set ready for the workers: one pass over its images, then the parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.benchmark.audits.leaks import LeakError, settle
from dfbench.benchmark.execution.job import Images, Job
from dfbench.benchmark.execution.job import Table as TableOf
from dfbench.benchmark.execution.reporter import Reporter
from dfbench.benchmark.execution.settings import Settings
from dfbench.benchmark.planning.cell import Cell
from dfbench.benchmark.planning.subsets import Task, task
from dfbench.benchmark.planning.view import view_of
from dfbench.errors import DataError, UnavailableError
from dfbench.features.base import Extractor
from dfbench.features.extraction.single_pass import Outcome, Source, extract, seconds_to_decode
from dfbench.features.extraction.store import Table
from dfbench.features.extraction.store import identity as feature_identity
from dfbench.features.extractors.thumbnail import Thumbnail
from dfbench.files import digest
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Status
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.roles import roles
from dfbench.suites.suite import Budget, OnLeak


@dataclass
class Prepared:
    """The cells of a data set before they run.

    Attributes
    ----------
    jobs
        Of those that can run.
    broken
        Status and reason by cell of those that cannot.
    readable
        Shape (n,): which lines of the manifest can be used; None where nothing can run.
    """

    jobs: list[Job] = field(default_factory=list)
    broken: dict[str, tuple[Status, str]] = field(default_factory=dict)
    readable: NDArray[np.bool_] | None = None


def prepare(
    dataset: Dataset,
    cells: Sequence[Cell],
    budget: Budget,
    out: ResultsFolder,
    settings: Settings,
    reporter: Reporter,
    on_leak: OnLeak = "warn",
) -> Prepared:
    """Bring the features of a data set into the store and lay out the work of its cells.

    Raises
    ------
    UnreadableError
        If an image cannot be read and ``settings.strict``.
    LeakError
        If there are leaks and ``on_leak`` is ``"stop"``.
    """
    view = view_of(dataset)
    needed = {
        digest(feature_identity(extractor, view)): extractor
        for cell in cells
        for extractor in cell.row.extractors
    }
    place = {key: index for index, key in enumerate(needed)}
    extractors = list(needed.values())
    tables = [feature_identity(extractor, view) for extractor in extractors]
    try:
        wanted = [*extractors, Thumbnail()]
        outcome, faults = look_at(dataset, wanted, jobs=settings.jobs, reporter=reporter)
        complain(dataset, faults, strict=settings.strict, reporter=reporter)
        readable = faults == ""
        parts = roles(dataset, readable)
        if len(extractors) in outcome.failed:
            raise DataError(str(outcome.failed[len(extractors)]))
        parts = settle(dataset, faults, parts, out, on_leak, jobs=settings.jobs, reporter=reporter)
    except (UnreadableError, LeakError):
        raise
    except DataError as error:
        return Prepared(broken={cell.id: ("failed", str(error)) for cell in cells})
    shared: dict[str, Any] = {
        "root": dataset.root,
        "figures": list(settings.figures),
        "trials": budget.trials,
        "seconds": budget.seconds,
        "device": settings.device,
        "n_threads": settings.n_threads,
    }
    keys = dataset.manifest["sha256"].iloc[parts.evaluate].tolist()
    decode_seconds = seconds_to_decode(keys, view)
    extract_seconds = [_seconds(table, keys) for table in tables]
    prepared = Prepared(readable=readable)
    asked = {(cell.variant, cell.seed) for cell in cells}
    tasks = {each: task(dataset, parts, *each) for each in asked}
    images = {
        each: images_of(dataset, its) for each, its in tasks.items() if not isinstance(its, str)
    }
    for cell in cells:
        own = tasks[cell.variant, cell.seed]
        if isinstance(own, str):
            prepared.broken[cell.id] = ("skipped", own)
            continue
        used = [place[digest(feature_identity(e, view))] for e in cell.row.extractors]
        errors = [outcome.failed[index] for index in used if index in outcome.failed]
        if errors:
            status: Status = "skipped" if isinstance(errors[0], UnavailableError) else "failed"
            prepared.broken[cell.id] = (status, str(errors[0]))
            continue
        prepared.jobs.append(
            Job(
                out=out,
                record=_known(cell, dataset, own, int((~readable).sum())),
                study=out.study_file(cell.study),
                checkpoints=out.checkpoints(cell.study),
                model=cell.row.model_name,
                tables=[TableOf.of(extractors[index], view) for index in used],
                space=cell.row.space,
                parameters_of=cell.parameters_of,
                **shared | _for_row(images[cell.variant, cell.seed], cell),
                seconds_per_image=decode_seconds + sum(extract_seconds[i] for i in used),
            )
        )
    return prepared


def images_of(dataset: Dataset, task: Task) -> dict[str, Images]:
    """Gather the images of each part."""

    def gather(rows: NDArray[np.intp]) -> Images:
        chosen = dataset.manifest.iloc[rows]
        return Images(
            keys=chosen["sha256"].tolist(),
            labels=task.labels[rows].tolist(),
            paths=chosen["path"].tolist(),
            groups=chosen["group"].tolist(),
            kinds=task.kinds[rows].tolist(),
        )

    parts = task.parts
    return {
        "train": gather(parts.train),
        "tune": gather(parts.tune),
        "evaluate": gather(parts.evaluate),
        "unlabelled": gather(parts.unlabelled),
    }


def look_for_leaks(
    dataset: Dataset, out: ResultsFolder, on_leak: OnLeak, settings: Settings, reporter: Reporter
) -> None:
    """Look for leaks in a data set of which nothing is left to run.

    Raises
    ------
    LeakError
        If there are any and ``on_leak`` is ``"stop"``.
    """
    outcome, faults = look_at(dataset, [Thumbnail()], jobs=settings.jobs, reporter=reporter)
    if outcome.failed:
        return
    try:
        parts = roles(dataset, faults == "")
        settle(dataset, faults, parts, out, on_leak, jobs=settings.jobs, reporter=reporter)
    except LeakError:
        raise
    except DataError as error:
        reporter.note(str(error))


def _for_row(images: dict[str, Images], cell: Cell) -> dict[str, Any]:
    """Give what a job holds of the images; labels in another order, where a row asks for that."""
    # pictures are drawn of rows, not of their variants, nor of what learns nothing
    drawn = not (cell.variant or cell.row.shuffled)
    found: dict[str, Any] = {**images, **({} if drawn else {"figures": []})}
    if cell.row.shuffled:
        rng = np.random.default_rng(cell.seed)
        for part in ("train", "tune"):
            labels = rng.permutation(images[part].labels).tolist()
            found[part] = replace(images[part], labels=labels)
    return found


def look_at(
    dataset: Dataset,
    extractors: Sequence[Extractor],
    *,
    jobs: int,
    reporter: Reporter,
) -> tuple[Outcome, NDArray[np.object_]]:
    """Make the pass over a data set's images.

    Returns
    -------
    Outcome
        What came of it.
    ndarray of shape (n,), dtype object
        For each line of the manifest why it cannot be used, "" where it can.

    Raises
    ------
    DataError
        If a file vanishes or changes on the way.
    """
    manifest = dataset.manifest
    faults = manifest["error"].to_numpy(object).copy()
    chosen = manifest[faults == ""]
    sources = [
        Source(dataset.root / line.path, line.sha256, line.width * line.height)
        for line in chosen.itertuples(index=False)
    ]
    outcome = extract(
        sources,
        extractors,
        views=[view_of(dataset)],
        jobs=jobs,
        progress=reporter.stage(f"{dataset.name}: features"),
    )
    places = np.flatnonzero(faults == "")
    for place, key in zip(places, chosen["sha256"], strict=True):
        faults[place] = outcome.unreadable.get(key, "")
    return outcome, faults


class UnreadableError(DataError):
    """Images that cannot be read, where the user asked for none."""


def complain(
    dataset: Dataset, faults: NDArray[np.object_], *, strict: bool, reporter: Reporter
) -> None:
    """Say how many images cannot be read.

    Raises
    ------
    UnreadableError
        If there are any and ``strict``.
    """
    broken = np.flatnonzero(faults != "")
    if not broken.size:
        return
    path = dataset.manifest["path"].iloc[broken[0]]
    what = (
        f"{broken.size} of {len(faults)} images cannot be read, "
        f"the first: {path}: {faults[broken[0]]}"
    )
    hint = "dfbench data check lists them all"
    if strict:
        raise UnreadableError(what, where=dataset.name, hint=hint)
    reporter.note(f"{dataset.name}: {what}; left out ({hint})")


def _seconds(identity: dict[str, Any], keys: Sequence[str]) -> float:
    with Table(identity) as table:
        return table.seconds(keys)


def basis(cell: Cell) -> dict[str, Any]:
    """Give what a cell's record holds whatever comes of it."""
    return {
        "cell": cell.id,
        "dataset": cell.dataset_name,
        "row": cell.row.name,
        "seed": cell.seed,
        "variant": cell.variant,
        "kind": cell.row.kind,
        "control": cell.row.control,
        "drops_leaks": cell.drops_leaks,
        "identity": cell.identity,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _known(cell: Cell, dataset: Dataset, task: Task, left_out: int) -> dict[str, Any]:
    parts = task.parts
    return {
        **basis(cell),
        "split": parts.split,
        "tuned_on": parts.tuned_on,
        "classes": task.classes,
        "positive": task.positive,
        "grouped": dataset.grouped,
        "n_train": len(parts.train),
        "n_tune": len(parts.tune),
        "n_test": len(parts.evaluate),
        "n_unlabelled": len(parts.unlabelled),
        "n_left_out": left_out,
        "fingerprint": dataset.fingerprint,
    }
