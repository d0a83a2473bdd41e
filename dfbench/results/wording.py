"""How figures, facts and reasons are put into words, the same in every form of the board."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dfbench.results.board import Figure, Line, Table

TITLES = {
    "roc_auc": "ROC AUC",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1_macro": "macro F1",
}
"""Metric to the heading of its column."""

GAP = "\N{EN DASH}"
"""Stands where there is no figure."""

RANKS = (
    "Ranks follow the measured ROC AUC; whether a difference is more than chance,"
    " the intervals have to tell."
)
CONTROL = (
    "A control never sees pixels: what it scores above chance, a shortcut in the data explains."
)
REPORTED = "reported (theirs, on their data)"
"""Heading of what the sources of rows published."""
GAPS = "Rows without a figure on every data set have no mean and no rank; their gaps are shown."


def figure(value: float | None, *, digits: int = 3) -> str:
    """Word a metric: ``0.873``."""
    return GAP if value is None else f"{value:.{digits}f}"


def interval(of: Figure, *, form: str = "[{}, {}]") -> str:
    """Word an interval: ``[0.842, 0.901]``; empty where there is none."""
    if of.low is None or of.high is None:
        return ""
    return form.format(figure(of.low), figure(of.high))


def quantity(value: float | None) -> str:
    """Word seconds or images per second with about three digits: ``0.04``, ``12.3``, ``1,234``."""
    if value is None:
        return GAP
    if value < 9.995:
        return "<0.01" if 0 < value < 0.005 else f"{value:.2f}"
    return f"{value:.1f}" if value < 99.95 else f"{value:,.0f}"


def rank(value: float | None) -> str:
    """Word a rank: ``3``, or ``3.5`` where rows are tied."""
    return GAP if value is None else f"{value:.1f}".removesuffix(".0")


def count(value: int | None) -> str:
    """Word a whole number: ``12,500``."""
    return GAP if value is None else f"{value:,}"


def row(of: Line, *, seeds: bool = False) -> str:
    """Name a line in running text, with its seed where there are several."""
    return f"{of.row} (seed {of.seed})" if seeds else of.row


def facts(table: Table) -> list[str]:
    """Say what the figures of a table are from, a phrase each; empty where nothing ran."""
    if not table.measured:
        return []
    first = table.measured[0]
    split = first.split or "test"
    said = [f"{count(first.n_test)} {split} images, {count(first.n_train)} for training"]
    if split != "test":
        said.append(f"figures from {split}: no labelled test split")
    if first.positive is not None and len(first.classes) == 2:
        said.append(f"classes {', '.join(first.classes)} (positive: {first.positive})")
    elif first.classes:
        said.append(f"classes {', '.join(first.classes)} (ROC AUC: macro one-vs-rest)")
    kind = "images within their class"
    if first.n_groups is not None:
        kind = f"the {count(first.n_groups)} groups as wholes"
    said.append(f"95 % intervals by bootstrap of {kind}")
    left_out = max(line.n_left_out for line in table.measured)
    if left_out:
        said.append(f"{count(left_out)} unreadable image{'s' if left_out > 1 else ''} left out")
    return said


@dataclass(frozen=True, slots=True)
class Reason:
    """Rows that share a status and its reason."""

    status: str
    reason: str
    rows: list[str]

    def __str__(self) -> str:
        return f"{self.status}: {', '.join(self.rows)}: {self.reason or 'no reason given'}"


def reasons(missing: Iterable[Line], *, seeds: bool = False) -> list[Reason]:
    """Gather the rows without figures by status and reason, failures first."""
    found: dict[tuple[str, str], Reason] = {}
    for line in sorted(missing, key=lambda line: line.status != "failed"):
        key = (line.status, " ".join(line.reason.split()))
        found.setdefault(key, Reason(*key, [])).rows.append(row(line, seeds=seeds))
    return list(found.values())
