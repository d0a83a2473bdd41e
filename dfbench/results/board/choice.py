"""Rows, columns and data sets of a board that are asked for by name, as one table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from dfbench.errors import DfbenchError, unknown
from dfbench.plain import counted, listed
from dfbench.results.board import sentences
from dfbench.results.board.board import Board, Line, Table, shortened
from dfbench.results.board.columns import LineColumn, columns_of
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Column, Grid, Section
from dfbench.results.document.cells import name_cell
from dfbench.results.statistics.metrics import MAIN

Mark = Literal["best", "second", ""]


@dataclass(frozen=True, slots=True)
class Group:
    """The columns of one data set.

    Attributes
    ----------
    table
        Its table.
    columns
        Each with one of its parts, see `LineColumn`.
    """

    table: Table
    columns: tuple[tuple[LineColumn, str], ...]

    def line(self, row: str) -> Line | None:
        """Give the line of a row, one with figures where there is one; None where it never ran."""
        found = [line for line in self.table.lines if line.row == row]
        return next((line for line in found if line.status == "ok"), next(iter(found), None))

    @property
    def n_compared(self) -> int:
        """How many rows of the data set were held against each other by ROC AUC."""
        return sum(line.rank is not None for line in self.table.ranked)

    def marks(self, rows: Sequence[str], column: LineColumn) -> dict[str, Mark]:
        """Say which of these rows stand out in a column of figures.

        By ROC AUC those that are not significantly worse than the best of the board, and the
        highest of the others; by any other figure, of which rows are not tested, the best and the
        second as they are shown. Controls never do, and nothing where there is no other row.
        """
        if column.estimate is None:
            return {}
        lines = [line for row in rows if (line := self.line(row)) and not line.control]
        tested = column.key == "roc_auc"
        shown = {
            line.row: round(value, 3)
            for line in lines
            if (value := column.estimate(line).value) is not None
        }
        if (self.n_compared if tested else len(shown)) < 2:
            return {}
        best = {line.row for line in lines if line.best} if tested else _top(shown, column)
        rest = {row: value for row, value in shown.items() if row not in best}
        second = _top(rest, column)
        marks: dict[str, Mark] = dict.fromkeys(second, "second")
        return marks | dict.fromkeys(best, "best")


def _top(values: Mapping[str, float], column: LineColumn) -> set[str]:
    if not values:
        return set()
    top = (min if column.rising else max)(values.values())
    return {row for row, value in values.items() if value == top}


@dataclass(frozen=True, slots=True)
class Choice:
    """Rows by data sets and columns: all that one table shows.

    Attributes
    ----------
    board
        What they are of.
    rows
        Names, in the order of the table.
    groups
        One a data set.
    intervals, spread
        Whether figures stand with their 95 % interval, with their standard deviation over seeds.
    """

    board: Board
    rows: tuple[str, ...]
    groups: tuple[Group, ...]
    intervals: bool = False
    spread: bool = False

    @property
    def measured(self) -> list[Line]:
        """The lines that figures are shown of."""
        found = [group.line(row) for group in self.groups for row in self.rows]
        return [line for line in found if line is not None and line.status == "ok"]

    @property
    def columns(self) -> list[LineColumn]:
        """The columns, each once."""
        return list(
            {column.key: column for group in self.groups for column, _ in group.columns}.values()
        )

    def told(self, text: str) -> str:
        """Name rows in a text without the folders of files in them, where they stay apart."""
        for row, short in shortened(self.board.lines).items():
            text = text.replace(row, short)
        return text

    def detail(self, line: Line, column: LineColumn) -> str:
        """Give what stands beside a figure in small."""
        if column.estimate is None:
            return ""
        of = column.estimate(line)
        if self.spread and over_divisions(line):
            of = of.model_copy(update={"spread": line.spread_over(column.key)})
        parts = [wording.spread(of)] * self.spread + [wording.interval(of)] * self.intervals
        return " ".join(filter(None, parts))


def over_divisions(line: Line) -> bool:
    """Whether what varies of a row is the split, and no seed does."""
    return line.divided is not None and len(line.seeds) == 1


def choose(
    board: Board,
    *,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    data: Sequence[str] = (),
    intervals: bool = False,
    spread: bool = False,
) -> Choice:
    """Take rows, columns and data sets of a board.

    Names stand as they are given; several may stand in one text with commas between them, and a
    ``*`` is for any letters.

    Parameters
    ----------
    board
        Where they are looked up.
    rows
        By default all.
    columns
        By key or heading; by default ROC AUC, of one data set all figures of the leaderboard.
    data
        By default all data sets.
    intervals, spread
        See `Choice`.

    Raises
    ------
    UnknownNameError
        For a name that the board does not have, with the nearest.
    DfbenchError
        Where there is nothing to show.
    """
    if not board.tables:
        raise DfbenchError(sentences.NOTHING.removesuffix("."))
    tables = {table.dataset: table for table in board.tables}
    datasets = asked("data set", data, list(tables)) or list(tables)
    shown = [tables[name] for name in datasets]
    known = _columns(board)
    keys = asked("column", columns, known) or list(MAIN if len(shown) == 1 else MAIN[:1])
    by_key = {column.key: column for column in columns_of(board.own)}
    groups = tuple(
        Group(
            table,
            tuple(
                (by_key[key], part) for key in keys for part in by_key[key].parts(table) or ("",)
            ),
        )
        for table in shown
    )
    order = _order(board, shown)
    every = dict.fromkeys([*order, *(line.row for line in board.lines)])
    chosen = asked("row", rows, list(every)) or order
    return Choice(board, tuple(chosen), groups, intervals, spread)


def _order(board: Board, tables: Sequence[Table]) -> list[str]:
    """Give the rows of these tables: of several in the order that they have over all."""
    names = list(dict.fromkeys(line.row for table in tables for line in table.lines))
    overall = board.overall
    if len(tables) == 1 or overall is None:
        return names
    standings = (*overall.ranked, *overall.gaps, *overall.controls)
    ranks = {each.row: (bool(each.control), n) for n, each in enumerate(standings)}
    return sorted(names, key=lambda row: ranks[row])


def _columns(board: Board) -> dict[str, str | None]:
    """Give keys and headings of all that a table can show to their keys."""
    shown = [each for each in columns_of(board.own) if each.place and each.key != "row"]
    keys: dict[str, str | None] = {each.key: None for each in shown}
    return {each.title.strip(): each.key for each in shown if each.title.strip()} | keys


def asked(what: str, texts: Iterable[str], known: Iterable[str]) -> list[str]:
    """Give the names that are asked for, each once, in the order given.

    Parameters
    ----------
    what
        Kind of thing, for the error.
    texts
        A name, several with commas between them, or a pattern with ``*``.
    known
        All names; a mapping gives the names that they stand for.

    Raises
    ------
    UnknownNameError
        For a name that there is not, with the nearest.
    """
    known = known if isinstance(known, Mapping) else dict.fromkeys(known)
    found: dict[str, None] = {}
    for text in texts:
        for name in [text] if text in known else _split(text):
            hits = [name] if name in known else _matching(name, known)
            if not hits:
                raise unknown(what, name, known)
            found |= dict.fromkeys(known[hit] or hit for hit in hits)
    return list(found)


def _split(text: str) -> list[str]:
    """Split at commas outside of brackets: parameters have commas of their own."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign == "[") - (sign == "]")
        if sign == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()] or [text]


