"""Rows made of the scores of others: ensembles, calibration, thresholds. Nothing is trained."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dfbench.benchmark.plan import Cell
from dfbench.benchmark.prepare import basis
from dfbench.errors import DfbenchError
from dfbench.models.combine import Combination, Combined, combine
from dfbench.results.records import Part, Record, Scores
from dfbench.results.store import read_scores, write_cell

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


def run_derived(cell: Cell, records: Mapping[str, Record], out: Path) -> Record:
    """Make a derived cell of its members' scores and write it.

    What it chooses (weights, temperature, threshold) it chooses on the tuning split.

    Parameters
    ----------
    cell
        Of a derived row.
    records
        By cell, those of its members among them.
    """
    start = time.perf_counter()
    parts: dict[Part, Scores] = {}
    try:
        members = [records[member.id] for member in cell.members]
        for record in members:
            if record.status != "ok":
                raise _MissingError(f"it is made of {record.row}, which was {record.status}")
        known, parts = _combined(cell, members, out)
    except _MissingError as error:
        known = {"status": "skipped", "reason": str(error)}
    except DfbenchError as error:
        known = {"status": "failed", "reason": str(error)}
    known["seconds"] = time.perf_counter() - start
    record = Record.model_validate({**basis(cell), **known})
    write_cell(out, record, parts.pop("evaluate", None), parts)
    return record


class _MissingError(DfbenchError):
    pass


def _combined(
    cell: Cell, members: Sequence[Record], out: Path
) -> tuple[dict[str, Any], dict[Part, Scores]]:
    spec = cell.row.derived
    assert spec is not None
    first = members[0]
    wanted: list[Part] = ["tune", "evaluate"]
    if first.n_unlabelled:
        wanted.append("unlabelled")
    scores = {part: [read_scores(out, record, part) for record in members] for part in wanted}
    for part, of_members in scores.items():
        if any(its.images != of_members[0].images for its in of_members):
            raise DfbenchError(f"the members were not scored on the same images ({part})")
    combined: Combined = combine(
        [its.probabilities for its in scores["tune"]],
        scores["tune"][0].labels,
        members=[record.row for record in members],
        combination=Combination(spec.combine, spec.calibrate, spec.threshold),
        positive=first.positive,
        seed=cell.seed,
    )
    parts: dict[Part, Scores] = {}
    for part, of_members in scores.items():
        probabilities = combined.apply([its.probabilities for its in of_members])
        parts[part] = of_members[0].model_copy(update={"probabilities": np.asarray(probabilities)})
    rates = [record.predict_images_per_second for record in members]
    known = {
        **{key: getattr(first, key) for key in _SHARED},
        "status": "ok",
        "threshold": combined.threshold,
        "combination": combined.describe(),
        # one after the other
        "fit_seconds": sum(record.fit_seconds or 0.0 for record in members),
        "predict_images_per_second": 1 / sum(1 / rate for rate in rates if rate),
        "versions": first.versions,
    }
    return known, parts
