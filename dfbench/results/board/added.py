"""Metrics and columns that plugins bring: found, held against ours, put on a board."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from dfbench.contained.process import EndedError
from dfbench.errors import DfbenchError, PluginError, let_stop, worded
from dfbench.files import digest
from dfbench.hosted import called
from dfbench.plugins import CALLING, ColumnInfo, MetricInfo, info, source_digest, staying
from dfbench.registry import COLUMNS, METRICS, Part, Registry
from dfbench.results.board.board import Added, Board, Line, Own, Table
from dfbench.results.board.columns import COLUMNS as OURS
from dfbench.results.board.columns import own_column
from dfbench.results.board.read import RowRead
from dfbench.results.board.report import Report
from dfbench.results.statistics import recomputed
from dfbench.results.statistics.bootstrap import N_RESAMPLES, Resamples
from dfbench.results.statistics.recomputed import (
    FEWEST,
    Fault,
    Found,
    Recomputed,
    Resampled,
    resampled,
    value,
)
from dfbench.results.statistics.repeated import Repeated
from dfbench.results.statistics.sample import Sample

_TEXT = 200
"""Characters of a text in a column, at most."""


@dataclass(frozen=True)
class Additions:
    """What plugins bring to a board.

    Attributes
    ----------
    own
        All of it, as boards describe it.
    metrics
        How each is computed.
    columns
        Function by name.
    broken
        What is wrong with parts that cannot be loaded.
    name
        Digest of all of it; empty where there is nothing.
    """

    own: tuple[Own, ...] = ()
    metrics: tuple[Recomputed, ...] = ()
    columns: Mapping[str, Callable[..., Any]] | None = None
    broken: tuple[str, ...] = ()
    name: str = ""

    def put_on(self, board: Board, rows: Mapping[tuple[str, str, str], RowRead]) -> Board:
        """Fill in the columns, and say in each table what went wrong.

        Parameters
        ----------
        board
            Whose lines have the metrics already.
        rows
            By data set, row and name of the subset.
        """
        if not (self.own or self.broken):
            return board
        tables: list[Table] = []
        notes: dict[str, list[str]] = {}
        for table in board.tables:
            said: dict[str, list[str]] = {}
            for note, row in self._faults(table, rows):
                said.setdefault(note, []).append(row)
            filled = {
                line.row: self._filled(line, rows[table.dataset, line.row, ""], said)
                for line in table.measured
            }
            tables.append(
                replace(
                    table,
                    ranked=[filled[line.row] for line in table.ranked],
                    controls=[filled[line.row] for line in table.controls],
                    own=self.own,
                )
            )
            n = len(table.measured)
            notes[table.dataset] = [f"{note} ({_named(its, n)})" for note, its in said.items()]
        found = replace(board, tables=tables, own=self.own, broken=self.broken)
        return found.plus(Report(notes=notes))

    def _faults(
        self, table: Table, rows: Mapping[tuple[str, str, str], RowRead]
    ) -> Iterator[tuple[str, str]]:
        """Say what is wrong with metrics, and of which row."""
        for line in table.measured:
            measured = rows[table.dataset, line.row, ""].whole
            if measured is None:
                continue
            for each in self._of_kind("metric"):
                where = f"{each.name} of {each.owner}"
                if fault := measured.faults.get(each.name):
                    yield f"{where} has no value: it {fault}", line.row
                    continue
                if isinstance(measured, Repeated) or not measured.further:
                    continue  # of splits there are no resamples
                found = measured.resampled.get(each.name)
                if found is None:
                    continue
                n, why = found.values.size, ", for time was over" if found.late else ""
                if not n and found.faults:  # of none of them
                    yield f"{where} has no interval: it {next(iter(found.faults))}", line.row
                    continue
                if n < FEWEST:
                    slow = f"too slow for {FEWEST} resamples in {recomputed.CLOCK:g} s"
                    yield f"{where} has no interval: {slow}", line.row
                elif n < N_RESAMPLES:
                    yield f"intervals of {where} are of {n:,} resamples{why}", line.row
                if found.faults:
                    first = next(iter(found.faults))
                    n = sum(found.faults.values())
                    yield f"{where} breaks on some resamples: it {first}", f"{line.row}: {n:,}"

    def _filled(self, line: Line, row: RowRead, said: dict[str, list[str]]) -> Line:
        if not self.columns:
            return line
        facts = line.model_dump(mode="json", exclude={"columns"})
        facts["records"] = [
            record.model_dump(mode="json") for each in row.parts for record in each.records
        ]
        values: dict[str, Added] = {}
        for each in self._of_kind("column"):
            values[each.name], fault = _of_column(self.columns[each.name], facts)
            if fault:
                note = f"{each.name} of {each.owner} has no value: it {fault}"
                said.setdefault(note, []).append(line.row)
        return line.model_copy(update={"columns": values})

    def _of_kind(self, kind: str) -> list[Own]:
        return [each for each in self.own if each.kind == kind]


NOTHING = Additions()


class _Fault(Exception):
    """What is wrong with what a column gave."""


@dataclass(frozen=True)
class _Blamed:
    """A metric's function, whatever it raises worded as its fault."""

    function: Callable[..., Any]

    def __call__(self, *given: Any, **more: Any) -> Any:
        try:
            with staying(CALLING):
                return self.function(*given, **more)
        except BaseException as error:
            let_stop(error)
            raise Fault(f"raises {worded(error)}") from error


