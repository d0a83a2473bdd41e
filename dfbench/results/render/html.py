"""The board as one self-contained HTML page: tables to sort and filter, intervals drawn."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dfbench.results.board import sentences
from dfbench.results.board.board import Board, Line, Table
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
from dfbench.results.document.blocks import (
    Cell,
    Chart,
    Column,
    Grid,
    Heading,
    Legend,
    Paragraph,
    Reasons,
    Remark,
    Section,
)
from dfbench.results.render.page import escape, page

_BAR_WIDTH, _BAR_HEIGHT, _BAR_MARGIN = 84, 10, 4
"""Of a drawn interval, in CSS pixels."""
_LONG = 40
"""Characters from which on words of a cell are given room to be broken."""
_LONG_NAME = 12
_KINDS = {
    "features": "features",
    "network": "networks",
    "derived": "ensembles and other derived rows",
    "detector": "detectors from elsewhere",
    "imported": "imported scores",
    "control": "controls",
}


class Pictures:
    """What a page shows beside tables, as HTML; the base shows nothing."""

    def chart(self, chart: Chart) -> str:
        """Show a chart of a section."""
        return ""

    def dataset(self, table: Table) -> str:
        """Show a data set."""
        return ""

    def line(self, line: Line) -> str:
        """Show what there is of a row on a data set, to be unfolded."""
        return ""


def to_html(board: Board, *, title: str = "Leaderboard", pictures: Pictures | None = None) -> str:
    """Write the board as an HTML page that loads nothing; well-formed as XML too."""
    writer = _Writer(board, pictures or Pictures())
    head, legend, *blocks = document(board, title)
    body = "\n".join(map(writer.block, blocks))
    name = f"{title} \N{MIDDLE DOT} dfbench"
    if not board.tables:
        return page(name, f"{writer.block(head)}\n\n{body}\n")
    parts = [writer.block(head), _notices(board), writer.block(legend), writer.frame(body)]
    return page(name, "\n".join(part for part in parts if part))


@dataclass(frozen=True, slots=True)
class _Anchor:
    """Where a part of the page stands: depth and words of its heading, and whose it is."""

    depth: int
    name: str
    title: str

    @property
    def dataset(self) -> str:
        """Give the attribute of what goes with a data set."""
        found = re.match(r"d(\d+)", self.name)
        return f' data-set="{found[1]}"' if found else ""


@dataclass
class _Writer:
    """Writes the blocks of a board, and notes where they stand."""

    board: Board
    pictures: Pictures
    anchors: list[_Anchor] = field(default_factory=list)
    numbers: Counter[str] = field(default_factory=Counter)
    everywhere: _Known = field(init=False)

    def __post_init__(self) -> None:
        self.everywhere = _Known(self.board, self.board.lines)

    def block(self, block: Block) -> str:
        """Write a block of the document."""
        match block:
            case Heading(text):
                return f"<h1>{escape(text)}</h1>"
            case Legend(text):
                sort = '<span class="screen">Click a heading to sort.</span>'
                return f"<p>{escape(text)} {sort}</p>"
            case Paragraph(text):
                return f"<p>{escape(text)}</p>"
            case Standings(section):
                return self._section(section, self._next("a"), 2, self.everywhere)
            case Chapter():
                return self._chapter(block, self._next("d"))
            case Section():
                return self._section(block, self._next("z"), 2, self.everywhere)

    def frame(self, body: str) -> str:
        """Put the body beside its table of contents."""
        return (
            f'<div class="frame">\n{_contents(self.anchors)}\n<main>\n{_filters(self.board)}\n'
            f"{body}\n</main>\n</div>"
        )

    def _next(self, kind: str) -> str:
        """Give a name to what comes next of a kind: ``d0``, ``d1``."""
        self.numbers[kind] += 1
        return f"{kind}{self.numbers[kind] - 1}"

    def _anchor(self, depth: int, anchor: str, title: str) -> str:
        self.anchors.append(_Anchor(depth, anchor, title))
        return f'id="{anchor}"'

    def _chapter(self, chapter: Chapter, name: str) -> str:
        known = _Known(self.board, chapter.table.lines)
        anchor = self._anchor(2, name, chapter.title)
        found = [f"<h2 {anchor}>{escape(chapter.title)}</h2>"]
        found += [self._part(part, name, known) for part in chapter.parts]
        inside = "\n".join(part for part in found if part)
        return f'<section data-set="{name[1:]}">\n{inside}\n</section>'

    def _part(self, part: Part, name: str, known: _Known) -> str:
        match part:
            case Remark(kind, text):
                return f'<p class="{kind.lower()}">{kind}: {escape(text)}.</p>'
            case Paragraph(text):
                return f"<p>{escape(text)}</p>"
            case Leaderboard(grid):
                return _grid(grid, known)
            case Overview(table):
                return self.pictures.dataset(table)
            case Section():
                return self._section(part, self._next(f"{name}-"), 3, known)
            case RowPictures(lines):
                return self._rows(lines, f"{name}-rows", known)
            case Reported() | Reasons():
                # the leaderboard has a column for them
                return ""

    def _rows(self, lines: Sequence[Line], name: str, known: _Known) -> str:
        pictures = [(line, self.pictures.line(line)) for line in lines]
        found = [f"<div{known.of_row(line.row)}>{shown}</div>" for line, shown in pictures if shown]
        if not found:
            return ""
        anchor = self._anchor(3, name, "Figures of each row")
        inside = "\n".join([f"<h3 {anchor}>Figures of each row</h3>", *found])
        return f'<div class="rows">\n{inside}\n</div>'

    def _section(self, section: Section, anchor: str, depth: int, known: _Known) -> str:
        heading = (
            f"<h{depth} {self._anchor(depth, anchor, section.title)}>"
            f"{escape(section.title)}</h{depth}>"
        )
        found = [f"<p>{escape(text)}</p>" for text in section.text]
        for grid in section.grids:
            shown = _grid(grid, known)
            if grid.title:
                shown = f"<h4>{escape(grid.title)}</h4>\n{shown}"
            # a table about one row or data set goes with it
            found.append(f"<div{known.of_grid(grid)}>{shown}</div>")
        found += [self.pictures.chart(chart) for chart in section.charts]
        inside = "\n".join(part for part in found if part)
        if section.folded:
            return f"<details><summary>{heading}</summary>\n{inside}\n</details>"
        return f"{heading}\n{inside}"


@dataclass(frozen=True)
class _Known:
    """What the filters need to know of the rows that a part of the board may name."""

    board: Board
    lines: Sequence[Line]
    rows: dict[str, list[Line]] = field(default_factory=dict)
    datasets: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for line in self.lines:
            self.rows.setdefault(line.row, []).append(line)
        for index, table in enumerate(self.board.tables):
            self.datasets[table.dataset] = index

    def of_row(self, name: str) -> str:
        """Give the attributes of what is about a row; none where there is no such row."""
        lines = self.rows.get(name)
        if not lines:
            return ""
        kind = next((line.kind for line in lines if line.kind), "")
        kind = "control" if any(line.control for line in lines) else kind
        status = " ".join(sorted({line.status for line in lines}))
        return f' data-row="{escape(name)}" data-kind="{kind}" data-status="{status}"'

    def of_grid(self, grid: Grid) -> str:
        """Give the attributes of a table about one row or one data set."""
        return self.of_row(grid.row) + self._of_datasets(grid.dataset)

    def of_cells(self, cells: Sequence[Cell]) -> str:
        """Give the attributes of a line of a table, by the rows and data sets that it names."""
        rows = filter(None, (self.of_row(cell.row) for cell in cells))
        return next(rows, "") + self._of_datasets(*(cell.dataset for cell in cells))

    def _of_datasets(self, *names: str) -> str:
        sets = dict.fromkeys(str(self.datasets[name]) for name in names if name in self.datasets)
        return f' data-set="{" ".join(sets)}"' if sets else ""


def _notices(board: Board) -> str:
    """Gather what a reader must know before any figure; what several data sets share once."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for table in board.tables:
        said = [("warning", "Warning", text) for text in table.warnings]
        said += [("note", "Note", text) for text in table.notes]
        said += [
            ("missing", reason.status, f"{', '.join(reason.rows)}: {reason.reason}")
            for reason in sentences.reasons(table.missing, seeds=board.several_seeds)
        ]
        for each in said:
            found.setdefault(each, []).append(table.dataset)
    order = {"warning": 0, "note": 1, "missing": 2}
    items = [
        f'<li class="{kind}"><b>{word}</b>, {escape(", ".join(datasets))}: {escape(text)}</li>'
        for (kind, word, text), datasets in sorted(found.items(), key=lambda x: order[x[0][0]])
    ]
    return f'<div class="notices"><ul>{"".join(items)}</ul></div>' if items else ""


