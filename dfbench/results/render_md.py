"""The board as Markdown, with columns aligned so that it reads well as plain text too."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

from dfbench.results import wording
from dfbench.results.board import Board, Line, Overall, Table
from dfbench.results.metrics import METRICS

_MARKS = re.compile(r"[\\`*|<>~&]|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown would take for its own; an underscore inside a word is safe."""


def to_markdown(board: Board) -> str:
    """Write the board as Markdown (GitHub's tables)."""
    parts = ["# Leaderboard", _escape(wording.RANKS)]
    if any(table.controls for table in board.tables):
        parts.append(_escape(wording.CONTROL))
    if not board.tables:
        parts.append("No row has been asked for yet.")
    if board.overall is not None:
        parts += _overall(board.overall, board)
    for table in board.tables:
        parts += _table(table, seeds=len(board.seeds) > 1)
    return "\n\n".join(parts) + "\n"


def _escape(text: str) -> str:
    return _MARKS.sub(lambda mark: "\\" + mark.group(), " ".join(text.split()))


def _name(row: str, *, control: bool) -> str:
    return _escape(row) + (" (control)" if control else "")


def _table(table: Table, *, seeds: bool) -> list[str]:
    parts = [f"## {_escape(table.dataset)}"]
    facts = wording.facts(table)
    if facts:
        parts.append(_escape("; ".join(facts)) + ".")
    parts += [f"**Note:** {_escape(note)}." for note in table.notes]

    classes = table.measured[0].classes if table.measured else []
    head = ["rank", "row", *(["seed"] if seeds else [])]
    head += [wording.TITLES["roc_auc"], wording.TITLES["accuracy"]]
    head += [f"accuracy of {_escape(name)}" for name in classes]
    head += [wording.TITLES["balanced_accuracy"], wording.TITLES["f1_macro"]]
    head += ["fit s", "images/s", "features"]
    rows = [_measured(line, classes, seeds=seeds) for line in table.measured]
    width = len(head)
    for line in table.missing:
        start = _start(line, seeds=seeds)
        rows.append([*start, line.status] + [wording.GAP] * (width - len(start) - 1))
    if table.reported:
        head.append(wording.REPORTED)
        for line, cells in zip(table.lines, rows, strict=True):
            cells.append(_escape(line.reported) or wording.GAP)
    parts.append(_grid(head, rows, left=1))

    said = wording.reasons(table.missing, seeds=seeds)
    if said:
        parts.append("\n".join(f"- {_reason(reason)}" for reason in said))
    return parts


def _reason(of: wording.Reason) -> str:
    rows = ", ".join(_escape(row) for row in of.rows)
    return f"**{of.status}** {rows}: {_escape(of.reason or 'no reason given')}"


def _start(line: Line, *, seeds: bool) -> list[str]:
    start = [wording.rank(line.rank), _name(line.row, control=line.control)]
    return [*start, str(line.seed)] if seeds else start


def _measured(line: Line, classes: Sequence[str], *, seeds: bool) -> list[str]:
    said = []
    for name in METRICS:
        found = line.metrics[name]
        said.append(f"{wording.figure(found.value)} {wording.interval(found)}".rstrip())
    return [
        *_start(line, seeds=seeds),
        *said[:2],
        *(wording.figure(line.class_accuracy.get(name)) for name in classes),
        *said[2:],
        wording.quantity(line.fit_seconds),
        wording.quantity(line.predict_images_per_second),
        wording.count(line.n_features),
    ]


def _overall(overall: Overall, board: Board) -> list[str]:
    seeds = len(board.seeds) > 1
    datasets = [table.dataset for table in board.tables]
    head = ["row", *(["seed"] if seeds else []), "mean rank", "mean ROC AUC"]
    head += [_escape(name) for name in datasets]
    rows = []
    for standing in (*overall.ranked, *overall.controls, *overall.gaps):
        mean_rank = standing.mean_rank
        rows.append(
            [
                _name(standing.row, control=standing.control),
                *([str(standing.seed)] if seeds else []),
                wording.figure(mean_rank, digits=2),
                wording.figure(standing.mean_auc),
                *(wording.figure(standing.aucs[name]) for name in datasets),
            ]
        )
    parts = ["## All data sets", f"ROC AUC on each of {len(datasets)} data sets, and its mean."]
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
