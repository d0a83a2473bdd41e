"""What a board consists of: lines, tables, standings over all data sets."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dfbench.plain import without_folders
from dfbench.results.board.report import Figure, ProtocolFigure, Report
from dfbench.results.document.blocks import Section
from dfbench.results.records.provenance import Run
from dfbench.results.records.records import CellFacts, Control, Status
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.metrics import METRICS
from dfbench.results.statistics.ranks import Friedman

CHANCE = 0.5
"""ROC AUC of a row that has nothing to go by."""


def _no_figures() -> dict[str, Estimate]:
    return {name: Estimate() for name in METRICS}


Added = float | int | bool | str | None
"""What a column of somebody's own has of a line."""


@dataclass(frozen=True, slots=True)
class Own:
    """A metric or a column that somebody's own function gives.

    Attributes
    ----------
    kind
        What it is.
    name
        Key in stored files.
    title
        Heading.
    owner
        Who brings it: a distribution, or the name of a plugin file.
    summary
        One line.
    lower_is_better
        Of a metric, which way is better.
    """

    kind: Literal["metric", "column"]
    name: str
    title: str
    owner: str
    summary: str = ""
    lower_is_better: bool = False


class Divided(BaseModel):
    """Over which divisions of a data set the figures of a line are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["split", "fold"]
    n: int
    """That ran."""
    of: int

    @property
    def words(self) -> str:
        """Say it, e.g. ``5 folds`` or ``4 of 5 splits``."""
        return (
            f"{self.n} {self.kind}s" if self.n == self.of else f"{self.n} of {self.of} {self.kind}s"
        )


class OnPart(BaseModel):
    """What a row comes to on a part of its images: those of a class, or of a kind of fake.

    ``recall`` is the share that it decides rightly, ``fpr`` (of the class that is not positive) the
    share that it takes for the positive one; ``roc_auc`` is that of a class against all others, of
    a kind against all images that are not fake.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    n: int
    """Images of it."""
    metrics: dict[str, Estimate]


class Fit(BaseModel):
    """What was chosen in a cell of a row, on its tuning split, and what it came to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cell: str
    seed: int
    split: str = ""
    """Of repeated splits or folds which; empty where there is one."""
    n: int | None = None
    """Images that its figures are of."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Of the model."""
    block_weights: dict[str, float] = Field(default_factory=dict)
    """By family of features its weight, where the model has learnt some; they sum to 1."""
    threshold: float | None = None
    """Score from which on the positive class is decided for, where a rule chose one."""
    combination: dict[str, Any] = Field(default_factory=dict)
    """Of a derived row: members and weights, or coefficients; calibration and its temperature."""
    metrics: dict[str, float | None] = Field(default_factory=dict)
    """Of this seed alone; those of the line are the means."""

    @property
    def name(self) -> str:
        """What tells it from the others of its line: ``0``, or ``0, split 2``."""
        return f"{self.seed}, {self.split}" if self.split else str(self.seed)

    @property
    def temperature(self) -> float | None:
        """What logits were divided by, where that was fitted."""
        found = (self.combination.get("calibration") or {}).get("temperature")
        return found if isinstance(found, float) else None

    @property
    def weights(self) -> dict[str, float] | None:
        """Of each row in the mean that a derived row is."""
        members, weights = self.combination.get("members"), self.combination.get("weights")
        return dict(zip(members, weights, strict=False)) if members and weights else None


class Member(BaseModel):
    """A row that an ensemble is made of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: float | None = None
    """Its share in a mean; of stacking and of weights by kind the mean of its coefficients for the
    score of the same class. The mean over cells; None where there is none."""
    weights_by_kind: dict[str, float] = Field(default_factory=dict)
    """Where each kind of fake, or each class, has one."""
    adds: dict[str, Estimate] = Field(default_factory=dict)
    """By metric what the ensemble has more than without it, fitted again on the others."""


class PairOfMembers(BaseModel):
    """How often two members of an ensemble err together, see `dfbench.results.statistics`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    members: tuple[str, str]
    disagreement: float | None = None
    """Share of the images that one of them alone decides rightly."""
    q: float | None = None
    """Yule's Q of their decisions being right."""
    correlation: float | None = None
    """Of their decisions being right."""
    double_fault: float | None = None
    """Share of the images that both decide wrongly."""


