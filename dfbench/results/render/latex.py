"""The board as a LaTeX document (booktabs), whose tables can be taken into a paper one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rich.cells import cell_len

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
    Reasons,
    Remark,
    Section,
)
from dfbench.results.render import tex
from dfbench.results.render.tex import begun, escape

_START = r"""% Tables need: \usepackage{booktabs,longtable} and \usepackage[table]{xcolor}
\documentclass[a4paper,10pt,landscape]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[margin=12mm]{geometry}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage{booktabs,longtable}
\usepackage[table]{xcolor}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\setlength{\tabcolsep}{4pt}
\setlength{\LTleft}{0pt}
\setlength{\LTright}{0pt plus 1fill}
\begin{document}
\sloppy
"""
_END = "\\end{document}\n"

_LINE = 770.0
"""Points of a line of the page."""
_GAP = 8.0
"""Points between two columns."""
_PARAGRAPH = 199.0
"""Points of a column of words that are broken."""
_SIZES = ((r"\footnotesize", False), (r"\scriptsize", False), (r"\scriptsize", True))
"""Sizes of a table, and whether details go below the figures: the first that fits."""
_TITLE = 12
"""Characters from which on a heading is broken."""
_LONG = 60
"""Characters from which on words of a cell are broken."""


def to_latex(board: Board) -> str:
    """Write the board as a document that compiles; pictures are left to the report."""
    written = [text for block in document(board) for text in _block(block)]
    return _START + "\n\n".join(written) + "\n\n" + _END


def _block(block: Block) -> list[str]:
    match block:
        case Heading(text):
            return [_heading(text, "section")]
        case Paragraph(text):
            return [escape(text)]
        case Standings(section):
            return _section(section, "section")
        case Section():
            return _section(block, "section")
        case Chapter(_, parts):
            written = [text for part in parts for text in _part(part)]
            return [_heading(block.title, "section"), *written]


def _part(part: Part) -> list[str]:
    match part:
        case Remark(kind, text):
            return [rf"\textbf{{{kind}:}} {escape(text)}."]
        case Paragraph(text):
            return [escape(text)]
        case Leaderboard(grid):
            return [_grid(grid)]
        case Reasons(reasons):
            return [
                rf"\textbf{{{each.status}}} {escape(', '.join(each.rows))}: {escape(each.said)}"
                for each in reasons
            ]
        case Section():
            return _section(part, "subsection")
        case Reported() | Overview() | RowPictures():
            return []


def _heading(text: str, level: str) -> str:
    return rf"\{level}*{{{escape(text)}}}"


def _section(section: Section, level: str) -> list[str]:
    blocks = [_heading(section.title, level), *map(escape, section.text)]
    for grid in section.grids:
        if grid.title:
            blocks.append(rf"\textbf{{{escape(grid.title)}}}\nopagebreak")
        blocks.append(_grid(grid))
    return blocks


def _grid(grid: Grid) -> str:
    """Write a table that may go over pages.

    Where it is too wide, details go below the figures, then columns into a table of their own.
    """
    rows = [[_spread(cells) for cells in block] for block in grid.blocks]
    columns = list(zip(grid.columns, *(row for block in rows for row in block), strict=True))
    for size, below in _SIZES:
        widths = [_width(*column, size=size, below=below) for column in columns]
        if sum(widths) <= _LINE:
            break
    written = [
        _tabular(grid, rows, indices, size, below=below) for indices in _pieces(grid, widths)
    ]
    return "\n\n".join(written)


def _spread(cells: Sequence[Cell]) -> list[Cell]:
    """Give a line a cell for each column; why figures are missing stands below the table."""
    spread: list[Cell] = []
    for cell in cells:
        gaps = [Cell(wording.GAP)] * (cell.columns - 1)
        spread += [replace(cell, detail="", columns=1), *gaps] if gaps else [cell]
    return spread


def _pieces(grid: Grid, widths: Sequence[float]) -> list[list[int]]:
    """Share columns out so that each table fits a line; what names the rows stands in each."""
    named = next((i for i, column in enumerate(grid.columns) if column.text), 0)
    start = list(range(named + 1))
    taken = sum(widths[i] for i in start)
    pieces = [list(start)]
    room = _LINE - taken
    for i in range(named + 1, len(widths)):
        if widths[i] > room and len(pieces[-1]) > len(start):
            pieces.append(list(start))
            room = _LINE - taken
        pieces[-1].append(i)
        room -= widths[i]
    return pieces


def _tabular(
    grid: Grid, rows: Sequence[Sequence[Sequence[Cell]]], indices: Sequence[int], size: str, *,
    below: bool,
) -> str:  # fmt: skip
    kinds = "".join(
        _kind(grid.columns[i], [row[i] for block in rows for row in block]) for i in indices
    )
    bodies = [
        "\n".join(_line(_cell(row[i], below=below) for i in indices) for row in block)
        for block in rows
    ]
    return "\n".join(
        [
            f"{{{size}",
            rf"\begin{{longtable}}{{@{{}}{kinds}@{{}}}}",
            r"\toprule",
            _line(_head(grid.columns[i]) for i in indices),
            r"\midrule",
            r"\endhead",
            r"\bottomrule",
            r"\endlastfoot",
            "\n\\midrule\n".join(bodies),
            r"\end{longtable}}",
        ]
    )


def _line(cells: Iterable[str]) -> str:
    return f"{begun(' & '.join(cells))} \\\\"


def _kind(column: Column, cells: Sequence[Cell]) -> str:
    if not column.text:
        return "r"
    longest = max((cell_len(cell.shown) for cell in cells), default=0)
    return "l" if longest <= _LONG else rf"p{{{_PARAGRAPH:g}pt}}"


def _width(column: Column, *cells: Cell, size: str, below: bool) -> float:
    """Give the points that a column takes, with the room beside it."""
    widths = [tex.width(line, size) for line in _broken(column.title)]
    for cell in cells:
        shown = tex.width(cell.shown, size, bold=cell.bold)
        detail = tex.width(cell.detail, r"\tiny") if cell.detail else 0.0
        whole = max(shown, detail) if below else shown + (detail and detail + 3)
        widths.append(min(_PARAGRAPH, whole) if column.text else whole)
    return max(widths) + _GAP


def _broken(title: str) -> list[str]:
    """Break a heading at its spaces into lines of about equal length."""
    lines = [""]
    for word in title.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _TITLE:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines


def _head(column: Column) -> str:
    lines = [begun(escape(line)) for line in _broken(column.title)]
    if len(lines) == 1:
        return lines[0]
    side, broken = "l" if column.text else "r", r" \\ ".join(lines)
    return rf"\shortstack[{side}]{{{broken}}}"


def _cell(cell: Cell, *, below: bool) -> str:
    shown = escape(cell.shown)
    if cell.bold and shown:
        shown = rf"\textbf{{{shown}}}"
    if cell.detail:
        detail = rf"{{\tiny {escape(cell.detail)}}}"
        both = rf"\begin{{tabular}}[t]{{@{{}}r@{{}}}}{shown} \\ {detail}\end{{tabular}}"
        shown = both if below else f"{shown} {detail}"
    if cell.heat is not None:
        shown = rf"\cellcolor{{blue!{round(35 * min(1.0, max(0.0, cell.heat)))}}}{shown}"
    return shown
