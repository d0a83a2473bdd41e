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
        who: str,
        row: str,
        seed: int = 0,
        *,
        status: str = "ok",
        place: int = 0,
        made: dict[str, object] | None = None,
        **other: object,
    ) -> ResultsFolder:
        out = ResultsFolder(tmp_path / who)
        known = {"fingerprint": "aaaaaaaaaa", **other}
        if made is not None:
            known |= {"identity": {"row": row, "seed": place, **made}}
        cell = digest(known.get("identity", [row, status, str(known)]))
        record = Record(
            cell=cell,
            dataset="faces",
            row=row,
            seed=place,
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
        out.write_entries([Entry(dataset="faces", row=row, seed=place, cell=cell)])
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


def test_seeds_that_were_made_alike_are_one_row_of_all(put: Put, tmp_path: Path) -> None:
    made = {"budget": {"trials": 2, "seconds": 5.0}}
    put("ann", "lbp/svm", made=made)
    put("bob", "lbp/svm", 1, place=3, made=made)
    assert merge(named([str(tmp_path / "ann"), str(tmp_path / "bob")]), tmp_path / "all") == []
    (table,) = build_board(tmp_path / "all").tables
    (line,) = table.lines
    assert (line.seeds, line.origin) == ([0, 3], "ann, bob")
    assert not [note for note in table.notes if "alike" in note]
    # each seed is told of once, also when merged again
    put("cem", "lbp/svm", 2, place=4, made=made)
    merge(named([str(tmp_path / "all"), str(tmp_path / "cem")]), tmp_path / "more")
    assert [line.origin for line in build_board(tmp_path / "more").lines] == ["ann, bob, cem"]
    # and a seed that a run puts there is nobody's of these
    put("more", "lbp/svm", 5, place=6, made=made)
    (line,) = build_board(tmp_path / "more").lines
    assert line.origin == "ann, bob, cem, this folder"


OTHERWISE = {
    "budget": ({"budget": {"trials": 1}}, "differ: budget trials 2 and 1"),
    "no budget": ({}, "differ: budget trials 2 and none"),
    "features": (
        {"budget": {"trials": 2}, "features": [{"extractor": "lbp", "version": 3}]},
        r"differ: features 1 extractor none and lbp, features 1 version none and 3",
    ),
}


@pytest.mark.parametrize("what", OTHERWISE)
def test_seeds_that_were_made_otherwise_do_not_join(what: str, put: Put, tmp_path: Path) -> None:
    made, message = OTHERWISE[what]
    put("ann", "lbp/svm", made={"budget": {"trials": 2}})
    put("bob", "lbp/svm", 1, place=3, made=made)
    put("bob", "hsv/svm", place=3, made=made)
    sources = named([str(tmp_path / "ann"), str(tmp_path / "bob")])
    told = rf"lbp/svm on faces, seed 3: ann \(seed 0\) and bob {message}"
    with pytest.raises(OutputError, match=told):
        merge(sources, tmp_path / "all")
    assert not (tmp_path / "all").exists()
    (note,) = merge(sources, tmp_path / "all", keep_first=True)
    assert note.endswith("; this seed is left out")
    lines = {line.row: line for line in build_board(tmp_path / "all").lines}
    assert (lines["lbp/svm"].seeds, lines["lbp/svm"].origin) == ([0], "ann")
    assert lines["hsv/svm"].seeds == [3]


def test_the_folder_that_was_named_first_gives_the_seeds(put: Put, tmp_path: Path) -> None:
    """Also where its seed is the later one, and another is skipped."""
    put("ann", "lbp/svm", status="skipped")
    put("ann", "lbp/svm", place=3, made={"budget": {"trials": 2}})
    put("bob", "lbp/svm", 1, made={"budget": {"trials": 1}})
    sources = named([str(tmp_path / "ann"), str(tmp_path / "bob")])
    merge(sources, tmp_path / "all", keep_first=True)
    assert [line.seeds for line in build_board(tmp_path / "all").lines if line.auc] == [[3]]


def test_derived_rows_are_as_their_members_are(put: Put, tmp_path: Path) -> None:
    """Cells that an identity names have the same seed: they are held against each other too."""

    def fuse(who: str, place: int, trials: int) -> None:
        out = put(who, "lbp/svm", place, place=place, made={"budget": {"trials": trials}})
        member = next(each.cell for each in out.read_entries() if each.row == "lbp/svm")
        put(who, "fused", place, place=place, made={"members": [member]})

    fuse("ann", 0, 2)
    fuse("bob", 3, 2)
    fuse("cem", 4, 1)
    ann, bob, cem = (str(tmp_path / who) for who in ("ann", "bob", "cem"))
    merge(named([ann, bob]), tmp_path / "all")
    assert [line.seeds for line in build_board(tmp_path / "all").lines] == [[0, 3], [0, 3]]
    with pytest.raises(OutputError, match=r"fused on faces, seed 4: .*members 1 budget trials 2"):
        merge(named([ann, cem]), tmp_path / "more")


def test_a_mean_of_unlike_seeds_in_one_folder_is_told(put: Put, tmp_path: Path) -> None:
    """Two runs into one folder may have had different budgets."""
    put("ann", "lbp/svm", made={"budget": {"trials": 2}})
    put("ann", "lbp/svm", 1, place=3, made={"budget": {"trials": 1}})
    (table,) = build_board(tmp_path / "ann").tables
    assert table.notes == [
        "lbp/svm is a mean of seeds that were not made alike, 0 and 3 (budget trials 2 and 1):"
        " run both with the same settings"
    ]


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
