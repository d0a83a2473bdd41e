"""What a board is made of, and how its lines are ordered, ranked and put together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from dfbench.results.metrics import METRICS
from dfbench.results.records import Status, Tuning


class Figure(BaseModel):
    """A measured value with its 95 % interval; None where it is not defined."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float | None = None
    low: float | None = None
    high: float | None = None


FEW_GROUPS = 10
"""Below so many groups a bootstrap over them is known to give intervals that are too narrow
(Cameron, Gelbach and Miller, Review of Economics and Statistics 90, 2008)."""


def _no_figures() -> dict[str, Figure]:
    return {name: Figure() for name in METRICS}


class Line(BaseModel):
    """One line of the board: an object of ``leaderboard.json``.

    The keys down to `n_features` are what readers of the file may count on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    row: str
    seed: int
    status: Status
    reason: str = ""
    split: str = ""
    n_train: int | None = None
    n_test: int | None = None
    metrics: dict[str, Figure] = Field(default_factory=_no_figures)
    fit_seconds: float | None = None
    predict_images_per_second: float | None = None
    n_features: int | None = None

    rank: float | None = None
    """By ROC AUC among the rows of the data set that have one; ties share their mean rank.
    Controls have none."""
    control: bool = False
    """A row that never sees pixels: what it scores is owed to a shortcut."""
    class_accuracy: dict[str, float | None] = Field(default_factory=dict)
    classes: list[str] = Field(default_factory=list)
    positive: str | None = None
    grouped: bool = False
    n_groups: int | None = None
    """Groups among the images of the figures; None without groups."""
    n_left_out: int = 0
    tuned_on: str = ""
    tuning: Tuning | None = None
    threshold: float | None = None
    """Score from which on the positive class is decided for, where validation chose one."""
    reported: str = ""
    """What the row's source published, with its data: never measured here."""
    device: str = ""
    fingerprint: str = ""
    cell: str = ""

    @property
    def auc(self) -> float | None:
        """ROC AUC, the figure that rows are ordered by."""
        return self.metrics["roc_auc"].value


@dataclass(frozen=True, slots=True)
class Table:
    """The lines of one data set.

    Attributes
    ----------
    ranked
        Rows with figures, the highest ROC AUC first.
    controls
        Control rows with figures, in the same order, without rank.
    missing
        Rows that were skipped or failed.
    notes
        What makes lines of this table unlike each other.
    """

    dataset: str
    ranked: list[Line]
    controls: list[Line]
    missing: list[Line]
    notes: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[Line]:
        """All lines in the order of the table."""
        return [*self.ranked, *self.controls, *self.missing]

    @property
    def measured(self) -> list[Line]:
        """The lines that have figures."""
        return [*self.ranked, *self.controls]

    @property
    def reported(self) -> dict[str, str]:
        """By row, what its source published."""
        return {line.row: line.reported for line in self.lines if line.reported}


@dataclass(frozen=True, slots=True)
class Standing:
    """A row over all data sets.

    Attributes
    ----------
    aucs
        ROC AUC by data set, in the order of the board; None is a gap.
    mean_auc, mean_rank
        Means over the data sets; None where there is a gap. Ranks are taken among the rows
        without gaps; controls have none.
    """

    row: str
    seed: int
    control: bool
    aucs: dict[str, float | None]
    mean_auc: float | None = None
    mean_rank: float | None = None


@dataclass(frozen=True, slots=True)
class Overall:
    """The rows over all data sets: those with a figure on each, controls, those with gaps."""

    ranked: list[Standing]
    controls: list[Standing]
    gaps: list[Standing]


@dataclass(frozen=True, slots=True)
class Board:
    """All tables, and what they say together.

    Attributes
    ----------
    tables
        One a data set, in the order in which they were first run.
    overall
        None where there is one data set only.
    """

    tables: list[Table]
    overall: Overall | None

    @property
    def lines(self) -> list[Line]:
        """All lines: ``leaderboard.json``."""
        return [line for table in self.tables for line in table.lines]

    @property
    def seeds(self) -> list[int]:
        """The seeds that occur; tables name them where there are several."""
        return sorted({line.seed for line in self.lines})

    def counts(self) -> Counter[Status]:
        """How many lines have each status."""
        return Counter(line.status for line in self.lines)


