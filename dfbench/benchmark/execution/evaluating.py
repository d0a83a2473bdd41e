"""Scoring evaluations in a worker: the very model of a cell, other images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from dfbench.benchmark.execution.inputs import load_inputs
from dfbench.benchmark.execution.job import Job
from dfbench.benchmark.execution.scoring import score, worded
from dfbench.detectors.keeping import SAME
from dfbench.errors import DfbenchError, let_stop
from dfbench.models.base import Model
from dfbench.models.selection.calibration import parse_rule, threshold
from dfbench.results.records.evaluations import EvaluationRecord
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record, Scores, Status


def check_same(out: ResultsFolder, record: Record, scores: Scores) -> None:
    """Check that a cell's model, fitted once more, is the one that its figures are of.

    Raises
    ------
    DfbenchError
        If its scores differ by more than rounding.
    """
    stored = out.read_scores(record)
    if stored.images != scores.images:
        raise DfbenchError("fitted once more it scores other images than before")
    off = float(np.abs(stored.probabilities - scores.probabilities).max(initial=0.0))
    if off > SAME:
        raise DfbenchError(
            f"fitted once more the model gives other scores (by up to {off:.2g}), so that its "
            "scores of other images would be those of another model",
            hint="run it anew in another --out, with the protocol from the start",
        )


def operating_point(record: Record, tune: Scores) -> float | None:
    """Give the score from which on a row decides for the positive class, chosen on tuning.

    The row's own where a rule of its own chose one, else Youden's; None with several classes.
    """
    if record.threshold is not None or len(record.classes) != 2:
        return record.threshold
    which = 1 if record.positive is None else record.positive
    rule = parse_rule("youden")
    return threshold(tune.probabilities[:, which], tune.labels == which, rule)


def score_evaluations(job: Job, record: Record, model: Model) -> None:
    """Score each evaluation of a job and write it; what cannot be scored costs no other.

    Inputs are loaded one evaluation after the other, so that memory holds those of one.
    """
    if not job.evaluations:
        return
    try:
        point = operating_point(record, job.out.read_scores(record, "tune"))
    except DfbenchError as error:
        give_up(job, **worded(job, error))
        return
    for evaluation in job.evaluations:
        known = EvaluationRecord(status="ok", threshold=point, **evaluation.record)
        scores: Scores | None = None
        try:
            with threadpool_limits(job.n_threads):
                of_evaluation = replace(job, tables=evaluation.tables)
                inputs = load_inputs(of_evaluation, evaluation.images.keys, type(model))
                scores = score(job, evaluation.images, model, inputs, grouped=known.grouped)
        except BaseException as error:  # noqa: BLE001 - the cell and the others stay
            let_stop(error)
            known = known.model_copy(update=worded(job, error))
        job.out.write_evaluation(known, scores)


def give_up(job: Job, *, status: Status, reason: str) -> None:
    """Write for each evaluation that a job has not scored why it has no scores."""
    for evaluation in job.evaluations:
        known = EvaluationRecord(status=status, reason=reason, **evaluation.record)
        if not job.out.has_evaluation(known.cell, known.probe):
            job.out.write_evaluation(known)