@dataclass(frozen=True)
class _Contained(Recomputed):
    """A figure whose function, which is of others, is called in a process of its own.

    Attributes
    ----------
    of
        The function; ``function`` words what it raises.
    """

    of: Callable[..., Any] = field(kw_only=True)

    def value(self, sample: Sample) -> Found:
        """Give the figure of all images."""
        try:
            return called(self.of, 4 * CALLING, _LATE, value, self._plain, sample)
        except EndedError as error:
            return Found(math.nan, error.why)
        except PluginError as error:
            return Found(math.nan, error.what)

    def resampled(self, samples: Sequence[Sample], resamples: Resamples) -> Resampled:
        """Give the figure of resamples; of none where it ends its process over them."""
        clock = recomputed.CLOCK
        limit, given = clock + CALLING, (samples, resamples, clock)
        try:
            return called(self.of, limit, _LATE, resampled, self._plain, *given)
        except EndedError as error:
            return Resampled(np.zeros(0), {error.why: 1}, error.slow)
        except PluginError as error:
            return Resampled(np.zeros(0), {error.what: 1})

    @property
    def _plain(self) -> Recomputed:
        """What is sent."""
        its = {each.name: getattr(self, each.name) for each in fields(Recomputed)}
        return Recomputed(**its)


_LATE = "to be computed"


def _of_column(function: Callable[..., Any], facts: Any) -> tuple[Added, str]:
    """Give the value of a line, and what is wrong where there is none for that reason."""
    try:
        return called(function, CALLING, _LATE, _asked, function, facts)
    except EndedError as error:
        return None, error.why
    except PluginError as error:
        return None, error.what


def _asked(function: Callable[..., Any], facts: Any) -> tuple[Added, str]:
    try:
        with staying(CALLING):
            return _plain(function(_copied(facts))), ""
    except _Fault as fault:
        return None, str(fault)
    except BaseException as error:  # noqa: BLE001 - it costs its own column
        let_stop(error)
        return None, f"raises {worded(error)}"


def _copied(facts: Any) -> Any:
    """Copy plain data: what one function writes into it no other sees."""
    if isinstance(facts, dict):
        return {key: _copied(its) for key, its in facts.items()}
    return [_copied(its) for its in facts] if isinstance(facts, list) else facts


def _plain(value: Any) -> Added:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, float) and math.isinf(value):
        raise _Fault(f"gives {value}")
    if isinstance(value, str) and len(value) > _TEXT:
        raise _Fault(f"gives a text of {len(value):,} characters")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise _Fault(f"gives {type(value).__name__}, no number and no text")


def _named(rows: Sequence[str], n: int) -> str:
    if len(rows) == n > 1:
        return f"all {n} rows"
    return ", ".join(rows) if len(rows) <= 3 else f"{len(rows)} of {n} rows"


def additions_of(plugins: Sequence[Path] = ()) -> Additions:
    """Find the metrics and columns of plugin files and of installed packages.

    Raises
    ------
    PluginError
        If a file cannot be loaded, or a name is taken.
    """
    own: list[Own] = []
    metrics: list[Recomputed] = []
    columns: dict[str, Callable[..., Any]] = {}
    broken: list[str] = []
    sources: list[object] = []
    taken = {field: "dfbench" for column in OURS for field in column.csv}
    titles = {title: "dfbench" for column in OURS if (title := _title(column.title))}
    for part in (*Registry(METRICS, plugins), *Registry(COLUMNS, plugins)):
        if part.built_in:
            continue
        try:
            function = part.load()
            sources.append([part.name, part.owner, source_digest(function)])
        except DfbenchError as error:
            broken.append(str(error))
            continue
        told = info(function)
        each = _described(part, told, function)
        for named in own_column(each).csv:
            if named in taken:
                raise PluginError(
                    f"the field {named!r} has two owners: {taken[named]} and {part.owner}",
                    where=part.where,
                    hint="rename the metric or column",
                )
            taken[named] = part.owner
        title = _title(each.title)
        if title in titles:
            raise PluginError(
                f"two columns have the title {each.title!r}: one of {titles[title]}, one of"
                f" {part.owner}",
                where=part.where,
                hint="give it another: title=...",
            )
        titles[title] = part.owner
        own.append(each)
        if isinstance(told, MetricInfo):
            metrics.append(
                _Contained(
                    part.name, _Blamed(function), told.takes, not told.higher_is_better,
                    told.binary, told.resamples, of=function,
                )
            )  # fmt: skip
        else:
            columns[part.name] = function
    name = digest([sources, broken]) if sources or broken else ""
    return Additions(tuple(own), tuple(metrics), columns, tuple(broken), name)


def _title(text: str) -> str:
    """Give a title as readers take it in."""
    return " ".join(text.split()).casefold()


def _described(part: Part, told: Any, function: Any) -> Own:
    assert isinstance(told, MetricInfo | ColumnInfo)  # the registry lets no other through
    summary = (function.__doc__ or "").strip().partition("\n")[0]
    lower = isinstance(told, MetricInfo) and not told.higher_is_better
    kind = "metric" if isinstance(told, MetricInfo) else "column"
    return Own(kind, part.name, told.title, Path(part.owner).name, summary, lower)  # type: ignore[arg-type]
