"""The board as Markdown, with columns aligned so that it reads well as plain text too."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

from dfbench.results.board import parts
from dfbench.results.board.board import Board, Table
from dfbench.results.document import wording
from dfbench.results.document.blocks import Cell, Column, Grid, Section

_MARKS = re.compile(r"[\\`*|<>~&]|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown would take for its own; an underscore inside a word is safe."""


def to_markdown(board: Board) -> str:
    """Write the board as Markdown (GitHub's tables); pictures are left to the report."""
    blocks = ["# Leaderboard", _escape(wording.RANKS)]
    if not board.tables:
        blocks.append("No row has been asked for yet.")
    for section in parts.over_all(board):
        blocks += _section(section, "##")
    for table in board.tables:
        blocks += _table(table, seeds=board.several_seeds)
    for section in parts.closing(board):
        blocks += _section(section, "##")
    return "\n\n".join(blocks) + "\n"


def _escape(text: str) -> str:
    return _MARKS.sub(lambda mark: "\\" + mark.group(), " ".join(text.split()))


def _table(table: Table, *, seeds: bool) -> list[str]:
    blocks = [f"## {_escape(table.dataset)}"]
    blocks += [f"> **Warning:** {_escape(warning)}." for warning in table.warnings]
    blocks += [_escape(text) for text in wording.about(table)]
    blocks += [f"**Note:** {_escape(note)}." for note in table.notes]
    blocks.append(_grid(parts.leaderboard(table, seeds=seeds)))
    blocks += [_escape(text) for text in wording.controls(table)]
    reasons = wording.reasons(table.missing, seeds=seeds)
    if reasons:
        blocks.append("\n".join(f"- {_reason(reason)}" for reason in reasons))
    for section in parts.of_table(table):
        blocks += _section(section, "###")
    return blocks


def _reason(of: wording.Reason) -> str:
    rows = ", ".join(_escape(row) for row in of.rows)
    return f"**{of.status}** {rows}: {_escape(of.reason or 'no reason given')}"


def _section(section: Section, level: str) -> list[str]:
    blocks = [f"{level} {_escape(section.title)}", *map(_escape, section.text)]
    for grid in section.grids:
        if grid.title:
            blocks.append(f"**{_escape(grid.title)}**")
        blocks.append(_grid(grid))
    return blocks


def sections_to_markdown(sections: Sequence[Section]) -> str:
    """Write sections alone as Markdown."""
    return "\n\n".join(block for each in sections for block in _section(each, "##")) + "\n"


def _cell(cell: Cell, column: Column) -> str:
    shown = _escape(cell.shown)
    if cell.bold and shown:
        shown = f"**{shown}**"
    if not cell.detail or cell.columns > 1:
        return shown
    detail = _escape(cell.detail)
    return f"{shown} ({detail})" if column.text else f"{shown} {detail}"


def _row(cells: tuple[Cell, ...], columns: tuple[Column, ...]) -> list[str]:
    row: list[str] = []
    for cell in cells:
        row.append(_cell(cell, columns[len(row)]))
        row += [wording.GAP] * (cell.columns - 1)
    return row


def _grid(grid: Grid) -> str:
    """Lay out a table: words to the left, numbers to the right."""
    rows = [[_escape(column.title) for column in grid.columns]]
    rows += [_row(cells, grid.columns) for block in grid.blocks for cells in block]
    widths = [max(3, *(cell_len(row[i]) for row in rows)) for i in range(len(grid.columns))]

    def pad(cell: str, i: int) -> str:
        space = " " * (widths[i] - cell_len(cell))
        return cell + space if grid.columns[i].text else space + cell

    rule = [
        ":" + "-" * (width - 1) if column.text else "-" * (width - 1) + ":"
        for column, width in zip(grid.columns, widths, strict=True)
    ]
    lines = [[pad(cell, i) for i, cell in enumerate(row)] for row in rows]
    lines.insert(1, rule)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
