from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dfbench.errors import DfbenchError, OutputError, ParameterError
from dfbench.files import digest
from dfbench.results.board.build import build_board
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.merging import merge, named
from dfbench.results.records.provenance import Run
from dfbench.results.records.records import Elsewhere, Entry, Record, Scores
from dfbench.results.render.formats import FORMATS, render

Put = Callable[..., ResultsFolder]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Give a function that puts a row into somebody's folder."""

    def put(
        who: str, row: str, seed: int = 0, *, status: str = "ok", **other: object
    ) -> ResultsFolder:
        out = ResultsFolder(tmp_path / who)
        known = {"fingerprint": "aaaaaaaaaa", **other}
        cell = digest([row, status, str(known)])
        record = Record(
            cell=cell,
            dataset="faces",
            row=row,
            seed=0,
            status=status,
            reason="" if status == "ok" else "weights are absent",
            classes=["real", "fake"],
            positive=1,
            n_test=40,
            **known,
        )
        p = np.random.default_rng([seed, *row.encode()]).dirichlet([1, 1], 40)
        scores = Scores(
            images=[f"{i}.png" for i in range(40)],
            labels=np.arange(40) % 2,
            groups=None,
            probabilities=p,
        )
        out.write_cell(record, scores if status == "ok" else None)
        out.write_entries([Entry(dataset="faces", row=row, seed=0, cell=cell)])
        out.note_run(Run(command=f"dfbench run of {who}", started="2026-01-01T00:00:00+00:00"))
        return out

    return put


def test_one_board_says_whose_each_row_is(put: Put, tmp_path: Path) -> None:
    put("ann", "lbp/svm")
    put("ann", "ours")
    put("bob", "lbp/svm")
    put("bob", "theirs")
    put("bob", "embedding/svm", status="skipped")
    merge(named([str(tmp_path / "ann"), f"Bob's={tmp_path / 'bob'}"]), tmp_path / "all")
    board = build_board(tmp_path / "all")
    assert {line.row: line.origin for line in board.lines} == {
        "lbp/svm": "ann, Bob's",
        "ours": "ann",
        "theirs": "Bob's",
        "embedding/svm": "Bob's",
    }
    assert {run.command for run in board.runs} == {"dfbench run of ann", "dfbench run of bob"}
    for form in FORMATS:
        assert "Bob" in render(board, form), form
    # and once more, with another: who had a row before is still told
    put("cem", "svm of Cem")
    merge(named([str(tmp_path / "all"), str(tmp_path / "cem")]), tmp_path / "more")
    origins = {line.row: line.origin for line in build_board(tmp_path / "more").lines}
    assert origins["theirs"] == "Bob's"
    assert origins["svm of Cem"] == "cem"


def test_a_run_in_a_merged_folder_takes_no_row_away(put: Put, tmp_path: Path) -> None:
    put("ann", "lbp/svm")
    put("bob", "theirs")
    merge(named([str(tmp_path / "ann"), str(tmp_path / "bob")]), tmp_path / "all")
    out = ResultsFolder(tmp_path / "all")
    entries = out.read_entries()
    out.write_entries([entry.model_copy(update={"origin": ""}) for entry in entries])
    assert out.read_entries() == entries


def test_what_ran_goes_before_what_did_not(put: Put, tmp_path: Path) -> None:
    put("ann", "embedding/svm", status="skipped")
    put("bob", "embedding/svm")
    merge(named([str(tmp_path / "ann"), str(tmp_path / "bob")]), tmp_path / "all")
    (line,) = build_board(tmp_path / "all").lines
    assert (line.status, line.origin) == ("ok", "bob")


def test_other_scores_are_refused_by_name(put: Put, tmp_path: Path) -> None:
    put("ann", "lbp/svm", seed=1)
    put("bob", "lbp/svm", seed=2)
    put("bob", "knn of Bob")
    sources = named([str(tmp_path / "ann"), str(tmp_path / "bob")])
    with pytest.raises(
        OutputError, match=r"lbp/svm on faces, seed 0: scores differ by up to 0\.\d"
    ):
        merge(sources, tmp_path / "all")
    assert not (tmp_path / "all").exists()
    (note,) = merge(sources, tmp_path / "all", keep_first=True)
    assert note.endswith("in ann and bob; those of the first are taken")
    assert {line.row: line.origin for line in build_board(tmp_path / "all").lines} == {
        "lbp/svm": "ann",
        "knn of Bob": "bob",
    }


