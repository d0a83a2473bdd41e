"""The board as CSV: one record a line of the board, figures with all their digits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dfbench.results.board.board import Board, Line
from dfbench.results.board.columns import COLUMNS, columns_of
from dfbench.results.statistics.metrics import METRICS
from dfbench.results.texts import csv_text

if TYPE_CHECKING:
    import pandas as pd

_FIRST = (
    *("dataset", "row", "seeds", "status", "reason", "split", "n_train", "n_test"),
    *(f"{name}{part}" for name in METRICS for part in ("", "_low", "_high", "_spread")),
    *("fit_seconds", "predict_images_per_second", "n_features"),
    *("rank", "best", "p_best", "control", "class_accuracy", "positive", "n_left_out"),
    *("trials", "tuning_seconds", "optimism", "default_roc_auc", "pareto", "n_parameters"),
    *("model_bytes", "peak_bytes", "threshold", "reported"),
)
"""The order that readers of the file know; a new field comes last."""
FIELDS = {name: value for column in COLUMNS for name, value in column.csv.items()}
WHOLE = tuple(name for column in COLUMNS if column.whole for name in column.csv)
"""Fields that hold whole numbers, where they hold anything."""
HEADER = tuple(dict.fromkeys((*_FIRST, *FIELDS)))
"""All fields but those of metrics and columns of somebody's own, which come last."""


def to_csv(board: Board) -> str:
    """Write the board as CSV (RFC 4180 with bare line feeds); an empty field has no value."""
    fields = _fields(board)
    return csv_text(tuple(fields), (_record(line, fields) for line in board.lines))


def to_frame(board: Board) -> pd.DataFrame:
    """Give the board as a table: a line a row and data set, see `HEADER`.

    Whole numbers are pandas' Int64, which a gap leaves whole.
    """
    import pandas as pd

    fields = _fields(board)
    records = [_record(line, fields) for line in board.lines]
    table = pd.DataFrame(records, columns=list(fields))
    return table.astype(dict.fromkeys(WHOLE, "Int64"))


def _fields(board: Board) -> dict[str, Callable[[Line], object]]:
    every = columns_of(board.own)
    values = {name: value for column in every for name, value in column.csv.items()}
    return {name: values[name] for name in dict.fromkeys((*HEADER, *values))}


def _record(line: Line, fields: Mapping[str, Callable[[Line], object]]) -> dict[str, object]:
    return {name: value(line) for name, value in fields.items()}