class Ensemble(BaseModel):
    """What an ensemble gains, and from whom."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    best: str
    """Member of the highest ROC AUC on the images of the figures."""
    gains: dict[str, Estimate] = Field(default_factory=dict)
    """By metric what it has more than this member, paired."""
    members: dict[str, Member] = Field(default_factory=dict)
    pairs: list[PairOfMembers] = Field(default_factory=list)


class Line(CellFacts):
    """One line of the board: an object of ``leaderboard.json``.

    What it shares with a record is of the first seed and division; times and tuning are means over
    them. A threshold is there only with one: `fits` has each.
    """

    seeds: list[int]
    divided: Divided | None = None
    """Where the data set was divided several times: the figures are then means over splits, or of
    the images of all folds, each scored once."""
    cells: list[str] = Field(default_factory=list)
    n_train: int | None = None
    """None where the row never ran; so is `n_test`."""
    n_test: int | None = None
    n_groups: int | None = None
    """Groups among the images of the figures; None without groups."""
    positive: str | None = None
    """Name of the positive class of a binary task."""
    metrics: dict[str, Estimate] = Field(default_factory=_no_figures)
    rank: int | None = None
    """1 and the number of rows of the data set whose ROC AUC is significantly better. Controls
    have none."""
    best: bool = False
    """Not significantly worse than the highest ROC AUC of the data set, and above chance."""
    p_best: float | None = None
    """P-value of the difference from the highest, Holm-corrected over all pairs of rows."""
    class_accuracy: dict[str, float | None] = Field(default_factory=dict)
    optimism: float | None = None
    """ROC AUC on the tuning split, where parameters were chosen on it, less that of the figures."""
    default_roc_auc: float | None = None
    """ROC AUC of the same row with its default parameters, on the same images."""
    pareto: bool = False
    """Above chance, and no other row of the data set is at once as good by ROC AUC and as fast, and
    better in one."""
    reported: str = ""
    """What the row's source published, with its data: never measured here."""
    origin: str = ""
    """Of merged results: whose they are."""
    columns: dict[str, Added] = Field(default_factory=dict)
    """What columns of somebody's own have of it, by name."""
    by_class: dict[str, OnPart] = Field(default_factory=dict)
    """Empty where it was scored on other images than most rows, or fitted on shuffled labels."""
    by_kind: dict[str, OnPart] = Field(default_factory=dict)
    """By kind of fake, where the data tell kinds."""
    ensemble: Ensemble | None = None
    """Of a row that is made of several which were scored on the same images."""
    fits: list[Fit] = Field(default_factory=list)
    """One a cell, in their order."""

    def on_division(self, name: str, metric: str = "roc_auc") -> float | None:
        """Give a figure on one split or fold, the mean over seeds; None where it is not known."""
        own = [fit.metrics.get(metric) for fit in self.fits if fit.split == name]
        known = [value for value in own if value is not None]
        return sum(known) / len(known) if known and len(known) == len(own) else None

    def spread_over(self, metric: str) -> float | None:
        """Give the standard deviation of a figure over splits or folds, of the means over seeds."""
        names = dict.fromkeys(fit.split for fit in self.fits if fit.split)
        known = [x for x in (self.on_division(name, metric) for name in names) if x is not None]
        return statistics.stdev(known) if len(known) > 1 else None

    @property
    def on_splits(self) -> bool:
        """Whether its figures are means over several splits."""
        return self.divided is not None and self.divided.kind == "split" and self.divided.n > 1

    @property
    def n_tested(self) -> str:
        """Number of images that are tested on; of several splits of each, e.g. ``36 to 39``."""
        own = {fit.n for fit in self.fits if fit.n is not None} if self.on_splits else set()
        sizes = own or {self.n_test or 0}
        return " to ".join(f"{n:,}" for n in sorted({min(sizes), max(sizes)}))

    @property
    def auc(self) -> float | None:
        """ROC AUC, the figure that rows are ordered by."""
        return self.metrics["roc_auc"].value

    @property
    def above_chance(self) -> bool:
        """Whether its ROC AUC is: its whole interval, or the figure where there is none."""
        auc = self.metrics["roc_auc"]
        least = auc.value if auc.low is None else auc.low
        return least is not None and least > CHANCE


