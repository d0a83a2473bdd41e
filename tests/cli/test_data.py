"""``dfbench data`` and the options that say how a plain folder is read, as a user types them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import dfbench
from dfbench.cli import app
from dfbench.errors import CardError, DataError, ParameterError


@pytest.fixture
def pets(make_folder: Callable[..., Path]) -> Path:
    """Real images are called cats, fakes dogs: no name tells it."""
    return make_folder(
        "pets", classes=("cats", "dogs"), splits={"train": 9, "validation": 3, "test": 3}
    )


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    return result.exit_code, result.stdout, " ".join(result.stderr.split())


SAID = "real=cats,fake=dogs"
ROW = ("-s", "smoke", "--only", "hsv/knn", "--trials", 1, "--figures", "none")


def test_what_is_asked_is_drawn_and_settled(pets: Path) -> None:
    status, drawn, said = run("data", "describe", pets)
    assert status == 2
    assert "no name tells which class is fake: cats or dogs" in said
    assert f"--classes {SAID} says so" in said
    assert [line.split() for line in drawn.splitlines()[:4]] == [
        ["folder", "images", "told", "by", "it"],
        ["pets/", "30"],
        ["test/", "6"],
        ["cats/", "3"],
    ]
    status, drawn, _ = run("data", "describe", pets, "--classes", SAID)
    assert status == 0
    assert "read as: classes real (cats), fake (dogs); no kinds; no groups" in drawn
    lines = [" ".join(line.split()) for line in drawn.splitlines()]
    assert "cats/ 3 class real" in lines
    assert "positive fake" in lines


@pytest.mark.parametrize(
    "command",
    [
        ("data", "check"),
        ("run", *ROW, "--plan", "--data"),
        ("extract", "-f", "hsv", "-o", "table.csv"),
        ("data", "init", "-o", "pets.toml"),
        ("data", "add"),
    ],
)
def test_each_command_takes_what_settles_it(
    pets: Path, command: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, _, said = run(*command, pets)
    assert status == 2
    assert "no name tells which class is fake" in said
    status, _, said = run(*command, pets, "--classes", SAID)
    assert status == 0, said


def test_the_features_have_the_names_that_were_given(pets: Path, tmp_path: Path) -> None:
    table = dfbench.extract(pets, "hsv", classes=SAID)
    assert table["label"].value_counts().to_dict() == {"real": 15, "fake": 15}
    run("extract", pets, "-f", "hsv", "-o", tmp_path / "t.csv", "--classes", SAID)
    assert set(pd.read_csv(tmp_path / "t.csv")["label"]) == {"real", "fake"}


def test_a_registered_folder_is_read_as_it_was_registered(pets: Path) -> None:
    run("data", "add", pets, "--classes", SAID)
    assert "class real" in run("data", "describe", "pets")[1]
    shown = run("data", "describe", "pets", "--classes", "fake=cats,real=dogs")[1]
    assert "classes real (dogs), fake (cats)" in shown
    assert (
        "classes real (dogs), fake (cats)"
        in run("run", *ROW, "--plan", "-d", "pets", "--classes", "fake=cats,real=dogs")[2]
    )
    status, _, said = run("data", "describe", "leaves-binary", "--classes", SAID)
    assert (status, "for plain folders" in said) == (2, True)


def test_a_registered_folder_that_is_not_clear_is_drawn_wherever_one_is(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("data", "add", pets, "--classes", SAID)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    status, drawn, said = run("data", "describe", "pets", "--splits", "nothing")
    assert status == 2
    assert "pets/" in drawn
    assert "--splits" in said
    assert "No such file" not in said


def test_what_root_points_at_is_drawn(pets: Path, make_folder: Callable[..., Path]) -> None:
    mice = make_folder("mice", classes=("grey", "white"), splits={"train": 2})
    run("data", "add", pets, "--classes", SAID)
    for data in (pets, "pets"):
        status, drawn, said = run("data", "describe", data, "--root", mice)
        assert status == 2, said
        assert "mice/train/" in drawn
        assert "cats" not in drawn


def test_from_python(pets: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = {"only": "hsv/knn", "trials": 1, "figures": "none", "out": out}
    with pytest.raises(DataError, match="no name tells which class is fake"):
        dfbench.run("smoke", pets, **given)
    with pytest.raises(ParameterError, match="classes"):
        dfbench.run("smoke", pets, classes=1, **given)
    results = dfbench.run("smoke", pets, classes=SAID, **given)
    assert results.board.tables[0].lines[0].status == "ok"
    assert "classes='real=cats,fake=dogs'" in (out / "made.json").read_text()


def test_names_steer_no_terminal(make_folder: Callable[..., Path]) -> None:
    odd = make_folder("odd", classes=("c\x1b[31m", "d\u202e"))
    status, _, said = run("data", "check", odd)
    assert status == 2
    assert "c\\x1b[31m or d\\u202e" in said
    assert said.isprintable()


def test_one_plain_folder_at_a_time(pets: Path, make_folder: Callable[..., Path]) -> None:
    other = make_folder("other")
    with pytest.raises(CardError, match="there are 2 among the data sets"):
        dfbench.run("smoke", [pets, other], classes=SAID)
    with pytest.raises(CardError, match="there is none among the data sets"):
        dfbench.run("smoke", "leaves-binary", classes=SAID)


def test_names_that_would_break_lines_or_steer_the_terminal_are_escaped(
    make_folder: Callable[..., Path],
) -> None:
    odd = make_folder("odd", classes=("real\nphotos", "fake\x1b[31m\ttwo"), splits={"a\nb": 6})
    (odd / "a\nb" / "real\nphotos" / "x\ny.png").write_text("none")
    for command in ("describe", "check"):
        _, drawn, said = run("data", command, odd)
        assert said.isprintable()
        assert all(line.isprintable() for line in drawn.splitlines())
        assert "real\\nphotos" in drawn
    assert "broken: real\\nphotos/x\\ny.png: " in run("data", "check", odd)[1]