def _contents(anchors: Iterable[_Anchor]) -> str:
    items: list[tuple[str, list[str]]] = []
    for anchor in anchors:
        link = f'<li{anchor.dataset}><a href="#{anchor.name}">{escape(anchor.title)}</a>'
        if anchor.depth == 2:
            items.append((link, []))
        else:
            items[-1][1].append(f"{link}</li>")
    listed = "".join(
        link + (f"<ul>{''.join(inner)}</ul>" if inner else "") + "</li>" for link, inner in items
    )
    return (
        '<nav class="contents" aria-label="Contents"><details open="open">'
        f"<summary>Contents</summary><ul>{listed}</ul></details></nav>"
    )


def _filters(board: Board) -> str:
    kinds = {"control" if line.control else line.kind for line in board.lines}
    statuses = {line.status for line in board.lines}

    def choice(name: str, label: str, options: Iterable[tuple[str, str]]) -> str:
        listed = "".join(f'<option value="{v}">{escape(said)}</option>' for v, said in options)
        return (
            f'<label>{label} <select name="{name}"><option value="">all</option>{listed}'
            "</select></label>"
        )

    sets = [(str(index), table.dataset) for index, table in enumerate(board.tables)]
    return (
        '<form class="filters" role="search" hidden="hidden">'
        '<label>rows with <input type="search" name="text" size="14"'
        ' placeholder="part of a name"/></label>'
        + choice("kind", "kind", ((k, said) for k, said in _KINDS.items() if k in kinds))
        + choice("set", "data set", sets)
        + choice("status", "status", ((s, s) for s in ("ok", "skipped", "failed") if s in statuses))
        + '<button type="reset">show all</button>'
        '<output name="count" aria-live="polite"></output></form>'
    )


