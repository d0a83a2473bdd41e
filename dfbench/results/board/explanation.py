"""A comparison in plain sentences and tables, and as lines for programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

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
    n_tests = sum(
        not math.isnan(p) for each in comparisons for p in (each.corrected or {}).values()
    )
    found = [_section(each, row_a, row_b, n_tests) for each in comparisons]
    if len(comparisons) > 1:
        said = _summary(comparisons, row_a, row_b)
        found.append(Section(f"All {len(comparisons)} data sets", (said,)))
    return found


def _section(of: Comparison, row_a: str, row_b: str, n_tests: int) -> Section:
    said = " ".join(_sentences(of, row_a, row_b, n_tests))
    if of.differences is None:
        return Section(of.dataset, (said,))
    titles = _titles(of)
    shown = [name for name in titles if not math.isnan(of.differences[name].value)]
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
        (tuple(_test(of, name) for name in shown),),
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


def _sentences(of: Comparison, row_a: str, row_b: str, n_tests: int) -> list[str]:
    if of.differences is None or of.first is None or of.second is None:
        return [f"Nothing can be told: {of.reason}."]
    first = of.first
    where = f"On {wording.count(first.n_test)} {first.split or 'test'} images"
    if first.n_groups is not None:
        where += f" in {wording.count(first.n_groups)} groups"
    said = [*_verdict(of, row_a, row_b, where, n_tests), *_others(of, row_a, row_b)]
    said += [*_disagreement(of, row_a, row_b), *_smallest(of), *_cost(of, row_a, row_b)]
    return [*said, *(told_of(line) for line in (of.first, of.second) if line.elsewhere)]


def _verdict(of: Comparison, row_a: str, row_b: str, where: str, n_tests: int) -> list[str]:
    assert of.differences is not None
    assert of.corrected is not None
    assert of.first is not None
    assert of.second is not None
    auc = of.differences["roc_auc"]
    if math.isnan(auc.value):
        return [f"{where} ROC AUC is not defined: a class has no image."]
    values = [
        f"{row} reaches ROC AUC {_with_interval(line)}"
        for row, line in ((row_a, of.first), (row_b, of.second))
    ]
    said = [f"{where}, {values[0]} and {values[1]}."]
    if math.isnan(auc.p_value):
        said.append(
            "Whether that is chance cannot be told: a class has fewer than two independent images"
            " or groups."
        )
        return said
    better, worse = (row_a, row_b) if auc.value > 0 else (row_b, row_a)
    low, high = (auc.low, auc.high) if auc.value >= 0 else (-auc.high, -auc.low)
    difference = f"{abs(auc.value):.3f} [{wording.figure(low)}, {wording.figure(high)}]"
    said += _at_chance(of, row_a, row_b)
    corrected = of.corrected["roc_auc"]
    p = f"p {wording.p_value(corrected)}" + (
        f" after Holm's correction for {n_tests} tests" if n_tests > 1 else ""
    )
    if corrected < ALPHA:
        said.append(f"{better} is better by {difference}, which chance does not explain ({p}).")
    elif auc.p_value < ALPHA:
        said.append(
            f"{better} is ahead by {difference}: alone that would be significant"
            f" (p {wording.p_value(auc.p_value)}), among all tests shown here it is not ({p})."
        )
    elif auc.value == 0:
        said.append(f"There is no difference at all ({p}).")
    else:
        said.append(
            f"{better} is ahead by {difference}, which may be chance ({p}): these images do not"
            f" tell whether it is better than {worse}."
        )
    return said


def _at_chance(of: Comparison, row_a: str, row_b: str) -> list[str]:
    """Say which of the rows nothing shows to be better than chance."""
    lines = ((row_a, of.first), (row_b, of.second))
    names = [row for row, line in lines if line is not None and not line.above_chance]
    if len(names) == 2:
        return ["Neither is shown to be above chance."]
    return [f"{name} is not shown to be above chance." for name in names]


def _others(of: Comparison, row_a: str, row_b: str) -> list[str]:
    """Say where figures other than ROC AUC differ significantly."""
    assert of.differences is not None
    assert of.corrected is not None
    for_row: dict[str, list[str]] = {row_a: [], row_b: []}
    for name, title in _titles(of).items():
        if name != "roc_auc" and of.corrected[name] < ALPHA:
            for_row[row_a if _better(of, name) else row_b].append(title)
    return [
        f"{row} is significantly better in {_and(names)}."
        for row, names in for_row.items()
        if names
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
        f" {found.n_images:,} images ({both / found.n_images:.0%}): {row_a} is right on"
        f" {_count(found.n_first)} of these, {row_b} on {_count(found.n_second)}."
    ]


def _smallest(of: Comparison) -> list[str]:
    if of.smallest is None:
        return []
    return [
        "The smallest difference in ROC AUC that these images would have shown between two such"
        f" rows in four of five cases is {wording.figure(of.smallest)}."
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
    wins = {row_a: 0, row_b: 0}
    compared = 0
    for each in comparisons:
        if each.differences is None or each.corrected is None:
            continue
        compared += 1
        if each.corrected["roc_auc"] < ALPHA:
            wins[row_a if each.differences["roc_auc"].value > 0 else row_b] += 1
    open_ = compared - sum(wins.values())
    said = (
        f"By ROC AUC {row_a} is significantly better on {wins[row_a]}, {row_b} on {wins[row_b]};"
        f" {open_} {'is' if open_ == 1 else 'are'} open"
    )
    left = len(comparisons) - compared
    return said + (f"; on {left} they cannot be compared." if left else ".")


def _with_interval(line: Line) -> str:
    figure = line.metrics["roc_auc"]
    parts = (wording.figure(figure.value), wording.spread(figure), wording.interval(figure))
    return " ".join(part for part in parts if part)


def _count(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


_COLUMNS = (
    "dataset", "metric", "row_a", "a", "a_low", "a_high", "row_b", "b", "b_low", "b_high",
    "difference", "low", "high", "test", "p_value", "p_corrected", "better",
)  # fmt: skip


def lines(comparisons: Sequence[Comparison], row_a: str, row_b: str) -> list[dict[str, Any]]:
    """Give a line for each data set and metric; what is not defined is None.

    ``better`` names the row that is significantly better, after the correction; None where none is.
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
                number(corrected), better,
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
