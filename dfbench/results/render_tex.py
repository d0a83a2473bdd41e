"""The board as a LaTeX document (booktabs), whose tables can be taken into a paper one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len

from dfbench.results import parts, wording
from dfbench.results.board import Board, Table
from dfbench.results.sections import Cell, Column, Grid, Section

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

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "-": "-{}",  # two of them are no dash
    "\N{EN DASH}": r"\textendash{}",
    "\N{EM DASH}": r"\textemdash{}",
    "\N{HORIZONTAL ELLIPSIS}": r"\dots{}",
    "\N{BULLET}": r"\textbullet{}",
    "\N{MIDDLE DOT}": r"\textperiodcentered{}",
    "\N{PLUS-MINUS SIGN}": r"\textpm{}",
    "\N{MULTIPLICATION SIGN}": r"\texttimes{}",
    "\N{RIGHTWARDS ARROW}": r"\textrightarrow{}",
    "\N{GREEK SMALL LETTER ALPHA}": r"$\alpha$",
    "\N{GREEK SMALL LETTER KAPPA}": r"$\kappa$",
    "\N{MINUS SIGN}": r"$-$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\leq$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$",
    "\N{DEGREE SIGN}": r"\textdegree{}",
}
_LETTERS = range(0xC0, 0x180)
"""Letters with accents, all of which the fonts of T1 have but the few below."""
_LACKING = frozenset(map(chr, ()))

_WIDE = 190
"""Characters of the two small sizes that fit a line of the page; beyond, details go below."""
_TITLE = 12
"""Characters from which on a heading is broken."""


def to_latex(board: Board) -> str:
    """Write the board as a document that compiles; pictures are left to the report."""
    blocks = [r"\section*{Leaderboard}", escape(wording.RANKS)]
    if not board.tables:
        blocks.append("No row has been asked for yet.")
    for section in parts.over_all(board):
        blocks += _section(section, "section")
    for table in board.tables:
        blocks += _table(table, seeds=board.several_seeds)
    for section in parts.closing(board):
        blocks += _section(section, "section")
    return _START + "\n\n".join(blocks) + "\n\n" + _END


def escape(text: str) -> str:
    """Make text safe for LaTeX; a sign that its fonts lack stands as its number, ``U+4E2D``."""
    return "".join(map(_sign, " ".join(text.split())))


def _sign(sign: str) -> str:
    if sign in _SPECIAL:
        return _SPECIAL[sign]
    if " " <= sign <= "~" or (ord(sign) in _LETTERS and sign not in _LACKING):
        return sign
    return f"U+{ord(sign):04X}" if sign.isprintable() else " "


def _table(table: Table, *, seeds: bool) -> list[str]:
    blocks = [rf"\section*{{{escape(table.dataset)}}}"]
    blocks += [rf"\textbf{{Warning:}} {escape(warning)}." for warning in table.warnings]
    blocks += [escape(text) for text in wording.about(table)]
    blocks += [rf"\textbf{{Note:}} {escape(note)}." for note in table.notes]
    blocks.append(_grid(parts.leaderboard(table, seeds=seeds)))
    blocks += [escape(text) for text in wording.controls(table)]
    for reason in wording.reasons(table.missing, seeds=seeds):
        rows = escape(", ".join(reason.rows))
        said = escape(reason.reason or "no reason given")
        blocks.append(rf"\textbf{{{reason.status}}} {rows}: {said}")
    for section in parts.of_table(table):
        blocks += _section(section, "subsection")
    return blocks


def _section(section: Section, level: str) -> list[str]:
    blocks = [rf"\{level}*{{{escape(section.title)}}}", *map(escape, section.text)]
    for grid in section.grids:
        if grid.title:
            blocks.append(rf"\textbf{{{escape(grid.title)}}}\nopagebreak")
        blocks.append(_grid(grid))
    return blocks


def _grid(grid: Grid) -> str:
    """Write a table that may go over pages; details go below the figures where it is wide."""
    below = _width(grid) > _WIDE
    kinds = "".join(_kind(grid, i) for i in range(len(grid.columns)))
    head = " & ".join(map(_heading, grid.columns)) + r" \\"
    bodies = [
        "\n".join(_line(cells, below=below) + r" \\" for cells in block) for block in grid.blocks
    ]
    return "\n".join(
        [
            r"{\scriptsize",
            rf"\begin{{longtable}}{{@{{}}{kinds}@{{}}}}",
            r"\toprule",
            head,
            r"\midrule",
            r"\endhead",
            r"\bottomrule",
            r"\endlastfoot",
            "\n\\midrule\n".join(bodies),
            r"\end{longtable}}",
        ]
    )


_LONG = 60
"""Characters from which on words are broken into lines."""


def _kind(grid: Grid, index: int) -> str:
    if not grid.columns[index].text:
        return "r"
    longest = max((cell_len(cell.shown) for cell in _column(grid, index)), default=0)
    return "l" if longest <= _LONG else r"p{70mm}"


def _column(grid: Grid, index: int) -> Iterator[Cell]:
    for cells in _lines(grid):
        at = 0
        for cell in cells:
            if at == index and cell.columns == 1:
                yield cell
            at += cell.columns


def _lines(grid: Grid) -> Iterable[Sequence[Cell]]:
    return (cells for block in grid.blocks for cells in block)


def _width(grid: Grid) -> float:
    """Give the characters of the longest line; those of details are smaller."""
    total = 0.0
    for index, column in enumerate(grid.columns):
        widths: list[float] = [max(map(cell_len, _broken(column.title)))]
        widths += [
            min(_LONG, cell_len(cell.shown) + 0.75 * (cell_len(cell.detail) + 1))
            for cell in _column(grid, index)
        ]
        total += max(widths) + 2
    return total


def _broken(title: str) -> list[str]:
    """Break a heading at its spaces into lines of about equal length."""
    lines = [""]
    for word in title.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _TITLE:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines


def _heading(column: Column) -> str:
    lines = [escape(line) for line in _broken(column.title)]
    if len(lines) == 1:
        return lines[0]
    side, broken = "l" if column.text else "r", r" \\ ".join(lines)
    return rf"\shortstack[{side}]{{{broken}}}"


def _line(cells: Sequence[Cell], *, below: bool) -> str:
    return " & ".join(_cell(cell, below=below) for cell in cells)


def _cell(cell: Cell, *, below: bool) -> str:
    shown = escape(cell.shown)
    if cell.columns > 1:
        return rf"\multicolumn{{{cell.columns}}}{{l}}{{{shown}}}"
    if cell.bold and shown:
        shown = rf"\textbf{{{shown}}}"
    if cell.detail:
        detail = rf"{{\tiny {escape(cell.detail)}}}"
        shown = rf"\shortstack[r]{{{shown} \\ {detail}}}" if below else f"{shown} {detail}"
    if cell.heat is not None:
        shown = rf"\cellcolor{{blue!{round(35 * min(1.0, max(0.0, cell.heat)))}}}{shown}"
    return shown
