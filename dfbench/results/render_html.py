"""The board as one self-contained HTML page: sortable tables, intervals drawn."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dfbench.results import wording
from dfbench.results.board import Board, Figure, Line, Overall, Standing, Table
from dfbench.results.metrics import LOWER_IS_BETTER, MAIN, METRICS
from dfbench.results.page import SCRIPT, STYLE

_BAR_WIDTH, _BAR_HEIGHT, _BAR_MARGIN = 84, 10, 4
"""Of a drawn interval, in CSS pixels."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def to_html(board: Board) -> str:
    """Write the board as an HTML page that loads nothing; well-formed as XML too."""
    seeds = board.several_seeds
    parts = [f"<h1>Leaderboard</h1>\n<p>{escape(wording.RANKS)} Click a heading to sort.</p>"]
    if not board.tables:
        parts.append("<p>No row has been asked for yet.</p>")
    if board.overall is not None:
        links = [f'<a href="#d{i}">{escape(t.dataset)}</a>' for i, t in enumerate(board.tables)]
        parts.append(f"<nav>{' '.join(links)}</nav>")
        parts.append(overall_section(board.overall, [t.dataset for t in board.tables]))
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


def _name_cell(row: str, control: str, *, best: bool = False) -> str:
    tag = '<span class="tag">control</span>' if control else ""
    shown = f"<b>{escape(row)}</b>" if best else escape(row)
    return f'<th scope="row" class="name" data-v="{escape(row)}">{shown}{tag}</th>'


def _row_cells(line: Line, *, seeds: bool) -> str:
    name = _name_cell(line.row, line.control, best=line.best)
    return name + (_cell(", ".join(map(str, line.seeds)), len(line.seeds)) if seeds else "")


def _start(*, seeds: bool) -> list[_Column]:
    start = [_Column("rank", rising=True), _Column("row", "text", rising=True)]
    return [*start, _Column("seeds", rising=True)] if seeds else start


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
    parts += [f'<p class="warning">Warning: {escape(w)}.</p>' for w in table.warnings]
    facts = [*wording.facts(table), *([wording.smallest(table)] if table.smallest else [])]
    if facts:
        axis = f"bars run from {start:.1f} to 1.0, chance (ROC AUC 0.5) dashed"
        parts.append(f"<p>{escape('; '.join([*facts, axis]))}.</p>")
    parts += [f'<p class="note">Note: {escape(note)}.</p>' for note in table.notes]

    classes = table.measured[0].classes if table.measured else []
    columns = _start(seeds=seeds)
    columns += [_Column(wording.TITLES["roc_auc"]), _Column(wording.TITLES["accuracy"])]
    columns += [_Column(f"acc. of {name}") for name in classes]
    columns += [_Column(wording.TITLES["balanced_accuracy"]), _Column(wording.TITLES["f1_macro"])]
    if table.reported:
        columns.append(_Column(wording.REPORTED, "text", rising=True))

    def said(line: Line) -> str:
        shown = escape(line.reported)
        cell = f'<td class="reported" data-v="{shown}">{shown or wording.GAP}</td>'
        return cell if table.reported else ""

    def measured(line: Line) -> str:
        drawn = [_metric(name, line.metrics[name], start) for name in MAIN]
        cells = [
            _cell(wording.rank(line.rank), line.rank),
            _row_cells(line, seeds=seeds),
            *drawn[:2],
            *(
                _cell(wording.figure(line.class_accuracy.get(c)), line.class_accuracy.get(c))
                for c in classes
            ),
            *drawn[2:],
            said(line),
        ]
        return f"<tr>{''.join(cells)}</tr>\n"

    width = len(columns) - (3 if seeds else 2) - bool(table.reported)

    def absent(line: Line) -> str:
        why = escape(line.reason or "no reason given")
        return (
            f"<tr><td>{wording.GAP}</td>"
            f"{_row_cells(line, seeds=seeds)}"
            f'<td class="reason" colspan="{width}">'
            f'<b class="{line.status}">{line.status}</b>: {why}</td>{said(line)}</tr>\n'
        )

    bodies = [
        ("", [measured(line) for line in table.ranked]),
        (' class="controls"', [measured(line) for line in table.controls]),
        (' data-fixed="1"', [absent(line) for line in table.missing]),
    ]
    parts.append(_grid(columns, bodies))
    controls = " ".join(f"{text[0].upper()}{text[1:]}." for text in wording.controls(table))
    if controls:
        parts.append(f"<p>{escape(controls)}</p>")
    if table.measured:
        parts += [_more(table, start), _cost(table)]
    return "\n".join(parts)