def test_what_was_told_otherwise_of_the_same_scores_is_refused(put: Put, tmp_path: Path) -> None:
    for who, trained_on in (("ann", "other"), ("bob", "train")):
        told = Elsewhere(source=f"scores of {who}.csv", trained_on=trained_on)
        put(who, "theirs", kind="imported", elsewhere=told)
    sources = named([str(tmp_path / "ann"), str(tmp_path / "bob")])
    with pytest.raises(OutputError, match="ann and bob: trained on 'other' and 'train'"):
        merge(sources, tmp_path / "all")
    (note,) = merge(sources, tmp_path / "all", keep_first=True)
    assert note.endswith("those of the first are taken")
    (line,) = build_board(tmp_path / "all").lines
    assert (line.origin, line.elsewhere and line.elsewhere.trained_on) == ("ann", "other")


@pytest.mark.parametrize("kind", ["features", "imported"])
def test_scores_that_are_not_there_are_refused(put: Put, tmp_path: Path, kind: str) -> None:
    put("ann", "lbp/svm")
    out = put("bob", "theirs", kind=kind)
    (entry,) = out.read_entries()
    for damage in ("damaged", None):
        file = out.scores_file(entry.cell)
        file.unlink() if damage is None else file.write_text(damage)
        with pytest.raises(OutputError, match="the row 'theirs' on faces: no readable") as error:
            merge(named([str(tmp_path / "ann"), str(tmp_path / "bob")]), tmp_path / "all")
        assert file.name in str(error.value)
        assert ("import it again" if kind == "imported" else "run again") in str(error.value)
    assert not (tmp_path / "all").exists()


def test_no_folder_is_made_within_those_that_are_merged(put: Put, tmp_path: Path) -> None:
    put("ann", "lbp/svm")
    put("bob/results", "hsv/svm")
    sources = named([str(tmp_path / "ann"), str(tmp_path / "bob/results")])
    with pytest.raises(OutputError, match=r"lies in .*ann, which is to be merged"):
        merge(sources, tmp_path / "ann" / "in")
    with pytest.raises(OutputError, match=r"bob: is around .*results, which"):
        merge(sources, tmp_path / "bob")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="link: is a link"):
        merge(sources, link)


def test_another_state_of_the_data_is_refused(put: Put, tmp_path: Path) -> None:
    put("ann", "lbp/svm")
    put("bob", "hsv/svm", fingerprint="bbbbbbbbbb")
    with pytest.raises(OutputError, match="fingerprint aaaaaaaa in ann, bbbbbbbb in bob"):
        merge(named([str(tmp_path / "ann"), str(tmp_path / "bob")]), tmp_path / "all")


def test_nothing_is_left_by_half(put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("ann", "lbp/svm")
    put("bob", "hsv/svm")
    sources = named([str(tmp_path / "ann"), str(tmp_path / "bob")])
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="is there already, and is not empty"):
        merge(sources, taken)
    assert [file.name for file in taken.iterdir()] == ["notes.txt"]
    copied = shutil.copyfile

    def full(source: Path, target: Path) -> Path:
        if "bob" in str(source):
            raise OSError(28, "No space left on device")
        return copied(source, target)

    monkeypatch.setattr(shutil, "copyfile", full)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError, match="No space left on device"):
        merge(sources, tmp_path / "all")
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_no_results_folder(put: Put, tmp_path: Path) -> None:
    put("ann", "lbp/svm")
    with pytest.raises(DfbenchError, match="not a results folder: there is no such folder"):
        merge(named([str(tmp_path / "ann"), str(tmp_path / "nobody")]), tmp_path / "all")


def test_names_of_folders(tmp_path: Path) -> None:
    folders = ["ann/dfbench-results", "bob/dfbench-results", "Cem=cem"]
    assert [source.name for source in named(folders)] == [
        "ann/dfbench-results",
        "bob/dfbench-results",
        "Cem",
    ]
    assert [source.name for source in named(["a/x", "a/y"])] == ["x", "y"]
    with pytest.raises(ParameterError, match="nothing to merge with"):
        named(["a"])
    with pytest.raises(ParameterError, match="stands twice"):
        named(["a", "b/../a"])
    with pytest.raises(ParameterError, match="the folders are named 'x', 'x'"):
        named(["x=a", "x=b"])
