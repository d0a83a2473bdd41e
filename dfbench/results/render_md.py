"""The board as Markdown, with columns aligned so that it reads well as plain text too."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

from dfbench.results import wording
from dfbench.results.board import Board, Figure, Line, Overall, Table
from dfbench.results.metrics import MAIN, METRICS

_MARKS = re.compile(r"[\\`*|<>~&]|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown would take for its own; an underscore inside a word is safe."""


def to_markdown(board: Board) -> str:
    """Write the board as Markdown (GitHub's tables)."""
    parts = ["# Leaderboard", _escape(wording.RANKS)]
    if not board.tables:
        parts.append("No row has been asked for yet.")
    if board.overall is not None:
        parts += _overall(board.overall, board)
    for table in board.tables:
        parts += _table(table, seeds=board.several_seeds)
    return "\n\n".join(parts) + "\n"


def _escape(text: str) -> str:
    return _MARKS.sub(lambda mark: "\\" + mark.group(), " ".join(text.split()))


def _name(row: str, control: str, *, best: bool) -> str:
    name = _escape(row)
    return f"**{name}**" if best else name + (" (control)" if control else "")


def _table(table: Table, *, seeds: bool) -> list[str]:
    parts = [f"## {_escape(table.dataset)}"]
    parts += [f"> **Warning:** {_escape(warning)}." for warning in table.warnings]
    said = [*wording.facts(table), *([wording.smallest(table)] if table.smallest else [])]
    if said:
        parts.append(_escape("; ".join(said)) + ".")
    parts += [f"**Note:** {_escape(note)}." for note in table.notes]

    classes = table.measured[0].classes if table.measured else []
    start = ["rank", "row", *(["seeds"] if seeds else [])]
    head = [*start, *(wording.TITLES[name] for name in MAIN[:2])]
    head += [f"accuracy of {_escape(name)}" for name in classes]
    head += [wording.TITLES[name] for name in MAIN[2:]]
    rows = [_measured(line, classes, seeds=seeds) for line in table.measured]
    for line in table.missing:
        first = _start(line, seeds=seeds)
        rows.append([*first, line.status] + [wording.GAP] * (len(head) - len(first) - 1))
    if table.reported:
        head.append(wording.REPORTED)
        for line, cells in zip(table.lines, rows, strict=True):
            cells.append(_escape(line.reported) or wording.GAP)
    parts.append(_grid(head, rows, left=1))
    parts += [_escape(f"{text[0].upper()}{text[1:]}.") for text in wording.controls(table)]

    reasons = wording.reasons(table.missing, seeds=seeds)
    if reasons:
        parts.append("\n".join(f"- {_reason(reason)}" for reason in reasons))
    return parts + (_more(table) + _cost(table) if table.measured else [])


def _more(table: Table) -> list[str]:
    """Write the figures beyond the main ones."""
    names = [
        name
        for name in METRICS[len(MAIN) :]
        if any(line.metrics[name].value is not None for line in table.measured)
    ]
    rows = [
        [
            _name(line.row, line.control, best=False),
            *(_figure(line.metrics[name]) for name in names),
        ]
        for line in table.measured
    ]
    said = wording.lacking(table)
    text = [_escape("; ".join(said)) + "."] if said else []
    heading = f"### More figures of {_escape(table.dataset)}"
    return [heading, _grid(["row", *(wording.TITLES[n] for n in names)], rows, left=0), *text]


def _cost(table: Table) -> list[str]:
    """Write what rows cost, and what their tuning was worth."""
    head = ["row", "images/s", "Pareto", "fit s", "tuning s", "trials", "optimism", "defaults"]
    head += ["features", "parameters", "model MB", "peak MB"]
    rows = []
    for line in table.measured:
        tuning = line.tuning
        rows.append(
            [
                _name(line.row, line.control, best=False),
                wording.quantity(line.predict_images_per_second),
                "\N{BULLET}" if line.pareto else "",
                wording.quantity(line.fit_seconds),
                wording.quantity(None if tuning is None else tuning.seconds),
                wording.count(None if tuning is None else tuning.trials),
                wording.signed(line.optimism),
                wording.figure(line.default_roc_auc),
                wording.count(line.n_features),
                wording.parameters(line.n_parameters),
                wording.megabytes(line.model_bytes),
                wording.megabytes(line.peak_bytes),
            ]
        )
    heading = f"### Tuning and cost on {_escape(table.dataset)}"
    return [heading, _escape(wording.COST), _grid(head, rows, left=0)]


def _reason(of: wording.Reason) -> str:
    rows = ", ".join(_escape(row) for row in of.rows)
    return f"**{of.status}** {rows}: {_escape(of.reason or 'no reason given')}"


def _start(line: Line, *, seeds: bool) -> list[str]:
    start = [wording.rank(line.rank), _name(line.row, line.control, best=line.best)]
    return [*start, ", ".join(map(str, line.seeds))] if seeds else start


def _figure(of: Figure, *, best: bool = False) -> str:
    value = wording.figure(of.value)
    said = [f"**{value}**" if best else value, wording.spread(of), wording.interval(of)]
    return " ".join(part for part in said if part)


def _measured(line: Line, classes: Sequence[str], *, seeds: bool) -> list[str]:
    said = [_figure(line.metrics[name], best=line.best and name == "roc_auc") for name in MAIN]
    return [
        *_start(line, seeds=seeds),
        *said[:2],
        *(wording.figure(line.class_accuracy.get(name)) for name in classes),
        *said[2:],
    ]


def _overall(overall: Overall, board: Board) -> list[str]:
    datasets = [table.dataset for table in board.tables]
    head = ["row", "mean rank", "mean ROC AUC", *(_escape(name) for name in datasets)]
    rows = [
        [
            _name(standing.row, standing.control, best=standing.best),
            wording.figure(standing.mean_rank, digits=2),
            wording.figure(standing.mean_auc),
            *(wording.figure(standing.aucs[name]) for name in datasets),
        ]
        for standing in (*overall.ranked, *overall.controls, *overall.gaps)
    ]
    text = f"ROC AUC on each of {len(datasets)} data sets, and its mean. {wording.OVERALL}"
    parts = ["## All data sets", _escape(" ".join([text, *wording.friedman(overall)]))]
    if overall.gaps:
        parts[-1] += " " + wording.GAPS
    return [*parts, _grid(head, rows, left=0)]


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> str:
    """Lay out a table; column ``left`` is aligned to the left, the others to the right."""
    widths = [max(3, *(cell_len(row[i]) for row in (head, *rows))) for i in range(len(head))]

    def pad(cell: str, i: int) -> str:
        space = " " * (widths[i] - cell_len(cell))
        return cell + space if i == left else space + cell

    rule = [
        ":" + "-" * (width - 1) if i == left else "-" * (width - 1) + ":"
        for i, width in enumerate(widths)
    ]
    lines = [[pad(cell, i) for i, cell in enumerate(row)] for row in (head, *rows)]
    lines.insert(1, rule)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
