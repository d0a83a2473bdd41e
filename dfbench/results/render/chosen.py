"""Rows, columns and data sets that were chosen, in the forms that a board has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dfbench.errors import unknown
from dfbench.results.board.board import Line
from dfbench.results.board.choice import Choice, section
from dfbench.results.render.markdown import sections_to_markdown
from dfbench.results.render.notebook import sections_to_html
from dfbench.results.render.page import page
from dfbench.results.render.tabular import Width, to_tabular
from dfbench.results.texts import csv_text, json_text

_PARTS = {"tuning_seconds": "tuning", "trials": "tuning"}
"""Where JSON has columns that it has under another name."""
FORMATS: dict[str, Callable[[Choice], str]] = {
    "md": lambda choice: sections_to_markdown([section(choice)]),
    "csv": lambda choice: _csv(choice),
    "json": lambda choice: _json(choice),
    "html": lambda choice: page("Leaderboard", sections_to_html([section(choice)])),
}


def render_choice(choice: Choice, form: str, width: Width | None = None) -> str:
    """Write a choice in a form of the board.

    Parameters
    ----------
    choice
        What is shown.
    form
        ``md``, ``csv``, ``json``, ``html`` or ``tex``.
    width
        Of LaTeX, see `to_tabular`.

    Raises
    ------
    UnknownNameError
        Where there is no such form.
    DfbenchError
        As `to_tabular`.
    """
    if form == "tex":
        return to_tabular(choice, width)
    if form not in FORMATS:
        raise unknown("format", form, [*FORMATS, "tex"])
    return FORMATS[form](choice)


def _lines(choice: Choice) -> list[Line]:
    """Give the lines of the choice, data set by data set."""
    found = [group.line(row) for group in choice.groups for row in choice.rows]
    return [line for line in found if line is not None]


def _csv(choice: Choice) -> str:
    """Write the fields that ``leaderboard.csv`` has of these columns."""
    fields: dict[str, Callable[[Line], object]] = {
        "dataset": lambda line: line.dataset,
        "row": lambda line: line.row,
        "status": lambda line: line.status,
    }
    for column in choice.columns:
        fields |= column.csv
    records = ({key: value(line) for key, value in fields.items()} for line in _lines(choice))
    return csv_text(tuple(fields), records)


def _json(choice: Choice) -> str:
    """Write objects like those of ``leaderboard.json``, with what these columns show alone."""
    keys = [column.key for column in choice.columns]
    wanted = {"dataset", "row", "status", *(_PARTS.get(key, key) for key in keys)}

    def told(line: Line) -> dict[str, Any]:
        values = line.model_dump(mode="json")
        metrics = {key: values["metrics"][key] for key in keys if key in values["metrics"]}
        own = {key: values["columns"][key] for key in keys if key in values["columns"]}
        found = {key: value for key, value in values.items() if key in wanted}
        return found | ({"metrics": metrics} if metrics else {}) | ({"columns": own} if own else {})

    return json_text([told(line) for line in _lines(choice)])
