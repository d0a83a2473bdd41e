"""The leaderboard of a results folder, computed from the stored scores alone."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import OutputError
from dfbench.files import Progress
from dfbench.results import bootstrap, metrics, store
from dfbench.results.board import Board, Figure, Line, arrange, is_control
from dfbench.results.records import Entry, Record, Scores


def build_board(out: Path, *, progress: Progress | None = None) -> Board:
    """Compute the board of a results folder from its stored scores.

    A row that has not run is ``skipped``, one whose files cannot be read ``failed``, each with
    its reason: neither hides the others.

    Parameters
    ----------
    out
        A results folder (`store`).
    progress
        Called with the number of lines done and of all lines.

    Raises
    ------
    OutputError
        Where ``out`` is no results folder.
    """
    entries = store.read_entries(out)
    shared: dict[str, _Shared] = {}
    lines = []
    for done, entry in enumerate(entries, start=1):
        lines.append(_line(out, entry, shared.setdefault(entry.dataset, _Shared())))
        if progress is not None:
            progress(done, len(entries))
    return arrange(lines)


class _Shared:
    """What the lines of a data set have in common: their resamples."""

    def __init__(self) -> None:
        self._labels: NDArray[np.int64] | None = None
        self._groups: NDArray[np.int64] | None = None
        self._resamples: bootstrap.Resamples | None = None

    def resamples(self, scores: Scores) -> bootstrap.Resamples:
        """Resamples for these images; drawn again only where labels or groups are others."""
        same = _equal(self._labels, scores.labels) and _equal(self._groups, scores.groups)
        if self._resamples is None or not same:
            self._labels, self._groups = scores.labels, scores.groups
            self._resamples = bootstrap.resample(scores.labels, scores.groups)
        return self._resamples


def _equal(a: NDArray[np.int64] | None, b: NDArray[np.int64] | None) -> bool:
    if a is None or b is None:
        return a is b
    return np.array_equal(a, b)


def _line(out: Path, entry: Entry, shared: _Shared) -> Line:
    known = {
        "dataset": entry.dataset,
        "row": entry.row,
        "seed": entry.seed,
        "cell": entry.cell,
        "control": is_control(entry.row),
        "reported": entry.reported,
    }
    try:
        record = store.load_record(out, entry.cell)
        if record is None:
            return Line(**known, status="skipped", reason="not run yet")
        known |= _of_record(record)
        if "features" in record.identity:
            known["control"] = _sees_no_pixels(record)
        if record.status != "ok":
            return Line(**known, status=record.status, reason=record.reason)
        scores = store.read_scores(out, record)
        figures = _of_scores(record, _by_image(scores), shared)
    except OutputError as error:
        return Line(**known, status="failed", reason=str(error))
    return Line(**known, **figures, status="ok")


def _sees_no_pixels(record: Record) -> bool:
    """Whether a row is a control, whatever its suite calls it."""
    names = [features["extractor"] for features in record.identity["features"]]
    return bool(names) and set(names) == {"metadata"}


def _of_record(record: Record) -> dict[str, object]:
    named = record.positive is not None and record.positive < len(record.classes)
    return {
        "split": record.split,
        # what never ran has counted nothing
        "n_train": record.n_train or None,
        "n_test": record.n_test or None,
        "fit_seconds": record.fit_seconds,
        "predict_images_per_second": record.predict_images_per_second,
        "n_features": record.n_features,
        "classes": record.classes,
        "positive": record.classes[record.positive or 0] if named else None,
        "grouped": record.grouped,
        "n_left_out": record.n_left_out,
        "tuned_on": record.tuned_on,
        "tuning": record.tuning,
        "threshold": record.threshold,
        "device": record.device,
        "fingerprint": record.fingerprint,
    }


def _by_image(scores: Scores) -> Scores:
    """Order by image, so that rows stored in another order see the same resamples."""
    order = np.argsort(np.asarray(scores.images, dtype=object), kind="stable")
    return Scores(
        images=[scores.images[i] for i in order],
        labels=scores.labels[order],
        groups=None if scores.groups is None else scores.groups[order],
        probabilities=scores.probabilities[order],
    )


def _of_scores(record: Record, scores: Scores, shared: _Shared) -> dict[str, object]:
    sample = metrics.prepare(
        scores.labels,
        scores.probabilities,
        positive=record.positive,
        threshold=record.threshold,
    )
    values = metrics.evaluate(sample, np.ones((1, sample.n)))
    ranges = bootstrap.intervals(sample, shared.resamples(scores))
    found = {}
    for name in metrics.METRICS:
        value, interval = _number(values[name][0]), ranges[name]
        if value is None or interval is None:
            found[name] = Figure(value=value)
        else:
            found[name] = Figure(value=value, low=interval[0], high=interval[1])
    recall = metrics.class_accuracy(
        scores.labels,
        scores.probabilities,
        positive=record.positive,
        threshold=record.threshold,
    )
    names = record.classes or [str(k) for k in range(sample.n_classes)]
    return {
        "n_groups": None if scores.groups is None else int(np.unique(scores.groups).size),
        "metrics": found,
        "class_accuracy": {c: _number(x) for c, x in zip(names, recall, strict=True)},
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
