import json

import numpy as np
import pytest

from dfbench.errors import OutputError
from dfbench.files import write_text
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Entry, Record, Scores


def test_a_cell_comes_back_as_it_was_written(folder):
    record = folder.add("faces", "hsv/knn", grouped=True, params={"k": 3, "missing": float("nan")})
    scores = ResultsFolder(folder.out).read_scores(record)
    expected = folder.scores(record, 1.0)
    assert scores.images == expected.images
    for name in ("labels", "groups", "probabilities"):
        np.testing.assert_array_equal(getattr(scores, name), getattr(expected, name))
        assert getattr(scores, name).dtype == getattr(expected, name).dtype
    again = ResultsFolder(folder.out).read_cell(record.cell)
    assert again.model_dump(exclude={"params"}) == record.model_dump(exclude={"params"})
    assert sorted(p.name for p in (folder.out / "cells").iterdir()) == ["c0.json", "c0.parquet"]


def test_scores_without_groups_have_none(folder):
    record = folder.add("faces", "hsv/knn")
    assert ResultsFolder(folder.out).read_scores(record).groups is None


def test_what_never_ran_is_absent(folder):
    assert ResultsFolder(folder.out).read_cell("nothing") is None


@pytest.mark.parametrize("suffix", ["json", "parquet"])
@pytest.mark.parametrize("harm", ["cut", "empty", "gone", "other"])
def test_a_harmed_cell_has_to_run_again(folder, suffix, harm):
    record = folder.add("faces", "hsv/knn")
    path = folder.out / "cells" / f"c0.{suffix}"
    data = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "other": b"[1]"}[harm])
    assert ResultsFolder(folder.out).read_cell("c0") is None
    if suffix == "parquet":
        with pytest.raises(OutputError, match=r"c0.parquet.*no readable scores.*run again"):
            ResultsFolder(folder.out).read_scores(record)
    elif harm != "gone":
        with pytest.raises(OutputError, match=r"c0.json.*no readable record.*run again"):
            ResultsFolder(folder.out).load_record("c0")


def test_scores_of_another_number_of_images_are_not_taken(folder):
    record = folder.add("faces", "hsv/knn")
    longer = record.model_copy(update={"n_test": 41})
    with pytest.raises(OutputError, match="of 40 images where the record has 41"):
        ResultsFolder(folder.out).read_scores(longer)


def test_scores_that_are_no_numbers_are_not_taken(folder):
    record = folder.add("faces", "hsv/knn")
    scores = folder.scores(record, 1.0)
    scores.probabilities[3, 0] = np.nan
    record = ResultsFolder(folder.out).write_cell(record, scores)
    with pytest.raises(OutputError, match="out of range"):
        ResultsFolder(folder.out).read_scores(record)


def test_a_record_ok_is_not_written_without_its_scores(folder):
    record = folder.add("faces", "hsv/knn")
    with pytest.raises(ValueError, match="without the scores"):
        ResultsFolder(folder.out).write_cell(record, None)


def test_a_kill_between_the_two_files_leaves_no_cell(folder, monkeypatch):
    def killed(path, text):
        raise KeyboardInterrupt

    monkeypatch.setattr("dfbench.results.records.folder.write_sealed", killed)
    with pytest.raises(KeyboardInterrupt):
        folder.add("faces", "hsv/knn")
    assert [p.name for p in (folder.out / "cells").iterdir()] == ["c0.parquet"]
    assert ResultsFolder(folder.out).read_cell("c0") is None


def test_entries_replace_those_of_the_same_place_and_keep_the_others(tmp_path):
    def entry(row, seed, cell):
        return Entry(dataset="d", row=row, seed=seed, cell=cell)

    first = [entry("a", 0, "1"), entry("b", 0, "2"), entry("a", 1, "3")]
    assert ResultsFolder(tmp_path / "out").write_entries(first) == first
    merged = ResultsFolder(tmp_path / "out").write_entries([entry("b", 0, "9"), entry("c", 0, "4")])
    assert [e.cell for e in merged] == ["1", "9", "3", "4"]
    assert ResultsFolder(tmp_path / "out").read_entries() == merged


