"""A record that contradicts what its cell is known by is no record: its row alone fails."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfbench.errors import OutputError
from dfbench.files import digest
from dfbench.results.board.build import build_board
from dfbench.results.records.evaluations import EvaluationRecord
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.identity import contradiction, storable
from dfbench.results.records.records import Elsewhere, Record
from dfbench.results.records.sealed import text_of, unsealed

_ALL = {"protocol": 2, "dataset": "faces", "fingerprint": "aa", "row": "hsv/knn", "seed": 0}
PLAIN = {**_ALL, "features": [{"extractor": "hsv"}], "model": {"name": "knn"}}
DERIVED = {**_ALL, "derived": {"combine": "mean", "threshold": "youden"}, "members": ["a"]}
_TOLD = Elsewhere(source="a.csv", trained_on="unknown")
IMPORTED = {
    **{"imported": "hsv/knn", "dataset": "faces", "fingerprint": "aa", "threshold": 0.25},
    "told": _TOLD.model_dump(),
}


def record(identity, **other):
    told = {"dataset": "faces", "fingerprint": "aa", "row": "hsv/knn", "seed": 0, "status": "ok"}
    return Record(**{"cell": digest(identity), "identity": identity, **told, **other})


@pytest.mark.parametrize(
    ("identity", "other"),
    [
        (PLAIN, {}),
        (PLAIN, {"kind": "features"}),
        (PLAIN | {"labels": "shuffled"}, {"control": "shuffled labels"}),
        (PLAIN | {"on_leak": "drop 1"}, {"drops_leaks": True}),
        (PLAIN | {"variant": "25 % of train"}, {"variant": "25 % of train"}),
        (PLAIN | {"features": [{"extractor": "metadata"}]}, {"control": "no pixels"}),
        (
            PLAIN | {"features": [{"extractor": "resized"}, {"extractor": "metadata"}]},
            {"kind": "network"},
        ),
        (PLAIN, {"kind": "detector", "elsewhere": _TOLD}),
        (_ALL, {"kind": "features", "control": "no pixels", "status": "skipped"}),
        (DERIVED, {"kind": "derived", "threshold": 0.4}),
        (IMPORTED, {"kind": "imported", "threshold": 0.25, "elsewhere": _TOLD}),
        ({}, {"cell": "c0", "threshold": 0.4, "control": "no pixels"}),
    ],
)
def test_what_a_run_writes_contradicts_nothing(identity, other):
    assert contradiction(record(identity, **other)) == ""


@pytest.mark.parametrize(
    ("identity", "other", "what"),
    [
        (PLAIN, {"row": "lbp/knn"}, "row is 'lbp/knn', and by its identity 'hsv/knn'"),
        (PLAIN, {"dataset": "frames"}, "dataset is"),
        (PLAIN, {"seed": 1}, "seed is 1"),
        (PLAIN, {"fingerprint": "bb"}, "fingerprint is 'bb'"),
        (PLAIN, {"cell": "c0"}, "identity is that of another cell"),
        (PLAIN, {"variant": "25 % of train"}, "variant is"),
        (PLAIN, {"drops_leaks": True}, "drops_leaks is True"),
        (PLAIN, {"threshold": 0.999}, "threshold is 0.999"),
        (PLAIN, {"kind": "network", "threshold": 0.4}, "kind is"),
        (PLAIN, {"kind": "imported"}, "kind is"),
        (PLAIN, {"control": "shuffled labels"}, "control is"),
        (PLAIN | {"labels": "shuffled"}, {"control": ""}, "control is"),
        (DERIVED, {"control": "no pixels"}, "control is"),
        (DERIVED | {"derived": {"combine": "mean"}}, {"threshold": 0.4}, "threshold is"),
        (IMPORTED, {"row": "x", "threshold": 0.25}, "row is"),
        (IMPORTED, {"threshold": 0.5}, "threshold is"),
        (
            IMPORTED,
            {"threshold": 0.25, "elsewhere": _TOLD.model_copy(update={"trained_on": "other"})},
            "elsewhere.trained_on is",
        ),
    ],
)
def test_what_contradicts_is_told(identity, other, what):
    assert what in contradiction(record(identity, **other))


def test_a_contradiction_fails_its_row_on_the_board(folder):
    for row in ("lbp/knn", "fft/svm"):
        folder.add("faces", row)
    out = ResultsFolder(folder.out)
    first = out.load_record("c0")
    out.rewrite_record(first.model_copy(update={"identity": PLAIN}))
    (table,) = build_board(folder.out).tables
    (line,) = table.missing
    assert line.row == "lbp/knn"
    assert "it contradicts itself" in line.reason
    assert out.read_cell("c0") is None, "it is computed anew"


def test_a_place_that_tells_another_control_is_found(folder):
    out = ResultsFolder(folder.out)
    for control in ("", "no pixels"):
        its = record(PLAIN, status="skipped")
        out.write_cell(its, None)
        folder.place("faces", "hsv/knn", its.cell, control=control)
        (entry,) = out.read_entries()
        if control:
            with pytest.raises(OutputError, match="stands there as 'no pixels'"):
                out.record_of(entry)
        else:
            assert out.record_of(entry) == its


def test_an_evaluation_is_held_against_its_identity(tmp_path):
    out, identity = ResultsFolder(tmp_path), {"version": 1, "fingerprint": "aa"}
    for fingerprint, probe in (("aa", digest(identity)), ("bb", digest(identity)), ("aa", "0f")):
        told = {"scored_on": "faces", "fingerprint": fingerprint, "identity": identity}
        its = EvaluationRecord(cell="c0", probe=probe, status="skipped", **told)
        out.write_evaluation(its)
        if (fingerprint, probe) == ("aa", digest(identity)):
            assert out.load_evaluation("c0", probe) == its
        else:
            with pytest.raises(OutputError, match="contradicts itself"):
                out.load_evaluation("c0", probe)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers(0, 99) | st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(_VALUES)
def test_a_hash_is_the_same_after_reading(value):
    identity = storable({"dataset": "faces", "params": value})
    text = text_of(record(identity)).encode("utf-8", "surrogatepass")
    read = Record.model_validate(unsealed(text)[0])
    assert contradiction(read) == ""
    assert digest(read.identity) == digest(identity)


def test_numbers_that_json_lacks_are_spelt():
    assert storable({"a": math.inf, "b": (math.nan, 1.5)}) == {"a": "inf", "b": ["nan", 1.5]}
