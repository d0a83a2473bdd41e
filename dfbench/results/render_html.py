"""The board as one self-contained HTML page: sortable tables, intervals drawn."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dfbench.results import wording
from dfbench.results.board import Board, Figure, Line, Overall, Standing, Table
from dfbench.results.metrics import METRICS
from dfbench.results.page import SCRIPT, STYLE

_BAR_WIDTH, _BAR_HEIGHT, _BAR_MARGIN = 84, 10, 4
"""Of a drawn interval, in CSS pixels."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def to_html(board: Board) -> str:
    """Write the board as an HTML page that loads nothing; well-formed as XML too."""
    seeds = len(board.seeds) > 1
    parts = [f"<h1>Leaderboard</h1>\n<p>{escape(wording.RANKS)}"]
    if any(table.controls for table in board.tables):
        parts[0] += " " + escape(wording.CONTROL)
    parts[0] += " Click a heading to sort.</p>"
    if not board.tables:
        parts.append("<p>No row has been asked for yet.</p>")
    if board.overall is not None:
        links = [f'<a href="#d{i}">{escape(t.dataset)}</a>' for i, t in enumerate(board.tables)]
        parts.append(f"<nav>{' '.join(links)}</nav>")
        parts.append(overall_section(board.overall, [t.dataset for t in board.tables], seeds=seeds))
    parts += [table_section(table, f"d{i}", seeds=seeds) for i, table in enumerate(board.tables)]
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>dfbench leaderboard</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def escape(text: str) -> str:
    """Make text safe for a page."""
    # control characters are not allowed in a page, escaped or not
    visible = "".join(c if c.isprintable() else " " for c in text)
    return html.escape(visible)


@dataclass(frozen=True, slots=True)
class _Column:
    """A heading; ``kind`` is how its cells compare, ``rising`` whether small comes first."""

    title: str
    kind: str = "number"
    rising: bool = False

    def __str__(self) -> str:
        name = ' class="name"' if self.kind == "text" else ""
        first = "ascending" if self.rising else "descending"
        return (
            f'<th scope="col"{name} data-kind="{self.kind}" data-first="{first}">'
            f'<button type="button">{escape(self.title)}</button></th>'
        )


def _cell(shown: str, value: float | None) -> str:
    return f'<td data-v="{"" if value is None else repr(value)}">{shown}</td>'


def _row_cells(row: str, seed: int, *, control: bool, seeds: bool) -> str:
    tag = '<span class="tag">control</span>' if control else ""
    name = f'<th scope="row" class="name" data-v="{escape(row)}">{escape(row)}{tag}</th>'
    return name + (_cell(str(seed), seed) if seeds else "")


def _start(*, seeds: bool) -> list[_Column]:
    start = [_Column("rank", rising=True), _Column("row", "text", rising=True)]
    return [*start, _Column("seed", rising=True)] if seeds else start


def _grid(columns: Sequence[_Column], bodies: Iterable[tuple[str, Sequence[str]]]) -> str:
    head = "".join(str(column) for column in columns)
    parts = [f"<tbody{attribute}>{''.join(rows)}</tbody>" for attribute, rows in bodies if rows]
    return (
        f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n'
        + "\n".join(parts)
        + "\n</table></div>"
    )