def arrange(lines: Sequence[Line]) -> Board:
    """Order and rank lines: the board without its folder."""
    tables = []
    for dataset in dict.fromkeys(line.dataset for line in lines):
        own = [line for line in lines if line.dataset == dataset]
        ok = sorted((line for line in own if line.status == "ok"), key=_by_auc)
        missing = sorted((x for x in own if x.status != "ok"), key=lambda x: (x.row, x.seed))
        ranked = _with_ranks([line for line in ok if not line.control])
        controls = [line.model_copy(update={"rank": None}) for line in ok if line.control]
        tables.append(Table(dataset, ranked, controls, missing, _notes(ok)))
    return Board(tables, _overall(tables) if len(tables) > 1 else None)


def average_ranks(values: Iterable[float]) -> list[float]:
    """Rank values, 1 for the highest; equal ones share the mean of their ranks."""
    array = np.asarray(list(values), dtype=np.float64)
    _, place, counts = np.unique(-array, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return [float(rank) for rank in ranks[place]]


def is_control(row: str) -> bool:
    """Whether a row is a control: its features are ``metadata`` and nothing else."""
    return row.split("/")[0] == "metadata"


def _by_auc(line: Line) -> tuple[float, str, int]:
    return (math.inf if line.auc is None else -line.auc, line.row, line.seed)


def _with_ranks(lines: list[Line]) -> list[Line]:
    ranks = iter(average_ranks(line.auc for line in lines if line.auc is not None))
    return [
        line.model_copy(update={"rank": None if line.auc is None else next(ranks)})
        for line in lines
    ]


def _notes(ok: Sequence[Line]) -> list[str]:
    """Say what keeps the lines of a table from being compared."""
    notes = []
    if len({line.fingerprint for line in ok}) > 1:
        notes.append(
            "the rows were run on different states of the data set (its fingerprint changed):"
            " run all of them again before comparing"
        )
    if len({(line.split, line.n_test) for line in ok}) > 1:
        counts = sorted({(line.split, line.n_test or 0) for line in ok})
        shown = ", ".join(f"{n:,} of {split}" for split, n in counts)
        notes.append(f"the rows were not scored on the same images: {shown}")
    groups = [line.n_groups for line in ok if line.n_groups is not None]
    if groups and min(groups) < FEW_GROUPS:
        notes.append(f"intervals from {min(groups)} groups say little: they are too narrow")
    return notes


def _overall(tables: Sequence[Table]) -> Overall:
    datasets = [table.dataset for table in tables]
    aucs: dict[tuple[str, int], dict[str, float | None]] = {}
    for table in tables:
        for line in table.lines:
            blank: dict[str, float | None] = dict.fromkeys(datasets)
            aucs.setdefault((line.row, line.seed), blank)[table.dataset] = line.auc
    whole: list[Standing] = []
    controls: list[Standing] = []
    gaps: list[Standing] = []
    for (row, seed), values in aucs.items():
        present = [value for value in values.values() if value is not None]
        complete = len(present) == len(datasets)
        mean = float(np.mean(present)) if complete else None
        standing = Standing(row, seed, is_control(row), values, mean)
        (gaps if not complete else controls if standing.control else whole).append(standing)

    if whole:
        # every column holds the complete rows alone: a row with gaps moves no rank
        columns = [average_ranks(s.aucs[d] or 0.0 for s in whole) for d in datasets]
        means = np.mean(columns, axis=0)
        whole = [
            Standing(s.row, s.seed, s.control, s.aucs, s.mean_auc, float(mean))
            for s, mean in zip(whole, means, strict=True)
        ]
    whole.sort(key=lambda s: (s.mean_rank or 0.0, -(s.mean_auc or 0.0), s.row, s.seed))
    controls.sort(key=lambda s: (-(s.mean_auc or 0.0), s.row, s.seed))
    gaps.sort(key=lambda s: (s.control, s.row, s.seed))
    return Overall(whole, controls, gaps)
