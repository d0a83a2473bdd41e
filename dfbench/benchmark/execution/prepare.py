"""Makes the cells of a data set ready for the workers: one pass over its images, then the parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dfbench.benchmark.audits.base import Failed, Looked, Ready, audits
from dfbench.benchmark.audits.leaks import LeakError
from dfbench.benchmark.execution.copies import copied
from dfbench.benchmark.execution.images import Images, write_images
from dfbench.benchmark.execution.job import Copies, Job, Table
from dfbench.benchmark.execution.probing import doubts
from dfbench.benchmark.execution.record import known
from dfbench.benchmark.execution.room import peak
from dfbench.benchmark.execution.session import Session
from dfbench.benchmark.execution.settings import Settings
from dfbench.benchmark.planning.cell import Cell
from dfbench.benchmark.planning.subsets import Task, task
from dfbench.benchmark.reading import UnreadableError, complain, faults_of, look_at
from dfbench.benchmark.view import view_of
from dfbench.detectors.contents import SeenFiles
from dfbench.detectors.familiarity import with_copies
from dfbench.detectors.keeping import Keeping, look_at_files
from dfbench.detectors.part import told
from dfbench.errors import DataError, DfbenchError, OutputError, PluginError, UnavailableError
from dfbench.features.base import Extractor
from dfbench.features.internal.square import Square
from dfbench.features.pipeline.shard import Keys, as_keys
from dfbench.features.pipeline.single_pass import Outcome, seconds_to_decode
from dfbench.features.pipeline.store import DamagedError
from dfbench.features.pipeline.table import Table as Stored
from dfbench.files import digest, resolved
from dfbench.models import base as models
from dfbench.models.held import BOUNDS, holding_at_most
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Status
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.parts import Parts, parts_of
from dfbench.suites.repeat import is_first


@dataclass
class Prepared:
    """The cells of a data set before they run.

    Attributes
    ----------
    jobs
        Of those that can run.
    broken
        Status and reason by cell of those that cannot.
    """

    jobs: list[Job] = field(default_factory=list)
    broken: dict[str, tuple[Status, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Scene:
    """A data set after the pass over its images.

    Attributes
    ----------
    parts
        Lines of the manifest.
    readable
        Shape (n,): which lines can be used.
    failed
        Why an extractor has no values, by the hash of its table.
    seconds
        That it takes to extract an image of the figures, by the same.
    widths
        Bytes of a row of each table, by the same.
    decoding
        Seconds that it takes to read and decode it.
    seen
        What the training files are like; None where no model is kept.
    doubts
        What is wrong with an extractor of others, by the hash of its table.
    """

    dataset: Dataset
    parts: Parts
    readable: NDArray[np.bool_]
    failed: dict[str, DfbenchError]
    seconds: dict[str, float]
    widths: dict[str, int]
    decoding: float
    seen: SeenFiles | None
    doubts: dict[str, str]


def prepare(session: Session, dataset: Dataset, cells: Sequence[Cell]) -> Prepared:
    """Bring the features of a data set into the store and lay out the work of its cells.

    Raises
    ------
    UnreadableError
        If an image cannot be read and ``session.settings.strict``.
    LeakError
        If there are leaks and the suite stops at them.
    """
    try:
        try:
            scene = _look(session, dataset, cells)
        except DamagedError:
            scene = _look(session, dataset, cells)  # which computes anew what was dropped
    except (UnreadableError, LeakError):
        raise
    except (DataError, PluginError) as error:
        return Prepared(broken={cell.id: ("failed", str(error)) for cell in cells})
    return _lay_out(session, scene, cells)


# --- the pass, and the parts -----------------------------------------------------------------


def _look(session: Session, dataset: Dataset, cells: Sequence[Cell]) -> _Scene:
    view = view_of(dataset)
    needed = {_key(Table.of(e, view)): e for cell in cells for e in cell.row.extractors}
    controls = {cell.row.control for cell in cells}
    failing = _failing(session, dataset)
    first = is_first(dataset.division)
    wanted = audits(failing, lambda audit: audit.wanted(controls) and (first or audit.vital))
    auditing = {a.audit.name: a.extractor for a in wanted if a.extractor is not None}
    keys_of = {name: _key(Table.of(extractor, view)) for name, extractor in auditing.items()}
    extractors = needed | {keys_of[name]: extractor for name, extractor in auditing.items()}
    outcome, faults = look_at(
        dataset,
        list(extractors.values()),
        jobs=session.settings.jobs,
        reporter=session.reporter,
        extract=session.executor.extract,
    )
    _complain(session, dataset, faults)
    failed = {key: outcome.failed[i] for i, key in enumerate(extractors) if i in outcome.failed}
    parts = parts_of(dataset, faults == "")
    for ready in wanted:
        error = failed.get(keys_of.get(ready.audit.name, ""))
        if error is None:
            parts = _audited(session, ready, Looked(dataset, faults, parts, session.settings.jobs))
        elif ready.part.built_in and ready.audit.vital:
            raise DataError(str(error))
        else:
            failing(ready.part.broken(error), ready.audit.vital)
    keys = as_keys(dataset.manifest["sha256"].iloc[parts.evaluate].tolist())
    tables = {key: _told(Table.of(e, view), keys) for key, e in needed.items()}
    return _Scene(
        dataset,
        parts,
        readable=faults == "",
        failed=failed,
        seconds={key: seconds for key, (seconds, _) in tables.items()},
        widths={key: width for key, (_, width) in tables.items()},
        decoding=seconds_to_decode(keys, view),
        seen=_seen(dataset, parts) if session.keeps_models else None,
        doubts=_doubts(session, dataset, faults, outcome, extractors, failed),
    )


def _seen(dataset: Dataset, parts: Parts) -> SeenFiles | None:
    chosen = dataset.manifest.iloc[parts.train]
    facts = (chosen[key].tolist() for key in ("path", "width", "height", "format"))
    return look_at_files(dataset.root, *facts)


def _doubts(
    session: Session,
    dataset: Dataset,
    faults: NDArray[np.object_],
    outcome: Outcome,
    extractors: dict[str, Extractor],
    failed: dict[str, DfbenchError],
) -> dict[str, str]:
    """Say what is wrong with extractors of others that gave vectors of all images."""
    whole = {key: extractor for key, extractor in extractors.items() if key not in failed}
    found = doubts(session, dataset, np.flatnonzero(faults == ""), whole)
    for at, (key, extractor) in enumerate(extractors.items()):
        if at in outcome.ended and key in whole:
            why = f"the {extractor.where} {outcome.ended[at]}, and was begun anew"
            found[key] = "; ".join(filter(None, [found.get(key), why]))
    return found


def _complain(session: Session, dataset: Dataset, faults: NDArray[np.object_]) -> None:
    if is_first(dataset.division):
        complain(
            dataset,
            faults,
            strict=session.settings.strict,
            reporter=session.reporter,
            folder=session.out,
        )


def _failing(session: Session, dataset: Dataset) -> Failed:
    """Note why an audit does not look; be an error where the run must not go without it."""

    def failing(error: PluginError, vital: bool) -> None:
        if vital:
            raise error
        session.reporter.note(f"{dataset.name}: {error}")

    return failing


def _audited(session: Session, ready: Ready, looked: Looked) -> Parts:
    """Look for what an audit looks for, keep it, and do about it what the suite asks for."""
    assert looked.parts is not None
    audit, dataset = ready.audit, looked.dataset
    try:
        with ready.blamed():
            kept = audit.look(looked, session.out)
            parts: object = audit.settle(kept, looked, session.on_leak, session.reporter)
            if not isinstance(parts, Parts):
                raise TypeError(f"settle gives {parts!r}, no Parts")
            return parts
    except DfbenchError as error:
        if audit.vital or isinstance(error, DamagedError):
            raise
        said = f"{audit.name} cannot be named: {error}" if ready.part.built_in else str(error)
        session.reporter.note(f"{dataset.name}: {said}")
        return looked.parts


def _key(table: Table) -> str:
    return digest(table.identity)


def _told(table: Table, keys: Keys) -> tuple[float, int]:
    """Give the seconds that a value took, and its bytes."""
    with Stored(table.identity) as stored:
        return stored.seconds(keys), stored.value_length() or 0


def audit_again(session: Session, dataset: Dataset) -> None:
    """Look once more at a data set of which nothing is left to run.

    For what a run must not go without, and for what takes no extractor.

    Raises
    ------
    UnreadableError
        If an image cannot be read and ``session.settings.strict``.
    LeakError
        If there are leaks and the suite stops at them.
    """

    def failed(error: PluginError, vital: bool) -> None:
        session.reporter.note(f"{dataset.name}: {error}")

    wanted = audits(failed, lambda audit: audit.vital or audit.needs() is None)
    jobs, reporter = session.settings.jobs, session.reporter
    extract = session.executor.extract
    faults = faults_of(dataset, jobs=jobs, reporter=reporter, extract=extract)
    _complain(session, dataset, faults)
    try:
        parts = parts_of(dataset, faults == "")
    except DataError as error:
        session.reporter.note(str(error))
        return
    looked = Looked(dataset, faults, parts, jobs)
    extractors = [
        ready.extractor
        for ready in wanted
        if ready.extractor is not None and not _answered(session, ready, looked)
    ]
    lacking: set[int] = set()
    if extractors:
        outcome, _ = look_at(dataset, extractors, jobs=jobs, reporter=reporter, extract=extract)
        lacking = {id(extractors[place]) for place in outcome.failed}
    for ready in wanted:
        if id(ready.extractor) in lacking:
            continue
        try:
            parts = _audited(session, ready, Looked(dataset, faults, parts, session.settings.jobs))
        except LeakError:
            raise
        except (DataError, PluginError) as error:
            session.reporter.note(str(error))


def _answered(session: Session, ready: Ready, looked: Looked) -> bool:
    """Whether what an audit found before still stands, so that it need not look at images."""
    audit = ready.audit
    try:
        kept = session.out.read_findings(audit.name, looked.dataset.fingerprint, audit.form)
        with ready.blamed():
            return kept is not None and audit.answers(kept, looked)
    except OutputError:
        return False
    except PluginError:
        return False  # it breaks where it is asked to look, and is blamed there


# --- the jobs --------------------------------------------------------------------------------


def _lay_out(session: Session, scene: _Scene, cells: Sequence[Cell]) -> Prepared:
    prepared = Prepared()
    asked = {(cell.subset, cell.seed) for cell in cells}
    tasks = {each: task(scene.dataset, scene.parts, *each) for each in asked}
    images = {
        each: images_of(scene.dataset, its, session.out)
        for each, its in tasks.items()
        if not isinstance(its, str)
    }
    copies = copied(session, scene.dataset, scene.parts, cells)
    for cell in cells:
        which = cell.subset, cell.seed
        own = tasks[which]
        tables = [Table.of(extractor, view_of(scene.dataset)) for extractor in cell.row.extractors]
        if isinstance(own, str):
            prepared.broken[cell.id] = ("skipped", own)
        elif (error := _error(scene, tables) or copies.error(cell)) is not None:
            status: Status = "skipped" if isinstance(error, UnavailableError) else "failed"
            prepared.broken[cell.id] = (status, str(error))
        else:
            its = _labelled(cell, images[which])
            its_copies = copies.of(cell, own, its)
            prepared.jobs.append(_job(session, scene, cell, own, its, its_copies, tables))
    return prepared


def _error(scene: _Scene, tables: Sequence[Table]) -> DfbenchError | None:
    return next((scene.failed[key] for key in map(_key, tables) if key in scene.failed), None)


def _job(
    session: Session,
    scene: _Scene,
    cell: Cell,
    task: Task,
    own: dict[str, Images],
    copies: tuple[Copies, ...],
    tables: list[Table],
) -> Job:
    n_fitted = len(own["train"]) + sum(len(each.train) for each in copies)
    needs = _needs(scene, cell, task, copies, tables)
    keeping, why = _keeping(session, scene, cell)
    record = known(cell, scene.dataset, task, int((~scene.readable).sum()))
    warnings = [scene.doubts[key] for key in map(_key, tables) if key in scene.doubts]
    return Job(
        out=session.out,
        root=scene.dataset.root,
        record={**record, "not_kept": why, "warnings": warnings},
        study=session.out.study_file(cell.study),
        checkpoints=session.out.checkpoints(cell.study),
        model=cell.row.model_name,
        tables=tables,
        space=cell.row.space,
        parameters_of=cell.parameters_of,
        copies=copies,
        train=own["train"],
        tune=own["tune"],
        evaluate=own["evaluate"],
        unlabelled=own["unlabelled"],
        figures=_figures(cell, session.settings),
        trials=cell.budget.trials,
        seconds=cell.budget.seconds,
        tune_for=cell.chosen_by,
        refit=cell.is_refitted,
        device=session.settings.device,
        n_threads=session.settings.n_threads,
        timeout=session.settings.timeout(n_fitted),
        seconds_per_image=scene.decoding + sum(scene.seconds[_key(table)] for table in tables),
        keeping=keeping,
        plugins=tuple(resolved(path) for path in session.settings.plugins),
        memory=needs[0][1],
        less=tuple(needs[1:]),
    )


def _needs(
    scene: _Scene, cell: Cell, task: Task, copies: Sequence[Copies], tables: Sequence[Table]
) -> list[tuple[int, int]]:
    """Give the memory that a cell takes under each bound of what its model holds."""
    model = cell.row.model
    assert model is not None  # a row without one is derived
    parts = task.parts
    rows = [len(part) for part in (parts.train, parts.tune, parts.evaluate, parts.unlabelled)]
    rows[0] += sum(len(each.train) for each in copies)
    rows[1] += sum(len(each.tune) for each in copies)
    widths = [scene.widths[_key(table)] for table in tables]
    values = [
        width // np.dtype(table.dtype).itemsize for width, table in zip(widths, tables, strict=True)
    ]
    n_fitted = rows[0]
    if cell.is_refitted:
        n_fitted += rows[1]
        rows.append(n_fitted)
    sizes = models.Task(n_fitted, sum(values), len(task.classes))
    found = []
    for bound in BOUNDS:
        with holding_at_most(bound):
            found.append((bound, peak(model, sizes, cell.row.space, rows, sum(widths))))
    return found


def _keeping(session: Session, scene: _Scene, cell: Cell) -> tuple[Keeping | None, str]:
    """Say what is kept beside a fitted model, or why none is; of subsets of a row none is."""
    if not cell.is_whole or not (session.keeps_models or cell.lacks_model):
        return None, ""
    named = [each for each in cell.row.extractors if not isinstance(each, Square)]
    try:
        extractors = [told(extractor) for extractor in named]
    except DfbenchError as error:
        session.reporter.note(f"{cell.row.name}: its model is not kept: {error}")
        return None, str(error)
    views = [view_of(scene.dataset, chain).chain for chain in cell.row.views]
    seen = None if scene.seen is None else with_copies(scene.seen, views)
    return Keeping(extractors, view_of(scene.dataset).normal, seen), ""


def _figures(cell: Cell, settings: Settings) -> list[str]:
    # pictures are drawn of rows, not of their subsets, nor of what learns nothing
    return [] if not cell.is_whole or cell.row.shuffled else list(settings.figures)


def _labelled(cell: Cell, images: dict[str, Images]) -> dict[str, Images]:
    """Give the images of each part; labels in another order, where a row asks for that."""
    if not cell.row.shuffled:
        return images
    rng = np.random.default_rng(cell.seed)
    shuffled = {
        part: images[part].labelled(rng.permutation(images[part].labels))
        for part in ("train", "tune")
    }
    return images | shuffled


def images_of(dataset: Dataset, task: Task, out: ResultsFolder) -> dict[str, Images]:
    """Write down the images of each part."""

    def gather(rows: NDArray[np.intp]) -> Images:
        chosen = dataset.manifest.iloc[rows]
        return write_images(
            out.parts,
            chosen["sha256"].tolist(),
            task.labels[rows],
            chosen["path"].tolist(),
            chosen["group"].tolist(),
            task.kinds[rows].tolist(),
        )

    parts = task.parts
    return {
        "train": gather(parts.train),
        "tune": gather(parts.tune),
        "evaluate": gather(parts.evaluate),
        "unlabelled": gather(parts.unlabelled),
    }
