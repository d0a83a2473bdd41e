"""A damaged file costs its own row, with the reason, and no figure is another in silence."""

import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dfbench.benchmark.audits.leaks_found import Leaks
from dfbench.benchmark.audits.shortcuts_found import KeptShortcuts
from dfbench.errors import OutputError
from dfbench.results.board.build import build_board
from dfbench.results.board.comparison import compare
from dfbench.results.records.folder import Entries, ResultsFolder
from dfbench.results.records.records import Elsewhere
from dfbench.results.records.scores import sum_of
from dfbench.results.records.sealed import write_sealed
from dfbench.results.results import Results


@pytest.fixture
def three(folder):
    for number, row in enumerate(("hsv/knn", "lbp/knn", "fft/svm")):
        folder.add("faces", row, gain=1.0 + number, noise=number)
    return folder


def alone(folder, row="hsv/knn"):
    """Hold the board against one without damage: one row has failed; gives its reason."""
    table = build_board(folder.out).tables[0]
    (line,) = table.missing
    assert (line.row, line.status) == (row, "failed")
    assert sorted(x.row for x in table.measured) == ["fft/svm", "lbp/knn"]
    assert ResultsFolder(folder.out).read_cell(line.cells[0]) is None, "it is computed anew"
    return line.reason


def test_another_score_in_a_table_is_found(three):
    path = three.out / "cells" / "c0.parquet"
    content = bytearray(path.read_bytes())
    place = content.find(np.float64(pq.read_table(path)["p_1"][7].as_py()).tobytes())
    content[place + 6] ^= 8
    path.write_bytes(content)
    assert len(pq.read_table(path)) == 40, "it can be read all the same"
    assert "not what was written: its checksum is another (run again" in alone(three)
    with pytest.raises(OutputError, match="checksum"):
        Results(three.out).scores("hsv/knn")
    assert "checksum" in compare(three.out, "hsv/knn", "fft/svm")[0].reason


@pytest.mark.parametrize("seal", [True, False])
@pytest.mark.parametrize(
    "harm",
    [
        {"positive": 7}, {"positive": -1}, {"identity": {"features": "abc"}, "n_features": "abc"},
        {"tuning": {"trials": 10**400}}, {"n_train": -5}, {"fit_seconds": float("nan")},
        {"params": {"a": float("inf")}}, {"n_test": 10**9}, {"n_test": 41},
        {"classes": [], "positive": 2},
        {"classes": ["real"]}, {"tables": {"evaluate": 5}}, {"tables": {"tune": "00"}},
        {"threshold": "nan"}, {"cell": "c1"}, {"unknown": 1}, {"history": [[[[]]] * 3]},
    ],
)  # fmt: skip
def test_a_record_that_tells_nonsense_fails_its_row_alone(three, harm, seal):
    path = three.out / "cells" / "c0.json"
    told = json.loads(path.read_text())
    del told["sum"]
    told |= harm
    if seal:
        from dfbench.files import digest

        told["sum"] = digest(told, length=64)
    path.write_text(json.dumps(told))
    assert alone(three)


@pytest.mark.parametrize("text", ["[" * 50_000, '{"a":' * 50_000, "", "null", "[1]", "\0" * 99])
def test_no_record_at_all_fails_its_row_alone(three, text):
    (three.out / "cells" / "c0.json").write_text(text)
    assert "c0.json: no readable record" in alone(three)


def unsummed(folder, cell="c0"):
    """Take the checksum of its table from a record, as dfbench 0.1.0 wrote it."""
    path = folder.out / "cells" / f"{cell}.json"
    told = json.loads(path.read_text())
    del told["sum"], told["tables"]
    path.write_text(json.dumps(told))


TABLES = {
    "binary names": lambda t: t.set_column(0, "image", t["image"].cast(pa.binary())),
    "labels in words": lambda t: t.set_column(1, "label", t["label"].cast(pa.string())),
    "labels in halves": lambda t: t.set_column(1, "label", t["label"].cast(pa.float64())),
    "no labels": lambda t: t.set_column(1, "label", pa.array([None] * 40, pa.int64())),
    "lists": lambda t: t.set_column(3, "p_0", pa.array([[0.5]] * 40)),
    "decimals": lambda t: t.set_column(3, "p_0", pa.array([1] * 40, pa.decimal128(5))),
    "no column": lambda t: t.drop_columns("p_1"),
    "twice a column": lambda t: t.append_column("p_1", t["p_0"]),
    "no number": lambda t: t.set_column(3, "p_0", pa.array([float("nan")] * 40)),
    "no row": lambda t: t.slice(0, 0),
    "millions of rows": lambda t: pa.table(
        {name: pa.repeat(t[name][0], 3_000_000) for name in t.column_names}
    ),
}


