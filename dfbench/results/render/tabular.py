"""Rows, columns and data sets that were chosen, as one table (booktabs) for a paper."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from dfbench.errors import DfbenchError
from dfbench.plain import counted, flowing, on_page
from dfbench.results.board.choice import Choice, Group, caption, caveats, cell_of, name, title_of
from dfbench.results.board.columns import LineColumn
from dfbench.results.document.blocks import Cell
from dfbench.results.render import tex
from dfbench.results.render.tex import begun, breakable, escape

Width = Literal["column", "page"]

_POINTS: dict[Width, float] = {"column": 221.0, "page": 452.0}
"""Of a line: the narrowest of article, IEEEtran, acmart, elsarticle and revtex in two columns."""
_ENVIRONMENT: dict[Width, str] = {"column": "table", "page": "table*"}
_SETTINGS = (
    *((r"\small", 6.0), (r"\footnotesize", 6.0), (r"\footnotesize", 4.0), (r"\footnotesize", 3.0)),
    *((r"\scriptsize", 4.0), (r"\scriptsize", 3.0)),
)
"""Sizes with the points on each side of a column, the first that fits."""
_HEIGHT = 560.0
"""Of a page: a float that is higher has no place."""
_BREAKING = ("", "joints", "anywhere")
"""Where names of rows are broken, the best first."""
_NARROWEST, _INDENT = 52.0, 6.0
"""Points that names of rows are broken to at the least, and that all lines but the first have less.
"""
_HEAD = 34.0
"""Points that a heading may always take."""
_BESIDE = 2.5
"""Points between a figure and what stands beside it in small."""
_LATIN = "% In the preamble: \\usepackage{booktabs} and \\usepackage[T1]{fontenc}"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A cell of the table, as it is set."""

    cell: Cell
    mark: str = ""

    def width(self, size: str, *, below: bool) -> float:
        shown = tex.width(self.cell.shown, size, bold=self.mark == "best")
        detail = tex.width(self.cell.detail, r"\tiny") if self.cell.detail else 0.0
        return max(shown, detail) if below else shown + (detail and detail + _BESIDE)

    def text(self, *, below: bool) -> str:
        shown = escape(self.cell.shown)
        if self.mark == "best":
            shown = rf"\textbf{{{shown}}}"
        elif self.mark == "second":
            shown = rf"\underline{{{shown}}}"
        if not self.cell.detail:
            return shown
        detail = rf"{{\tiny {escape(self.cell.detail)}}}"
        if below:
            return rf"\begin{{tabular}}[t]{{@{{}}c@{{}}}}{shown} \\ {detail}\end{{tabular}}"
        return f"{shown} {detail}"


@dataclass(frozen=True, slots=True)
class _Body:
    """Columns beside each other, and what stands above them.

    Attributes
    ----------
    heads
        Of each column.
    spans
        Titles over several of them, with how many; none where each has its own alone.
    blocks
        Rows, each the name and a cell for each column, in blocks with titles; "" for none.
    """

    heads: tuple[str, ...]
    kinds: str
    spans: tuple[tuple[str, int], ...]
    blocks: tuple[tuple[str, tuple[tuple[_Entry, ...], ...]], ...]


@dataclass(frozen=True, slots=True)
class _Setting:
    size: str
    gap: float
    below: bool
    names: float | None
    """Points that names are broken to; None where they stand whole."""


def to_tabular(choice: Choice, width: Width | None = None) -> str:
    r"""Write a table environment with one tabular, a caption and a label.

    Several columns of several data sets stand beside each other under the names of the data sets;
    where there is no room for that, the data sets stand one below the other.

    Parameters
    ----------
    choice
        What it shows.
    width
        A column of a two-column article (``table``) or both (``table*``); by default a column where
        it fits.

    Raises
    ------
    DfbenchError
        Where it does not fit.
    """
    widths = (width,) if width else tuple(_POINTS)
    for each, body, setting in _layouts(choice, widths):
        return _written(choice, each, body, setting)
    widest = widths[-1]
    n = sum(len(group.columns) for group in choice.groups)
    what = f"{counted(n, 'column')} of {counted(len(choice.rows), 'row')}"
    where = "a page" if widest == "page" else "a column"
    raise DfbenchError(
        f"{what} do not fit {where} of an article ({_POINTS[widest]:g} by {_HEIGHT:g} pt)",
        hint=f"{'' if widest == 'page' else '--width page, '}fewer --rows, --columns or --data",
    )


