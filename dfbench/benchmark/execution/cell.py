"""One cell from features to scores: tune on validation, score the evaluated part once, write."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from threadpoolctl import threadpool_limits

from dfbench.benchmark.execution.drawing import draw_model
from dfbench.benchmark.execution.evaluating import check_same, give_up, score_evaluations
from dfbench.benchmark.execution.inputs import Given, families, load_inputs, load_parts, widths
from dfbench.benchmark.execution.job import Job
from dfbench.benchmark.execution.scoring import score, worded
from dfbench.benchmark.execution.status import Status
from dfbench.benchmark.machine import forget_peak, peak_bytes
from dfbench.detectors.keeping import check, keep, reloaded
from dfbench.errors import let_stop, one_line
from dfbench.installed import versions
from dfbench.models.base import Inputs, Model, vectors_of, weights_of_blocks
from dfbench.models.selection.problem import Problem
from dfbench.models.selection.refitting import clear, refitted
from dfbench.models.selection.tuning import Budget, Tuned, tune
from dfbench.registry import MODELS, Registry
from dfbench.results.records.records import Part, Record, Scores, Tuning

_LONGEST = 200
"""Characters that a model's words on its probabilities may have."""


@dataclass(frozen=True)
class _Fitted:
    """What a cell came to, and what its model was given."""

    known: dict[str, Any]
    parts: dict[Part, Scores]
    model: Model
    train: Given
    tune: Given
    evaluate: Inputs


def run_cell(job: Job) -> Record:
    """Run a cell and write what came out; an error becomes a record with its reason."""
    if job.finished:
        return _run_again(job)
    start = time.perf_counter()
    fitted: _Fitted | None = None
    forget_peak()
    try:
        with threadpool_limits(job.n_threads):
            fitted = _run(job)
            known = fitted.known
    except BaseException as error:  # noqa: BLE001 - whatever a row does, the others go on
        let_stop(error)
        known = worded(job, error)
    known["seconds"] = time.perf_counter() - start
    known |= {"pictures": job.figures, "versions": versions()}
    record = Record.model_validate({**job.record, **known})
    parts: dict[Part, Scores] = {}
    if fitted is not None:
        parts = dict(fitted.parts)
        record = _kept(job, record, fitted)
    record = job.out.write_cell(record, parts.pop("evaluate", None), parts)
    job.status.unlink(missing_ok=True)
    if fitted is not None:
        score_evaluations(job, record, fitted.model)
        _draw(job, record, fitted.model, job.figures)
    return record


def _draw(job: Job, record: Record, model: Model, figures: Sequence[str]) -> None:
    try:
        draw_model(job, record, model, figures)
    except BaseException as error:  # noqa: BLE001 - a figure costs no result
        let_stop(error)
        worded(job, error)


def _run_again(job: Job) -> Record:
    """Take the model of a finished cell for what it lacks: evaluations, pictures, to be kept."""
    record = job.out.load_record(job.record["cell"])
    assert record is not None  # it is finished
    try:
        with threadpool_limits(job.n_threads):
            model = _kept_model(job, record)
            if model is None:
                fitted = _run(job)
                check_same(job.out, record, fitted.parts["evaluate"])
                model, again = fitted.model, _kept(job, record, fitted)
                if again != record:
                    record = again
                    job.out.rewrite_record(record)
    except BaseException as error:  # noqa: BLE001 - as above
        let_stop(error)
        give_up(job, **worded(job, error))
    else:
        score_evaluations(job, record, model)
        if drawn := [name for name in job.figures if name not in record.pictures]:
            _draw(job, record, model, drawn)
            record = record.model_copy(update={"pictures": [*record.pictures, *drawn]})
            job.out.rewrite_record(record)
    job.status.unlink(missing_ok=True)
    return record


def _kept(job: Job, record: Record, fitted: _Fitted) -> Record:
    """Keep a fitted model, load it, and hold its scores against the stored ones.

    What cannot be kept costs no result: the record says why.
    """
    if job.keeping is None:
        return record
    try:
        with threadpool_limits(job.n_threads):
            keep(
                job.kept,
                record,
                fitted.model,
                job.keeping,
                name=job.model,
                train=fitted.train.all,
                tune=fitted.tune.all,
                tune_labels=fitted.tune.labels,
            )
            loaded = reloaded(
                job.kept, plugins=job.plugins, device=job.device, n_threads=job.n_threads
            )
            check(loaded, fitted.evaluate, fitted.parts["evaluate"].probabilities)
    except BaseException as error:  # noqa: BLE001 - as above
        let_stop(error)
        job.kept.unlink(missing_ok=True)
        return record.model_copy(update={"not_kept": worded(job, error)["reason"]})
    return record.model_copy(update={"not_kept": ""})


