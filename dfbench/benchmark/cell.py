"""One cell from features to scores: tune on validation, score the evaluated part once, write."""

from __future__ import annotations

import time
import traceback
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from dfbench._version import __version__
from dfbench.benchmark.job import Job, Part
from dfbench.errors import DfbenchError, UnavailableError
from dfbench.features.store import load_features
from dfbench.files import write_text
from dfbench.models.base import Model
from dfbench.models.tuning import Budget, tune
from dfbench.registry import MODELS, Registry
from dfbench.results.records import Record, Scores, Tuning
from dfbench.results.store import write_cell

_PACKAGES = ("numpy", "scikit-learn", "xgboost", "torch", "torchvision", "timm", "optuna")


def versions() -> dict[str, str]:
    """Give the versions of what the scores rest on, without importing it."""
    found = {"dfbench": __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def run_cell(job: Job) -> Record:
    """Run a cell and write what came out; an error becomes a record with its reason."""
    start = time.perf_counter()
    scores: Scores | None = None
    try:
        with threadpool_limits(job.n_threads):
            known, scores = _run(job)
    except UnavailableError as error:
        known = {"status": "skipped", "reason": str(error)}
    except DfbenchError as error:
        known = {"status": "failed", "reason": str(error)}
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a row does, the others go on
        write_text(job.log, traceback.format_exc())
        reason = f"{type(error).__name__}: {error} (traceback in {job.log.relative_to(job.out)})"
        known = {"status": "failed", "reason": " ".join(reason.split())}
    known["seconds"] = time.perf_counter() - start
    record = Record.model_validate({**job.record, **known, "versions": versions()})
    write_cell(job.out, record, scores)
    return record


def _run(job: Job) -> tuple[dict[str, Any], Scores]:
    model_class: type[Model] = Registry(MODELS).get(job.model).load()
    for library in model_class.libraries:
        import_module(library)
    n_classes = len(job.record["classes"])
    (x_train, y_train), (x_tune, y_tune), (x_test, y_test) = (
        _load(job, part, model_class) for part in (job.train, job.tune, job.evaluate)
    )
    tuned = tune(
        model_class,
        x_train,
        y_train,
        x_tune,
        y_tune,
        n_classes=n_classes,
        budget=Budget(job.trials, job.seconds),
        seed=job.record["seed"],
        device=job.device,
        n_threads=job.n_threads,
        storage=job.study,
        study_name=f"{job.record['dataset']} {job.record['row']} seed {job.record['seed']}",
    )
    start = time.perf_counter()
    probabilities = tuned.model.predict_proba(x_test)
    seconds = (time.perf_counter() - start) / len(y_test) + job.seconds_per_image
    if not np.isfinite(probabilities).all():
        raise DfbenchError("the model's probabilities are not finite", where=job.record["row"])
    known = {
        "status": "ok",
        "n_features": x_train.shape[1] if model_class.inputs == "features" else None,
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
    }
    # an image without a group is a group of its own
    units = [group or f"\0{image}" for group, image in zip(job.groups, job.images, strict=True)]
    groups = np.unique(units, return_inverse=True)[1] if job.record["grouped"] else None
    scores = Scores(images=job.images, labels=y_test, groups=groups, probabilities=probabilities)
    return known, scores


def _load(job: Job, part: Part, model_class: type[Model]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    columns = [load_features(identity, part.keys, dtype) for identity, dtype in job.features]
    values = columns[0] if len(columns) == 1 else np.hstack(columns)
    if model_class.inputs == "images":
        side = model_class.image_size
        values = values.reshape(len(values), side, side, 3)
    return values, np.asarray(part.labels, dtype=np.int64)
