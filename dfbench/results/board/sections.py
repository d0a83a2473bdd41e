"""Tables of a board: the leaderboard of a data set, and the sections that stand beside it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dfbench.results.board import sentences
from dfbench.results.board.board import Board, Line, Overall, Standing, Table
from dfbench.results.board.columns import (
    IMAGES_PER_SECOND,
    ROW,
    LineColumn,
    Place,
    columns_of,
)
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Chart, Column, Grid, Section
from dfbench.results.document.cells import dataset_cell, figure_cell, name_cell, number_cell
from dfbench.results.records import provenance

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MplFigure


def leaderboard(table: Table, *, seeds: bool) -> Grid:
    """Lay out the main table of a data set: ranked rows, controls, rows without figures."""
    shown = [each for each in _columns(table, "main") if seeds or each[0].key != "seeds"]
    n_figures = sum(not column.always for column, _ in shown)

    def measured(line: Line) -> tuple[Cell, ...]:
        return tuple(column.cell(line, part) for column, part in shown)

    def missing(line: Line) -> tuple[Cell, ...]:
        reason = " ".join(line.reason.split()) or "no reason given"
        why = Cell(line.status, detail=reason, columns=n_figures)
        cells: list[Cell] = []
        for column, part in shown:
            if column.always:
                cells.append(column.cell(line, part))
            elif why not in cells:
                cells.append(why)
        return tuple(cells)

    blocks = (
        tuple(map(measured, table.ranked)),
        tuple(map(measured, table.controls)),
        tuple(map(missing, table.missing)),
    )
    heads = tuple(column.head(part) for column, part in shown)
    return Grid(heads, tuple(block for block in blocks if block))


def _columns(table: Table, place: Place) -> list[tuple[LineColumn, str]]:
    """Give the columns that a table has in a place, with their parts."""
    own = (column for column in columns_of(table.own) if column.place == place)
    return [(column, part) for column in own for part in column.parts(table)]


def over_all(overall: Overall, datasets: Sequence[str]) -> Section:
    """Lay out the rows over all data sets, which are named in the order of the board."""
    columns = [
        ROW.head(),
        Column("mean rank", rising=True),
        Column("mean ROC AUC"),
        *(Column(name) for name in datasets),
    ]

    def cells(of: Standing) -> tuple[Cell, ...]:
        return (
            name_cell(of.row, control=of.control, bold=of.best),
            Cell(wording.figure(of.mean_rank, digits=2), of.mean_rank),
            number_cell(of.mean_auc),
            *(number_cell(of.aucs[name]) for name in datasets),
        )

    parts = (overall.ranked, overall.controls, overall.gaps)
    grid = Grid(tuple(columns), tuple(tuple(map(cells, part)) for part in parts if part))
    text = [f"ROC AUC on each of {len(datasets)} data sets, and its mean.", sentences.OVERALL]
    text += sentences.friedman(overall)
    if overall.gaps:
        text.append(sentences.GAPS)
    return Section("All data sets", (" ".join(text),), (grid,), _critical_difference(overall))


def _critical_difference(overall: Overall) -> tuple[Chart, ...]:
    found = overall.friedman
    if found is None or found.critical is None:
        return ()
    critical, n_datasets = found.critical, found.n_datasets
    ranked = [(each.row, each.mean_rank or 0.0) for each in overall.ranked]

    def draw() -> MplFigure:
        from dfbench.results.figures.ranks import critical_difference

        names, ranks = zip(*ranked, strict=True)
        return critical_difference(names, ranks, critical, n_datasets=n_datasets)

    caption = (
        f"Critical-difference diagram (Dem\u0161ar 2006): mean ranks of {len(ranked)} rows over"
        f" {n_datasets} data sets, 1 the best. A bar joins rows that Nemenyi's test cannot tell"
        f" apart at 5 %: their mean ranks differ by no more than {critical:.2f}"
        + wording.not_drawn(
            (
                each.row
                for part in (overall.ranked, overall.controls, overall.gaps)
                for each in part
            ),
            (row for row, _ in ranked),
        )
        + "."
    )
    return (Chart(caption, "critical-difference", draw),)


def pareto_front(table: Table) -> Section:
    """Show the Pareto front of ROC AUC against images per second."""
    front = sorted(
        (line for line in table.ranked if line.pareto),
        key=lambda line: line.predict_images_per_second or 0.0,
    )
    columns = (ROW.head(), Column(wording.TITLES["roc_auc"]), IMAGES_PER_SECOND.head())
    rows = tuple(
        (
            ROW.cell(line, ""),
            figure_cell(line.metrics["roc_auc"]),
            IMAGES_PER_SECOND.cell(line, ""),
        )
        for line in front
    )

    drawn = [
        (line, line.predict_images_per_second, line.auc)
        for line in table.measured
        if line.predict_images_per_second and line.auc is not None
    ]

    def draw() -> MplFigure:
        from dfbench.results.figures.pareto import Point, pareto

        points = []
        for line, rate, value in drawn:
            auc = line.metrics["roc_auc"]
            span = None if auc.low is None or auc.high is None else (auc.low, auc.high)
            kind = "control" if line.control else line.kind
            points.append(Point(line.row, rate, value, span, kind, line.pareto))
        return pareto(points, dataset=table.dataset)

    caption = (
        f"ROC AUC on {table.dataset}, with its interval, against images per second from file to"
        " verdict on one worker. Rows with an edge are on the Pareto front; names are left out"
        " where there is no room, all are in the tables"
        + wording.not_drawn((x.row for x in table.measured), (x.row for x, _, _ in drawn))
        + "."
    )
    charts = (Chart(caption, f"pareto-{table.dataset}", draw),) if front else ()
    grids = (Grid(columns, (rows,)),) if front else ()
    nobody = not any(line.above_chance for line in table.ranked)
    said = sentences.NO_FRONT if nobody else sentences.PARETO
    return Section("Cost beside merit", (said,), grids, charts, secondary=True)


def use(board: Board) -> Section:
    """Show by which commands the trained models are used."""
    found = board.best_kept()
    row, data = ("ROW", "NAME") if found is None else (found[0].row, found[0].dataset)
    row = shlex.quote(row)
    asked, who = f"--data {data}", "the row on top"
    if found is None or not found[1]:
        asked, who = f"{asked} --row {row}", "the best row that is kept" if found else "a row"
    commands = (
        (f"dfbench predict DIR photo.jpg {asked}", f"what {who} says of a picture"),
        (f"dfbench explain DIR photo.jpg {asked} --out explained.png", "and what spoke"),
        (f"dfbench export DIR {row} --data {data} --out model.dfb", "a file for anywhere"),
        ("dfbench serve DIR", "a page in the browser to drag pictures into"),
    )
    rows = tuple((Cell(command, command), Cell(what, what)) for command, what in commands)
    columns = (Column("command", text=True), Column("gives", text=True))
    text = (
        f"{_trained(len(board.kept))} kept in models/, "
        f"{wording.megabytes(sum(board.kept.values()))} MB. DIR is this folder."
    )
    if any(line.divided for line in board.lines):
        text += " Of data sets that were divided several times, models of the first are kept."
    return Section("Use a row", (text,), (Grid(columns, (rows,)),), secondary=True)


def _trained(n: int) -> str:
    return "1 trained model is" if n == 1 else f"{n:,} trained models are"


def own(board: Board) -> Section | None:
    """Say what metrics and columns of somebody's own are, and which are not shown, and why."""
    text = []
    for each in board.own:
        way = ""
        if each.kind == "metric":
            way = " Lower is better." if each.lower_is_better else " Higher is better."
        said = f" {each.summary.removesuffix('.')}." if each.summary else ""
        text.append(f"{each.title} ({each.kind} {each.name} of {each.owner}):{said}{way}")
    text += [f"{said}." for said in sentences.not_shown(board)]
    text += [f"Not shown: {fault}." for fault in board.broken]
    return Section("Figures of plugins", tuple(text)) if text else None