def _kept_model(job: Job, record: Record) -> Model | None:
    """Load what was kept of the model of a finished cell; None where that is not to be had."""
    if not job.kept.is_file():
        return None
    try:
        model = reloaded(job.kept, plugins=job.plugins, device=job.device, n_threads=job.n_threads)
        inputs = load_inputs(job, job.evaluate.keys, type(model))
        check_same(job.out, record, score(job, job.evaluate, model, inputs))
    except BaseException as error:  # noqa: BLE001 - whatever is wrong with it, it is fitted once more
        let_stop(error)
        return None
    return model


def _run(job: Job) -> _Fitted:
    model_class: type[Model] = Registry(MODELS, job.plugins).get(job.model).load()
    for library in model_class.libraries:
        import_module(library)
    train = load_parts(job, ["train"], model_class)
    tuning = load_parts(job, ["tune"], model_class)
    x_test = load_inputs(job, job.evaluate.keys, model_class)
    status = Status(job.status)
    problem = _problem(job, model_class, train, tuning, status)
    tuned = tune(
        problem,
        Budget(job.trials, job.seconds, longest=job.timeout / 2),
        storage=job.study,
        study_name=f"{job.record['dataset']} {job.record['row']} seed {job.record['seed']}",
        progress=status.trials,
    )
    model, default, refit_seconds = _of_figures(job, problem, tuned)
    start = time.perf_counter()
    parts: dict[Part, Scores] = {"evaluate": score(job, job.evaluate, model, x_test)}
    seconds = (time.perf_counter() - start) / len(x_test) + job.seconds_per_image
    if default is not model:
        parts["default"] = score(job, job.evaluate, default, x_test)
    # a model that was fitted on these images too would be too sure of them
    parts["tune"] = score(job, job.tune, tuned.model, tuning.images)
    if len(job.unlabelled):
        inputs = load_inputs(job, job.unlabelled.keys, model_class)
        parts["unlabelled"] = score(job, job.unlabelled, model, inputs)
    vectors, blocks = vectors_of(train.all), families(job)
    known = {
        "status": "ok",
        "n_features": None if vectors is None else vectors.shape[1],
        "params": tuned.params,
        "block_weights": dict(zip(blocks, weights_of_blocks(model, len(blocks)), strict=False)),
        "tuning": Tuning(
            trials=tuned.trials,
            seconds=tuned.seconds,
            best_value=tuned.best_value,
            default_value=tuned.default_value,
            stopped_by=tuned.stopped_by,
            **_tuned_for(job, tuned),
        ),
        "probability": one_line(str(model.probability))[:_LONGEST],
        "fit_seconds": tuned.fit_seconds + refit_seconds,
        "predict_images_per_second": 1 / seconds,
        "device": job.device,
        "n_threads": job.n_threads,
        "model_bytes": model.n_bytes(),
        "peak_bytes": peak_bytes(),
        "warnings": [*job.record.get("warnings", ()), *model.doubts(x_test)],
        **tuned.model.report(),
    }
    return _Fitted(known, parts, model, train, tuning, x_test)


def _of_figures(job: Job, problem: Problem, tuned: Tuned) -> tuple[Model, Model, float]:
    """Give the models that figures are of, chosen and default, and the seconds of a refit."""
    if not job.refit:
        return tuned.model, tuned.default, 0.0
    both = load_parts(job, ["train", "tune"], problem.model_class)
    whole = replace(problem, X=both.all, y=both.labels, groups=both.groups, sources=both.sources)
    model, seconds = refitted(whole, tuned.model)
    default = model
    if tuned.default is not tuned.model:
        default, _ = refitted(whole, tuned.default)
    clear(problem.checkpoints, [model.checkpoint, default.checkpoint])
    return model, default, seconds


def _tuned_for(job: Job, tuned: Tuned) -> dict[str, Any]:
    """Give what was tuned for, where it is not what is always told."""
    if job.tune_for == "roc_auc":
        return {}
    own = {"best_figure": tuned.best_figure, "default_figure": tuned.default_figure}
    return {"tune_for": job.tune_for, **own}


def _problem(
    job: Job, model_class: type[Model], train: Given, tuning: Given, status: Status
) -> Problem:
    return Problem(
        model_class,
        train.all,
        train.labels,
        tuning.all,
        tuning.labels,
        n_classes=len(job.record["classes"]),
        seed=job.record["seed"],
        space=job.space,
        blocks=widths(job),
        groups=train.groups,
        sources=train.sources,
        classes=tuple(job.record["classes"]),
        positive=job.record["positive"],
        tune_for=job.tune_for,
        device=job.device,
        n_threads=job.n_threads,
        checkpoints=job.checkpoints,
        watch=status,
        plugins=tuple(job.plugins),
    )
