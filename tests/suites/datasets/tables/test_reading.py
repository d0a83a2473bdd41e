from __future__ import annotations

import json
import os
import tracemalloc

import pytest

from dfbench.errors import DataError
from dfbench.suites.datasets.inference.columns import label_column
from dfbench.suites.datasets.tables import text
from dfbench.suites.datasets.tables.reading import read_table
from dfbench.suites.datasets.tables.table import Table


@pytest.fixture
def read(tmp_path):
    def write(content, name="t.csv", expect=""):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        table = read_table(path, expect=expect)
        return table.columns, table.rows

    return write


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_delimiters_and_encodings(read, delimiter, encoding):
    text = delimiter.join(["file", "label"]) + "\r\n" + delimiter.join(["é007", "01"]) + "\r\n"
    assert read(text.encode(encoding)) == (["file", "label"], [(2, ["é007", "01"])])


def test_a_delimiter_gives_rows_as_wide_as_the_header(read):
    assert read("file;score\na,b.jpg;0,5\nc.jpg;0,7\n") == (
        ["file", "score"],
        [(2, ["a,b.jpg", "0,5"]), (3, ["c.jpg", "0,7"])],
    )
    assert read("a,1.jpg;0\nb,2.jpg;1\n")[1] == [(1, ["a,1.jpg", "0"]), (2, ["b,2.jpg", "1"])]
    assert read("id\na, b\nc\n") == (["id"], [(2, ["a, b"]), (3, ["c"])])
    assert read("sep=;\na;b\n1;2\n") == (["a", "b"], [(3, ["1", "2"])])


def test_comments_before_the_table(read):
    assert read("# a model\n# of 2024, v1\nfile,score\na.b,1\n") == (
        ["file", "score"],
        [(4, ["a.b", "1"])],
    )
    assert read("# file,score\na.b,1\n") == (["# file", "score"], [(2, ["a.b", "1"])])
    assert len(read("#1.png,0\n#2.png,1\na.png,1\n")[1]) == 3
    assert read("id\n#1\n") == (["id"], [(2, ["#1"])])


def test_what_is_expected_goes_first(read):
    text = "a;b,image_id\n1;2,3\n"
    assert read(text) == (["a;b", "image_id"], [(2, ["1;2", "3"])])
    assert read(text, expect="a") == (["a", "b,image_id"], [(2, ["1", "2,3"])])


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ('f,l\n"a, ""b"".jpg",0\n', ['a, "b".jpg', "0"]),
        ("f,l\n'a, b.jpg',0\n'c.jpg',1\n", ["a, b.jpg", "0"]),
        ("f,l\nit's.jpg,0\n", ["it's.jpg", "0"]),
        ('f,l\n a.jpg , "x"\n', ["a.jpg", "x"]),
        ('f,l\n5" disc.jpg,0\n', ['5" disc.jpg', "0"]),
        ("f,l\na\u2028b,0\n", ["a\u2028b", "0"]),
    ],
)
def test_quotes_and_odd_characters(read, text, cells):
    assert read(text)[1][0][1] == cells


def test_rows_short_and_with_an_unnamed_index(read):
    assert read("f,l,x\na,0\nb,1,2,\n")[1] == [(2, ["a", "0", ""]), (3, ["b", "1", "2"])]
    assert read(",f,l\n0,a,1\n")[0] == ["", "f", "l"]
    assert read("f,l\n0,a,1\n1,b,0\n") == (
        ["", "f", "l"],
        [(2, ["0", "a", "1"]), (3, ["1", "b", "0"])],
    )


def test_a_table_without_a_header(read):
    assert read("x/a.jpg,0\nx/b.jpg,1\n") == (
        ["column 1", "column 2"],
        [(1, ["x/a.jpg", "0"]), (2, ["x/b.jpg", "1"])],
    )
    assert read("a 0\nb 1\n", "t.txt", expect="column 2")[1] == [(1, ["a", "0"]), (2, ["b", "1"])]
    assert read("a b.jpg\nc.jpg\n", "t.txt")[1] == [(1, ["a b.jpg"]), (2, ["c.jpg"])]


FILES = (["file", "label"], [(1, ["a.mp4", "FAKE"]), (2, ["007", "REAL"])])


@pytest.mark.parametrize(
    "value",
    [
        {"a.mp4": {"label": "FAKE"}, "007": {"label": "REAL"}},
        {"a.mp4": "FAKE", "007": "REAL"},
        [{"file": "a.mp4", "label": "FAKE"}, {"file": "007", "label": "REAL"}],
        {"items": [{"file": "a.mp4", "label": "FAKE"}, {"file": "007", "label": "REAL"}]},
        {"file": ["a.mp4", "007"], "label": ["FAKE", "REAL"]},
        {"file": {"0": "a.mp4", "1": "007"}, "label": {"0": "FAKE", "1": "REAL"}},
    ],
)
def test_json(read, value):
    assert read(json.dumps(value), "t.json") == FILES


