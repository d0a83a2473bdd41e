"""The figures of all protocols in one long form: a line a figure, whatever the protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dfbench.results.board.report import ProtocolFigure
from dfbench.results.render.schema import PROTOCOLS
from dfbench.results.texts import csv_text, json_text


def to_csv(figures: Sequence[ProtocolFigure]) -> str:
    """Write figures as CSV (RFC 4180 with bare line feeds); an empty field has no value."""
    return csv_text(list(ProtocolFigure.model_fields), (each.model_dump() for each in figures))


def to_json(figures: Sequence[ProtocolFigure]) -> str:
    """Write figures as strict JSON: a list of objects."""
    return json_text([each.model_dump(mode="json") | {"schema": PROTOCOLS} for each in figures])


FIGURE_FORMATS: dict[str, Callable[[Sequence[ProtocolFigure]], str]] = {
    "csv": to_csv,
    "json": to_json,
}
"""Format to what writes it; also the suffix of ``protocols.*``."""