@pytest.mark.parametrize("harm", TABLES)
def test_a_table_of_another_form_fails_its_row_alone(three, harm):
    unsummed(three)
    path = three.out / "cells" / "c0.parquet"
    pq.write_table(TABLES[harm](pq.read_table(path)), path)
    before = pa.total_allocated_bytes()
    assert "c0.parquet: no readable scores" in alone(three)
    assert pa.total_allocated_bytes() - before < 50_000_000


@pytest.mark.parametrize("name", ["c0.json", "c0.parquet"])
@pytest.mark.parametrize("harm", ["link", "pipe", "device", "folder"])
def test_what_is_no_plain_file_fails_its_row_alone(three, tmp_path, name, harm):
    path = three.out / "cells" / name
    outside = tmp_path / name
    path.rename(outside)
    if harm == "link":
        path.symlink_to(outside)
    elif harm == "pipe":
        os.mkfifo(path)
    elif harm == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    reason = alone(three)
    said = {"pipe": "no plain file", "folder": "no plain file"}
    assert said.get(harm, "a link, which is not followed here") in reason


def test_cells_that_are_swapped_swap_no_figures(three):
    path = three.out / "run.json"
    told = json.loads(path.read_text())
    one, other, _ = told["entries"]
    one["cell"], other["cell"] = other["cell"], one["cell"]
    path.write_text(json.dumps(told["entries"]))
    table = build_board(three.out).tables[0]
    assert [x.row for x in table.measured] == ["fft/svm"]
    for line in table.missing:
        assert "run.json: the cell" in line.reason
        assert "whose record is of" in line.reason
    with pytest.raises(OutputError, match="whose record is of"):
        Results(three.out).scores("hsv/knn")


@pytest.mark.parametrize(
    "wrong", [{"dataset": "others"}, {"seed": 1}, {"variant": "25 % of train"}, {"row": "x/knn"}]
)
def test_a_record_of_another_place_is_not_taken(three, wrong):
    unsummed(three)
    path = three.out / "cells" / "c0.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | wrong))
    table = build_board(three.out).tables[0]
    assert [(x.row, x.status) for x in table.missing] == [("hsv/knn", "failed")]


def inverted(folder, cell):
    """Write a table whose labels are the others, with checksums that fit."""
    out = ResultsFolder(folder.out)
    record = out.load_record(cell)
    scores = out.read_scores(record)
    labels = 1 - scores.labels
    out.write_cell(record, scores.model_copy(update={"labels": labels}))


def test_a_row_that_gives_images_other_labels_is_off_and_no_other(three):
    before = {x.row: (x.auc, x.rank) for x in build_board(three.out).tables[0].measured}
    inverted(three, "c0")
    table = build_board(three.out).tables[0]
    assert {x.row: x.auc for x in table.measured} == {
        row: auc for row, (auc, _) in before.items() if row != "hsv/knn"
    }
    assert all(x.rank is not None for x in table.ranked)
    (line,) = table.missing
    assert line.reason.startswith("40 of its 40 labels are not those that other rows have")


def test_where_two_say_two_things_neither_is_believed(folder):
    folder.add("faces", "hsv/knn")
    folder.add("faces", "lbp/knn", gain=2.0)
    inverted(folder, "c1")
    assert not build_board(folder.out).tables[0].measured