def _layouts(choice: Choice, widths: Sequence[Width]) -> Iterator[tuple[Width, _Body, _Setting]]:
    """Give the ways to set a choice that fit, the best first."""
    across, stacked = _across(choice), _stacked(choice)
    several = max(len(group.columns) for group in choice.groups) > 1
    for broken in _BREAKING:
        # names are broken rather than what belongs together, and the other way round
        bodies = [(across, broken)]
        if stacked is not None:
            late = _BREAKING[max(0, _BREAKING.index(broken) - (not several))]
            bodies.append((stacked, late))
        for body, how in bodies:
            for width in widths:
                for setting in _settings(body):
                    found = _fitted(body, setting, _POINTS[width], how)
                    if found is not None and _height(choice, body, found, width) <= _HEIGHT:
                        yield width, body, found


def _settings(body: _Body) -> Iterator[_Setting]:
    for below in (False, True)[: 1 + _detailed(body)]:
        for size, gap in _SETTINGS:
            yield _Setting(size, gap, below, None)


def _height(choice: Choice, body: _Body, setting: _Setting, width: Width) -> float:
    """Give the points that a table takes down the page, with its caption."""
    line = 1.2 * tex.SIZES[setting.size]
    detail = 1.2 * tex.SIZES[r"\tiny"] if setting.below and _detailed(body) else 0.0
    heights = [
        max(
            line * len(_name_lines(row[0].cell.shown, setting.size, setting.names))
            if setting.names
            else line,
            line + detail,
        )
        for _, rows in body.blocks
        for row in rows
    ]
    said = tex.width(f"{title_of(choice)}. {' '.join(caption(choice))}", r"\small")
    return sum(heights) + line * (5 + 2 * len(body.blocks)) + 11 * (2 + said / _POINTS[width])


def _detailed(body: _Body) -> bool:
    return any(entry.cell.detail for _, rows in body.blocks for row in rows for entry in row[1:])


def _fitted(body: _Body, setting: _Setting, line: float, how: str) -> _Setting | None:
    """Give the setting with names that fit; None where that cannot be."""
    size, below = setting.size, setting.below
    rows = [row for _, rows in body.blocks for row in rows]
    columns = list(zip(*rows, strict=True))
    widths = [
        max(
            *(entry.width(size, below=below) for entry in column),
            *(tex.width(part, size) for part in _head_lines(head, column, setting)),
        )
        for head, column in zip(body.heads, columns[1:], strict=True)
    ]
    at = 0
    for title, n in body.spans:
        own = sum(widths[at : at + n]) + (n - 1) * 2 * setting.gap
        lacking = max(tex.width(part, size) for part in _span_lines(title, own, size)) - own
        widths[at] += max(0.0, lacking)
        at += n
    room = line - sum(widths) - 2 * setting.gap * len(widths)
    if max(entry.width(size, below=below) for entry in columns[0]) <= room:
        return setting
    pieces = [piece for entry in columns[0] for piece in _joints(entry.cell.shown)]
    least = {
        "": float("inf"),
        "joints": max(tex.width(piece, size) for piece in pieces) + _INDENT,
        "anywhere": _NARROWEST,
    }
    return replace(setting, names=room) if room >= least[how] else None


def _across(choice: Choice) -> _Body:
    """Put data sets beside each other."""
    several, single = len(choice.groups) > 1, all(len(g.columns) == 1 for g in choice.groups)
    heads, spans = [], []
    for group in choice.groups:
        own = [_title(column, part) for column, part in group.columns]
        heads += [group.table.dataset] if several and single else own
        spans.append((group.table.dataset, len(own)))
    rows = tuple(
        (
            _Entry(_plain(name(choice, row))),
            *(e for g in choice.groups for e in _entries(choice, g, row)),
        )
        for row in choice.rows
    )
    kinds = "".join(_kind(column) for group in choice.groups for column, _ in group.columns)
    titles = tuple(spans) if several and not single else ()
    return _Body(tuple(heads), kinds, titles, (("", rows),))