def _more(table: Table, start: float) -> str:
    """Write the figures beyond the main ones, folded."""
    names = [
        name
        for name in METRICS[len(MAIN) :]
        if any(line.metrics[name].value is not None for line in table.measured)
    ]
    columns = [_Column("row", "text", rising=True)]
    columns += [_Column(wording.TITLES[n], rising=n in LOWER_IS_BETTER) for n in names]

    def row(line: Line) -> str:
        cells = [
            _name_cell(line.row, line.control),
            *(_plain(line.metrics[name]) for name in names),
        ]
        return f"<tr>{''.join(cells)}</tr>\n"

    said = "".join(f"<p>{escape(text)}.</p>" for text in wording.lacking(table))
    return _folded("More figures", _two_bodies(columns, table, row) + said)


def _cost(table: Table) -> str:
    """Write what rows cost and what their tuning was worth, folded."""
    columns = [
        _Column("row", "text", rising=True),
        _Column("images/s"),
        _Column("Pareto"),
        *(_Column(name, rising=True) for name in ("fit s", "tuning s", "trials", "optimism")),
        _Column("defaults"),
        *(_Column(n, rising=True) for n in ("features", "parameters", "model MB", "peak MB")),
    ]

    def row(line: Line) -> str:
        trials = None if line.tuning is None else line.tuning.trials
        seconds = None if line.tuning is None else line.tuning.seconds
        parameters = None if line.n_parameters is None else line.n_parameters[0]
        rate = line.predict_images_per_second
        cells = [
            _name_cell(line.row, line.control),
            _cell(wording.quantity(rate), rate),
            _cell("\N{BULLET}" if line.pareto else "", float(line.pareto)),
            _cell(wording.quantity(line.fit_seconds), line.fit_seconds),
            _cell(wording.quantity(seconds), seconds),
            _cell(wording.count(trials), trials),
            _cell(wording.signed(line.optimism), line.optimism),
            _cell(wording.figure(line.default_roc_auc), line.default_roc_auc),
            _cell(wording.count(line.n_features), line.n_features),
            _cell(wording.parameters(line.n_parameters), parameters),
            _cell(wording.megabytes(line.model_bytes), line.model_bytes),
            _cell(wording.megabytes(line.peak_bytes), line.peak_bytes),
        ]
        return f"<tr>{''.join(cells)}</tr>\n"

    said = f"<p>{escape(wording.COST)}</p>"
    return _folded("Tuning and cost", said + _two_bodies(columns, table, row))


def _two_bodies(columns: Sequence[_Column], table: Table, row: Callable[[Line], str]) -> str:
    ranked = ("", [row(line) for line in table.ranked])
    controls = (' class="controls"', [row(line) for line in table.controls])
    return _grid(columns, [ranked, controls])


def _folded(title: str, body: str) -> str:
    return f"<details><summary><b>{escape(title)}</b></summary>\n{body}</details>"


def _plain(of: Figure) -> str:
    said = escape(" ".join(part for part in (wording.spread(of), wording.interval(of)) if part))
    small = f" <small>{said}</small>" if said else ""
    return _cell(f"{wording.figure(of.value)}{small}", of.value)


def overall_section(overall: Overall, datasets: Sequence[str]) -> str:
    """Write the table over all data sets."""
    columns = [
        _Column("mean rank", rising=True),
        _Column("row", "text", rising=True),
        _Column("mean ROC AUC"),
        *(_Column(name) for name in datasets),
    ]

    def standing(of: Standing) -> str:
        cells = [
            _cell(wording.figure(of.mean_rank, digits=2), of.mean_rank),
            _name_cell(of.row, of.control, best=of.best),
            _cell(wording.figure(of.mean_auc), of.mean_auc),
            *(_cell(wording.figure(of.aucs[name]), of.aucs[name]) for name in datasets),
        ]
        return f"<tr>{''.join(cells)}</tr>\n"

    text = f"ROC AUC on each of {len(datasets)} data sets, and its mean. {wording.OVERALL}"
    text = " ".join([text, *wording.friedman(overall)])
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
        for name in MAIN:
            found = line.metrics[name]
            ends += [end for end in (found.low, found.value) if end is not None]
    return math.floor(min(ends) * 10 + 1e-9) / 10 if min(ends) < 0.5 else 0.4


def _metric(name: str, found: Figure, start: float) -> str:
    if found.value is None:
        return _cell(wording.GAP, None)
    shown = wording.figure(found.value)
    said = " ".join(part for part in (wording.spread(found), wording.interval(found)) if part)
    if found.low is not None:
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