def origin(board: Board) -> Section:
    """Say how the results were made, and from which data."""
    columns = [Column("data set", text=True, rising=True), Column("fingerprint", text=True)]
    columns += [Column(name) for name in ("training", "scored", "left out")]
    columns += [Column("scored on", text=True), Column("tuned on", text=True)]
    columns += [Column("classes", text=True), Column("rows")]
    divided = any(table.measured and table.typical.divided for table in board.tables)
    columns += [Column("divided into", text=True)] if divided else []
    rows = []
    for table in board.tables:
        if not table.measured:
            continue
        first = table.typical
        prints = ", ".join(dict.fromkeys(line.fingerprint for line in table.measured))
        rows.append(
            (
                dataset_cell(table.dataset),
                Cell(prints),
                Cell(wording.count(first.n_train), first.n_train),
                Cell(wording.count(first.n_test), first.n_test),
                Cell(wording.count(first.n_left_out), first.n_left_out),
                Cell(first.split),
                Cell(first.tuned_on),
                Cell(", ".join(first.classes)),
                Cell(wording.count(len(table.lines)), len(table.lines)),
                *([Cell(first.divided.words if first.divided else wording.GAP)] * divided),
            )
        )
    grids = [Grid(tuple(columns), (tuple(rows),), "Data sets")] if rows else []
    runs = board.runs
    if runs:
        several = len(runs) > 1
        head = [f"command {i}" for i in range(1, len(runs) + 1)] if several else ["value"]
        lines = [
            (Cell(name, name), *(Cell(entry or wording.GAP, entry) for entry in entries))
            for name, entries in provenance.facts(runs)
        ]
        facts = (Column("what", text=True, rising=True), *(Column(x, text=True) for x in head))
        grids.append(Grid(facts, (tuple(lines),), "Commands" if several else "Command"))
    return Section("How it was made", (sentences.COMPUTED,), tuple(grids), secondary=True)


def more_figures(table: Table) -> Section:
    """Show the metrics that the leaderboard has no room for, as far as there are images enough."""
    said = sentences.lacking(table)
    text = ("; ".join(said) + ".",) if said else ()
    return Section("More figures", text, (_beside(table, "more"),), folded=True)


def tuning_and_cost(table: Table) -> Section:
    """Show what rows took, and what choosing their parameters brought."""
    grid = _beside(table, "cost")
    return Section("Tuning and cost", (sentences.COST,), (grid,), folded=True)


def _beside(table: Table, place: Place) -> Grid:
    """Lay out the rows with figures in a table beside the leaderboard, controls below a line."""
    shown = _columns(table, place)

    def cells(line: Line) -> tuple[Cell, ...]:
        name = name_cell(line.row, control=line.control, doubted=bool(line.warnings))
        return (name, *(column.cell(line, part) for column, part in shown))

    blocks = tuple(tuple(map(cells, part)) for part in (table.ranked, table.controls) if part)
    return Grid((ROW.head(), *(column.head(part) for column, part in shown)), blocks)
