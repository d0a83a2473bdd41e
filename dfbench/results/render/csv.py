"""The board as CSV: one record a line of the board, figures with all their digits."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from dfbench.results.board.board import Board, Line
from dfbench.results.statistics.metrics import METRICS

if TYPE_CHECKING:
    import pandas as pd

HEADER = (
    *("dataset", "row", "seeds", "status", "reason", "split", "n_train", "n_test"),
    *(f"{name}{part}" for name in METRICS for part in ("", "_low", "_high", "_spread")),
    *("fit_seconds", "predict_images_per_second", "n_features"),
    *("rank", "best", "p_best", "control", "class_accuracy", "positive", "n_left_out"),
    *("trials", "tuning_seconds", "optimism", "default_roc_auc", "pareto", "n_parameters"),
    *("model_bytes", "peak_bytes", "threshold", "reported"),
)
"""Columns; ``class_accuracy`` is a JSON object, for each data set has classes of its own."""


def to_csv(board: Board) -> str:
    """Write the board as CSV (RFC 4180 with bare line feeds); an empty field has no value."""
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADER, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_fields(line) for line in board.lines)
    return text.getvalue()


def to_frame(board: Board) -> pd.DataFrame:
    """Give the board as a table: a line a row and data set, see `HEADER`."""
    import pandas as pd

    return pd.DataFrame([_fields(line) for line in board.lines], columns=list(HEADER))


def _fields(line: Line) -> dict[str, object]:
    fields = line.model_dump(include=set(HEADER))
    for name in METRICS:
        found = line.metrics[name]
        fields |= {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
        fields[f"{name}_spread"] = found.spread
    fields["seeds"] = " ".join(map(str, line.seeds))
    if line.tuning is not None:
        fields |= {"trials": line.tuning.trials, "tuning_seconds": line.tuning.seconds}
    if line.n_parameters is not None:
        fields["n_parameters"] = line.n_parameters[0]
    fields["class_accuracy"] = json.dumps(line.class_accuracy, ensure_ascii=False)
    return fields
