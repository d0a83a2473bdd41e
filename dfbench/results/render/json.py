"""The board as JSON: a list of its lines."""

from __future__ import annotations

from typing import Any

from dfbench.results.board.board import Board, Line
from dfbench.results.render.schema import LEADERBOARD
from dfbench.results.texts import json_text

_FIRST = (
    *("dataset", "row", "seeds", "status", "reason", "split", "n_train", "n_test", "metrics"),
    *("rank", "best", "p_best", "control", "fit_seconds", "predict_images_per_second"),
    "n_features",
    *("class_accuracy", "classes", "positive", "grouped", "n_groups", "n_left_out", "tuned_on"),
    *("tuning", "optimism", "default_roc_auc", "n_parameters", "model_bytes", "peak_bytes"),
    *("pareto", "threshold", "reported", "device", "fingerprint", "kind", "cells"),
)
"""The order of the keys that readers of the file know; a new one comes last.

They may count on those down to `n_features`.
"""


def to_json(board: Board) -> str:
    """Write the board as strict JSON: a list of objects with the keys of `board.Line`.

    Each has ``notes``, too: those above the table of its data set; and ``schema``, the name and
    version of what `dfbench.results.render.schema` says of it. It stands in each object, and not
    around them: the file stays a list, which pandas reads.

    What is not defined is null.
    """
    return json_text(
        [
            _object(line) | {"notes": table.notes, "schema": LEADERBOARD}
            for table in board.tables
            for line in table.lines
        ]
    )


def _object(line: Line) -> dict[str, Any]:
    values = line.model_dump(mode="json")
    return {name: values[name] for name in _FIRST} | values
