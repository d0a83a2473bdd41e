"""Two rows of a results folder: what differs, whether that is chance, and at what cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dfbench.errors import OutputError, unknown
from dfbench.results.board.added import Additions, additions_of
from dfbench.results.board.board import Line, Own
from dfbench.results.board.build import line_of, read_row
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Entry
from dfbench.results.statistics.measured import Images, Measured
from dfbench.results.statistics.metrics import METRICS
from dfbench.results.statistics.pairs import Difference, differences
from dfbench.results.statistics.ranks import smallest_difference
from dfbench.results.statistics.repeated import Repeated, error, same_images
from dfbench.results.statistics.repeated import differences as differences_on_splits
from dfbench.results.statistics.significance import holm

PRIMARY = ("roc_auc",)
"""What rows are compared by where nobody asks for another."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Images that one of two rows is right on and the other is not.

    Attributes
    ----------
    n_first, n_second
        Where the first alone, the second alone is right; of several seeds the mean over all pairs
        of a seed of each.
    n_images
        That both were scored on.
    """

    n_first: float
    n_second: float
    n_images: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two rows on one data set.

    Attributes
    ----------
    dataset
        Its name.
    first, second
        Figures and cost of both; None where nothing of the row ran.
    reason
        Why they cannot be compared; empty where they can.
    differences
        By metric: the first less the second.
    corrected
        By metric: the p-value, Holm-corrected; NaN where there is none. Of what was asked for over
        the tests of that alone, of secondary figures over all tests.
    primary
        Metrics that were asked for; all others are secondary.
    disagreement
        None where they cannot be compared, or one of them decides nothing.
    smallest
        Smallest difference of ROC AUC that would have been found with a power of 80 %, between
        these two rows on these images, tested alone at 5 %; None where the rows order all images
        alike.
    own
        Metrics of somebody's own among those that are compared.
    """

    dataset: str
    first: Line | None
    second: Line | None
    reason: str = ""
    differences: dict[str, Difference] | None = None
    corrected: dict[str, float] | None = None
    primary: tuple[str, ...] = PRIMARY
    disagreement: Disagreement | None = None
    smallest: float | None = None
    own: tuple[Own, ...] = ()


def compare(
    path: Path,
    row_a: str,
    row_b: str,
    datasets: Sequence[str] = (),
    plugins: Sequence[Path] = (),
    metrics: Sequence[str] = (),
) -> list[Comparison]:
    """Compare two rows on each data set that has either of them.

    Parameters
    ----------
    path
        A results folder.
    row_a, row_b
        Names of rows; controls are rows too.
    datasets
        Names of data sets; all where empty.
    plugins
        Files that bring metrics.
    metrics
        Names of metrics to compare by, and no others; where empty by ROC AUC, and by all others
        besides.

    Returns
    -------
    list of Comparison
        One a data set, in the order in which they were first run.

    Raises
    ------
    UnknownNameError
        For a row or a data set that the folder does not have, or a metric that there is none of,
        with the nearest names.
    OutputError
        Where ``path`` is no results folder, or both rows are one.
    """
    out = ResultsFolder(path)
    entries = out.read_rows()
    for name in datasets:
        if name not in {entry.dataset for entry in entries}:
            raise unknown("data set", name, {entry.dataset for entry in entries}, where=path)
    kept = [entry for entry in entries if not datasets or entry.dataset in datasets]
    for row in (row_a, row_b):
        if row not in {entry.row for entry in kept}:
            raise unknown("row", row, {entry.row for entry in kept}, where=path)
    if row_a == row_b:
        raise OutputError(f"{row_a!r} twice: there is nothing to compare", where=path)
    added = additions_of(plugins)
    known = [*METRICS, *(each.name for each in added.own if each.kind == "metric")]
    for name in metrics:
        if name not in known:
            raise unknown("metric", name, known, where="--metric")
    found = []
    for dataset in dict.fromkeys(entry.dataset for entry in kept):
        own = {
            row: sorted(
                (e for e in kept if e.dataset == dataset and e.row == row),
                key=lambda entry: entry.seed,
            )
            for row in (row_a, row_b)
        }
        if own[row_a] or own[row_b]:
            found.append(_on(out, dataset, row_a, row_b, own, added))
    if metrics:
        found = [_alone(each, tuple(dict.fromkeys(metrics))) for each in found]
    return _corrected(found)


def _alone(found: Comparison, metrics: tuple[str, ...]) -> Comparison:
    """Leave what was asked for of a comparison."""
    of = found.differences
    kept = None if of is None else {name: of[name] for name in metrics}
    smallest = found.smallest if "roc_auc" in metrics else None
    return replace(found, differences=kept, primary=metrics, smallest=smallest)