def _matching(name: str, known: Iterable[str]) -> list[str]:
    if "*" not in name:
        return []
    pattern = re.compile(".*".join(map(re.escape, name.split("*"))), re.DOTALL)
    return [each for each in known if pattern.fullmatch(each)]


# ---- as a table of any form


def section(choice: Choice) -> Section:
    """Lay a choice out as a section: one table, and what a caption says of it."""
    several = len(choice.groups) > 1
    heads = [Column("row", text=True, rising=True)]
    for group in choice.groups:
        for column, part in group.columns:
            head = column.head(part)
            alone = len(group.columns) == 1
            title = head.title if not several else group.table.dataset
            if several and not alone:
                title = f"{group.table.dataset} {head.title}"
            heads.append(Column(title, text=head.text, rising=head.rising))
    marks = [
        group.marks(choice.rows, column) if not part else {}
        for group in choice.groups
        for column, part in group.columns
    ]

    def cells(row: str) -> tuple[Cell, ...]:
        found = [name(choice, row)]
        at = iter(marks)
        for group in choice.groups:
            line = group.line(row)
            for column, part in group.columns:
                bold = next(at).get(row) == "best"
                found.append(cell_of(choice, line, column, part, bold=bold))
        return tuple(found)

    grid = Grid(tuple(heads), (tuple(map(cells, choice.rows)),))
    text = " ".join(caption(choice, underlined=False))
    return Section(title_of(choice), (text, *caveats(choice)), (grid,))


