"""The kept board: believed while nothing has changed, and at no other time."""

import hashlib
import json
import os
import shutil
import time
from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from dfbench.benchmark.audits.shortcuts_found import KeptShortcut, KeptShortcuts
from dfbench.errors import OutputError
from dfbench.files import keep_text, see
from dfbench.results.board import keeping
from dfbench.results.board.build import build_board
from dfbench.results.board.keeping import board_of
from dfbench.results.document.blocks import Section
from dfbench.results.records import state as states
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.provenance import Run
from dfbench.results.records.state import FinishedCells, read_state
from dfbench.results.records.written import Written
from dfbench.results.render.formats import FORMATS, render
from dfbench.results.results import Results, load_results


@pytest.fixture
def few(folder):
    """Give a folder of two rows and one that did not run."""
    folder.add("faces", "hsv/knn", n=24)
    folder.add("faces", "fft/svm", gain=2.0, n=24)
    folder.place("faces", "cnn-3conv", "never")
    return folder


@pytest.fixture
def computed(monkeypatch):
    """Give the list of the folders whose board is computed."""
    import dfbench.results.board.build as build

    folders, true = [], build.measure_board
    monkeypatch.setattr(
        build, "measure_board", lambda out, *more: folders.append(out.path) or true(out, *more)
    )
    return folders


def same(out):
    """Give the board, and hold every form of it against one that is computed."""
    board = board_of(out).board
    anew = build_board(out)
    assert board == anew
    for form in FORMATS:
        assert render(board, form) == render(anew, form), form
    return board


def test_a_board_is_computed_once_and_read_as_it_was(full, computed):
    first = board_of(full.out)
    assert len(computed) == 1
    second = board_of(full.out)
    assert len(computed) == 1
    assert (second.board, second.measured, second.name) == (
        first.board,
        first.measured,
        first.name,
    )
    assert first.name
    same(full.out)


def test_it_may_be_removed_at_any_time(few, computed):
    first = board_of(few.out)
    shutil.rmtree(few.out / "board")
    assert board_of(few.out) == first
    assert len(computed) == 2


def test_it_is_computed_when_that_is_asked_for(few, computed):
    board_of(few.out)
    board_of(few.out, check=True)
    assert len(computed) == 2


def rewrite(folder, cell="c0", gain=3.0):
    """Write other scores of a cell, of the same size, and set the files' times back."""
    out = ResultsFolder(folder.out)
    record = out.load_record(cell)
    path = out.scores_file(cell)
    before = path.stat()
    out.write_cell(record, folder.scores(record, gain))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _touched_scores(folder):
    os.utime(ResultsFolder(folder.out).scores_file("c1"))


def _rewritten_record(folder):
    out = ResultsFolder(folder.out)
    out.rewrite_record(out.load_record("c1").model_copy(update={"fit_seconds": 99.0}))


