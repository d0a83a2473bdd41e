"""The figures of all protocols in one long form: a line a figure, whatever the protocol."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

from dfbench.files import keep_text
from dfbench.results.board.report import ProtocolFigure
from dfbench.results.records.folder import ResultsFolder


def to_csv(figures: Sequence[ProtocolFigure]) -> str:
    """Write figures as CSV (RFC 4180 with bare line feeds); an empty field has no value."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(ProtocolFigure.model_fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows(figure.model_dump() for figure in figures)
    return text.getvalue()


def to_json(figures: Sequence[ProtocolFigure]) -> str:
    """Write figures as strict JSON: a list of objects."""
    lines = [figure.model_dump(mode="json") for figure in figures]
    return json.dumps(lines, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


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
