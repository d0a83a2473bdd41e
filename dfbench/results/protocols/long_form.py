"""The figures of all protocols in one long form: a line a figure, whatever the protocol."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from dfbench.files import keep_text
from dfbench.results.records.folder import ResultsFolder


class ProtocolFigure(BaseModel):
    """A figure of a row under a protocol: an object of ``protocols.json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: str
    """Its kind, as a suite names it."""
    row: str
    fitted_on: str
    """Data set."""
    fitted_part: str = ""
    """Which part of its training images; empty for all of them."""
    scored_on: str
    """Data set; empty where the figure is over several."""
    scored_part: str = ""
    """Which of its images, or how they were changed (``jpeg=70``); empty for all as they are."""
    metric: str
    value: float | None = None
    """None where it is not defined."""
    low: float | None = None
    high: float | None = None
    """Ends of the 95 % interval; None where there is none."""
    spread: float | None = None
    """Standard deviation over seeds; None with one."""
    n: int | None = None
    """Images scored."""
    n_train: int | None = None
    """Images fitted on."""
    reason: str = ""
    """Why there is no value."""


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