def table_section(table: Table, anchor: str, *, seeds: bool) -> str:
    """Write the table of one data set, with what belongs to it."""
    parts = [f'<h2 id="{anchor}">{escape(table.dataset)}</h2>']
    start = _axis_start(table.measured)
    facts = wording.facts(table)
    if facts:
        axis = f"bars run from {start:.1f} to 1.0, chance (ROC AUC 0.5) dashed"
        parts.append(f"<p>{escape('; '.join([*facts, axis]))}.</p>")
    parts += [f'<p class="note">Note: {escape(note)}.</p>' for note in table.notes]

    classes = table.measured[0].classes if table.measured else []
    columns = _start(seeds=seeds)
    columns += [_Column(wording.TITLES["roc_auc"]), _Column(wording.TITLES["accuracy"])]
    columns += [_Column(f"acc. of {name}") for name in classes]
    columns += [_Column(wording.TITLES["balanced_accuracy"]), _Column(wording.TITLES["f1_macro"])]
    columns += [
        _Column("fit s", rising=True),
        _Column("images/s"),
        _Column("features", rising=True),
    ]

    if table.reported:
        columns.append(_Column(wording.REPORTED, "text", rising=True))

    def said(line: Line) -> str:
        shown = escape(line.reported)
        cell = f'<td class="reported" data-v="{shown}">{shown or wording.GAP}</td>'
        return cell if table.reported else ""

    def measured(line: Line) -> str:
        drawn = [_metric(name, line.metrics[name], start) for name in METRICS]
        cells = [
            _cell(wording.rank(line.rank), line.rank),
            _row_cells(line.row, line.seed, control=line.control, seeds=seeds),
            *drawn[:2],
            *(
                _cell(wording.figure(line.class_accuracy.get(c)), line.class_accuracy.get(c))
                for c in classes
            ),
            *drawn[2:],
            _cell(wording.quantity(line.fit_seconds), line.fit_seconds),
            _cell(wording.quantity(line.predict_images_per_second), line.predict_images_per_second),
            _cell(wording.count(line.n_features), line.n_features),
            said(line),
        ]
        return f"<tr>{''.join(cells)}</tr>\n"

    width = len(columns) - (3 if seeds else 2) - bool(table.reported)

    def absent(line: Line) -> str:
        why = escape(line.reason or "no reason given")
        return (
            f"<tr><td>{wording.GAP}</td>"
            f"{_row_cells(line.row, line.seed, control=line.control, seeds=seeds)}"
            f'<td class="reason" colspan="{width}">'
            f'<b class="{line.status}">{line.status}</b>: {why}</td>{said(line)}</tr>\n'
        )

    bodies = [
        ("", [measured(line) for line in table.ranked]),
        (' class="controls"', [measured(line) for line in table.controls]),
        (' data-fixed="1"', [absent(line) for line in table.missing]),
    ]
    parts.append(_grid(columns, bodies))
    return "\n".join(parts)


def overall_section(overall: Overall, datasets: Sequence[str], *, seeds: bool) -> str:
    """Write the table over all data sets."""
    columns = [
        _Column("mean rank", rising=True),
        *_start(seeds=seeds)[1:],
        _Column("mean ROC AUC"),
        *(_Column(name) for name in datasets),
    ]

    def standing(of: Standing) -> str:
        cells = [
            _cell(wording.figure(of.mean_rank, digits=2), of.mean_rank),
            _row_cells(of.row, of.seed, control=of.control, seeds=seeds),
            _cell(wording.figure(of.mean_auc), of.mean_auc),
            *(_cell(wording.figure(of.aucs[name]), of.aucs[name]) for name in datasets),
        ]
        return f"<tr>{''.join(cells)}</tr>\n"

    text = f"ROC AUC on each of {len(datasets)} data sets, and its mean."
    if overall.gaps:
        text += " " + wording.GAPS
    bodies = [
        ("", [standing(each) for each in overall.ranked]),
        (' class="controls"', [standing(each) for each in overall.controls]),
        (' class="gaps"', [standing(each) for each in overall.gaps]),
    ]
    return f"<h2>All data sets</h2>\n<p>{escape(text)}</p>\n{_grid(columns, bodies)}"


def _axis_start(lines: Iterable[Line]) -> float:
    """Left end of all bars of a table: the tenth below the lowest interval, at most 0.5."""
    ends = [0.5]
    for line in lines:
        for found in line.metrics.values():
            ends += [end for end in (found.low, found.value) if end is not None]
    return math.floor(min(ends) * 10 + 1e-9) / 10 if min(ends) < 0.5 else 0.4


def _metric(name: str, found: Figure, start: float) -> str:
    if found.value is None:
        return _cell(wording.GAP, None)
    shown = wording.figure(found.value)
    said = wording.interval(found)
    if said:
        drawn = _bar(found, start, chance=name == "roc_auc")
        shown = f'<span class="metric">{shown}<span>{drawn}<small>{said}</small></span></span>'
    return _cell(shown, found.value)


def _bar(found: Figure, start: float, *, chance: bool) -> str:
    def at(value: float) -> float:
        share = (value - start) / (1 - start)
        return round(_BAR_MARGIN + share * (_BAR_WIDTH - 2 * _BAR_MARGIN), 2)

    y = _BAR_HEIGHT / 2

    def line(kind: str, a: float, b: float) -> str:
        return f'<line class="{kind}" x1="{a}" x2="{b}" y1="{y}" y2="{y}"/>'

    low, high, value = (at(x or 0.0) for x in (found.low, found.high, found.value))
    # an interval without width would not be drawn at all
    parts = [line("track", at(start), at(1.0)), line("span", low, max(high, low + 0.5))]
    if chance:
        x = at(0.5)
        parts.append(f'<line class="chance" x1="{x}" x2="{x}" y1="0" y2="{_BAR_HEIGHT}"/>')
    parts.append(f'<circle class="dot" cx="{value}" cy="{y}" r="3"/>')
    return (
        f'<svg width="{_BAR_WIDTH}" height="{_BAR_HEIGHT}" aria-hidden="true">'
        + "".join(parts)
        + "</svg>"
    )
