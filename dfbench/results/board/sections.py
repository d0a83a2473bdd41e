"""Tables of a board: the leaderboard of a data set, and the sections that stand beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dfbench.results.board import sentences
from dfbench.results.board.board import CHANCE, Board, Line, Overall, Standing, Table
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Chart, Column, Grid, Section
from dfbench.results.document.cells import figure_cell, name_cell, number_cell
from dfbench.results.records import provenance
from dfbench.results.statistics.metrics import LOWER_IS_BETTER, MAIN, METRICS

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MplFigure

_ROW = Column("row", text=True, rising=True)


def leaderboard(table: Table, *, seeds: bool) -> Grid:
    """Lay out the main table of a data set: ranked rows, controls, rows without figures."""
    classes = table.measured[0].classes if table.measured else []
    start = [Column("rank", rising=True), _ROW, *([Column("seeds", rising=True)] if seeds else [])]
    figures = [
        Column(wording.TITLES["roc_auc"], mark=CHANCE),
        Column(wording.TITLES["accuracy"]),
        *(Column(f"accuracy of {name}") for name in classes),
        *(Column(wording.TITLES[name]) for name in MAIN[2:]),
    ]
    end = [Column(sentences.REPORTED, text=True, rising=True)] if table.reported else []

    def first(line: Line) -> list[Cell]:
        cells = [
            Cell(wording.rank(line.rank), line.rank),
            name_cell(line.row, control=line.control, bold=line.best),
        ]
        shown = ", ".join(map(str, line.seeds))
        return [*cells, Cell(shown, len(line.seeds))] if seeds else cells

    def last(line: Line) -> list[Cell]:
        return [Cell(line.reported or wording.GAP, line.reported)] if table.reported else []

    def measured(line: Line) -> tuple[Cell, ...]:
        drawn = [
            figure_cell(line.metrics[name], bold=line.best and name == "roc_auc", drawn=True)
            for name in MAIN
        ]
        by_class = [number_cell(line.class_accuracy.get(name)) for name in classes]
        return (*first(line), *drawn[:2], *by_class, *drawn[2:], *last(line))

    def missing(line: Line) -> tuple[Cell, ...]:
        why = Cell(line.status, detail=line.reason or "no reason given", columns=len(figures))
        return (*first(line), why, *last(line))

    blocks = (
        tuple(map(measured, table.ranked)),
        tuple(map(measured, table.controls)),
        tuple(map(missing, table.missing)),
    )
    return Grid((*start, *figures, *end), tuple(block for block in blocks if block))


def over_all(overall: Overall, datasets: Sequence[str]) -> Section:
    """Lay out the rows over all data sets, which are named in the order of the board."""
    columns = [
        _ROW,
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
        f" apart at 5 %: their mean ranks differ by no more than {critical:.2f}."
    )
    return (Chart(caption, "critical-difference", draw),)


def cost_beside_merit(table: Table) -> Section:
    """Show the Pareto front of ROC AUC against images per second."""
    front = sorted(
        (line for line in table.ranked if line.pareto),
        key=lambda line: line.predict_images_per_second or 0.0,
    )
    columns = (_ROW, Column(wording.TITLES["roc_auc"]), Column("images/s"))
    rows = tuple(
        (
            name_cell(line.row, control=line.control, bold=line.best),
            figure_cell(line.metrics["roc_auc"]),
            Cell(wording.quantity(line.predict_images_per_second), line.predict_images_per_second),
        )
        for line in front
    )

    def draw() -> MplFigure:
        from dfbench.results.figures.pareto import Point, pareto

        points = []
        for line in table.measured:
            rate, auc = line.predict_images_per_second, line.metrics["roc_auc"]
            if rate and auc.value is not None:
                span = None if auc.low is None or auc.high is None else (auc.low, auc.high)
                kind = "control" if line.control else line.kind
                points.append(Point(line.row, rate, auc.value, span, kind, line.pareto))
        return pareto(points, dataset=table.dataset)

    caption = (
        f"ROC AUC on {table.dataset}, with its interval, against images per second from file to"
        " verdict on one worker. Rows with an edge are on the Pareto front; names are left out"
        " where there is no room, all are in the tables."
    )
    charts = (Chart(caption, f"pareto-{table.dataset}", draw),) if front else ()
    grids = (Grid(columns, (rows,)),) if front else ()
    return Section("Cost beside merit", (sentences.PARETO,), grids, charts, secondary=True)


def how_made(board: Board) -> Section:
    """Say how the results were made, and from which data."""
    columns = [Column("data set", text=True, rising=True), Column("fingerprint", text=True)]
    columns += [Column(name) for name in ("training", "scored", "left out")]
    columns += [Column("scored on", text=True), Column("tuned on", text=True)]
    columns += [Column("classes", text=True), Column("rows")]
    rows = []
    for table in board.tables:
        first = next(iter(table.measured), None)
        if first is None:
            continue
        prints = ", ".join(dict.fromkeys(line.fingerprint for line in table.measured))
        rows.append(
            (
                Cell(table.dataset, table.dataset),
                Cell(prints),
                Cell(wording.count(first.n_train), first.n_train),
                Cell(wording.count(first.n_test), first.n_test),
                Cell(wording.count(first.n_left_out), first.n_left_out),
                Cell(first.split),
                Cell(first.tuned_on),
                Cell(", ".join(first.classes)),
                Cell(wording.count(len(table.lines)), len(table.lines)),
            )
        )
    grids = [Grid(tuple(columns), (tuple(rows),), "Data sets")] if rows else []
    runs = board.made
    if runs:
        several = len(runs) > 1
        head = [f"command {i}" for i in range(1, len(runs) + 1)] if several else ["value"]
        lines = [
            (Cell(name, name), *(Cell(entry or wording.GAP, entry) for entry in entries))
            for name, entries in provenance.facts(runs)
        ]
        facts = (Column("what", text=True, rising=True), *(Column(x, text=True) for x in head))
        grids.append(Grid(facts, (tuple(lines),), "Commands" if several else "Command"))
    return Section("How it was made", (sentences.MADE,), tuple(grids), secondary=True)


def _two_blocks(
    columns: Sequence[Column], table: Table, cells: Callable[[Line], list[Cell]]
) -> Grid:
    """Lay out the rows with figures, controls below a line."""
    blocks = tuple(
        tuple((name_cell(line.row, control=line.control), *cells(line)) for line in part)
        for part in (table.ranked, table.controls)
        if part
    )
    return Grid((_ROW, *columns), blocks)


def more_figures(table: Table) -> Section:
    """Show the metrics that the leaderboard has no room for, as far as there are images enough."""
    names = [
        name
        for name in METRICS[len(MAIN) :]
        if any(line.metrics[name].value is not None for line in table.measured)
    ]
    columns = [Column(wording.TITLES[n], rising=n in LOWER_IS_BETTER) for n in names]
    grid = _two_blocks(columns, table, lambda x: [figure_cell(x.metrics[n]) for n in names])
    said = sentences.lacking(table)
    text = ("; ".join(said) + ".",) if said else ()
    return Section("More figures", text, (grid,), folded=True)


def tuning_and_cost(table: Table) -> Section:
    """Show what rows took, and what choosing their parameters brought."""
    columns = [
        Column("images/s"),
        Column("Pareto"),
        *(Column(name, rising=True) for name in ("fit s", "tuning s", "trials", "optimism")),
        Column("defaults"),
        *(Column(n, rising=True) for n in ("features", "parameters", "model MB", "peak MB")),
    ]

    def cells(line: Line) -> list[Cell]:
        rate, fit = line.predict_images_per_second, line.fit_seconds
        trials = None if line.tuning is None else line.tuning.trials
        seconds = None if line.tuning is None else line.tuning.seconds
        parameters = None if line.n_parameters is None else line.n_parameters[0]
        return [
            Cell(wording.quantity(rate), rate),
            Cell("\N{BULLET}" if line.pareto else "", float(line.pareto)),
            Cell(wording.quantity(fit), fit),
            Cell(wording.quantity(seconds), seconds),
            Cell(wording.count(trials), trials),
            Cell(wording.signed(line.optimism), line.optimism),
            number_cell(line.default_roc_auc),
            Cell(wording.count(line.n_features), line.n_features),
            Cell(wording.parameters(line.n_parameters), parameters),
            Cell(wording.megabytes(line.model_bytes), line.model_bytes),
            Cell(wording.megabytes(line.peak_bytes), line.peak_bytes),
        ]

    grid = _two_blocks(columns, table, cells)
    return Section("Tuning and cost", (sentences.COST,), (grid,), folded=True)
