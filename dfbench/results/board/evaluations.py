"""Evaluations that protocols asked for, and what is there of them: read from a results folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import OutputError
from dfbench.results.records.evaluations import Asked
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Control, Entry, Record, Scores
from dfbench.results.records.scores import by_image
from dfbench.results.statistics.design import Design
from dfbench.results.statistics.sample import Sample, decide, prepare


@dataclass(frozen=True)
class Scored:
    """Images that the seeds of a row have scored.

    Attributes
    ----------
    design, pooled
        Of the images by class, and of all together; shared by all that is scored on the same
        images.
    truth
        Class numbers of the cell, shape (n,).
    samples
        By seed; of their figures those that no threshold decides.
    said
        Verdicts by the row's own rule, shape (S, n).
    flagged
        Whether the score of the positive class reaches the threshold that was chosen on the
        tuning split of the data set fitted on, shape (S, n); None where there is none.
    thresholds
        By seed.
    positive
        None with several classes.
    n_seen
        Images that are among those fitted on.
    n_copied, n_shared
        As of `dfbench.results.records.evaluations.EvaluationRecord`.
    """

    design: Design
    pooled: Design
    truth: NDArray[np.int64]
    samples: tuple[Sample, ...]
    said: NDArray[np.int64]
    flagged: NDArray[np.bool_] | None
    thresholds: tuple[float, ...]
    positive: int | None
    n_seen: int
    n_copied: int | None = None
    n_shared: int | None = None

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.truth)


Place = tuple[str, str]
"""Data set scored, and change."""


@dataclass
class EvaluatedRow:
    """A row fitted on a data set: what it scored at home, and what protocols asked of it.

    Attributes
    ----------
    home
        None where it has no scores of its own.
    away
        By place; the reason where there is nothing.
    unread
        Whether a file of it could not be read.
    """

    name: str
    fitted_on: str
    control: Control
    n_train: int = 0
    home: Scored | None = None
    away: dict[Place, Scored | str] = field(default_factory=dict)
    unread: bool = False


@dataclass
class _Reader:
    out: ResultsFolder
    designs: dict[object, tuple[Design, Design]] = field(default_factory=dict)
    fingerprints: dict[str, set[str]] = field(default_factory=dict)
    """Of the states of each data set that rows were run on."""

    def scored(
        self,
        dataset: str,
        records: Sequence[Record],
        scores: Sequence[Scores],
        thresholds: Sequence[float | None],
        n_seen: int = 0,
    ) -> Scored:
        ordered = [by_image(its) for its in scores]
        its = ordered[0]
        if any(each.images != its.images for each in ordered):
            raise OutputError("the seeds were scored on different images")
        truth = its.labels
        designs = self._designs(dataset, tuple(its.images), truth, its.groups)
        first, positive = records[0], None
        if len(first.classes) == 2:
            positive = 1 if first.positive is None else first.positive
        p = [each.probabilities for each in ordered]
        known = [cut for cut in thresholds if cut is not None]
        flagged = None
        if positive is not None and len(known) == len(p):
            flagged = np.array([x[:, positive] >= cut for x, cut in zip(p, known, strict=True)])
        said = [
            decide(x, positive=record.positive, threshold=record.threshold)
            for x, record in zip(p, records, strict=True)
        ]
        samples = [prepare(truth, x, positive=first.positive) for x in p]
        return Scored(
            *designs, truth, tuple(samples), np.array(said), flagged, tuple(known), positive, n_seen
        )

    def _designs(
        self,
        dataset: str,
        names: tuple[str, ...],
        labels: NDArray[np.int64],
        groups: NDArray[np.int64] | None,
    ) -> tuple[Design, Design]:
        """Give the same objects for the same images, however their classes are numbered."""
        _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
        strata = np.argsort(np.argsort(first))[inverse]
        design = Design.of(strata, groups)
        units = b"" if design.groups is None else design.groups.tobytes()
        both = design, Design(np.zeros_like(strata), design.groups)
        return self.designs.setdefault((dataset, names, strata.tobytes(), units), both)

    def evaluated(self, asked: Sequence[Asked], records: dict[str, Record]) -> Scored | str:
        reason = next((each.reason for each in asked if each.reason), "")
        if reason:
            return reason
        found, of, cuts, seen = [], [], [], 0
        copied: int | None = None
        shared: int | None = None
        for each in asked:
            record = records.get(each.cell)
            if record is None:
                return "the row has no result on the data set it is fitted on"
            scored = self.out.load_evaluation(each.cell, each.probe)
            if scored is None:
                return "not scored yet: run again"
            if scored.status != "ok":
                return scored.reason
            states = self.fingerprints.get(scored.scored_on, {scored.fingerprint})
            if scored.fingerprint not in states:
                return f"{scored.scored_on} has changed since: run again"
            found.append(self.out.read_evaluation(record, scored))
            of.append(record)
            cuts.append(scored.threshold)
            seen = max(seen, scored.n_seen)
            copied, shared = scored.n_copied, scored.n_shared
        whole = self.scored(asked[0].scored_on, of, found, cuts, seen)
        return replace(whole, n_copied=copied, n_shared=shared)


def read_evaluations(
    out: ResultsFolder, entries: Sequence[Entry], protocol: str
) -> list[EvaluatedRow]:
    """Read what a protocol asked of the rows of a results folder.

    Parameters
    ----------
    out
        The results folder.
    entries
        Its places on the board. What was asked of other cells than these is out of date.
    protocol
        Kind.

    Returns
    -------
    list of EvaluatedRow
        Those that it asked something of, in the order of the entries.

    Raises
    ------
    OutputError
        Where the list of what was asked for is broken.
    """
    entries = [entry for entry in entries if not entry.subset.name and entry.is_first]
    current = {(entry.dataset, entry.row, entry.seed): entry for entry in entries}
    wanted: dict[tuple[str, str], dict[Place, list[Asked]]] = {}
    for each in out.read_asked():
        entry = current.get((each.dataset, each.row, each.seed))
        if each.protocol == protocol and entry is not None and entry.cell == each.cell:
            places = wanted.setdefault((each.dataset, each.row), {})
            places.setdefault((each.scored_on, each.change), []).append(each)
    reader = _Reader(out)
    records: dict[str, Record] = {}
    if wanted:
        for entry in entries:
            record = _record(out, entry)
            if record is not None:
                records[entry.cell] = record
                reader.fingerprints.setdefault(entry.dataset, set()).add(record.fingerprint)
    rows: dict[tuple[str, str], EvaluatedRow] = {}
    for entry in entries:
        key = entry.dataset, entry.row
        if key in wanted and key not in rows:
            rows[key] = _read_row(reader, entry, wanted[key], records)
    return list(rows.values())


def _record(out: ResultsFolder, entry: Entry) -> Record | None:
    try:
        record = out.record_of(entry)
    except OutputError:
        return None
    return record if record is not None and record.status == "ok" else None


def _read_row(
    reader: _Reader, entry: Entry, places: dict[Place, list[Asked]], records: dict[str, Record]
) -> EvaluatedRow:
    row = EvaluatedRow(entry.row, entry.dataset, entry.control)
    cells: list[str] = []
    cuts: dict[str, float] = {}
    for place, unordered in places.items():
        asked = sorted(unordered, key=lambda each: each.seed)
        cells = cells or [each.cell for each in asked]
        try:
            row.away[place] = reader.evaluated(asked, records)
        except OutputError as error:
            row.away[place], row.unread = str(error), True
            continue
        found = row.away[place]
        if isinstance(found, Scored) and found.thresholds:
            cuts = dict(zip((each.cell for each in asked), found.thresholds, strict=True))
    own = [records[cell] for cell in cells if cell in records]
    if len(own) < len(cells):
        return row
    row.n_train = own[0].n_fitted
    try:
        scores = [reader.out.read_scores(record) for record in own]
        row.home = reader.scored(entry.dataset, own, scores, [cuts.get(cell) for cell in cells])
    except OutputError:
        row.home, row.unread = None, True
    return row