def _stacked(choice: Choice) -> _Body | None:
    """Put data sets below each other; None where there is one, or their columns differ."""
    first, *others = choice.groups
    heads = tuple(_title(column, part) for column, part in first.columns)
    if not others or any(
        tuple(_title(column, part) for column, part in group.columns) != heads for group in others
    ):
        return None
    blocks = tuple(
        (
            group.table.dataset,
            tuple(
                (_Entry(_plain(name(choice, row))), *_entries(choice, group, row))
                for row in choice.rows
            ),
        )
        for group in choice.groups
    )
    return _Body(heads, "".join(_kind(column) for column, _ in first.columns), (), blocks)


def _plain(cell: Cell) -> Cell:
    """Leave out what stands behind a name: the caption says it."""
    return replace(cell, detail="", bold=False)


def _kind(column: LineColumn) -> str:
    return "l" if column.text else "c" if column.estimate is not None else "r"


def _title(column: LineColumn, part: str) -> str:
    title = column.head(part).title
    lower = column.estimate is not None and column.rising
    return f"{title} \N{DOWNWARDS ARROW}" if lower else title


def _entries(choice: Choice, group: Group, row: str) -> list[_Entry]:
    line = group.line(row)
    found = []
    for column, part in group.columns:
        cell = cell_of(choice, line, column, part)
        # in small what stands before the point is left out where it is nothing
        detail = re.sub(r"(?<![\d.])0(?=\.\d)", "", cell.detail)
        mark = "" if part else group.marks(choice.rows, column).get(row, "")
        found.append(_Entry(replace(cell, detail=detail), mark))
    return found


# ---- breaking words


def _lines(words: Sequence[str], size: str, room: float) -> list[str]:
    """Put pieces together to lines of so many points, as far as they are no longer themselves."""
    lines = [""]
    for word in words:
        if lines[-1] and tex.width((lines[-1] + word).rstrip(), size) > room:
            lines.append("")
        lines[-1] += word
    return [line.strip() for line in lines]


def _head_lines(head: str, column: Sequence[_Entry], setting: _Setting) -> list[str]:
    widest = max(entry.width(setting.size, below=setting.below) for entry in column)
    return _span_lines(head, max(_HEAD, widest), setting.size)


def _span_lines(title: str, room: float, size: str) -> list[str]:
    return _lines(re.findall(r".+?(?:[ \-_/+]|$)", on_page(title)), size, room)


def _joints(name: str) -> list[str]:
    """Part a name behind what joins its parts."""
    return re.findall(r".+?(?:[+/,_\- ]|$)", on_page(name))


def _name_lines(shown: str, size: str, room: float) -> list[str]:
    """Break a name at its joints; where that is not enough, anywhere."""
    room -= _INDENT
    pieces = []
    for piece in _joints(shown):
        while tex.width(piece, size) > room and len(piece) > 1:
            n = max(1, int(len(piece) * room / tex.width(piece, size)) - 1)
            pieces.append(piece[:n])
            piece = piece[n:]
        pieces.append(piece)
    return _lines(pieces, size, room)


# ---- writing


def _written(choice: Choice, width: Width, body: _Body, setting: _Setting) -> str:
    environment = _ENVIRONMENT[width]
    said = f"{title_of(choice)}. {' '.join(caption(choice))}"
    shown = [each.table.dataset for each in choice.groups] + [each.key for each in choice.columns]
    label = re.sub(r"[^a-z0-9]+", "-", "-".join(shown).lower()).strip("-")
    gap = "" if setting.gap == 6 else rf"\setlength{{\tabcolsep}}{{{setting.gap:g}pt}}"
    lines = [
        _LATIN,
        *_signs(choice),
        *(f"% {flowing(said)}" for said in caveats(choice)),
        rf"\begin{{{environment}}}[t]",
        r"\centering",
        rf"\caption{{{breakable(escape(said))}}}",
        rf"\label{{tab:{label}}}",
        r"\smallskip",
        f"{setting.size}{gap}",
        rf"\begin{{tabular}}{{@{{}}l{body.kinds}@{{}}}}",
        r"\toprule",
        *_spans(body, setting),
        _line(["", *(_stack(head, i, body, setting) for i, head in enumerate(body.heads))]),
        r"\midrule",
        *_rows(choice, body, setting),
        r"\bottomrule",
        r"\end{tabular}",
        rf"\end{{{environment}}}",
    ]
    return "\n".join(lines) + "\n"


