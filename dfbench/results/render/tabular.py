"""Rows, columns and data sets that were chosen, as one table (booktabs) for a paper."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from dfbench.errors import DfbenchError
from dfbench.plain import flowing
from dfbench.results.board.choice import Choice, Group, caption, cell_of, name, title_of
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
_NARROWEST = 52.0
"""Points that names of rows are broken to at the least."""
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
    for each in (width,) if width else _POINTS:
        for body, setting in _layouts(choice, _POINTS[each]):
            return _written(choice, each, body, setting)
    n = sum(len(group.columns) for group in choice.groups)
    wider = "" if width is None or width == "page" else "--width page, "
    raise DfbenchError(
        f"{n} columns do not fit {'both columns' if width != 'column' else 'a column'} of an"
        f" article ({_POINTS[width or 'page']:g} pt)",
        hint=f"{wider}fewer --columns or --data, or no --intervals",
    )


def _layouts(choice: Choice, line: float) -> Iterator[tuple[_Body, _Setting]]:
    """Give the ways to set a choice that fit a line of so many points, the best first."""
    bodies = [_across(choice)]
    if (stacked := _stacked(choice)) is not None:
        bodies.append(stacked)
    for broken in (False, True):
        for body in bodies:
            for below in (False, True)[: 1 + _detailed(body)]:
                for size, gap in _SETTINGS:
                    found = _fitted(body, _Setting(size, gap, below, None), line, broken=broken)
                    if found is not None:
                        yield body, found


def _detailed(body: _Body) -> bool:
    return any(entry.cell.detail for _, rows in body.blocks for row in rows for entry in row[1:])


def _fitted(body: _Body, setting: _Setting, line: float, *, broken: bool) -> _Setting | None:
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
    return replace(setting, names=room) if broken and room >= _NARROWEST else None


def _across(choice: Choice) -> _Body:
    """Put data sets beside each other."""
    several, single = len(choice.groups) > 1, all(len(g.columns) == 1 for g in choice.groups)
    heads, spans = [], []
    for group in choice.groups:
        own = [_title(column, part) for column, part in group.columns]
        heads += [group.table.dataset] if several and single else own
        spans.append((group.table.dataset, len(own)))
    rows = tuple(
        (_Entry(_plain(name(choice, row))), *(e for g in choice.groups for e in _entries(choice, g, row)))
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
    return [
        _Entry(
            cell_of(choice, line, column, part),
            "" if part else group.marks(choice.rows, column).get(row, ""),
        )
        for column, part in group.columns
    ]


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
    return _lines(re.findall(r".+?(?:[ \-_/+]|$)", head), setting.size, max(_HEAD, widest))


def _span_lines(title: str, room: float, size: str) -> list[str]:
    return _lines(re.findall(r".+?(?:[ \-_/+]|$)", title), size, room)


def _name_lines(shown: str, size: str, room: float) -> list[str]:
    """Break a name behind what joins its parts; where that is not enough, anywhere."""
    shown = flowing(shown)
    pieces = []
    for piece in re.findall(r".+?(?:[+/,_\- ]|$)", shown):
        while tex.width(piece, size) > room - 6 and len(piece) > 1:
            n = max(1, int(len(piece) * (room - 6) / tex.width(piece, size)) - 1)
            pieces.append(piece[:n])
            piece = piece[n:]
        pieces.append(piece)
    return _lines(pieces, size, room - 6)


# ---- writing


def _written(choice: Choice, width: Width, body: _Body, setting: _Setting) -> str:
    environment = _ENVIRONMENT[width]
    said = f"{title_of(choice)}. {' '.join(caption(choice))}"
    label = re.sub(
        r"[^a-z0-9]+", "-",
        "-".join([*(g.table.dataset for g in choice.groups), *(c.key for c in choice.columns)]).lower(),
    ).strip("-")  # fmt: skip
    gap = "" if setting.gap == 6 else rf"\setlength{{\tabcolsep}}{{{setting.gap:g}pt}}"
    lines = [
        _LATIN,
        *_signs(choice),
        rf"\begin{{{environment}}}[t]",
        r"\centering",
        rf"\caption{{{breakable(escape(said))}}}",
        rf"\label{{tab:{label}}}",
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
            yield _line([rf"\multicolumn{{{1 + len(body.heads)}}}{{@{{}}l}}{{\textit{{{escape(title)}}}}}"])
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
    lines = [escape(first), *(rf"\hspace{{6pt}}{escape(each)}" for each in others)]
    if not others:
        return lines[0]
    return r"\begin{tabular}[t]{@{}l@{}}" + r" \\ ".join(map(begun, lines)) + r"\end{tabular}"


def _line(cells: Sequence[str]) -> str:
    return f"{begun(' & '.join(cells))} \\\\"
