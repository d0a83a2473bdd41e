"""What numbers cannot carry: counted, worded, told in the table, in a run and in data check."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import dfbench
from dfbench.benchmark.audits.base import Looked
from dfbench.benchmark.audits.proportion import ProportionAudit
from dfbench.benchmark.audits.proportion_found import (
    Portion,
    Proportion,
    Role,
    proportion_of,
    word,
)
from dfbench.cli import app
from dfbench.results.board.build import build_board
from dfbench.results.records.sealed import read_sealed
from dfbench.results.statistics.intervals import wilson
from dfbench.suites.datasets.loading import load_dataset
from dfbench.suites.datasets.parts import parts_of
from tests.conftest import SUITE, picture

pytestmark = pytest.mark.usefixtures("in_process")

SPLITS: dict[Role, str] = {"train": "train", "tune": "validation", "evaluate": "test"}


def portion(
    role: Role,
    *,
    different: dict[str, int] | None = None,
    kinds: dict[str, int] | None = None,
    **images: int,
) -> Portion:
    return Portion(
        role=role,
        split=SPLITS[role],
        images=images,
        different=images | (different or {}),
        kinds=kinds or {},
    )


def said(*portions: Portion) -> list[str]:
    return [each.text for each in word(Proportion(portions=list(portions)))]


def strong(*portions: Portion) -> list[bool]:
    return [each.strong for each in word(Proportion(portions=list(portions)))]


PLENTY = portion("train", real=400, fake=400), portion("tune", real=90, fake=90)


def test_nothing_is_said_of_enough_images() -> None:
    assert said(*PLENTY, portion("evaluate", real=30, fake=30)) == []


@pytest.mark.parametrize(
    ("real", "fake", "words"),
    [
        (1, 1, "only 1 test image of real, 1 of fake; ROC AUC can only be 0, 0.5 or 1, and even 1"),
        (40, 1, "only 1 test image of fake; ROC AUC is the place of one image among 40, and even"),
        (3, 3, "only 3 test images of real, 3 of fake; ROC AUC goes in steps of 0.11, and even 3"),
        (900, 9, "only 9 test images of fake; even 9 right of 9 leave 70 % to 100 % open (95 %"),
    ],
)
def test_few_images_to_test_on_are_called_next_to_nothing(real: int, fake: int, words: str) -> None:
    test = portion("evaluate", real=real, fake=fake)
    assert said(*PLENTY, test)[0].startswith(f"figures tell next to nothing: {words}")
    assert strong(*PLENTY, test)[0]


def test_intervals_that_are_told_are_those_of_wilson() -> None:
    (found,) = said(*PLENTY, portion("evaluate", real=180, fake=20))
    half, whole = wilson(np.full(20, 0.5)), wilson(np.ones(20))
    assert half.low is not None
    assert half.high is not None
    assert whole.low is not None
    assert found == (
        "figures are wide: 20 test images of fake; accuracy in a class of 20 images is known to"
        f" ±{50 * (half.high - half.low):.0f} points where it is near 50 %, and even 20 right of"
        f" 20 leave {100 * whole.low:.0f} % to 100 % open (95 % interval)"
    )
    assert "±20 points" in found
    assert "84 % to 100 %" in found


def test_a_class_without_test_images_is_named() -> None:
    assert (
        said(*PLENTY, portion("evaluate", real=40, fake=0))[0] == "there is no test image of fake"
    )


def test_of_many_classes_a_few_are_named() -> None:
    few = portion("evaluate", **{f"c{i}": 2 for i in range(8)})
    train, tune = (portion(role, **{f"c{i}": 50 for i in range(8)}) for role in ("train", "tune"))
    (found,) = said(train, tune, few)
    assert "2 of c4, so few of 3 more classes; even 2 right of 2" in found


def test_few_images_to_train_and_tune_on() -> None:
    test = portion("evaluate", real=50, fake=50)
    few = portion("train", real=4, fake=20), portion("tune", real=1, fake=20)
    assert said(*few, test) == [
        "only 4 training images of real: rows learn from next to nothing",
        "only 1 tuning image of real: parameters are all but chosen by chance",
    ]
    assert strong(*few, test) == [True, False]


@pytest.mark.parametrize(
    ("real", "fake", "level"),
    [(450, 50, None), (500, 50, False), (2499, 50, False), (2500, 50, True)],
)
def test_uneven_classes(real: int, fake: int, level: bool | None) -> None:
    found = word(Proportion(portions=[*PLENTY, portion("evaluate", real=real, fake=fake)]))
    assert [each.strong for each in found] == ([] if level is None else [level])
    if level:
        assert found[0].text == (
            "classes are uneven, 2,500 test images of real to 50 of fake: always saying real has an"
            " accuracy of 98 %"
        )


def test_uneven_classes_to_train_on() -> None:
    train = portion("train", real=900, fake=30)
    assert said(train, PLENTY[1], portion("evaluate", real=50, fake=50)) == [
        "classes are uneven, 900 training images of real to 30 of fake: a row may learn little else"
        " than to say real"
    ]


def test_a_class_filled_by_few_files() -> None:
    test = portion("evaluate", real=100, fake=100, different={"fake": 3})
    found = said(*PLENTY, test)
    assert "only 3 different test images of fake" in found[0], "equal files count once"
    assert found[1] == (
        "100 test images of fake are 3 different files: the others are equal to these, and tell"
        " nothing new"
    )
    half = portion("evaluate", real=100, fake=100, different={"fake": 51})
    assert said(*PLENTY, half) == []


def test_kinds_that_a_part_lacks() -> None:
    many = {"real": 90, "fake": 90}
    train = portion("train", **many, kinds={"a": 40, "b": 40, "rare": 1})
    tune = portion("tune", **many, kinds={"a": 90})
    test = portion("evaluate", **many, kinds={"a": 40, "b": 40, "new": 10})
    found = word(Proportion(portions=[train, tune, test]))
    assert [each.text for each in found] == [
        "test has no fake of kind rare, which is trained on: figures say nothing of it",
        "kind new is in test and not trained on: figures are also of what no row has seen, as under"
        " leave-one-generator-out",
        "validation has no fake of kind b, new and rare: parameters and thresholds are chosen"
        " without it",
    ]
    assert [each.strong for each in found] == [True, False, False]


def test_parts_without_any_kind_told_lack_none() -> None:
    many = {"real": 90, "fake": 90}
    told, untold = portion("train", **many, kinds={"a": 90}), portion("evaluate", **many)
    assert said(told, portion("tune", **many), untold) == []


# --- counted -----------------------------------------------------------------------------------


def looked_at(folder: Path, unreadable: str = "") -> Looked:
    dataset = load_dataset(folder)
    faults = dataset.manifest["error"].to_numpy(object).copy()
    faults[dataset.manifest["path"] == unreadable] = "cannot be decoded"
    return Looked(dataset, faults, parts_of(dataset, faults == ""))


def test_readable_images_are_counted_by_part_class_content_and_kind(
    make_folder: Callable[..., Path],
) -> None:
    folder = make_folder(splits={"train": 6, "validation": 3, "test": 4})
    for name in ("001", "002"):
        shutil.copy(folder / "test/fake/000.png", folder / f"test/fake/{name}.png")
    (folder / "card.toml").write_text(
        'name = "faces"\nclasses = ["real", "fake"]\n[layout]\nkind = "folders"\n'
        'splits = { train = "train", validation = "validation", test = "test" }\n'
        "[kind]\npattern = '00(?P<kind>[0-2])'\n"
    )
    train, tune, test = proportion_of(looked_at(folder, "train/real/003.png")).portions
    assert (train.images, tune.images) == ({"real": 5, "fake": 6}, {"real": 3, "fake": 3})
    assert (test.images, test.different) == ({"real": 4, "fake": 4}, {"real": 4, "fake": 2})
    assert (test.role, test.split, test.kinds) == ("evaluate", "test", {"0": 1, "1": 1, "2": 1})


def test_files_that_fill_a_class_are_listed(make_folder: Callable[..., Path]) -> None:
    folder = make_folder(splits={"train": 40, "validation": 12, "test": 40})
    for number in range(1, 37):
        copied = "000" if number < 30 else "037"
        shutil.copy(folder / f"test/fake/{copied}.png", folder / f"test/fake/{number:03}.png")
    looked, audit = looked_at(folder), ProportionAudit()
    found = audit.listing(audit.find(looked), looked)
    (filled,) = [each for each in found if each.what.startswith("40 test images of fake are 4")]
    assert filled.cases == [("30 times", "test/fake/000.png"), ("8 times", "test/fake/030.png")]


# --- told --------------------------------------------------------------------------------------


def test_it_stands_above_the_table_in_every_form(
    make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    suite, out = tmp_path / "tiny.toml", tmp_path / "out"
    suite.write_text(SUITE)
    data = make_folder(splits={"train": 12, "validation": 4, "test": 3})
    results = dfbench.run(suite, data, out=out)
    start = "figures tell next to nothing: only 3 test images of real, 3 of fake; ROC AUC goes in"
    assert [note.startswith(f"faces: {start}") for note in results.notes] == [False, True]
    (table,) = build_board(out).tables
    assert [text.startswith(start) for text in table.warnings] == [True]
    assert [note for note in table.notes if not note.startswith("read as: ")] == [
        "only 4 tuning images of real, 4 of fake: parameters are all but chosen by chance"
    ]
    for form in ("md", "html"):
        text = (out / f"leaderboard.{form}").read_text()
        assert text.index(start) < text.index("hsv/knn")
    shutil.rmtree(data)
    assert build_board(out).tables[0].warnings == table.warnings, "from what was kept alone"
    (kept,) = (out / "proportion").iterdir()
    assert read_sealed(kept, Proportion, below=out).of("evaluate") is not None


def test_it_is_told_where_no_row_can_run(make_folder: Callable[..., Path], tmp_path: Path) -> None:
    suite, plugin = tmp_path / "tiny.toml", tmp_path / "mine.py"
    suite.write_text(SUITE.replace('"hsv"', '"mine"'))
    plugin.write_text("import dfbench\n@dfbench.extractor\ndef mine(image): raise KeyError\n")
    data = make_folder(splits={"train": 1, "validation": 1, "test": 1})
    board = dfbench.run(suite, data, plugins=plugin, out=tmp_path / "out").board
    (table,) = board.tables
    assert [line.status for line in table.lines] == ["failed"]
    assert "ROC AUC can only be 0, 0.5 or 1" in table.warnings[0]


def check(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(
        app, ["data", "check", *map(str, arguments)], catch_exceptions=False
    )
    return result.exit_code, result.stdout


def test_check_lists_it_without_changing_the_exit_status(make_folder: Callable[..., Path]) -> None:
    code, found = check(make_folder(splits={"train": 4, "validation": 2, "test": 2}))
    assert code == 0
    assert "proportion: figures tell next to nothing: only 2 test images of real" in found
    assert max(len(line) for line in found.splitlines() if line.startswith("proportion")) <= 80


def test_check_lists_it_of_what_cannot_be_divided(tmp_path: Path) -> None:
    for number, label in enumerate(("real", "fake")):
        (tmp_path / "few" / label).mkdir(parents=True)
        for name in "ab":
            image = Image.fromarray(picture(number))
            image.save(tmp_path / "few" / label / f"{name}.png")
    code, found = check(tmp_path / "few")
    assert code == 1
    assert found.startswith("cannot be run: split 'validation' of 'few' has no readable image")
    assert "proportion: only 1 different training image of real, 1 different of fake" in " ".join(
        found.split()
    )
    assert "proportion: 2 training images of fake are 1 different file:" in found
    assert "  2 times         fake/a.png" in found