def test_other_groups_are_told_as_well(folder):
    for row in ("hsv/knn", "lbp/knn", "fft/svm"):
        record = folder.add("faces", row, grouped=True)
    scores = ResultsFolder(folder.out).read_scores(record)
    # other numbers of the same groups are no contradiction
    same = scores.model_copy(update={"groups": 100 - scores.groups})
    ResultsFolder(folder.out).write_cell(record, same)
    assert len(build_board(folder.out).tables[0].ranked) == 3
    other = scores.model_copy(update={"groups": np.arange(40) // 5})
    ResultsFolder(folder.out).write_cell(record, other)
    (line,) = build_board(folder.out).tables[0].missing
    assert line.row == "fft/svm"
    assert "its groups are not those" in line.reason


def test_rows_of_fewer_images_and_of_other_states_contradict_nobody(three):
    three.add("faces", "theirs", n=36, kind="imported")
    inverted(three, three.add("faces", "of before", fingerprint="another").cell)
    assert not build_board(three.out).tables[0].missing


FINDINGS = {
    "leaks": Leaks(
        dataset="faces", fingerprint="aa", version=1, split="test", n_evaluate=40, n_tune=0
    ),
    "shortcuts": KeptShortcuts(found=[]),
}


@pytest.mark.parametrize("audit", FINDINGS)
def test_findings_that_are_damaged_are_told_on_the_board(three, audit):
    out = ResultsFolder(three.out)
    out.write_findings(audit, "aa", FINDINGS[audit])
    path = out.findings_file(audit, "aa")
    text = path.read_text()
    path.write_text(text.replace('"sum": "', '"sum": "0'))
    if audit == "leaks":
        (warning,) = Results(three.out).board.tables[0].warnings
        assert "what was found of it cannot be told" in warning
        assert "leaks/aa.json" in warning
        assert "run again" in warning
        path.write_text(text)
        assert not Results(three.out).board.tables[0].warnings
    path.write_text("{}x")
    with pytest.raises(OutputError, match="no readable findings"):
        out.read_findings(audit, "aa", type(FINDINGS[audit]))


def test_findings_of_another_data_set_are_none_of_this(three):
    out = ResultsFolder(three.out)
    found = FINDINGS["leaks"].model_copy(update={"fingerprint": "bb"})
    out.write_findings("leaks", "aa", found)
    with pytest.raises(OutputError, match="findings of another data set, 'bb'"):
        out.read_findings("leaks", "aa", Leaks)
    (warning,) = build_board(three.out).tables[0].warnings
    assert "findings of another data set" in warning


def test_a_list_of_evaluations_that_is_damaged_costs_no_row(three):
    (three.out / "probes.json").write_text('{"asked": 3}')
    board = build_board(three.out)
    assert len(board.tables[0].measured) == 3
    assert any("probes.json" in text for section in board.sections for text in section.text)


def test_groups_named_by_numbers_that_do_not_fit_are_names(three):
    out = ResultsFolder(three.out)
    record = out.load_record("c0")
    path = out.scores_file("c0")
    table = pq.read_table(path)
    names = [f"{'9' * 40}{i // 2}" for i in range(len(table))]
    table = table.set_column(table.column_names.index("group"), "group", pa.array(names))
    pq.write_table(table, path)
    out.rewrite_record(record.model_copy(update={"tables": {"evaluate": sum_of(path, out.path)}}))
    assert out.read_scores(out.load_record("c0")).groups.tolist() == [i // 2 for i in range(40)]
    assert len(build_board(three.out).tables) == 1


def rewritten(folder, cell, table=None, **told):
    """Seal a record and its table again, as somebody would who knows how."""
    out = ResultsFolder(folder.out)
    record, path = out.load_record(cell), out.scores_file(cell)
    if table is not None:
        pq.write_table(table(pq.read_table(path)), path)
    sums = {"evaluate": sum_of(path, out.path)}
    out.rewrite_record(record.model_copy(update={"tables": sums, **told}))


def column(name, values):
    return lambda t: t.set_column(t.column_names.index(name), name, pa.array(values))


@pytest.mark.parametrize(
    ("table", "told", "reason"),
    [
        (column("image", ["x"] * 40), {}, "39 images stand in it more than once"),
        (lambda t: t.slice(0, 39), {"n_test": 39}, "scored on other images than those that other"),
        (None, {"n_train": 7}, "fitted on another number of images than other rows"),
        (None, {"classes": ["fake", "real"]}, "not those, or not in the order, that other rows"),
        (None, {"positive": 0}, "not those, or not in the order, that other rows"),
        (column("p_1", [1e308] * 40), {}, "a score lies outside of 0 to 1"),
        (column("p_1", [0.25] * 40), {}, "the scores of an image do not sum to 1"),
        (None, {"threshold": 1e308}, "threshold is 1e+308, of scores between 0 and 1"),
        (None, {"fit_seconds": -1.0}, "fit_seconds: Input should be greater than or equal to 0"),
    ],
)  # fmt: skip
def test_a_row_of_other_data_than_the_others_is_none_of_theirs(three, table, told, reason):
    rewritten(three, "c0", table, **told)
    shown = build_board(three.out).tables[0]
    (line,) = shown.missing
    assert (line.row, line.status) == ("hsv/knn", "failed")
    assert reason in line.reason
    assert len(shown.measured) == 2


def test_scores_that_are_no_probabilities_may_be_any(three):
    told = Elsewhere(source="a.csv", trained_on="other", probabilities=False)
    rewritten(three, "c0", column("p_1", range_of(40)), elsewhere=told, kind="imported")
    assert not build_board(three.out).tables[0].missing


def range_of(n):
    return [float(i - 7) for i in range(n)]


def test_a_row_that_stands_twice_in_the_list_is_told(three):
    out = ResultsFolder(three.out)
    entries = out.read_entries()
    write_sealed(out.entries_file, Entries(entries=[*entries, entries[0]]))
    table = build_board(three.out).tables[0]
    assert {line.row for line in table.missing} == {"hsv/knn"}
    assert "it stands there 2 times with seed 0" in table.missing[0].reason
    assert len(table.measured) == 2
