"""How a folder was read, and what could not be: told at the start, kept, told above the table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import dfbench
from dfbench.benchmark.planning import plan
from dfbench.cli import app
from dfbench.results.board.build import build_board
from dfbench.suites.datasets import loading
from dfbench.suites.datasets.inference.reading import OTHERWISE
from tests.conftest import SUITE, picture

pytestmark = pytest.mark.usefixtures("in_process")

READING = "classes 0_real, 1_fake; kinds biggan, cyclegan; no groups"
WARNING = "the folder 'misc' was taken for a class."


def run_command(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(SUITE)
    return path


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every data set told how it was read."""

    def load(*given: Any, **named: Any) -> Any:
        dataset = original(*given, **named)
        return replace(dataset, reading=READING, warnings=(WARNING,))

    original = loading.load_dataset
    monkeypatch.setattr(loading, "load_dataset", load)
    monkeypatch.setattr(plan, "load_dataset", load)


@pytest.mark.usefixtures("read")
def test_it_is_told_before_anything_is_computed(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    planned = run_command("run", "-s", suite, "-d", make_folder(), "-o", out, "--plan")
    said = " ".join(planned.stderr.split())
    assert f"note faces: read as: {READING} ({OTHERWISE}) note faces: {WARNING}" in said
    assert not out.exists()


@pytest.mark.usefixtures("read")
def test_it_is_kept_and_stands_above_the_table(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    results = dfbench.run(suite, make_folder(), out=out)
    assert results.notes[:2] == [f"faces: read as: {READING} ({OTHERWISE})", f"faces: {WARNING}"]
    assert sum(READING in note for note in results.notes) == 1
    (kept,) = (out / "reading").iterdir()
    assert json.loads(kept.read_text())["reading"] == READING
    (table,) = build_board(out).tables
    assert WARNING.rstrip(".") in table.warnings
    assert f"read as: {READING}" in table.notes
    for form in ("md", "html"):
        text = (out / f"leaderboard.{form}").read_text()
        assert text.index(f"read as: {READING}") < text.index("hsv/knn")


@pytest.mark.usefixtures("read")
def test_it_is_told_anew_of_finished_rows(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    out, folder = tmp_path / "out", make_folder()
    dfbench.run(suite, folder, out=out)
    (kept,) = (out / "reading").iterdir()
    kept.write_text(kept.read_text().replace("biggan", "another"))
    dfbench.run(suite, folder, out=out)
    assert READING in kept.read_text()


@pytest.mark.usefixtures("read")
def test_check_says_it_too(make_folder: Callable[..., Path]) -> None:
    found = " ".join(run_command("data", "check", make_folder()).stdout.split())
    assert f"reading: read as: {READING} reading: the folder 'misc' was" in found
    assert "dfbench data init FOLDER writes a card" in found


def test_with_a_card_nothing_is_said(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    folder = make_folder()
    assert run_command("data", "init", folder).exit_code == 0
    results = dfbench.run(suite, folder, out=tmp_path / "out")
    assert not any("read as" in note for note in results.notes)
    assert "reading: " not in run_command("data", "check", folder).stdout


def test_what_images_are_made_into_stands_above_the_table(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    folder, out = make_folder(), tmp_path / "out"
    assert run_command("data", "init", folder).exit_code == 0
    card = folder / "card.toml"
    text = card.read_text()
    card.write_text(f'{text}\n[normalise]\nsize = 16\nformat = "jpeg"\nquality = 75\n')
    dfbench.run(suite, folder, out=out)
    card.write_text(text)  # what stands there now is no matter of what was run
    said = "images are normalised: resized to 16x16 px, written as JPEG of quality 75"
    assert any(note.startswith(said) for note in build_board(out).tables[0].notes)
    for name in ("leaderboard.md", "leaderboard.json", "leaderboard.html"):
        assert said in (out / name).read_text()
    assert run_command("report", out).exit_code == 0
    assert said in (out / "report.html").read_text()
    assert said in " ".join(run_command("leaderboard", out).stdout.split())


# --- what cannot be read -----------------------------------------------------------------------


@pytest.fixture
def broken(make_folder: Callable[..., Path]) -> Path:
    """Give a folder of 68 images, of which the last 13 to train on cannot be read."""
    folder = make_folder()
    large = Image.fromarray(picture(0, size=(300, 300)))
    large.save(folder / "train/fake/003.jpg", quality=95)
    whole = (folder / "train/fake/003.jpg").read_bytes()
    (folder / "train/fake/003.jpg").write_bytes(whole[:700])  # a sound header
    (folder / "train/fake/003.png").unlink()
    for number in range(4, 16):
        (folder / f"train/fake/{number:03}.png").write_bytes(whole[:100] if number % 2 else b"")
    return folder


def test_the_first_ten_are_named_and_all_are_in_a_file(
    broken: Path, suite: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    results = dfbench.run(suite, broken, out=out)
    at = next(n for n, note in enumerate(results.notes) if "cannot be read" in note)
    head, *lines = results.notes[at : at + 12]
    (file,) = (out / "unreadable").iterdir()
    assert head == (f"faces: 13 of 68 images cannot be read and are left out (all are in {file}):")
    assert len(lines) == 11
    assert lines[0].startswith("  train/fake/003.jpg: cannot be decoded: image file is truncated")
    assert lines[1] == "  train/fake/004.png: empty file"
    assert lines[2].startswith("  train/fake/005.png: broken header")
    assert lines[-1] == "  ... and 3 more"
    header, *rows = csv.reader(io.StringIO(file.read_text()))
    assert header == ["image", "reason"]
    assert [row[0] for row in rows] == [
        "train/fake/003.jpg",
        *(f"train/fake/{number:03}.png" for number in range(4, 16)),
    ]
    (pointer,) = [note for note in build_board(out).tables[0].notes if "cannot be read" in note]
    assert pointer == (
        "13 of 68 images cannot be read and are left out: "
        f"unreadable/{file.name} names each and says why"
    )
    assert f"unreadable/{file.name}" in (out / "leaderboard.md").read_text()


def test_finished_rows_name_them_all_again(broken: Path, suite: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    dfbench.run(suite, broken, out=out)
    (file,) = (out / "unreadable").iterdir()
    text = file.read_text()
    file.unlink()
    again = dfbench.run(suite, broken, out=out)
    assert file.read_text() == text, "with those that have a sound header"
    assert any("13 of 68 images cannot be read" in note for note in again.notes)


def test_strict_names_them_in_one_line(broken: Path, suite: Path, tmp_path: Path) -> None:
    result = run_command(
        "run", "-s", suite, "-d", broken, "-o", tmp_path / "out", "--only", "hsv/knn", "--strict"
    )
    assert result.exit_code == 2
    (line,) = [line for line in result.stderr.splitlines() if "cannot be read" in line]
    assert "train/fake/004.png: empty file; train/fake/005.png: broken header" in line
    assert "; ... and 3 more (all are in " in line


def test_check_names_ten_first_unless_all_are_asked_for(broken: Path) -> None:
    short = run_command("data", "check", broken).stdout.splitlines()
    assert [line.startswith("broken: train/fake/") for line in short[:11]] == [True] * 10 + [False]
    assert short[10] == "  and 3 more broken (--all lists them)"
    assert short[11] == "faces: 68 images, 13 broken, 0 warnings"
    everything = run_command("data", "check", broken, "--all").stdout
    assert everything.count("broken: ") == 13


def test_no_file_says_that_all_can_be_read(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    dfbench.run(suite, make_folder(), out=tmp_path / "out")
    assert not (tmp_path / "out" / "unreadable").exists()


# --- what cannot be run --------------------------------------------------------------------------


def test_one_class_is_looked_at_and_not_run(tmp_path: Path, suite: Path) -> None:
    folder = tmp_path / "one"
    (folder / "real").mkdir(parents=True)
    for number in range(6):
        Image.fromarray(picture(number)).save(folder / "real" / f"{number}.png")
    (folder / "card.toml").write_text(
        'name = "one"\nclasses = ["real"]\n[layout]\nkind = "folders"\n'
    )
    for command in ("check", "describe"):
        result = run_command("data", command, folder)
        assert result.stdout.startswith("cannot be run: one class only: real"), command
        assert result.exit_code == (command == "check")
    ran = run_command("run", "-s", suite, "-d", folder, "-o", tmp_path / "out")
    assert (ran.exit_code, "one class only: real" in ran.stderr) == (2, True)


def test_an_absent_class_is_told_and_what_is_there_is_described(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    folder = make_folder()
    for path in (folder / "validation" / "fake").iterdir():
        path.write_bytes(path.read_bytes()[:30])
    absent = "split 'validation' of 'faces' has no readable image of class 'fake'"
    described = run_command("data", "describe", folder)
    assert " ".join(described.stdout.split()).startswith(f"cannot be run: {absent}")
    assert "validation     8     8   16" in described.stdout
    assert "8 by their headers" in described.stdout
    checked = run_command("data", "check", folder)
    assert checked.exit_code == 1
    assert " ".join(checked.stdout.split()).startswith(f"cannot be run: {absent} (8 are broken: ")
    assert checked.stdout.count("\nbroken: ") == 8
    ran = run_command("run", "-s", suite, "-d", folder, "-o", tmp_path / "out")
    assert (ran.exit_code, absent in " ".join(ran.stderr.split())) == (2, True)


def test_a_class_that_only_decoding_shows_absent(make_folder: Callable[..., Path]) -> None:
    folder = make_folder()
    for path in (folder / "test" / "fake").iterdir():
        path.write_bytes(path.read_bytes()[:2000])
    checked = run_command("data", "check", folder)
    assert checked.exit_code == 1
    assert checked.stdout.startswith("cannot be run: no readable image of class 'fake' in test")


def test_a_folder_of_broken_images_alone_is_checked(make_folder: Callable[..., Path]) -> None:
    folder = make_folder(splits={"train": 2, "test": 2})
    for path in folder.rglob("*.png"):
        path.write_bytes(b"")
    checked = run_command("data", "check", folder)
    assert (checked.exit_code, checked.stdout.count("\nbroken: ")) == (1, 8)
    said = " ".join(checked.stdout.split())
    assert said.startswith("cannot be run: data set 'faces' holds no readable image (8 are broken")
    assert run_command("data", "describe", folder).exit_code == 0


def test_images_that_no_label_divides_are_described(tmp_path: Path) -> None:
    root = tmp_path / "unlabelled"
    (root / "images").mkdir(parents=True)
    for number in range(4):
        Image.fromarray(picture(number)).save(root / "images" / f"{number}.png")
    (root / "test.csv").write_text("image_id\n" + "\n".join(map(str, range(4))) + "\n")
    (root / "train.csv").write_text("image_id,label\n")
    (root / "card.toml").write_text(
        'name = "unlabelled"\nclasses = ["real", "fake"]\n[layout]\nkind = "table"\n'
        '[layout.splits]\ntrain = { csv = "train.csv", images = "images" }\n'
        'test = { csv = "test.csv", images = "images" }\n'
    )
    checked = run_command("data", "check", root)
    assert checked.exit_code == 1
    assert checked.stdout.startswith("cannot be run: no readable image of 'unlabelled' has a label")