def test_json_lines_keep_their_numbers_and_cells_their_text(read):
    text = (
        '{"file": "a", "label": 1}\n\n{"file": "b", "x": [1], "label": null, "y": 1.0, "z": true}\n'
    )
    columns, rows = read(text, "t.jsonl")
    assert columns == ["file", "label", "x", "y", "z"]
    assert rows == [(1, ["a", "1", "", "", ""]), (3, ["b", "", '["1"]', "1.0", "true"])]
    assert read(text, "t.json") == (columns, rows)
    own = {"k1": {"file": "a.jpg", "label": 0}, "k2": {"file": "b.jpg", "label": 1}}
    assert read(json.dumps(own), "t.json")[0] == ["key", "file", "label"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.csv", "", "the table is empty"),
        ("t.csv", " \n\n", "the table is empty"),
        ("t.csv", "a,b\n1,2\n1,2,3\n", "row 3 has 3 cells, the first row 2"),
        ("t.csv", 'a,b\n"x,1\ny,0\n', "row 2 is no row of a table"),
        ("t.csv", 'a,b\n"x,1\n"y",0\n', "row 2 is no row of a table"),
        ("t.csv", "a,b\nx\0,1\n", "a NUL byte in line 2"),
        ("t.csv", "a,b\nx,1\n".encode("utf-16-le"), "a NUL byte"),
        ("t.csv", b"a,b\n\x81,1\n", "not a text file in UTF-8"),
        ("t.csv", b"\xff\xfea", "not a text file"),
        ("t.json", '{"a": 1,', "damaged JSON in line 1"),
        ("t.json", '{"a": "x",\n"a": "y"}', "the key 'a' stands twice"),
        ("t.json", "[" * 100_000, "nested too deeply"),
        ("t.json", "[]", "the table is empty"),
        ("t.json", "{}", "the table is empty"),
        ("t.json", "3", "a single value: no table"),
        ("t.json", '[["071", "054"]]', "a list of other than objects: no table"),
        (
            "t.json",
            '{"info": {}, "images": [{"id": 1}], "annotations": []}',
            "an object with the keys 'info', 'images', 'annotations': no table",
        ),
        ("t.json", '{"real": ["a", "b"], "fake": ["c"]}', "an object with the keys 'real', 'fake'"),
        ("t.jsonl", '{"a": 1}\n{"a"\n', "damaged JSON in line 2"),
        ("t.jsonl", '{"a": 1}\n3\n', "line 2 is a single value, not an object"),
    ],
)
def test_what_is_no_table_is_told_in_a_line(read, name, content, says):
    with pytest.raises(DataError) as caught:
        read(content, name)
    assert says in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_half_a_character_is_no_text(read):
    assert read('[{"file": "\\ud800x"}]', "t.json")[1] == [(1, ["\\ud800x"])]


def test_columns_of_one_name(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("f,l,l\na,0,0\nb,1,1\n")
    assert read_table(path).cells("l") == ["0", "1"]
    path.write_text("f,l,l\na,0,0\nb,1,0\n")
    with pytest.raises(DataError, match="two columns are called 'l', and differ in row 3"):
        read_table(path).cells("l")


def test_lists_of_files_by_class_or_split(read):
    columns, found = read('{"real": ["a.png", "b.png"], "fake": ["c.png", "d.png"]}', "t.json")
    assert columns == ["file", "label"]
    assert [cells for _, cells in found] == [
        ["a.png", "real"],
        ["b.png", "real"],
        ["c.png", "fake"],
        ["d.png", "fake"],
    ]
    assert read('{"train": ["a.png"], "test": ["c.png"]}', "t.json")[0] == ["file", "split"]
    columns = read('{"image": ["a.png"], "original": ["c.png"]}', "t.json")[0]
    assert columns == ["image", "original"]


def test_cells_too_many_that_are_empty(read):
    assert read("a,b\n1,2,\n3,4,\n")[1] == [(2, ["1", "2"]), (3, ["3", "4"])]
    assert read("a,b\n1,2\n3,4,,\n")[1] == [(2, ["1", "2"]), (3, ["3", "4"])]


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(DataError, match="no plain file"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("content", ["a,b\n" + "x" * 1_100_000 + ",1\n", "y" * 1_100_000])
def test_a_line_without_end_is_refused_before_it_is_decoded(tmp_path, monkeypatch, content):
    (tmp_path / "t.csv").write_text(content)
    monkeypatch.setattr(text, "encoding_of", None)
    line = 1 + content.count("\n", 0, 10)
    with pytest.raises(DataError, match=f"line {line} has more than 1,000,000 bytes"):
        read_table(tmp_path / "t.csv")


def test_many_lines_are_longer_than_one_may_be(read):
    rows = read("a,b\n" + f"{'x' * 400},1\n" * 3_000)[1]
    assert len(rows) == 3_000
    assert rows[0][1][0] is rows[-1][1][0]  # kept once


def test_what_takes_too_much_as_a_table_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "MOST_MEMORY", 100_000)
    (tmp_path / "t.csv").write_text("a,b\n" + "\N{GRINNING FACE},1\n" * 600)
    with pytest.raises(DataError, match="too large: takes more than 0 MB of memory as a table"):
        read_table(tmp_path / "t.csv")


def test_one_odd_character_does_not_make_the_others_larger(tmp_path):
    rows = "".join(f"folder/of/files/{n:08d}.png,{n % 2}\n" for n in range(5_000))
    peaks = []
    for name in ("x", "\N{GRINNING FACE}"):
        (tmp_path / "t.csv").write_text(f"file,label\n{name},1\n{rows}")
        tracemalloc.start()
        read_table(tmp_path / "t.csv")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_the_label_of_a_table_of_thousands_of_columns(tmp_path, monkeypatch):
    head = ["file", *(f"c{n}" for n in range(4_000)), "label"]
    rows = [(n, [f"{n}.png", *["0"] * 4_000, ("real", "fake")[n % 2]]) for n in range(2, 12)]
    table = Table(tmp_path / "t.csv", head, rows)
    asked = []
    cells = Table.cells
    monkeypatch.setattr(Table, "cells", lambda its, name: asked.append(name) or cells(its, name))
    assert label_column(table, "file").column == "label"
    assert len(set(asked)) < 300
    assert table.clear is table.clear