@dataclass(frozen=True, slots=True)
class Smallest:
    """Smallest difference of ROC AUC that the images of a data set could have shown.

    Attributes
    ----------
    alone
        Between two rows tested alone at 5 %, with a power of 80 %.
    corrected
        The same at the level that the correction for all pairs asks of the clearest one.
    n_rows
        Rows compared.
    """

    alone: float
    corrected: float
    n_rows: int


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
    warnings
        Controls that are above chance: what the figures may be owed to.
    smallest
        None with fewer than two rows.
    sections
        What else is said of the data set.
    own
        Metrics and columns of somebody's own.
    """

    dataset: str
    ranked: list[Line]
    controls: list[Line]
    missing: list[Line]
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    smallest: Smallest | None = None
    sections: list[Section] = field(default_factory=list)
    own: tuple[Own, ...] = ()

    @property
    def lines(self) -> list[Line]:
        """All lines in the order of the table."""
        return [*self.ranked, *self.controls, *self.missing]

    @property
    def measured(self) -> list[Line]:
        """The lines that have figures."""
        return [*self.ranked, *self.controls]

    @property
    def typical(self) -> Line:
        """The first line with figures that was fitted here, else the first: what a row is from.

        Raises
        ------
        IndexError
            Where no line has figures.
        """
        own = [line for line in self.measured if line.elsewhere is None]
        return (own or self.measured)[0]

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
        without gaps, equal figures share theirs; controls have none.
    best
        Not significantly worse than the lowest mean rank (Nemenyi's test at 5 %), where Friedman's
        test finds that rows differ at all, and above chance on average.
    """

    row: str
    control: Control
    aucs: dict[str, float | None]
    mean_auc: float | None = None
    mean_rank: float | None = None
    best: bool = False


@dataclass(frozen=True, slots=True)
class Overall:
    """The rows over all data sets: those with a figure on each, controls, those with gaps.

    Attributes
    ----------
    friedman
        Whether the ranked rows differ; None with fewer than two of them.
    """

    ranked: list[Standing]
    controls: list[Standing]
    gaps: list[Standing]
    friedman: Friedman | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """All tables, and what they say together.

    Attributes
    ----------
    tables
        One a data set, in the order in which they were first run.
    overall
        None where there is one data set only.
    sections
        What else is said of several data sets together: protocols.
    figures
        Of protocols, in their long form.
    others
        Of audits, in tidy form.
    runs
        The commands that wrote the results.
    kept
        Bytes of each trained model that is kept, by cell.
    own
        Metrics and columns of somebody's own, shown in each table.
    broken
        What is wrong with those that are not shown.
    """

    tables: list[Table]
    overall: Overall | None
    sections: list[Section] = field(default_factory=list)
    figures: list[ProtocolFigure] = field(default_factory=list)
    others: list[Figure] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    kept: dict[str, int] = field(default_factory=dict)
    own: tuple[Own, ...] = ()
    broken: tuple[str, ...] = ()

    @property
    def lines(self) -> list[Line]:
        """All lines: ``leaderboard.json``."""
        return [line for table in self.tables for line in table.lines]

    @property
    def several_seeds(self) -> bool:
        """Whether any row has more than one seed; tables then say how many, and the spread."""
        return len({seed for line in seeded(self.lines) for seed in line.seeds}) > 1

    def plus(self, report: Report) -> Board:
        """Add what a part of it reports, at the end."""
        tables = [
            replace(
                table,
                sections=[*table.sections, *report.by_dataset.get(table.dataset, ())],
                warnings=[*table.warnings, *report.warnings.get(table.dataset, ())],
                notes=[*table.notes, *report.notes.get(table.dataset, ())],
            )
            for table in self.tables
        ]
        sections, figures = [*self.sections, *report.sections], [*self.figures, *report.figures]
        others = [*self.others, *report.others]
        return replace(self, tables=tables, sections=sections, figures=figures, others=others)

    def missing(self) -> dict[str, list[str]]:
        """Name what runs were given of somebody's own and is not here, by who brought it."""
        here = {(each.kind, each.name) for each in self.own}
        found: dict[str, list[str]] = {}
        for its in dict.fromkeys(its for run in self.runs for its in run.own):
            kind, name, owner = its
            if (kind, name) not in here:
                found.setdefault(owner, []).append(f"{kind} {name}")
        return found

    def best_kept(self) -> tuple[Line, bool] | None:
        """Give the best row of the first table that has one whose model is kept.

        Returns
        -------
        (Line, bool) or None
            The row, and whether it stands on top of its table; None where no model is kept.
        """
        for table in self.tables:
            for place, line in enumerate(table.ranked):
                if set(line.cells) & self.kept.keys():
                    return line, place == 0
        return None

    def counts(self) -> Counter[Status]:
        """How many lines have each status."""
        return Counter(line.status for line in self.lines)


def seeded(lines: Sequence[Line]) -> list[Line]:
    """Leave out controls whose seeds are orders of the labels, and rows that have no seed."""
    return [line for line in lines if line.control != "shuffled labels" and line.kind != "imported"]


def shortened(lines: Iterable[Line | Standing]) -> dict[str, str]:
    """Give the rows that are shown without the folders of files in their names, if they differ."""
    names = {line.row: without_folders(line.row) for line in lines}
    counts = Counter(names.values())
    return {row: its for row, its in names.items() if its != row and counts[its] == 1}
