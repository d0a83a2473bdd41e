"""A comparison in plain sentences and tables, and as lines for programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dfbench.plain import counted, listed
from dfbench.results.board.board import Line
from dfbench.results.board.comparison import Comparison
from dfbench.results.board.sentences import told_of
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Column, Grid, Section
from dfbench.results.document.cells import figure_cell
from dfbench.results.statistics.estimate import number
from dfbench.results.statistics.metrics import LOWER_IS_BETTER
from dfbench.results.statistics.significance import ALPHA
from dfbench.results.texts import csv_text, json_text


def sections(comparisons: Sequence[Comparison], row_a: str, row_b: str) -> list[Section]:
    """Explain two rows: a section a data set, and one over several.

    Parameters
    ----------
    comparisons
        From `comparison.compare`.
    row_a, row_b
        Names of the rows.
    """
    found = [_section(each, row_a, row_b, _count_tests(comparisons)) for each in comparisons]
    if len(comparisons) > 1:
        said = _summary(comparisons, row_a, row_b)
        found.append(Section(f"All {len(comparisons)} data sets", (said,)))
    return found


@dataclass(frozen=True, slots=True)
class _Tests:
    """How many tests there are: of what was asked for, and in all."""

    primary: int
    all: int


def _count_tests(comparisons: Sequence[Comparison]) -> _Tests:
    found = [
        name in each.primary
        for each in comparisons
        for name, p_value in (each.corrected or {}).items()
        if not math.isnan(p_value)
    ]
    return _Tests(sum(found), len(found))


def _section(of: Comparison, row_a: str, row_b: str, n_tests: _Tests) -> Section:
    said = " ".join(_sentences(of, row_a, row_b, n_tests))
    if of.differences is None:
        return Section(of.dataset, (said,))
    titles, of_both = _titles(of), of.differences
    shown = [name for name in titles if name in of_both and not math.isnan(of_both[name].value)]
    asked = [name for name in shown if name in of.primary]
    blocks = (asked, [name for name in shown if name not in asked])
    assert of.first is not None
    assert of.second is not None
    figures = Grid(
        (Column("figure", text=True), Column(row_a), Column(row_b)),
        (
            tuple(
                (
                    Cell(titles[name], titles[name]),
                    figure_cell(of.first.metrics[name]),
                    figure_cell(of.second.metrics[name]),
                )
                for name in shown
            ),
        ),
        title="Figures with 95 % intervals",
    )
    tests = Grid(
        (
            Column("figure", text=True),
            Column("difference"),
            Column("p", rising=True),
            Column("Holm", rising=True),
            Column("test", text=True),
            Column("better", text=True),
        ),
        tuple(tuple(_test(of, name) for name in block) for block in blocks if block),
        title=f"The first, {row_a}, less the second, {row_b}",
    )
    return Section(of.dataset, (said,), (figures, tests))


def _test(of: Comparison, name: str) -> tuple[Cell, ...]:
    difference = (of.differences or {})[name]
    corrected = (of.corrected or {})[name]
    clear = corrected < ALPHA
    detail = wording.signed_interval(number(difference.low), number(difference.high))
    better = ("first" if _better(of, name) else "second") if clear else wording.GAP
    title = _titles(of)[name]
    return (
        Cell(title, title),
        Cell(wording.signed(number(difference.value)), difference.value, detail, bold=clear),
        Cell(p_value(difference.p_value), number(difference.p_value)),
        Cell(p_value(corrected), number(corrected), bold=clear),
        Cell(difference.test, difference.test),
        Cell(better, better),
    )


def _titles(of: Comparison) -> dict[str, str]:
    """Give the heading of each metric, in their order."""
    return {**wording.TITLES, **{each.name: each.title for each in of.own}}


def _better(of: Comparison, name: str) -> bool:
    """Whether the first row has the better figure."""
    lower = {*LOWER_IS_BETTER, *(each.name for each in of.own if each.lower_is_better)}
    return ((of.differences or {})[name].value < 0) == (name in lower)


def p_value(value: float) -> str:
    """Word a p-value: ``0.034``, ``<0.001``."""
    if math.isnan(value):
        return wording.GAP
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _sentences(of: Comparison, row_a: str, row_b: str, n_tests: _Tests) -> list[str]:
    if of.differences is None or of.first is None or of.second is None:
        return [f"Nothing can be told: {of.reason}."]
    first = of.first
    split = first.split or "test"
    where = f"On {counted(first.n_test or 0, f'{split} image')}"
    if _over_splits(of):
        assert first.divided is not None
        where = f"On average over {first.divided.words} of {first.n_tested} {split} images"
    elif first.n_groups is not None:
        where += f" in {counted(first.n_groups, 'group')}"
    where += ", "
    said = []
    for name in of.primary:
        said += _verdict(of, name, row_a, row_b, where, n_tests.primary)
        where = ""
    said += _others(of, row_a, row_b)
    said += _secondary(of, n_tests)
    said += [*_disagreement(of, row_a, row_b), *_smallest(of), *_cost(of, row_a, row_b)]
    return [*said, *(told_of(line) for line in (of.first, of.second) if line.elsewhere)]


def _over_splits(of: Comparison) -> bool:
    """Whether figures are means over several splits."""
    return of.first is not None and of.first.on_splits


def _verdict(
    of: Comparison, name: str, row_a: str, row_b: str, where: str, n_tests: int
) -> list[str]:
    assert of.differences is not None
    assert of.corrected is not None
    assert of.first is not None
    assert of.second is not None
    found, title = of.differences[name], _titles(of)[name]
    if math.isnan(found.value):
        why = ": a class has no image" if name == "roc_auc" else ""
        return [f"{where}{title} is not defined{why}."]
    values = [
        f"{row} reaches {title} {_with_interval(line, name)}"
        for row, line in ((row_a, of.first), (row_b, of.second))
    ]
    said = [f"{where}{values[0]} and {values[1]}."]
    if math.isnan(found.p_value):
        why = "a class has fewer than two independent images or groups"
        if _over_splits(of):
            why = "the difference is the same on every split"
        said.append(f"Whether that is chance cannot be told: {why}.")
        return said
    better, worse = (row_a, row_b) if _better(of, name) else (row_b, row_a)
    low, high = (found.low, found.high) if found.value >= 0 else (-found.high, -found.low)
    difference = f"{abs(found.value):.3f} [{wording.figure(low)}, {wording.figure(high)}]"
    said += _at_chance(of, row_a, row_b)
    corrected = of.corrected[name]
    p = f"p {wording.p_value(corrected)}" + (
        f" after Holm's correction for {n_tests} tests" if n_tests > 1 else ""
    )
    if corrected < ALPHA:
        said.append(f"{better} is better by {difference}, which chance does not explain ({p}).")
    elif found.p_value < ALPHA:
        said.append(
            f"{better} is ahead by {difference}: alone that would be significant"
            f" (p {wording.p_value(found.p_value)}), among the {n_tests} tests asked for it is not"
            f" ({p})."
        )
    elif found.value == 0:
        said.append(f"There is no difference at all ({p}).")
    else:
        said.append(
            f"{better} is ahead by {difference}, which may be chance ({p}): these"
            f" {_what(of)} do not tell whether it is better than {worse}."
        )
    return said


def _what(of: Comparison) -> str:
    return "splits" if _over_splits(of) else "images"


def _at_chance(of: Comparison, row_a: str, row_b: str) -> list[str]:
    """Say which of the rows nothing shows to be better than chance."""
    lines = ((row_a, of.first), (row_b, of.second))
    names = [row for row, line in lines if line is not None and not line.above_chance]
    if len(names) == 2:
        return ["Neither is shown to be above chance."]
    return [f"{name} is not shown to be above chance." for name in names]


def _others(of: Comparison, row_a: str, row_b: str) -> list[str]:
    """Say where figures that were not asked for differ significantly."""
    assert of.differences is not None
    assert of.corrected is not None
    for_row: dict[str, list[str]] = {row_a: [], row_b: []}
    for name, title in _titles(of).items():
        if name not in of.primary and of.corrected.get(name, math.nan) < ALPHA:
            for_row[row_a if _better(of, name) else row_b].append(title)
    return [
        f"{row} is significantly better in {listed(names)}."
        for row, names in for_row.items()
        if names
    ]


def _secondary(of: Comparison, n_tests: _Tests) -> list[str]:
    """Say what the other figures are worth."""
    if n_tests.all == n_tests.primary:
        return []
    asked = listed([_titles(of)[name] for name in of.primary])
    return [
        f"The rows are compared by {asked}; all other figures are secondary, and corrected for all"
        f" {n_tests.all} tests."
    ]


def _disagreement(of: Comparison, row_a: str, row_b: str) -> list[str]:
    found = of.disagreement
    if found is None:
        return []
    both = found.n_first + found.n_second
    if both == 0:
        return ["They are right on the same images."]
    seeds = any(line is not None and len(line.seeds) > 1 for line in (of.first, of.second))
    return [
        f"{'On average over seeds one' if seeds else 'One'} is right and the other wrong on"
        f" {_count(both)} of"
        f" {found.n_images:,} images{' of all splits' if _over_splits(of) else ''}"
        f" ({both / found.n_images:.0%}): {row_a} is right on"
        f" {_count(found.n_first)} of these, {row_b} on {_count(found.n_second)}."
    ]


def _smallest(of: Comparison) -> list[str]:
    if of.smallest is None:
        return []
    if of.smallest >= 1:
        return [f"These {_what(of)} could not have shown any difference in ROC AUC."]
    return [
        f"The smallest difference in ROC AUC that these {_what(of)} would have shown between two"
        f" such rows in four of five cases is {wording.figure(of.smallest)}."
    ]


def _cost(of: Comparison, row_a: str, row_b: str) -> list[str]:
    said = []
    for row, line in ((row_a, of.first), (row_b, of.second)):
        if line is None or line.predict_images_per_second is None:
            continue
        rate = wording.quantity(line.predict_images_per_second)
        said.append(
            f"{row} classifies {rate} images a second from file to verdict and took"
            f" {wording.quantity(line.fit_seconds)} s to fit"
        )
    return ["; ".join(said) + "."] if said else []


def _summary(comparisons: Sequence[Comparison], row_a: str, row_b: str) -> str:
    said = [_wins(comparisons, name, row_a, row_b) for name in comparisons[0].primary]
    left = sum(each.corrected is None for each in comparisons)
    return "; ".join([*said, *([f"on {left} they cannot be compared"] if left else [])]) + "."


def _wins(comparisons: Sequence[Comparison], name: str, row_a: str, row_b: str) -> str:
    wins, open_ = {row_a: 0, row_b: 0}, 0
    for each in comparisons:
        if each.corrected is None:
            continue
        if each.corrected[name] < ALPHA:
            wins[row_a if _better(each, name) else row_b] += 1
        else:
            open_ += 1
    title = _titles(comparisons[0])[name]
    return (
        f"By {title} {row_a} is significantly better on {wins[row_a]}, {row_b} on {wins[row_b]};"
        f" {open_} {'is' if open_ == 1 else 'are'} open"
    )


def _with_interval(line: Line, name: str) -> str:
    figure = line.metrics[name]
    parts = (wording.figure(figure.value), wording.spread(figure), wording.interval(figure))
    return " ".join(part for part in parts if part)


def _count(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


_COLUMNS = (
    "dataset", "metric", "row_a", "a", "a_low", "a_high", "row_b", "b", "b_low", "b_high",
    "difference", "low", "high", "test", "p_value", "p_corrected", "primary", "better",
)  # fmt: skip


def lines(comparisons: Sequence[Comparison], row_a: str, row_b: str) -> list[dict[str, Any]]:
    """Give a line for each data set and metric; what is not defined is None.

    ``primary`` says whether the rows are compared by it, see `Comparison.corrected`; ``better``
    names the row that is significantly better, after the correction; None where none is.
    """
    found = []
    for each in comparisons:
        for name, difference in (each.differences or {}).items():
            assert each.first is not None
            assert each.second is not None
            a, b = each.first.metrics[name], each.second.metrics[name]
            corrected = (each.corrected or {})[name]
            better = (row_a if _better(each, name) else row_b) if corrected < ALPHA else None
            values = (
                each.dataset, name, row_a, a.value, a.low, a.high, row_b, b.value, b.low, b.high,
                number(difference.value), number(difference.low), number(difference.high),
                difference.test, number(difference.p_value),
                number(corrected), name in each.primary, better,
            )  # fmt: skip
            found.append(dict(zip(_COLUMNS, values, strict=True)))
    return found


def to_csv(comparisons: Sequence[Comparison], row_a: str, row_b: str) -> str:
    """Write `lines` as CSV; gaps are empty."""
    return csv_text(_COLUMNS, lines(comparisons, row_a, row_b))


def to_json(comparisons: Sequence[Comparison], row_a: str, row_b: str) -> str:
    """Write an object for each data set, with its sentences and `lines`."""
    every = lines(comparisons, row_a, row_b)
    said = sections(comparisons, row_a, row_b)
    found = [
        {
            "dataset": each.dataset,
            "rows": [row_a, row_b],
            "text": section.text[0],
            "reason": each.reason,
            "n_test": None if each.disagreement is None else each.disagreement.n_images,
            "right_alone": None
            if each.disagreement is None
            else [each.disagreement.n_first, each.disagreement.n_second],
            "smallest_roc_auc": each.smallest,
            "metrics": [line for line in every if line["dataset"] == each.dataset],
        }
        for each, section in zip(comparisons, said, strict=False)
    ]
    return json_text(found)
