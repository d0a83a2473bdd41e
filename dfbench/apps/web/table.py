"""The table of the leaderboard on the page; what is done with it there is in ``table.js``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dfbench.apps.web.words import escape
from dfbench.results.board.board import CHANCE
from dfbench.results.document import wording
from dfbench.results.statistics.estimate import Estimate
from dfbench.results.statistics.metrics import LOWER_IS_BETTER, MAIN

_START = 0.4
"""Where drawn intervals begin, a little below chance."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A row on a data set.

    Attributes
    ----------
    metrics
        By name.
    kind
        Such as ``network``, or ``control``.
    rank, rate
        On its board, and its images per second; None where nothing is known of them.
    status
        Such as ``ok``.
    """

    row: str
    dataset: str
    metrics: Mapping[str, Estimate]
    kind: str
    rank: int | None = None
    rate: float | None = None
    status: str = "ok"

    def metric(self, name: str) -> Estimate:
        """Give a metric, without a value where there is none."""
        return self.metrics.get(name, Estimate())


@dataclass(frozen=True)
class _Column:
    title: str
    cell: Callable[[Entry], tuple[str, float | str | None]]
    """What is shown, and what it is sorted by; None for a gap."""
    text: bool = False
    rising: bool = False


def _metric(name: str) -> _Column:
    def cell(entry: Entry) -> tuple[str, float | None]:
        of = entry.metric(name)
        shown = wording.figure(of.value)
        return (shown + _drawn(of) if name == "roc_auc" else shown), of.value

    return _Column(wording.TITLES[name], cell, rising=name in LOWER_IS_BETTER)


def _drawn(of: Estimate) -> str:
    """Draw an interval from `_START` to 1, with a line at chance."""
    if of.low is None or of.high is None:
        return ""
    left, right, chance = (
        100 * min(1.0, max(0.0, (value - _START) / (1 - _START)))
        for value in (of.low, of.high, CHANCE)
    )
    said = f"95 %: {wording.figure(of.low)} to {wording.figure(of.high)}"
    return (
        f' <span class="df-span" title="{said}">'
        f'<i class="df-chance" style="left:{chance:.1f}%"></i>'
        f'<i style="left:{left:.1f}%;width:{max(1.0, right - left):.1f}%"></i></span>'
        f"<small>{wording.interval(of)}</small>"
    )


def _breakable(name: str) -> str:
    """Let a long name be broken behind its marks."""
    return re.sub(r"(?<=[/+_])(?![/+_])", "<wbr>", escape(name))


def _text(title: str, of: Callable[[Entry], str]) -> _Column:
    def cell(entry: Entry) -> tuple[str, str]:
        return escape(of(entry)), of(entry)

    return _Column(title, cell, text=True, rising=True)


_COLUMNS = (
    _Column(
        "row",
        lambda entry: (f'<button type="button">{_breakable(entry.row)}</button>', entry.row),
        text=True,
        rising=True,
    ),
    _text("data set", lambda entry: entry.dataset),
    _Column("rank", lambda entry: (wording.rank(entry.rank), entry.rank), rising=True),
    *map(_metric, MAIN),
    _Column("images/s", lambda entry: (wording.quantity(entry.rate), entry.rate)),
    _text("kind", lambda entry: entry.kind),
    _text("status", lambda entry: entry.status),
)


def table(entries: Sequence[Entry]) -> str:
    """Lay out the leaderboard, to be sorted, filtered and opened."""
    heads = "".join(
        f'<th scope="col" data-kind="{"text" if column.text else "number"}"'
        f' data-first="{"ascending" if column.rising else "descending"}">'
        f'<button type="button" aria-label="{escape(column.title)}">{escape(column.title)}'
        "</button></th>"
        for column in _COLUMNS
    )
    return (
        '<div class="df-filter"><label>rows with <input type="search"'
        ' placeholder="words, such as svm faces"></label>'
        ' <output aria-live="polite"></output></div>'
        f'<div class="df-board"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{''.join(map(_row, entries))}</tbody></table></div>"
    )


def _row(entry: Entry) -> str:
    cells = []
    for number, column in enumerate(_COLUMNS):
        shown, value = column.cell(entry)
        tag = 'th scope="row"' if number == 0 else "td"
        kind = ' class="df-words"' if column.text else ""
        by = "" if value is None else escape(value)
        cells.append(f'<{tag}{kind} data-v="{by}">{shown}</{tag[:2]}>')
    names = f'data-row="{escape(entry.row)}" data-set="{escape(entry.dataset)}"'
    return f"<tr {names}>{''.join(cells)}</tr>"


def script() -> str:
    """Give what makes a table of this page one to sort, to filter and to open."""
    return Path(__file__).with_name("table.js").read_text(encoding="utf-8")
