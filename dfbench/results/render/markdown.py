"""The board as Markdown, with columns aligned so that it reads well as plain text too."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

from dfbench.plain import on_page
from dfbench.results.board.board import Board
from dfbench.results.board.document import (
    Block,
    Chapter,
    Leaderboard,
    Overview,
    Part,
    Reported,
    RowPictures,
    Standings,
    document,
)
from dfbench.results.document import wording
from dfbench.results.document.blocks import (
    Cell,
    Column,
    Grid,
    Heading,
    Paragraph,
    Reason,
    Reasons,
    Remark,
    Section,
)

_MARKS = re.compile(r"[\\`*|<>~&$]|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown would take for its own; an underscore inside a word is safe."""
_LONG = 60
"""Characters of a cell that others are aligned with; a longer one stands out."""


def to_markdown(board: Board) -> str:
    """Write the board as Markdown (GitHub's tables); pictures are left to the report."""
    return "\n\n".join(text for block in document(board) for text in _block(block)) + "\n"


def _escape(text: str) -> str:
    text = on_page(text)
    return _MARKS.sub(lambda mark: "\\" + mark.group(), text)


def _block(block: Block) -> list[str]:
    match block:
        case Heading(text):
            return [f"# {_escape(text)}"]
        case Paragraph(text):
            return [_escape(text)]
        case Standings(section):
            return _section(section, "##")
        case Section():
            return _section(block, "##")
        case Chapter(_, parts):
            return [f"## {_escape(block.title)}", *(text for each in parts for text in _part(each))]


def _part(part: Part) -> list[str]:
    match part:
        case Remark(kind, text):
            quoted = "> " if kind == "Warning" else ""
            return [f"{quoted}**{kind}:** {_escape(text)}."]
        case Paragraph(text):
            return [_escape(text)]
        case Leaderboard(grid):
            return [_grid(grid)]
        case Reasons(reasons):
            return ["\n".join(f"- {_reason(reason)}" for reason in reasons)]
        case Section():
            return _section(part, "###")
        case Reported() | Overview() | RowPictures():
            return []


def _reason(of: Reason) -> str:
    rows = ", ".join(_escape(row) for row in of.rows)
    return f"**{of.status}** {rows}: {_escape(of.said)}"


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
    widths = [
        max(3, *(min(_LONG, cell_len(row[i])) for row in rows)) for i in range(len(grid.columns))
    ]

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