def _grid(grid: Grid, known: _Known) -> str:
    named = next((i for i, column in enumerate(grid.columns) if column.text), -1)
    start = _axis_start(grid)
    head = "".join(map(_head, grid.columns))
    bodies = []
    for number, block in enumerate(grid.blocks):
        rows = [
            f"<tr{known.of_cells(cells)}>{_cells(cells, grid, named, start)}</tr>\n"
            for cells in block
        ]
        fixed = any(cell.columns > 1 for cells in block for cell in cells)
        attribute = ' data-fixed="1"' if fixed else f' data-block="{number}"'
        bodies.append(f"<tbody{attribute}>{''.join(rows)}</tbody>")
    drawn = any(cell.span for block in grid.blocks for cells in block for cell in cells)
    marks = [column.mark for column in grid.columns if column.mark is not None]
    axis = f"Bars run from {start:.1f} to 1.0" if drawn else ""
    if drawn and marks:
        axis += f", chance ({marks[0]:g}) is dashed"
    return (
        (f"<p>{axis}.</p>\n" if axis else "")
        + f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n'
        + "\n".join(bodies)
        + "\n</table></div>"
    )


def _head(column: Column) -> str:
    words = ' class="words"' if column.text else ""
    kind = "text" if column.text else "number"
    first = "ascending" if column.rising else "descending"
    return (
        f'<th scope="col"{words} data-kind="{kind}" data-first="{first}">'
        f'<button type="button">{escape(column.title)}</button></th>'
    )


