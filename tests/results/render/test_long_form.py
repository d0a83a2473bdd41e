"""The long form of the figures of protocols."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from dfbench.results.board.board import Board
from dfbench.results.board.report import ProtocolFigure
from dfbench.results.render.formats import render_all
from dfbench.results.render.long_form import to_csv, to_json

ONE = ProtocolFigure(
    protocol="robustness",
    row='a "row", quoted',
    fitted_on="faces",
    scored_on="faces",
    scored_part="jpeg=70",
    metric="roc_auc",
    value=0.1 + 0.2,
    low=0.25,
    n=20,
)
NONE = ProtocolFigure(
    protocol="cross-dataset", row="b", fitted_on="x", scored_on="y", metric="roc_auc", reason="no"
)


def test_both_forms_hold_all_digits_and_leave_out_what_is_not_there(tmp_path: Path) -> None:
    read = json.loads(to_json([ONE, NONE]))
    assert [line.pop("schema") for line in read] == ["protocols/1"] * 2
    assert [ProtocolFigure(**line) for line in read] == [ONE, NONE]
    first, second = csv.DictReader(io.StringIO(to_csv([ONE, NONE])))
    assert first["row"] == ONE.row
    assert float(first["value"]) == ONE.value
    assert (second["value"], second["high"], second["reason"]) == ("", "", "no")
    render_all(tmp_path, Board([], None))
    assert not list(tmp_path.glob("protocols.*")), "no protocol, no file"
    render_all(tmp_path, Board([], None, figures=[ONE]))
    assert {path.name for path in tmp_path.glob("protocols.*")} == {
        "protocols.csv",
        "protocols.json",
    }
