"""The board as a piece of HTML for a notebook: its tables, plain and small."""

from __future__ import annotations

from collections.abc import Sequence

from dfbench.results.board.board import Board
from dfbench.results.board.document import Chapter, Leaderboard, Part, Standings, document
from dfbench.results.document.blocks import Cell, Column, Grid, Paragraph, Remark, Section
from dfbench.results.render.page import escape

_LEFT, _RIGHT = "text-align: left", "text-align: right"


def board_to_html(board: Board) -> str:
    """Show the ranking over data sets, and of each its leaderboard with its warnings."""
    found = []
    for block in document(board):
        match block:
            case Standings(section=section):
                found += _section(section)
            case Section(folded=False, secondary=False):
                found += _section(block)
            case Chapter(title=title, parts=parts):
                found.append(f"<h4>{escape(title)}</h4>")
                for part in parts:
                    found += _part(part)
            case Paragraph(text=text):
                found.append(f"<p>{escape(text)}</p>")
    return "\n".join(found)


def sections_to_html(sections: Sequence[Section]) -> str:
    """Show sections with their tables; pictures are left out."""
    return "\n".join(line for section in sections for line in _section(section))


def _part(part: Part) -> list[str]:
    match part:
        case Remark(kind=word, text=text):
            return [f"<p><b>{word}: {escape(text)}.</b></p>"]
        case Paragraph(text=text):
            return [f"<p>{escape(text)}</p>"]
        case Leaderboard(grid=grid):
            return [_grid(grid)]
        case Section(folded=False, secondary=False):
            return _section(part)
    return []


def _section(section: Section) -> list[str]:
    found = [f"<h4>{escape(section.title)}</h4>"]
    found += [f"<p>{escape(text)}</p>" for text in section.text]
    for grid in section.grids:
        found += [f"<p><i>{escape(grid.title)}</i></p>"] if grid.title else []
        found.append(_grid(grid))
    return found


def _grid(grid: Grid) -> str:
    head = "".join(
        f'<th style="{_LEFT if column.text else _RIGHT}">{escape(column.title)}</th>'
        for column in grid.columns
    )
    rows = [
        f"<tr>{''.join(_cell(cell, grid.columns[at]) for at, cell in _placed(cells))}</tr>"
        for block in grid.blocks
        for cells in block
    ]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _placed(cells: Sequence[Cell]) -> list[tuple[int, Cell]]:
    placed, at = [], 0
    for cell in cells:
        placed.append((at, cell))
        at += cell.columns
    return placed


def _cell(cell: Cell, column: Column) -> str:
    shown = f"<b>{escape(cell.shown)}</b>" if cell.bold else escape(cell.shown)
    detail = f" <small>{escape(cell.detail)}</small>" if cell.detail else ""
    left = column.text or cell.columns > 1
    span = f' colspan="{cell.columns}"' if cell.columns > 1 else ""
    return f'<td{span} style="{_LEFT if left else _RIGHT}">{shown}{detail}</td>'