def name(choice: Choice, row: str) -> Cell:
    """Name a row, with the mark of one that was not fitted here."""
    lines = [line for group in choice.groups if (line := group.line(row))]
    if not lines:
        return Cell(choice.told(row), row, row=row)
    marked = next(filter(None, map(sentences.mark, lines)), "")
    cell = name_cell(row, control=lines[0].control, mark=marked)
    return replace(cell, shown=choice.told(cell.shown))


def cell_of(
    choice: Choice, line: Line | None, column: LineColumn, part: str, *, bold: bool = False
) -> Cell:
    """Give what stands of a line in a column: where it has no figures its status."""
    if line is None:
        return Cell("not run")
    if line.status != "ok" and not column.always:
        return Cell(line.status)
    found = column.cell(line, part)
    detail = choice.detail(line, column) if column.estimate else found.detail
    return Cell(found.shown, found.value, detail, bold)


# ---- what is said of it


def title_of(choice: Choice) -> str:
    """Say what a table shows of how many rows on which data."""
    columns = choice.columns
    said = [_named(column) for column in columns]
    where = [group.table.dataset for group in choice.groups]
    on = where[0] if len(where) == 1 else counted(len(where), "data set")
    return f"{listed(said)} of {counted(len(choice.rows), 'row')} on {on}"


def _named(column: LineColumn) -> str:
    return column.title.strip() if column.key != "class_accuracy" else "accuracy by class"


def caption(choice: Choice, *, underlined: bool = True) -> list[str]:
    """Say in whole sentences what a reader of the table alone must know.

    Parameters
    ----------
    choice
        What is shown.
    underlined
        Whether the second is.
    """
    said = [*_images(choice), *_seeds(choice), *_budget(choice)]
    if choice.intervals:
        said += _intervals(choice)
    several = any(len(line.seeds) > 1 for line in choice.measured)
    if choice.spread and several:
        said.append("\N{PLUS-MINUS SIGN}: standard deviation over the seeds.")
    over = [line.divided.kind for line in choice.measured if over_divisions(line) and line.divided]
    if choice.spread and over:
        said.append(f"\N{PLUS-MINUS SIGN}: standard deviation over the {over[0]}s.")
    said += _marks(choice, underlined=underlined)
    for group in choice.groups:
        said += [
            sentences.told_of(line)
            for row in choice.rows
            if (line := group.line(row)) and line.status == "ok" and line.elsewhere is not None
        ]
    controls = [
        row
        for row in choice.rows
        if any(line.row == row and line.control for line in choice.measured)
    ]
    if controls:
        are = "is a control" if len(controls) == 1 else "are controls"
        said.append(f"{listed(controls)} {are} and not ranked.")
    shuffled = {
        line.row: f"{line.divided.kind} 1"
        for line in choice.measured
        if line.divided is not None and line.control == "shuffled labels"
    }
    said += [f"{row}: of {first} alone." for row, first in shuffled.items()]
    return [choice.told(each) for each in [*said, *_missing(choice)]]


def caveats(choice: Choice) -> list[str]:
    """Say what stands above the leaderboards of these data sets: warnings, then notes."""
    several = len(choice.groups) > 1
    return [
        choice.told(f"{kind}: {f'{group.table.dataset}: ' if several else ''}{text}.")
        for group in choice.groups
        for kind, texts in (("Warning", group.table.warnings), ("Note", group.table.notes))
        for text in texts
    ]


def _missing(choice: Choice) -> list[str]:
    """Say why rows have no figures; where that is so on all data sets, once."""
    found: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for group in choice.groups:
        lines = [line for row in choice.rows if (line := group.line(row)) and line.status != "ok"]
        for each in sentences.reasons(lines):
            key = (each.status, each.said, tuple(each.rows))
            found.setdefault(key, []).append(group.table.dataset)
    return [
        f"{listed(rows)}{'' if len(where) == len(choice.groups) else f' on {listed(where)}'}:"
        f" {status}, {why}."
        for (status, why, rows), where in found.items()
    ]


