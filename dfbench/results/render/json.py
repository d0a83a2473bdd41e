"""The board as JSON: a list of its lines."""

from __future__ import annotations

import json

from dfbench.results.board.board import Board


def to_json(board: Board) -> str:
    """Write the board as strict JSON: a list of objects with the keys of `board.Line`.

    What is not defined is null.
    """
    lines = [line.model_dump(mode="json") for line in board.lines]
    return json.dumps(lines, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
