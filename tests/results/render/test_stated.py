"""What a file of another dfbench is held against."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dfbench.results.render.stated import otherwise


def figure(metric: str, value: float = 0.5, **more: Any) -> dict[str, Any]:
    return {"protocol": "robustness", "row": "a", "metric": metric, "value": value, **more}


def asked(before: list[Any], now: list[Any]) -> set[str] | None:
    return otherwise(*(json.dumps(each).encode() for each in (before, now)))


def test_figures_that_came_since_are_no_difference() -> None:
    now = [figure("roc_auc"), figure("loss"), figure("flips")]
    assert asked([now[0], now[2]], now) == set()
    assert asked([now[0], figure("flips", 0.4)], now) is None
    assert asked([now[0], figure("gone")], now) is None


@pytest.mark.parametrize("before", [[{"row": "a"}], [3], {}])
def test_lines_of_rows_are_all_there(before: Any) -> None:
    assert asked(before, [{"row": "a"}, {"row": "b"}]) is None