def _signs(choice: Choice) -> list[str]:
    """Say in comments which names have signs that pdfLaTeX cannot set, and how they stand here."""
    named = [*choice.rows, *(group.table.dataset for group in choice.groups)]
    found = dict.fromkeys(word for each in named for word in tex.lacking(each))
    if not found:
        return []
    return [
        "% pdfLaTeX has no signs for these, which stand as their numbers. With XeLaTeX or LuaLaTeX"
        " and a font",
        "% that has them (or CJKutf8 under pdfLaTeX) they can be written in:",
        *(f"%   {escape(word)} is {word}" for word in found),
    ]


def _spans(body: _Body, setting: _Setting) -> Iterator[str]:
    if not body.spans:
        return
    cells, rules, at = [""], [], 2
    for title, n in body.spans:
        own = sum(_column_width(body, i, setting) for i in range(at - 2, at - 2 + n))
        parts = _span_lines(title, own + (n - 1) * 2 * setting.gap, setting.size)
        cells.append(rf"\multicolumn{{{n}}}{{c}}{{{_stacked_lines(parts, 'c')}}}")
        rules.append(rf"\cmidrule(lr){{{at}-{at + n - 1}}}")
        at += n
    yield _line(cells)
    yield "".join(rules)


def _column_width(body: _Body, i: int, setting: _Setting) -> float:
    column = [row[i + 1] for _, rows in body.blocks for row in rows]
    return max(
        *(entry.width(setting.size, below=setting.below) for entry in column),
        *(tex.width(x, setting.size) for x in _head_lines(body.heads[i], column, setting)),
    )


def _stack(head: str, i: int, body: _Body, setting: _Setting) -> str:
    column = [row[i + 1] for _, rows in body.blocks for row in rows]
    return _stacked_lines(_head_lines(head, column, setting), body.kinds[i])


def _stacked_lines(parts: Sequence[str], side: str) -> str:
    lines = [begun(escape(part)) for part in parts]
    if len(lines) == 1:
        return lines[0]
    broken = r" \\ ".join(lines)
    return rf"\shortstack[{side}]{{{broken}}}"


def _rows(choice: Choice, body: _Body, setting: _Setting) -> Iterator[str]:
    control = {row: name(choice, row).detail.startswith("control") for row in choice.rows}
    for number, (title, rows) in enumerate(body.blocks):
        if number:
            yield r"\midrule"
        if title:
            yield _line(
                [rf"\multicolumn{{{1 + len(body.heads)}}}{{@{{}}l}}{{\textit{{{escape(title)}}}}}"]
            )
        breaks = {b for a, b in pairwise(choice.rows) if control[a] != control[b]}
        for row, cells in zip(choice.rows, rows, strict=True):
            if row in breaks:
                yield r"\addlinespace"
            first, *others = cells
            yield _line([_named(first, setting), *(e.text(below=setting.below) for e in others)])


def _named(entry: _Entry, setting: _Setting) -> str:
    if setting.names is None:
        return escape(entry.cell.shown)
    first, *others = _name_lines(entry.cell.shown, setting.size, setting.names)
    lines = [escape(first), *(rf"\hspace{{{_INDENT:g}pt}}{escape(each)}" for each in others)]
    if not others:
        return lines[0]
    return r"\begin{tabular}[t]{@{}l@{}}" + r" \\ ".join(map(begun, lines)) + r"\end{tabular}"


def _line(cells: Sequence[str]) -> str:
    return f"{begun(' & '.join(cells))} \\\\"
