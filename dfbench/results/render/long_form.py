"""The figures of all protocols in one long form: a line a figure, whatever the protocol."""

from __future__ import annotations

from collections.abc import Sequence

from dfbench.files import keep_text
from dfbench.results.board.report import ProtocolFigure
from dfbench.results.document.texts import csv_text, json_text
from dfbench.results.records.folder import ResultsFolder


def to_csv(figures: Sequence[ProtocolFigure]) -> str:
    """Write figures as CSV (RFC 4180 with bare line feeds); an empty field has no value."""
    return csv_text(list(ProtocolFigure.model_fields), (each.model_dump() for each in figures))


def to_json(figures: Sequence[ProtocolFigure]) -> str:
    """Write figures as strict JSON: a list of objects."""
    return json_text([figure.model_dump(mode="json") for figure in figures])


def write_figures(out: ResultsFolder, figures: Sequence[ProtocolFigure]) -> None:
    """Write ``protocols.csv`` and ``protocols.json`` into a results folder, if there are any.

    Raises
    ------
    OutputError
        Where it cannot be written.
    """
    if not figures:
        return
    keep_text(out.protocols_file("csv"), to_csv(figures))
    keep_text(out.protocols_file("json"), to_json(figures))
