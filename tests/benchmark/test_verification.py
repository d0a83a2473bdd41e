"""`dfbench verify`: what is sound is said to be, and what is not is named; a run mends it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

import dfbench
from dfbench.cli import app
from dfbench.errors import OutputError
from dfbench.results.records.folder import Entries, ResultsFolder
from dfbench.results.records.inventory import write_index
from dfbench.results.records.sealed import write_sealed
from tests.conftest import SUITE, fill, load_plugins_here, picture, run_cells_here

_SUITE = SUITE.replace("trials = 1", "trials = 2").replace('["knn"]', '["knn", "svm"]') + (
    '[[protocols]]\nkind = "robustness"\nchanges = ["jpeg=50"]\n'
)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run was made of which each test has a copy, with its cache."""
    folder = tmp_path_factory.mktemp("once")
    data = fill(folder / "faces")
    shutil.copy(data / "test" / "real" / "000.png", data / "train" / "real" / "leaked.png")
    (data / "train" / "real" / "broken.png").write_bytes(b"no image")
    (folder / "suite.toml").write_text(_SUITE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DFBENCH_CACHE", str(folder / "_cache"))
        patch.setenv("DFBENCH_CONFIG", str(folder / "_config"))
        run_cells_here(patch)
        load_plugins_here(patch)
        run(folder)
    return folder


@pytest.fixture
def ran(tmp_path: Path, once: Path, in_process: None) -> Path:
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "out"


def run(where: Path, *more: str) -> str:
    given = ["--data", str(where / "faces"), "--out", str(where / "out"), "--keep-models", "all"]
    words = ["run", "--suite", str(where / "suite.toml"), *given, *more]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def verify(out: Path, *more: str) -> tuple[int, str]:
    words = ["verify", str(out), *more]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    return result.exit_code, result.output


def files(out: Path, pattern: str) -> list[Path]:
    return [path for path in sorted(out.glob(pattern)) if path.is_file()]


def flip(path: Path) -> None:
    """Flip a bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def figures(out: Path) -> list[tuple[object, ...]]:
    frame = dfbench.load_results(out).frame()[["row", "status", "roc_auc", "log_loss"]]
    return sorted(map(tuple, frame.itertuples(index=False)))


def test_a_finished_run_is_sound(ran: Path) -> None:
    data = str(ran.parent / "faces")
    code, said = verify(ran, "--data", data)
    assert (code, said.splitlines()[-1]) == (0, "all is sound"), said
    assert "without checksum" in said
    found = dfbench.verify(ran, data)
    assert found.sound
    assert str(found) == "sound"
    assert found.checks.checked["tables"] == len(files(ran, "cells/*.parquet"))
    assert not sum(found.checks.unsummed.values())
    assert found.checks.notes == []


PIECES = [
    "cells/????????????????.json", "cells/????????????????.parquet", "cells/*.tune.parquet",
    "cells/*.default.parquet", "cells/*.*.json", "cells/????????????????.????????????????.parquet",
    "run.json", "probes.json", "made.json", "leaks/*.json", "shortcuts/*.json",
    "proportion/*.json", "reading/*.json", "unreadable/*.csv", "leaderboard.md",
    "leaderboard.csv", "leaderboard.json", "leaderboard.html", "leaderboard.tex",
    "leaderboard.parquet", "figures.csv", "protocols.csv", "report.html", "board/written.json",
]  # fmt: skip


def test_each_damaged_piece_is_named_and_the_next_run_mends_all(ran: Path) -> None:
    before = figures(ran)
    found = [files(ran, pattern) for pattern in PIECES]
    # a table can be told from what was written where its record can be read: that of another cell
    harmed = [its[-1 if its[0].suffix == ".parquet" else 0] for its in found if its]
    assert len(harmed) >= 20
    for path in harmed:
        flip(path)
    code, said = verify(ran)
    assert code == 1
    lines = said.splitlines()
    for path in harmed:
        name = path.relative_to(ran).as_posix()
        assert any(line.startswith(f"{name}: ") for line in lines), (name, said)
    run(ran.parent)
    assert figures(ran) == before
    code, said = verify(ran)
    assert code == 0, said


def test_of_cells_that_changed_places_the_list_alone_is_named(ran: Path) -> None:
    out = ResultsFolder(ran)
    first, second = (entry for entry in out.read_entries() if not entry.control)
    swapped = {first.cell: second.cell, second.cell: first.cell}
    moved = [
        entry.model_copy(update={"cell": swapped.get(entry.cell, entry.cell)})
        for entry in out.read_entries()
    ]
    before = figures(ran)
    write_sealed(out.entries_file, Entries(entries=moved))
    code, said = verify(ran)
    lines = [line for line in said.splitlines() if line.endswith(")")]
    assert (code, said.splitlines()[-1]) == (1, "damaged: 2"), said
    assert [line.split(" ")[0] for line in lines] == ["run.json:", "run.json:"]
    assert all(line.endswith("(run again with the same --out)") for line in lines), said
    run(ran.parent)
    assert figures(ran) == before
    assert verify(ran)[0] == 0


def test_a_damaged_model_is_named(ran: Path) -> None:
    (path, *_) = files(ran, "models/*.dfb")
    flip(path)
    code, said = verify(ran)
    assert code == 1
    assert f"models/{path.name}: is damaged" in said
    assert "run again with the same --out" in " ".join(said.split())
    run(ran.parent)
    assert verify(ran)[0] == 0


def test_a_damaged_index_is_named_and_written_again(ran: Path) -> None:
    flip(ran / "index.json")
    code, said = verify(ran)
    assert code == 1
    assert "index.json: no readable index" in said
    run(ran.parent)
    assert verify(ran)[0] == 0


def test_a_damaged_piece_is_in_no_leaderboard(ran: Path) -> None:
    path = files(ran, "cells/????????????????.parquet")[0]
    flip(path)
    result = CliRunner().invoke(app, ["leaderboard", str(ran)], catch_exceptions=False)
    assert "failed" in result.output
    assert path.name in "".join(result.output.split())


def test_what_is_missing_or_foreign_is_told(ran: Path) -> None:
    (ran / "leaderboard.csv").unlink()
    (gone,) = files(ran, "leaks/*.json")
    gone.unlink()
    (ran / "notes.txt").write_text("mine")
    code, said = verify(ran)
    assert code == 1
    assert "leaderboard.csv: is missing (dfbench leaderboard DIR --write" in said
    assert f"leaks/{gone.name}: is missing (run again" in said
    assert "note: no command of dfbench that ended wrote notes.txt" in said


def test_what_was_edited_and_sealed_again_is_told(ran: Path) -> None:
    out = ResultsFolder(ran)
    (ran / "index.json").unlink()
    cell = out.read_entries()[0].cell
    record = out.load_record(cell)
    assert record is not None
    out.rewrite_record(record.model_copy(update={"started": "2026-01-02T03:04:05+00:00"}))
    write_index(out)
    assert verify(ran)[0] == 0
    out.rewrite_record(
        record.model_copy(update={"started": "2026-01-02T03:04:05+00:00", "fit_seconds": 0.001})
    )
    (found,) = (each for each in dfbench.verify(ran).checks.damaged if "cells/" in each.file)
    assert found.file == f"cells/{cell}.json"
    assert "not what it was when the last command ended, and no run began since" in found.what


def test_what_a_killed_run_went_on_with_is_a_note(ran: Path) -> None:
    out = ResultsFolder(ran)
    cell = out.read_entries()[0].cell
    record = out.load_record(cell)
    assert record is not None
    out.rewrite_record(record.model_copy(update={"started": "2999-01-02T03:04:05+00:00"}))
    found = dfbench.verify(ran)
    assert found.sound, str(found)
    assert "a run that began at" in str(found)
    assert f"cells/{cell}.json" in str(found)


def test_images_that_are_others_are_told(ran: Path) -> None:
    data = ran.parent / "faces"
    Image.fromarray(picture(999)).save(data / "test" / "real" / "001.png")
    code, said = verify(ran, "--data", str(data))
    assert code == 1
    assert "is of another state of faces: fingerprint" in said
    assert verify(ran)[0] == 0, "the results themselves are sound"


def test_a_data_set_that_no_row_is_of_is_an_error(ran: Path) -> None:
    code, said = verify(ran, "--data", f"other={ran.parent / 'faces'}")
    assert code == 2
    assert "no row is of 'other'" in said
    assert "it has rows of faces;" in said


def test_a_run_that_has_not_finished_is_said_to(ran: Path) -> None:
    for path in [*files(ran, "cells/*"), *files(ran, "index.json"), *files(ran, "*.*.*")]:
        path.unlink()
    for path in [*files(ran, "leaderboard.*"), *files(ran, "figures.csv")]:
        path.unlink()
    code, said = verify(ran)
    assert code == 0, said
    lines = said.splitlines()[-2:]
    assert lines[0].startswith("0 of ")
    assert lines[0].endswith(" cells are there: the run has not finished")
    assert lines[1] == "what is there is sound"


def test_labels_that_are_not_those_of_the_images_are_told(ran: Path) -> None:
    out = ResultsFolder(ran)
    for entry in out.read_entries():
        record = out.load_record(entry.cell)
        assert record is not None
        scores = out.read_scores(record)
        out.write_cell(record, scores.model_copy(update={"labels": 1 - scores.labels}))
    write_index(out)
    code, said = verify(ran, "--data", str(ran.parent / "faces"))
    assert code == 1
    assert "20 labels are not those of the images" in " ".join(said.split())


def test_no_results_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="not a results folder"):
        dfbench.verify(tmp_path)
    assert verify(tmp_path)[0] == 2


@pytest.mark.parametrize("name", ["studies/x.log", "checkpoints/x/status", "figures", "cells"])
def test_a_run_writes_through_no_link(ran: Path, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    place = ran / name
    if place.exists():
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(outside / "mine" if "." in name or "status" in name else outside)
    words = ["run", "--suite", str(tmp_path / "suite.toml"), "--data", str(tmp_path / "faces")]
    result = CliRunner().invoke(app, [*words, "--out", str(ran)])
    assert result.exit_code == 2
    assert f"{name}: a link, which is not followed here (remove it)" in result.output
    assert [path.name for path in outside.iterdir()] == ["mine"]
    assert (outside / "mine").read_text() == "mine"
    assert name in verify(ran)[1]


def test_a_folder_of_before_is_read_and_said_to_have_no_checksums(ran: Path) -> None:
    for path in files(ran, "**/*.json"):
        told = json.loads(path.read_text())
        if path.parent.name == "board" or path.name in ("index.json",):
            path.unlink()
        elif isinstance(told, dict) and "sum" in told:
            for key in ("sum", "tables", "table"):
                told.pop(key, None)
            lists = {"entries", "asked", "commands"} & told.keys()
            path.write_text(json.dumps(told[lists.pop()] if lists else told))
    code, said = verify(ran)
    assert code == 0, said
    assert "Those without were written by dfbench 0.1.0" in said
    times = {path: path.stat().st_mtime_ns for path in files(ran, "cells/*")}
    assert "(2 done before)" in run(ran.parent, "--plan")
    run(ran.parent)
    assert {path: path.stat().st_mtime_ns for path in files(ran, "cells/*")} == times


def test_tuning_and_models_are_held_against_their_records(ran: Path) -> None:
    out = ResultsFolder(ran)
    entry = next(each for each in out.read_rows() if not each.control)
    record = out.record_of(entry)
    assert record is not None
    tune = out.read_scores(record, "tune")
    parts = {part: out.read_scores(record, part) for part in record.tables if part != "evaluate"}
    parts["tune"] = tune.model_copy(update={"labels": 1 - tune.labels})
    out.write_cell(record, out.read_scores(record), parts)
    found = dfbench.verify(ran).checks.damaged
    own = next(each for each in found if each.file == f"cells/{record.cell}.tune.parquet")
    assert "tuning came to a ROC AUC of" in own.what
    out.rewrite_record(record.model_copy(update={"n_train": record.n_train + 1}))
    found = dfbench.verify(ran).checks.damaged
    own = next(each for each in found if each.file == f"models/{record.cell}.dfb")
    assert own.what.endswith("they tell another n train")


@pytest.mark.parametrize("changed", ["", "figure", "md"])
def test_a_board_of_another_dfbench_is_no_damage_while_its_figures_are_those_of_now(
    ran: Path, changed: str
) -> None:
    lines = json.loads((ran / "leaderboard.json").read_text())
    for line in lines if changed != "md" else []:
        for key in ("schema", "divided", "fits", "by_class", "by_kind"):
            del line[key]
        line["best"] = not line["best"]
    if changed == "figure":
        lines[0]["metrics"]["eer"]["low"] += 0.01
    if changed != "md":
        (ran / "leaderboard.json").write_text(json.dumps(lines))
    (ran / "leaderboard.md").write_text("in other words")
    write_index(ResultsFolder(ran))
    found = dfbench.verify(ran)
    if changed in ("figure", "md"):
        named = (
            {"leaderboard.md", "leaderboard.json"} if changed == "figure" else {"leaderboard.md"}
        )
        assert {damage.file for damage in found.checks.damaged} == named
    else:
        (note,) = found.checks.notes
        assert found.sound
        assert note.startswith("written by another dfbench: leaderboard.md, leaderboard.json; ")
        assert "what the scores come to, but for best (dfbench leaderboard DIR --write" in note
