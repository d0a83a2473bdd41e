"""Rows made of the scores of others: ensembles, calibration, thresholds. Nothing is trained.

Where weights are chosen on folds of train, cells of the members have scored these before.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from dfbench.benchmark.execution.evaluating import check_same, operating_point
from dfbench.benchmark.execution.evaluations import failed_evaluation
from dfbench.benchmark.execution.record import basis
from dfbench.benchmark.planning.cell import Cell
from dfbench.benchmark.planning.evaluation import Evaluation
from dfbench.detectors.keeping import keep_derived
from dfbench.errors import DfbenchError
from dfbench.models.selection.ensembles import Combination, Combined, OutOfFold, combine
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Part, Record, Scores

_SHARED = (
    "split",
    "tuned_on",
    "classes",
    "positive",
    "grouped",
    "n_train",
    "n_tune",
    "n_test",
    "n_unlabelled",
    "n_left_out",
    "fingerprint",
    "device",
    "n_threads",
)
"""What a derived record has from its members."""


def run_derived(
    cell: Cell, records: Mapping[str, Record], out: ResultsFolder, *, keeps: bool
) -> Record:
    """Make a derived cell of its members' scores and write it.

    What it chooses (weights, temperature, threshold) it chooses on the tuning split, or the weights
    on folds of train.

    Parameters
    ----------
    cell
        Of a derived row.
    records
        By cell, those of its members among them, and those that scored folds.
    keeps
        Whether what it fits is kept.
    """
    start = time.perf_counter()
    parts: dict[Part, Scores] = {}
    combined: Combined | None = None
    try:
        members = [records[member.id] for member in cell.members]
        for record in members:
            if record.status != "ok":
                raise _MissingError(f"it is made of {record.row}, which was {record.status}")
        combined, parts = _combined(cell, records, out)
        known = _known(combined, members, _on_folds(cell, records))
    except _MissingError as error:
        known = {"status": "skipped", "reason": str(error)}
    except DfbenchError as error:
        known = {"status": "failed", "reason": str(error)}
    known["seconds"] = time.perf_counter() - start
    record = Record.model_validate({**basis(cell), **known})
    if combined is not None and keeps and cell.is_whole:
        record = _kept(cell, record, combined, out)
    return out.write_cell(record, parts.pop("evaluate", None), parts)


class _MissingError(DfbenchError):
    pass


def _combined(
    cell: Cell, records: Mapping[str, Record], out: ResultsFolder
) -> tuple[Combined, dict[Part, Scores]]:
    spec = cell.row.derived
    assert spec is not None
    members = [records[member.id] for member in cell.members]
    first = members[0]
    wanted: list[Part] = ["tune", "evaluate"]
    if first.n_unlabelled:
        wanted.append("unlabelled")
    scores = {part: [out.read_scores(record, part) for record in members] for part in wanted}
    for part, of_members in scores.items():
        _check_images(of_members, part)
    tuned = scores["tune"]
    combined: Combined = combine(
        [its.probabilities for its in tuned],
        tuned[0].labels,
        members=[record.row for record in members],
        combination=Combination(spec.combine, spec.calibrate, spec.threshold),
        positive=first.positive,
        seed=cell.seed,
        kinds=tuned[0].kinds,
        classes=first.classes,
        out_of_fold=_out_of_fold(cell, records, out) if spec.folds is not None else None,
    )
    return combined, {part: _apply(combined, its) for part, its in scores.items()}


def _out_of_fold(cell: Cell, records: Mapping[str, Record], out: ResultsFolder) -> OutOfFold:
    """Put together what members scored that were fitted without it, fold by fold."""
    by_fold = []
    for cells in cell.folds:
        of_members = []
        for its in cells:
            record = records[its.id]
            if record.status != "ok":
                why = f"{record.status}: {record.reason}"
                raise _MissingError(
                    f"it is made of {record.row}, {record.variant}, which was {why}"
                )
            of_members.append(out.read_scores(record))
        _check_images(of_members, cells[0].subset.name)
        by_fold.append(of_members)
    firsts = [of_members[0] for of_members in by_fold]
    told = all(its.kinds is not None for its in firsts)
    return OutOfFold(
        [np.concatenate([s.probabilities for s in its]) for its in zip(*by_fold, strict=True)],
        np.concatenate([its.labels for its in firsts]),
        np.repeat(np.arange(1, len(firsts) + 1), [len(its.images) for its in firsts]),
        [kind for its in firsts for kind in its.kinds or ()] if told else None,
    )


def _on_folds(cell: Cell, records: Mapping[str, Record]) -> list[Record]:
    """Give the records of the fits on folds, each once."""
    return list({its.id: records[its.id] for fold in cell.folds for its in fold}.values())


def _check_images(of_members: Sequence[Scores], what: str) -> None:
    if any(its.images != of_members[0].images for its in of_members):
        raise DfbenchError(f"the members were not scored on the same images ({what})")


def _apply(combined: Combined, of_members: Sequence[Scores]) -> Scores:
    probabilities = combined.apply([its.probabilities for its in of_members])
    return of_members[0].model_copy(update={"probabilities": np.asarray(probabilities)})


def _known(
    combined: Combined, members: Sequence[Record], on_folds: Sequence[Record]
) -> dict[str, Any]:
    first = members[0]
    rates = [record.predict_images_per_second for record in members]
    return {
        **{key: getattr(first, key) for key in _SHARED},
        "status": "ok",
        "threshold": combined.threshold,
        "combination": combined.describe(),
        "probability": combined.probability,
        "refit": any(record.refit for record in members),
        # one after the other
        "fit_seconds": sum(record.fit_seconds or 0.0 for record in (*members, *on_folds)),
        "predict_images_per_second": 1 / sum(1 / rate for rate in rates if rate),
        "versions": first.versions,
    }


def _kept(cell: Cell, record: Record, combined: Combined, out: ResultsFolder) -> Record:
    """Keep what a derived cell fits; where that cannot be the record says why."""
    absent = [each.row.name for each in cell.members if not out.model_file(each.id).is_file()]
    reason = f"the model of its member {absent[0]!r} is not kept" if absent else ""
    if not absent:
        members = [each.id for each in cell.members]
        try:
            keep_derived(out.model_file(cell.id), record, combined, members)
        except DfbenchError as error:
            reason = str(error)
    return record.model_copy(update={"not_kept": reason})


def keep_finished(cell: Cell, records: Mapping[str, Record], out: ResultsFolder) -> None:
    """Keep what a finished derived cell fits; it is fitted again for that."""
    record = records[cell.id]
    with suppress(DfbenchError):
        combined, parts = _combined(cell, records, out)
        check_same(out, record, parts["evaluate"])
        again = _kept(cell, record, combined, out)
        if again != record:
            out.rewrite_record(again)


def evaluate_derived(cell: Cell, records: Mapping[str, Record], out: ResultsFolder) -> None:
    """Combine what the members of a finished derived cell scored beside their own images.

    Parameters
    ----------
    cell
        Of a derived row; its evaluations are those that it lacks.
    records
        By cell, its own and those of its members among them.
    """
    record = records[cell.id]
    if record.status != "ok":
        return
    members = [records[member.id] for member in cell.members]
    try:
        combined, parts = _combined(cell, records, out)
        check_same(out, record, parts["evaluate"])
        point = operating_point(record, parts["tune"])
    except DfbenchError as error:
        for evaluation in cell.evaluations:
            out.write_evaluation(failed_evaluation(cell, evaluation, "failed", str(error)))
        return
    for evaluation in cell.evaluations:
        _evaluate(cell, evaluation, combined, members, point, out)


def _evaluate(
    cell: Cell,
    evaluation: Evaluation,
    combined: Combined,
    members: Sequence[Record],
    point: float | None,
    out: ResultsFolder,
) -> None:
    try:
        scores = []
        for member in members:
            its = out.load_evaluation(member.cell, evaluation.id)
            if its is None or its.status != "ok":
                why = "not scored" if its is None else f"{its.status}: {its.reason}"
                raise _MissingError(f"it is made of {member.row}, which has no scores ({why})")
            known = its.model_copy(update={"cell": cell.id, "threshold": point})
            scores.append(out.read_evaluation(member, its))
        _check_images(scores, evaluation.change or evaluation.dataset.name)
        out.write_evaluation(known, _apply(combined, scores))
    except _MissingError as error:
        out.write_evaluation(failed_evaluation(cell, evaluation, "skipped", str(error)))
    except DfbenchError as error:
        out.write_evaluation(failed_evaluation(cell, evaluation, "failed", str(error)))
