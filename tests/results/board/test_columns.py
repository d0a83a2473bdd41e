"""One entry a column, which tables, terminal and CSV walk."""

import csv
import io
from collections import Counter

import pytest

from dfbench.results.board import columns
from dfbench.results.board.build import build_board
from dfbench.results.board.columns import COLUMNS, LineColumn
from dfbench.results.document.blocks import Cell
from dfbench.results.render import csv as csv_form
from dfbench.results.render.formats import render


def test_every_key_and_every_field_is_there_once():
    assert max(Counter(column.key for column in COLUMNS).values()) == 1
    assert max(Counter(name for column in COLUMNS for name in column.csv).values()) == 1
    assert set(csv_form.HEADER) == set(csv_form.FIELDS)


def test_what_stands_in_a_table_has_a_title():
    for column in COLUMNS:
        assert bool(column.title) == bool(column.place)


def test_why_figures_are_missing_has_one_place():
    own = (columns.Own("metric", "x", "x", "a.py"), columns.Own("column", "y", "y", "a.py"))
    shown = [column for column in columns.columns_of(own) if column.place == "main"]
    assert {"x", "y"} < {column.key for column in shown}
    always = "".join("a" if column.always else "f" for column in shown)
    assert always.strip("a").strip("f") == "", "figures stand side by side"


@pytest.mark.parametrize("place", ["main", "more", "cost"])
def test_a_new_entry_is_a_column_of_its_table_and_of_the_csv_file(folder, monkeypatch, place):
    folder.add("faces", "hsv/knn")
    folder.fail("faces", "lbp/knn", "it broke")
    new = LineColumn(
        key="n_seeds",
        title="number of seeds",
        place=place,
        cell=lambda line, _: Cell(f"{len(line.seeds)} of them", len(line.seeds)),
        csv={"n_seeds": lambda line: len(line.seeds)},
    )
    monkeypatch.setattr(columns, "COLUMNS", (*COLUMNS, new))
    board = build_board(folder.out)
    for form in ("md", "html", "tex"):
        text = render(board, form)
        assert text.count("number of seeds" if form != "tex" else r"number of \\ seeds") == 1
        assert text.count("1 of them") == 1
    lines = list(csv.DictReader(io.StringIO(render(board, "csv"))))
    assert [line["n_seeds"] for line in lines] == ["1", "1"]