def _on(
    out: ResultsFolder,
    dataset: str,
    row_a: str,
    row_b: str,
    entries: dict[str, list[Entry]],
    added: Additions,
) -> Comparison:
    images: list[Images] = []
    lines: dict[str, Line | None] = {}
    measured: list[Measured | Repeated] = []
    reasons = []
    for row in (row_a, row_b):
        if not entries[row]:
            lines[row] = None
            reasons.append(f"{row} was not run on it")
            continue
        read = read_row(out, entries[row], images, added.metrics)
        lines[row] = line_of(read)
        if read.whole is None:
            absent = read.missing[0]
            reasons.append(f"{row} was {absent.status}: {absent.reason or 'no reason given'}")
        else:
            measured.append(read.whole)
    metrics = tuple(each for each in added.own if each.kind == "metric")
    found = Comparison(dataset, lines[row_a], lines[row_b], "; ".join(reasons), own=metrics)
    if reasons:
        return found
    if its := brought(lines):
        why = f"the scores of {its} were brought, and are of one division of the data set"
        return replace(found, reason=why)
    a, b = measured
    if isinstance(a, Repeated) or isinstance(b, Repeated):
        return _on_splits(found, a, b)
    if len({line.divided for line in lines.values() if line is not None}) > 1:
        why = "the rows were not run on the same folds: run both again with the same --repeat"
        return replace(found, reason=why)
    if a.images is not b.images:
        return replace(found, reason=_unlike(a, b, [line for line in lines.values() if line]))
    only_a = float((a.right * (1 - b.right)).sum())
    only_b = float((b.right * (1 - a.right)).sum())
    decided = not math.isnan(only_a + only_b)
    return replace(
        found,
        differences=differences(a, b),
        disagreement=Disagreement(only_a, only_b, len(a.images.names)) if decided else None,
        smallest=smallest_difference((a.roc_auc.averaged - b.roc_auc.averaged).error),
    )


def brought(lines: Mapping[str, Line | None]) -> str:
    """Name a row whose scores were imported, beside one on several divisions."""
    own = [line for line in lines.values() if line is not None]
    if all(line.divided is None for line in own):
        return ""
    return next((line.row for line in own if line.kind == "imported"), "")


def _on_splits(found: Comparison, a: Measured | Repeated, b: Measured | Repeated) -> Comparison:
    """Compare rows on several splits; only those that were run on the same."""
    if not (isinstance(a, Repeated) and isinstance(b, Repeated) and same_images(a, b)):
        why = "the rows were not run on the same splits: run both again with the same --repeat"
        return replace(found, reason=why)
    only_a = float((a.right * (1 - b.right)).sum())
    only_b = float((b.right * (1 - a.right)).sum())
    each = a.by_split("roc_auc") - b.by_split("roc_auc")
    return replace(
        found,
        differences=differences_on_splits(a, b),
        disagreement=None
        if math.isnan(only_a + only_b)
        else Disagreement(only_a, only_b, a.right.size),
        smallest=smallest_difference(error(each, a.ratio), degrees=each.size - 1),
    )


def _unlike(a: Measured, b: Measured, lines: Sequence[Line]) -> str:
    """Say how the images of two rows differ."""
    names_a, names_b = set(a.images.names), set(b.images.names)
    if names_a != names_b:
        both = len(names_a & names_b)
        missing = [
            f"{line.row} has no score of {line.elsewhere.n_missing:,} of the evaluated images"
            for line in lines
            if line.elsewhere is not None and line.elsewhere.n_missing
        ]
        if missing:
            return (
                f"the rows were not scored on the same images: {'; '.join(missing)}; import it"
                " with all scores"
            )
        return (
            f"the rows were not scored on the same images: {len(names_a):,} and {len(names_b):,},"
            f" {both:,} of them common; run both again on one state of the data set"
        )
    return (
        "the same images had other labels or groups when the rows were run: run both again on one"
        " state of the data set"
    )


def _corrected(found: Sequence[Comparison]) -> list[Comparison]:
    """Correct p-values for the number of tests: what was asked for is no worse for what was not."""
    places = [
        (number, name) for number, each in enumerate(found) for name in each.differences or {}
    ]
    asked = [(number, name) for number, name in places if name in found[number].primary]
    corrected: list[dict[str, float]] = [{} for _ in found]
    for family in (places, asked):
        p_values = [(found[number].differences or {})[name].p_value for number, name in family]
        for (number, name), p_value in zip(family, holm(np.array(p_values)), strict=True):
            corrected[number][name] = float(p_value)
    return [
        each if each.differences is None else replace(each, corrected=corrected[number])
        for number, each in enumerate(found)
    ]