def _edited_in_place(folder):
    path = ResultsFolder(folder.out).record_file("c1")
    before = path.stat()
    text = path.read_text(encoding="utf-8").replace('"fit_seconds": 1.25', '"fit_seconds": 9.25')
    with path.open("r+") as file:
        file.write(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _findings(folder):
    out = ResultsFolder(folder.out)
    found = KeptShortcuts(found=[KeptShortcut(group="size", name="width", auc=0.98)])
    out.write_findings("shortcuts", "aa", found)


CHANGES = {
    "scores rewritten": rewrite,
    "scores touched": _touched_scores,
    "a record rewritten": _rewritten_record,
    "a record edited in place, its time set back": _edited_in_place,
    "scores gone": lambda folder: ResultsFolder(folder.out).scores_file("c1").unlink(),
    "scores damaged": lambda folder: os.truncate(ResultsFolder(folder.out).scores_file("c1"), 100),
    "a row more": lambda folder: folder.add("faces", "new/svm", gain=0.5),
    "another cell for a row": lambda folder: folder.add("faces", "hsv/knn", gain=0.1),
    "a cell that had not run": lambda folder: folder.fail("faces", "hog/svm", "no memory"),
    "what an audit found": _findings,
    "default parameters' scores": lambda folder: shutil.copy(
        folder.out / "cells" / "c1.parquet", folder.out / "cells" / "c1.default.parquet"
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_gives_another_board(few, computed, monkeypatch, change):
    # as if all had been there for long: stamps alone are looked at
    monkeypatch.setattr("dfbench.files.SETTLED", -1)
    board_of(few.out)
    time.sleep(0.02)  # a tick of the clock that file times are of
    CHANGES[change](few)
    same(few.out)
    assert len(computed) == 3, "one of them to hold it against"


def test_files_that_are_as_new_as_the_board_are_held_by_their_content(few, computed, monkeypatch):
    """A change within the same tick of the clock leaves the stamp as it was."""
    board_of(few.out)
    path = ResultsFolder(few.out).record_file("c1")
    before = path.stat()
    _edited_in_place(few)
    true = os.stat

    def as_before(of, *args, **kwargs):
        return before if str(of) == str(path) else true(of, *args, **kwargs)

    monkeypatch.setattr("dfbench.files.os.stat", as_before)
    assert board_of(few.out).board.tables[0].ranked
    assert len(computed) == 2


def test_another_dfbench_computes_anew(few, computed, monkeypatch):
    board_of(few.out)
    monkeypatch.setattr(states, "this_dfbench", lambda: "another")
    board_of(few.out)
    assert len(computed) == 2


def test_a_copied_folder_is_computed_anew(few, computed, tmp_path):
    first = board_of(few.out).board
    shutil.copytree(few.out, tmp_path / "copy")
    assert board_of(tmp_path / "copy").board == first
    assert len(computed) == 2


def test_a_folder_of_another_name_keeps_its_board(few, computed, tmp_path):
    first = board_of(few.out).board
    few.out.rename(tmp_path / "renamed")
    assert board_of(tmp_path / "renamed").board == first
    assert len(computed) == 1


@pytest.mark.parametrize("damage", ["no JSON", "another board", "a figure", "no state"])
def test_a_damaged_board_is_computed_anew(few, computed, damage):
    first = board_of(few.out).board
    out = ResultsFolder(few.out)
    text = out.board_file.read_text(encoding="utf-8")
    if damage == "no JSON":
        out.board_file.write_text(text[:-20])
    elif damage == "another board":
        out.board_file.write_text('{"tables":[],"overall":null}')
    elif damage == "a figure":
        out.board_file.write_text(text.replace("0.9", "0.1", 1))
    else:
        out.state_file.write_text("{}")
    assert board_of(few.out).board == first
    assert len(computed) == 2


@pytest.mark.parametrize("chart", ["a text", {"caption": "no name"}, {"caption": 1, "name": []}])
def test_a_board_of_another_form_is_computed_anew(few, computed, chart):
    """Also where whoever wrote it has named it in the state."""
    first = board_of(few.out).board
    out = ResultsFolder(few.out)
    known = json.loads(out.board_file.read_text(encoding="utf-8"))
    known["sections"] = [
        TypeAdapter(Section).dump_python(Section("T", ("t",))) | {"charts": [chart]}
    ]
    text = json.dumps(known)
    out.board_file.write_text(text)
    named = {"board": hashlib.sha256(text.encode()).hexdigest()}
    read_state(out).model_copy(update=named).keep(out)
    assert board_of(few.out).board == first
    assert len(computed) == 2


@pytest.mark.parametrize("text", [b"", b"[" * 100_000, b"\xff\xfe", b"null", b'{"a": 1e999}'])
def test_nothing_in_the_place_of_what_is_kept_breaks_anything(few, text):
    first = board_of(few.out)
    out = ResultsFolder(few.out)
    for file in (out.board_file, out.state_file):
        file.write_bytes(text)
        assert board_of(few.out).board == first.board
        assert file.read_bytes() != text
    out.written_file.write_bytes(text)
    written = Written(out, first.name)
    shown = out.leaderboard_file("md")
    written.write(shown, lambda: keep_text(shown, "new"))
    written.keep()
    assert (shown.read_text(encoding="utf-8"), out.written_file.read_bytes() != text) == (
        "new",
        True,
    )


def test_a_board_of_files_that_could_not_be_read_is_not_kept(few, computed, monkeypatch):
    """What hindered may be over the next time, and no file tells of it."""
    monkeypatch.setattr("dfbench.files.SETTLED", -1)
    board_of(few.out)

    def refused(path, *_, **__):
        raise OutputError("no readable scores: Permission denied", where=path)

    with monkeypatch.context() as patch:
        patch.setattr("dfbench.results.records.folder.load_scores", refused)
        assert not board_of(few.out, check=True).board.tables[0].ranked
    assert read_state(ResultsFolder(few.out)) is None
    assert same(few.out).tables[0].ranked


def test_a_reason_names_the_folder_as_it_is_called_now(few, tmp_path):
    (few.out / "cells" / "c1.parquet").write_bytes(b"half")
    assert str(few.out) in render(board_of(few.out).board, "md")
    few.out.rename(tmp_path / "renamed")
    same(tmp_path / "renamed")


def test_what_would_be_read_otherwise_is_not_kept(few, computed, monkeypatch):
    true = keeping._form().validate_json

    class Other:
        dump_json = keeping._form().dump_json

        @staticmethod
        def validate_json(text, context):
            return replace(true(text, context=context), tables=[])

    monkeypatch.setattr(keeping, "_form", Other)
    assert not board_of(few.out).name
    assert read_state(ResultsFolder(few.out)) is None


def test_a_part_of_another_package_is_always_asked(few, computed, install):
    install(
        "their_audit",
        """
        from dfbench.benchmark.audits.reading import ReadingAudit

        class Theirs(ReadingAudit):
            name = "theirs"
        """.replace("\n        ", "\n"),
        "dfbench.audits",
        {"theirs": "their_audit:Theirs"},
    )
    assert not board_of(few.out).name
    board_of(few.out)
    assert len(computed) == 2
    assert not (few.out / "board").exists()


def test_a_folder_that_cannot_be_written_has_its_board(few, computed):
    (few.out / "board").write_text("a file where the folder should be")
    assert board_of(few.out).board == build_board(few.out)


def test_no_results_folder_is_an_error_as_before(tmp_path, few):
    board_of(few.out)
    (few.out / "run.json").unlink()
    for folder in (few.out, tmp_path / "none"):
        with pytest.raises(OutputError, match="not a results folder"):
            board_of(folder)


def test_commands_and_models_are_those_of_now(few, computed):
    first = board_of(few.out)
    assert (first.board.runs, first.board.kept) == ([], {})
    out = ResultsFolder(few.out)
    run = Run(
        command="x", started="2026", suite="s", seeds=[0], trials=1, seconds=1, jobs=1, threads=1
    )
    out.note_run(run)
    out.models.mkdir()
    out.model_file("c0").write_bytes(b"12345")
    second = board_of(few.out)
    assert (second.board.runs, second.board.kept) == ([run], {"c0": 5})
    assert second.measured == first.measured
    assert second.name != first.name
    out.note_run(run.model_copy(update={"started": "2027"}))
    assert board_of(few.out).board.runs == [run], "what was given again counts once"
    out.model_file("c0").unlink()
    assert board_of(few.out).board.kept == {}
    assert len(computed) == 1


# --- files ---------------------------------------------------------------------------------------


def written(out):
    """Give inode and time of what shows the board, by name."""
    files = [*out.glob("leaderboard.*"), *out.glob("figures/*.png"), out / "report.html"]
    return {each.name: (each.stat().st_ino, each.stat().st_mtime_ns) for each in files}


def test_files_that_would_be_the_same_are_not_written(few):
    Results(few.out).write()
    before = written(few.out)
    assert len(before) > len(FORMATS) + 1
    Results(few.out).write()
    assert written(few.out) == before


@pytest.mark.parametrize("name", ["leaderboard.md", "report.html", "figures/pareto-faces.png"])
@pytest.mark.parametrize("how", ["removed", "changed"])
def test_a_file_that_is_missing_or_was_changed_is_written_again(few, computed, name, how):
    Results(few.out).write()
    file = few.out / name
    content = file.read_bytes()
    others = written(few.out)
    if how == "removed":
        file.unlink()
    else:
        file.write_bytes(content[:-3] + b"xyz")
    Results(few.out).write()
    assert file.read_bytes() == content
    changed = {key for key, its in written(few.out).items() if its != others[key]}
    assert changed == {file.name}


def test_a_chart_of_a_kept_board_is_drawn_as_it_was(folder, computed):
    for name in ("faces", "frames"):
        for number in range(3):
            folder.add(name, f"row-{number}", gain=number / 2, n=20)
    Results(folder.out).write()
    charts = {file: file.read_bytes() for file in (folder.out / "figures").glob("*.png")}
    assert charts
    for file in charts:
        file.unlink()
    Results(folder.out).write()
    assert {file: file.read_bytes() for file in charts} == charts


def test_new_scores_are_in_every_file(few):
    Results(few.out).write()
    before = written(few.out)
    rewrite(few)
    Results(few.out).write()
    after = written(few.out)
    assert all(after[name] != before[name] for name in before if name.startswith("leaderboard"))
    assert after["report.html"] != before["report.html"]
    figure = json.loads((few.out / "leaderboard.json").read_text(encoding="utf-8"))
    [knn] = [x for x in figure if (x["dataset"], x["row"]) == ("faces", "hsv/knn")]
    anew = [x for x in build_board(few.out).lines if (x.dataset, x.row) == ("faces", "hsv/knn")]
    assert knn["metrics"]["roc_auc"]["value"] == anew[0].auc


def test_a_picture_that_came_is_in_the_report(few):
    from PIL import Image

    Results(few.out).write()
    path = ResultsFolder(few.out).picture_file("c0", "scores")
    path.parent.mkdir(parents=True)
    Image.new("RGB", (30, 20)).save(path)
    Results(few.out).write()
    with_it = (few.out / "report.html").read_text(encoding="utf-8")
    assert "confusion, ROC and precision-recall curves" in with_it
    Image.new("RGB", (30, 20), "red").save(path)
    Results(few.out).write()
    assert (few.out / "report.html").read_text(encoding="utf-8") != with_it
    path.unlink()
    Results(few.out).write()
    assert "confusion, ROC and" not in (few.out / "report.html").read_text(encoding="utf-8")


def test_check_writes_everything(few):
    Results(few.out).write()
    file, noted = few.out / "leaderboard.md", few.out / "board" / "written.json"
    file.write_text("other")
    known = json.loads(noted.read_text(encoding="utf-8"))
    del known["sum"]
    known["outputs"]["leaderboard.md"]["file"] = see(file, time.time_ns())
    noted.write_text(json.dumps(known))
    Results(few.out).write()
    assert file.read_text(encoding="utf-8") == "other", "a change that nobody could see"
    Results(few.out, check=True).write()
    assert file.read_text(encoding="utf-8").startswith("# Leaderboard")


def test_reading_unpickles_nothing(few, monkeypatch):
    import pickle

    board_of(few.out)

    def refuse(*_, **__):
        raise AssertionError("unpickled")

    monkeypatch.setattr(pickle, "loads", refuse)
    monkeypatch.setattr(pickle, "load", refuse)
    assert load_results(few.out).board.tables


# --- finished cells ------------------------------------------------------------------------------


def test_scores_that_a_board_was_computed_from_are_not_read_again(few, monkeypatch):
    board_of(few.out)
    true, read = ResultsFolder.read_scores, []

    def noted(self, record, *args):
        read.append(record.cell)
        return true(self, record, *args)

    monkeypatch.setattr(ResultsFolder, "read_scores", noted)
    out = ResultsFolder(few.out)
    cells = [entry.cell for entry in out.read_entries()]
    assert [FinishedCells(out).read(cell) for cell in cells] == [out.read_cell(c) for c in cells]
    read.clear()
    for cell in cells:
        FinishedCells(out).read(cell)
    assert not read


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_cell_whose_scores_broke_is_to_be_run(few, damage):
    board_of(few.out)
    out = ResultsFolder(few.out)
    file = out.scores_file("c1")
    assert FinishedCells(out).read("c1") is not None
    file.unlink() if damage == "gone" else os.truncate(file, 50)
    assert FinishedCells(out).read("c1") is None
    assert FinishedCells(out).read("c0") is not None


def test_a_check_reads_scores_whatever_their_files_say(few, monkeypatch):
    board_of(few.out)
    out = ResultsFolder(few.out)
    os.truncate(out.scores_file("c1"), 50)
    monkeypatch.setattr(states, "as_seen", lambda *_: True)  # a change that leaves no trace
    assert FinishedCells(out).read("c1") is not None
    assert FinishedCells(out, check=True).read("c1") is None
    assert FinishedCells(out, check=True).read("c0") is not None
