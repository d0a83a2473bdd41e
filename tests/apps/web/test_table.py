"""The table of the leaderboard on the page."""

from __future__ import annotations

import re

from dfbench.apps.web.table import Entry, table
from dfbench.results.statistics.estimate import Estimate


def values(shown: str) -> list[str]:
    return re.findall(r'data-v="([^"]*)"', shown)


def test_a_line_shows_its_figures_and_is_sorted_by_them() -> None:
    auc = Estimate(value=0.8765, low=0.84, high=0.91)
    shown = table([Entry(row="a", dataset="d", metrics={"roc_auc": auc}, kind="features", rank=2)])
    assert "0.876" in shown
    assert "[0.840, 0.910]" in shown
    assert values(shown)[:4] == ["a", "d", "2", "0.8765"]


def test_gaps_are_shown_and_sorted_as_gaps() -> None:
    entry = Entry(row="a", dataset="d", metrics={}, kind="", status="skipped")
    assert values(table([entry]))[2:] == [""] * 7 + ["skipped"]


def test_names_are_text_in_a_table() -> None:
    name = '<img src=x onerror=alert(1)>" onclick=alert(2) x="+b'
    shown = table([Entry(row=name, dataset=name, metrics={}, kind="")])
    assert "<img" not in shown
    assert "x=&quot;+" in shown


def test_a_table_without_rows_is_one() -> None:
    assert "<tbody></tbody>" in table([])