def _cells(cells: Sequence[Cell], grid: Grid, named: int, start: float) -> str:
    written = []
    at = 0
    for cell in cells:
        column = grid.columns[at]
        if cell.columns > 1:
            written.append(
                f'<td class="reason" colspan="{cell.columns}"><b>{escape(cell.shown)}</b>:'
                f" {escape(cell.detail)}</td>"
            )
        elif at == named:
            tag = f'<span class="tag">{escape(cell.detail)}</span>' if cell.detail else ""
            written.append(
                f'<th scope="row" class="words" data-v="{_value(cell, column)}">'
                f"{_shown(cell, breakable=True)}"
                f"{tag}</th>"
            )
        else:
            written.append(_cell(cell, column, start))
        at += cell.columns
    return "".join(written)


def _shown(cell: Cell, *, breakable: bool = False) -> str:
    """Write what stands in a cell; a long name may be broken behind its marks."""
    shown = escape(cell.shown)
    if breakable and len(cell.shown) > _LONG_NAME:
        shown = re.sub(r"(?<=[/+_:])(?![/+_:])", "<wbr/>", shown)
    return f"<b>{shown}</b>" if cell.bold and shown else shown


def _value(cell: Cell, column: Column) -> str:
    if column.text:
        return escape(cell.shown if cell.value is None else str(cell.value))
    if cell.value is None or cell.value != cell.value:
        return ""
    return escape(cell.value) if isinstance(cell.value, str) else repr(float(cell.value))


def _cell(cell: Cell, column: Column, start: float) -> str:
    shown = _shown(cell)
    # the interval below the figure and its spread: columns stay narrow
    beside, bracket, ends = cell.detail.partition("[")
    if beside:
        shown += f" <small>{escape(beside.strip())}</small>"
    below = ""
    if cell.span is not None and isinstance(cell.value, int | float):
        below = _bar(float(cell.value), cell.span, start, column.mark)
    if bracket:
        below += f'<small class="ends">{escape(bracket + ends)}</small>'
    if below:
        shown = f'<span class="metric">{shown}{below}</span>'
    classes = ["words"] if column.text else []
    classes += ["long"] if column.text and len(cell.shown) > _LONG else []
    style = ""
    if cell.heat is not None:
        classes.append("heat")
        style = f' style="--heat: {min(1.0, max(0.0, cell.heat)):.3f}"'
    name = f' class="{" ".join(classes)}"' if classes else ""
    return f'<td{name}{style} data-v="{_value(cell, column)}">{shown}</td>'


def _axis_start(grid: Grid) -> float:
    """Left end of all bars of a table: the tenth below the lowest interval, at most 0.4."""
    ends = [cell.span[0] for block in grid.blocks for cells in block for cell in cells if cell.span]
    lowest = min(ends, default=0.5)
    return math.floor(lowest * 10 + 1e-9) / 10 if lowest < 0.5 else 0.4


def _bar(value: float, span: tuple[float, float], start: float, mark: float | None) -> str:
    def at(share: float) -> float:
        inside = (share - start) / (1 - start)
        return round(_BAR_MARGIN + inside * (_BAR_WIDTH - 2 * _BAR_MARGIN), 2)

    y = _BAR_HEIGHT / 2

    def line(kind: str, a: float, b: float) -> str:
        return f'<line class="{kind}" x1="{a}" x2="{b}" y1="{y}" y2="{y}"/>'

    low, high = map(at, span)
    # an interval without width would not be drawn at all
    drawn = [line("track", at(start), at(1.0)), line("span", low, max(high, low + 0.5))]
    if mark is not None:
        x = at(mark)
        drawn.append(f'<line class="chance" x1="{x}" x2="{x}" y1="0" y2="{_BAR_HEIGHT}"/>')
    drawn.append(f'<circle class="dot" cx="{at(value)}" cy="{y}" r="3"/>')
    return (
        f'<svg width="{_BAR_WIDTH}" height="{_BAR_HEIGHT}" viewBox="0 0 {_BAR_WIDTH} {_BAR_HEIGHT}"'
        ' aria-hidden="true">' + "".join(drawn) + "</svg>"
    )