def test_a_folder_without_results_is_explained(tmp_path):
    with pytest.raises(OutputError, match=r"no run.json in it \(.*dfbench run --out DIR"):
        ResultsFolder(tmp_path).read_entries()
    with pytest.raises(OutputError, match="no such folder"):
        ResultsFolder(tmp_path / "absent").read_entries()
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="not a results folder"):
        ResultsFolder(tmp_path / "file").read_entries()


@pytest.mark.parametrize("text", ["", "{}", '[{"dataset": "d"}]', "[{"])
def test_a_broken_list_of_entries_is_named_and_made_anew_of_the_records(folder, text):
    folder.add("faces", "hsv/knn", seed=1)
    folder.add("faces", "fft/svm", variant="25 % of train", control="no pixels")
    out = ResultsFolder(folder.out)
    places = [(e.dataset, e.row, e.seed, e.cell) for e in out.read_entries()]
    out.entries_file.write_text(text)
    for way in (out.read_entries, lambda: out.write_entries([])):
        with pytest.raises(OutputError, match=r"run.json: no readable list.*run again"):
            way()
    assert "run.json: no readable list" in out.mend_entries()
    again = out.read_entries()
    assert [(e.dataset, e.row, e.seed, e.cell) for e in again] == places
    assert [e.subset.name for e in again] == ["", "25 % of train"]
    assert out.mend_entries() == ""


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "out").write_text("a file")
    record = Record(cell="c", dataset="d", row="r", seed=0, status="failed", reason="no")
    with pytest.raises(OutputError, match="cannot write here"):
        ResultsFolder(tmp_path / "out").write_cell(record, None)
    with pytest.raises(OutputError, match="cannot write here"):
        ResultsFolder(tmp_path / "out").write_entries([])


def test_the_variable_that_names_a_place_is_told(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("DFBENCH_CACHE", str(tmp_path / "cache"))
    with pytest.raises(OutputError, match=r"cannot write here.*DFBENCH_CACHE names it"):
        write_text(tmp_path / "cache" / "features" / "x.json", "{}")
    with pytest.raises(OutputError, match=r"cannot write here[^D]*choose another folder"):
        write_text(tmp_path / "cache2" / ".." / "cache" / "x.json", "{}")


def test_a_cell_cannot_name_a_file_elsewhere(tmp_path):
    with pytest.raises(OutputError, match="not the name of a cell"):
        ResultsFolder(tmp_path).read_scores(
            Record(cell="../x", dataset="d", row="r", seed=0, status="failed")
        )


def test_names_of_groups_written_by_others_become_numbers(folder):
    import pyarrow as pa
    import pyarrow.parquet as pq

    record = folder.add("faces", "hsv/knn", n=4)
    columns = {"image": list("abcd"), "label": [0, 1, 0, 1], "group": ["v2", "v1", "v2", "v3"]}
    table = pa.table({**columns, "p_0": [0.5] * 4, "p_1": [0.5] * 4})
    pq.write_table(table, folder.out / "cells" / "c0.parquet")
    record = record.model_copy(update={"tables": {}})
    assert ResultsFolder(folder.out).read_scores(record).groups.tolist() == [0, 1, 0, 2]


def test_records_are_strict_json(folder):
    folder.add("faces", "hsv/knn", params={"missing": float("nan")})

    def refuse(name):
        raise AssertionError(name)

    text = (folder.out / "cells" / "c0.json").read_text()
    assert json.loads(text, parse_constant=refuse)["params"] == {"missing": None}


def test_scores_hold_their_shape(folder):
    record = folder.add("five", "x/knn", classes=list("abcde"), n=20)
    scores: Scores = ResultsFolder(folder.out).read_scores(record)
    assert scores.probabilities.shape == (20, 5)
