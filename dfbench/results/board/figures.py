"""All figures of a board in tidy form: one figure a line, whatever it is of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dfbench.results.board.board import Board, Line, Overall, Table
from dfbench.results.board.columns import columns_of
from dfbench.results.board.report import Figure, ProtocolFigure
from dfbench.results.statistics.estimate import Estimate

COLUMNS = tuple(Figure.model_fields)


def figures_of(board: Board) -> list[Figure]:
    """Give all figures of a board that are defined, data sets and rows in the order of the board.

    A figure that is not defined has no line; why a row has none stands in ``leaderboard.csv``, why
    a protocol in ``protocols.csv``.
    """
    found = [each for table in board.tables for each in _of_table(table)]
    found += board.others
    found += [_of_protocol(each) for each in board.figures if each.value is not None]
    return found + ([] if board.overall is None else list(_over_all(board.overall)))


def _of_table(table: Table) -> Iterator[Figure]:
    for line in table.measured:
        yield from _of_line(line, table)
    if table.smallest is not None:
        part = table.typical.split or "test"
        its = {
            "smallest_difference": table.smallest.alone,
            "smallest_difference_corrected": table.smallest.corrected,
        }
        for name, value in its.items():
            yield Figure(
                dataset=table.dataset, row="", part=part,
                metric=name, value=value, n=table.typical.n_test,
            )  # fmt: skip


def _of_line(line: Line, table: Table) -> Iterator[Figure]:
    whole = line.split or "test"
    own = {each.name for each in table.own if each.kind == "column"}
    placed: dict[str, object] = {"rank": line.rank, "p_best": line.p_best}
    placed |= {name: value for name, value in line.columns.items() if name in own}
    yield from _told(line, whole, line.metrics, line.n_test)
    yield from _plain(line, whole, placed, line.n_test)
    for name, recall in line.class_accuracy.items():
        if (part := line.by_class.get(name)) is None:
            yield from _plain(line, f"class={name}", {"recall": recall})
        else:
            yield from _told(line, f"class={name}", part.metrics, part.n)
    negatives = sum(its.n for its in line.by_class.values() if "fpr" in its.metrics)
    for name, part in line.by_kind.items():
        for metric, estimate in part.metrics.items():
            n = part.n + (negatives if metric == "roc_auc" else 0)
            yield from _told(line, f"kind={name}", {metric: estimate}, n)
    yield from _of_ensemble(line)
    costs = (
        its for column in columns_of(()) if column.place == "cost" for its in column.csv.items()
    )
    yield from _plain(line, "cost", {name: value(line) for name, value in costs})
    for fit in line.fits:
        values: dict[str, object] = {"threshold": fit.threshold, "temperature": fit.temperature}
        values |= {f"weight={row}": weight for row, weight in (fit.weights or {}).items()}
        values |= {f"block_weight={name}": its for name, its in fit.block_weights.items()}
        of: dict[str, Any] = {"seed": fit.seed, "split": fit.split}
        yield from _plain(line, "chosen", values, **of)
        yield from _plain(line, whole, fit.metrics, fit.n, **of)


def _of_ensemble(line: Line) -> Iterator[Figure]:
    of = line.ensemble
    if of is None:
        return
    yield from _told(line, f"ensemble: over {of.best}", of.gains, line.n_test)
    for name, member in of.members.items():
        part = f"ensemble: {name}"
        yield from _told(line, part, {f"{k}_added": its for k, its in member.adds.items()}, None)
        weights = {f"weight={kind}": weight for kind, weight in member.weights_by_kind.items()}
        yield from _plain(line, part, {"weight": member.weight, **weights})
    for pair in of.pairs:
        part = f"ensemble: {' and '.join(pair.members)}"
        yield from _plain(line, part, pair.model_dump(exclude={"members"}), line.n_test)


def _told(
    line: Line, part: str, metrics: Mapping[str, Estimate], n: int | None
) -> Iterator[Figure]:
    for metric, its in metrics.items():
        if its.value is not None:
            yield Figure(
                dataset=line.dataset, row=line.row, part=part, metric=metric, n=n,
                value=its.value, low=its.low, high=its.high, spread=its.spread,
            )  # fmt: skip


def _plain(
    line: Line,
    part: str,
    values: Mapping[str, object],
    n: int | None = None,
    **of: Any,
) -> Iterator[Figure]:
    """Give the numbers among some values, which have no interval; ``of`` has seed and split."""
    for metric, value in values.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield Figure(
                dataset=line.dataset, row=line.row, part=part, metric=metric, value=float(value),
                n=n, **of,
            )  # fmt: skip


def _of_protocol(of: ProtocolFigure) -> Figure:
    elsewhere = of.scored_on if of.scored_on != of.fitted_on else ""
    condition = ", ".join(filter(None, (of.fitted_part, elsewhere, of.scored_part)))
    assert of.value is not None
    return Figure(
        dataset=of.fitted_on,
        row=of.row,
        split=of.split,
        part=f"{of.protocol}: {condition}" if condition else of.protocol,
        metric=of.metric,
        value=of.value, low=of.low, high=of.high, spread=of.spread, n=of.n,
    )  # fmt: skip


def _over_all(overall: Overall) -> Iterator[Figure]:
    for each in (*overall.ranked, *overall.controls, *overall.gaps):
        for metric, value in (("mean_rank", each.mean_rank), ("mean_roc_auc", each.mean_auc)):
            if value is not None:
                yield Figure(
                    dataset="", row=each.row, part="all data sets", metric=metric, value=value
                )
    found = overall.friedman
    if found is not None:
        tests = {"friedman_p": found.p_value, "critical_difference": found.critical}
        for metric, value in tests.items():
            if value is not None:
                yield Figure(dataset="", row="", part="all data sets", metric=metric, value=value)
