"""One cell from features to scores: tune on validation, score the evaluated part once, write."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from dfbench.benchmark.execution.drawing import draw_model
from dfbench.benchmark.execution.evaluating import check_same, give_up, score_evaluations
from dfbench.benchmark.execution.inputs import load_inputs, vectors_of, widths
from dfbench.benchmark.execution.job import Job
from dfbench.benchmark.execution.scoring import score, worded
from dfbench.benchmark.execution.status import Status
from dfbench.benchmark.machine import forget_peak, peak_bytes, versions
from dfbench.models.base import Inputs, Model
from dfbench.models.selection.problem import Problem
from dfbench.models.selection.tuning import Budget, tune
from dfbench.registry import MODELS, Registry
from dfbench.results.records.records import Part, Record, Scores, Tuning


def run_cell(job: Job) -> Record:
    """Run a cell and write what came out; an error becomes a record with its reason."""
    if job.finished:
        return _run_again(job)
    start = time.perf_counter()
    parts: dict[Part, Scores] = {}
    model: Model | None = None
    forget_peak()
    try:
        with threadpool_limits(job.n_threads):
            known, parts, model = _run(job)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a row does, the others go on
        known = worded(job, error)
    known["seconds"] = time.perf_counter() - start
    record = Record.model_validate({**job.record, **known, "versions": versions()})
    job.out.write_cell(record, parts.pop("evaluate", None), parts)
    job.status.unlink(missing_ok=True)
    if model is not None:
        score_evaluations(job, record, model)
        try:
            draw_model(job, record, model)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a figure costs no result
            worded(job, error)
    return record


def _run_again(job: Job) -> Record:
    """Fit the model of a finished cell once more, for the evaluations that it lacks."""
    record = job.out.load_record(job.record["cell"])
    assert record is not None  # it is finished
    try:
        with threadpool_limits(job.n_threads):
            _, parts, model = _run(job)
        check_same(job.out, record, parts["evaluate"])
    except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
        give_up(job, **worded(job, error))
    else:
        score_evaluations(job, record, model)
    job.status.unlink(missing_ok=True)
    return record


def _run(job: Job) -> tuple[dict[str, Any], dict[Part, Scores], Model]:
    model_class: type[Model] = Registry(MODELS).get(job.model).load()
    for library in model_class.libraries:
        import_module(library)
    x_train, x_tune, x_test = (
        load_inputs(job, images, model_class) for images in (job.train, job.tune, job.evaluate)
    )
    tuned = tune(
        _problem(job, model_class, x_train, x_tune),
        Budget(job.trials, job.seconds),
        storage=job.study,
        study_name=f"{job.record['dataset']} {job.record['row']} seed {job.record['seed']}",
    )
    model = tuned.model
    start = time.perf_counter()
    parts: dict[Part, Scores] = {"evaluate": score(job, job.evaluate, model, x_test)}
    seconds = (time.perf_counter() - start) / len(x_test) + job.seconds_per_image
    if tuned.default is not model:
        parts["default"] = score(job, job.evaluate, tuned.default, x_test)
    parts["tune"] = score(job, job.tune, model, x_tune)
    if job.unlabelled.keys:
        inputs = load_inputs(job, job.unlabelled, model_class)
        parts["unlabelled"] = score(job, job.unlabelled, model, inputs)
    vectors = vectors_of(x_train)
    known = {
        "status": "ok",
        "n_features": None if vectors is None else vectors.shape[1],
        "params": tuned.params,
        "tuning": Tuning(
            trials=tuned.trials,
            seconds=tuned.seconds,
            best_value=tuned.best_value,
            default_value=tuned.default_value,
            stopped_by=tuned.stopped_by,
        ),
        "fit_seconds": tuned.fit_seconds,
        "predict_images_per_second": 1 / seconds,
        "device": job.device,
        "n_threads": job.n_threads,
        "model_bytes": model.n_bytes(),
        "peak_bytes": peak_bytes(),
        **model.report(),
    }
    return known, parts, model


def _problem(job: Job, model_class: type[Model], x_train: Inputs, x_tune: Inputs) -> Problem:
    return Problem(
        model_class,
        x_train,
        np.asarray(job.train.labels, dtype=np.int64),
        x_tune,
        np.asarray(job.tune.labels, dtype=np.int64),
        n_classes=len(job.record["classes"]),
        seed=job.record["seed"],
        space=job.space,
        blocks=widths(job),
        device=job.device,
        n_threads=job.n_threads,
        checkpoints=job.checkpoints,
        watch=Status(job.status),
    )