def _images(choice: Choice) -> list[str]:
    """Say how many images of which split each data set's figures are of."""
    found = []
    for group in choice.groups:
        table = group.table
        if not table.measured:
            continue
        n, *_ = sentences.facts(table)
        groups = table.typical.n_groups
        apart = ", " if table.typical.divided is None else "; in "
        n += "" if groups is None else f"{apart}{counted(groups, 'group')}"
        found.append(n if len(choice.groups) == 1 else f"{table.dataset}: {n}")
    said = "; ".join(found)
    return [f"{said[:1].upper() if len(found) == 1 else said[:1]}{said[1:]}."] if found else []


def _seeds(choice: Choice) -> list[str]:
    own = [line for line in choice.measured if line.kind != "imported"]
    found = {tuple(line.seeds) for line in own if line.control != "shuffled labels"}
    if len(found) != 1:
        return ["The rows were not run with the same seeds."] if found else []
    (seeds,) = found
    shown = listed([str(seed) for seed in seeds])
    return [f"Means over the seeds {shown}." if len(seeds) > 1 else f"Seed {shown}."]


def _budget(choice: Choice) -> list[str]:
    """Say what each row might spend on its parameters, where all runs gave the same."""
    found = {(run.trials, run.seconds) for run in choice.board.runs if run.trials}
    tuned = list(dict.fromkeys(line.tuned_on for line in choice.measured if line.tuned_on))
    if len(found) != 1 or not tuned or not any(line.tuning for line in choice.measured):
        return []
    ((trials, seconds),) = found
    limit = f"at most {counted(trials, 'trial')} or {seconds:g} s a row"
    refit = any(line.refit for line in choice.measured)
    then = "; rows were then fitted on that and train together" if refit else ""
    return [f"Parameters were chosen on {listed(tuned)}, {limit}{then}."]


def _intervals(choice: Choice) -> list[str]:
    found: dict[str, list[str]] = {}
    for group in choice.groups:
        if group.table.measured:
            found.setdefault(sentences.intervals(group.table.typical), []).append(
                group.table.dataset
            )
    if len(found) == 1:
        return [f"In brackets: {next(iter(found))}."]
    said = "; ".join(f"{', '.join(names)}: {how}" for how, names in found.items())
    return [f"In brackets, {said}."]


def _marks(choice: Choice, *, underlined: bool) -> list[str]:
    """Say what bold and underlined are, and where the best row is not among those shown."""
    figures = [column for column in choice.columns if column.estimate is not None]
    n = [group.n_compared for group in choice.groups if group.n_compared > 1]
    tested = bool(n) and any(column.key == "roc_auc" for column in figures)
    others = any(
        group.marks(choice.rows, column)
        for group in choice.groups
        for column in figures
        if column.key != "roc_auc"
    )
    said = []
    if tested:
        among = listed([str(each) for each in (n[:1] if len(set(n)) == 1 else n)])
        bold = (
            "Bold: ROC AUC not significantly worse than the best of its data set"
            f" ({_test(choice)}, Holm-corrected over all pairs of the {among} rows that were run,"
            " 5 %)"
        )
        bold += ", and above chance" if any(map(_at_chance, choice.measured)) else ""
        said.append(f"{bold}; underlined: the highest of the others." if underlined else f"{bold}.")
        absent = [
            f"{best} on {group.table.dataset}"
            for group in choice.groups
            if (best := _top_row(group.table)) and best not in choice.rows
        ]
        if absent:
            said.append(f"Best, and not shown: {listed(absent)}.")
    if others:
        which = "In the other columns" if tested else "In each column"
        marks = "the best figure is bold"
        marks += " and the second underlined" if underlined else ""
        said.append(f"{which} {marks}, as measured and not tested.")
    return said


def _at_chance(line: Line) -> bool:
    """Whether a row is not bold for being at chance, though no other is significantly better."""
    return line.rank == 1 and not line.above_chance


def _test(choice: Choice) -> str:
    """Name the tests between rows."""
    kinds = {
        line.divided is not None and line.divided.kind == "split"
        for group in choice.groups
        for line in group.table.ranked
    }
    names = ["DeLong's test"] * (False in kinds) + ["the corrected t-test over splits"] * (
        True in kinds
    )
    return " or ".join(names) or "DeLong's test"


def _top_row(table: Table) -> str:
    return next((line.row for line in table.ranked if line.rank == 1 and line.p_best is None), "")
