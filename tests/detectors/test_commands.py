"""``dfbench export`` and ``dfbench predict`` as a person types them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from dfbench.cli import app
from dfbench.detectors.archive import write


def told(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return result.output


def lines(*words: object, code: int = 0) -> list[dict[str, str]]:
    result = CliRunner().invoke(app, ["predict", *map(str, words), "--csv"])
    assert result.exit_code == code, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


@pytest.fixture
def model(ran, tmp_path: Path) -> Path:
    path = tmp_path / "model.dfb"
    said = told("export", ran.out, "hsv+lbp/svm", "--out", path)
    assert f"{path}: hsv+lbp/svm on faces, ROC AUC" in said
    return path


@pytest.fixture
def mixed(ran, tmp_path: Path) -> Path:
    """A folder of three images, a text that calls itself one, and an archive beside it."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    images = sorted((ran.root / "test").rglob("*.png"))[8:11]
    for number, path in enumerate(images):
        (folder / f"{number}.png").write_bytes(path.read_bytes())
    (folder / "9.png").write_text("no image")
    with zipfile.ZipFile(tmp_path / "mixed.zip", "w") as packed:
        for path in sorted(folder.iterdir()):
            packed.write(path, path.name)
    return folder


def test_a_verdict_a_line_and_what_cannot_be_read_stops_no_other(model: Path, mixed: Path) -> None:
    said = told("predict", model, mixed, code=3)
    assert "it says fake where its probability is above 0.5" in said
    assert "9.png: not judged: not an image" in said
    assert "of 100 real images it calls" in said
    found = lines(model, mixed, code=3)
    assert [each["label"] != "" for each in found] == [True, True, True, False]
    assert found[3]["reason"].startswith("not an image")
    assert list(found[0]) == [
        "image",
        "label",
        "p_real",
        "p_fake",
        "threshold",
        "outside",
        "reason",
    ]


def test_folder_archive_table_and_images_give_the_same(model: Path, mixed: Path) -> None:
    (mixed.parent / "list.csv").write_text(
        "path\n" + "".join(f"mixed/{name}.png\n" for name in (0, 1, 2, 9))
    )
    images = sorted(mixed.iterdir())
    expected = [(each["p_fake"], each["label"]) for each in lines(model, mixed, code=3)]
    for given in ([mixed.with_suffix(".zip")], [mixed.parent / "list.csv"], images):
        found = lines(model, *given, code=3)
        assert [(each["p_fake"], each["label"]) for each in found] == expected
    for jobs in (1, 3):
        found = lines(model, mixed, "--jobs", jobs, code=3)
        assert [(each["p_fake"], each["label"]) for each in found] == expected


def test_json_is_a_list_of_objects(model: Path, mixed: Path) -> None:
    result = CliRunner().invoke(app, ["predict", str(model), str(mixed), "--json"])
    found = json.loads(result.stdout)
    assert len(found) == 4
    assert sum(found[0]["probabilities"].values()) == pytest.approx(1)
    assert found[0]["threshold"] == 0.5
    assert found[3] == {"image": found[3]["image"], "label": None, "reason": found[3]["reason"]}


def test_a_threshold_moves_verdicts_and_the_rates_that_are_told(model: Path, mixed: Path) -> None:
    assert {each["label"] for each in lines(model, mixed, "--threshold", 0, code=3)} == {"fake", ""}
    said = told("predict", model, mixed, "--threshold", 0, code=3)
    assert "of 100 real images it calls 100 fake" in said


def test_a_results_folder_is_asked_by_its_best_row_or_the_one_that_is_named(
    ran, mixed: Path
) -> None:
    said = told("predict", ran.out, mixed / "0.png", "--row", "hsv/knn")
    assert "hsv/knn on faces" in said
    assert " on faces: it says fake" in told("predict", ran.out, mixed / "0.png")


def test_mistakes_are_one_line_and_end_with_two(
    ran, model: Path, mixed: Path, tmp_path: Path
) -> None:
    for words, expected in (
        (["predict", "none.dfb", mixed], "none.dfb: no such file"),
        (["predict", mixed / "0.png", mixed], "is no model file of dfbench"),
        (["predict", model, tmp_path / "nowhere"], "nowhere"),
        (["predict", model, mixed, "--row", "hsv/knn"], "leave --row and --data out"),
        (["predict", model, mixed, "--csv", "--json"], "exclude each other"),
        (["export", ran.out, "hsv/kn"], "did you mean 'hsv/knn'"),
        (["export", mixed, "hsv/knn"], "not a results folder"),
        (["export", ran.out, "hsv/knn", "--out", mixed / "0.png"], "is no model file"),
        (["export", ran.out, "hsv/knn", "--out", mixed], "is no model file"),
    ):
        said = told(*words, code=2)
        assert expected in said, words
        assert len(said.strip().splitlines()) == 1, said
    assert (mixed / "0.png").read_bytes()[:4] == b"\x89PNG"


def test_a_feature_row_imports_no_torch(model: Path, mixed: Path) -> None:
    code = (
        "import sys; from dfbench.cli import app\n"
        f"try: app(['predict', {str(model)!r}, {str(mixed / '0.png')!r}])\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "assert not {'torch', 'torchvision', 'timm', 'optuna', 'matplotlib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_pictures_of_another_source_are_told_when_taken_together(
    ran, model: Path, tmp_path: Path
) -> None:
    said = told("predict", model, ran.root / "test")
    assert "taken together" not in said
    folder = tmp_path / "flat"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(20):
        pixels = np.full((40, 48, 3), rng.integers(30, 220, 3)) + rng.normal(0, 1, (40, 48, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"{number}.png")
    said = told("predict", model, folder)
    assert "taken together these 20 pictures are unlike those that it was trained on" in said
    assert "taken together" not in told("predict", model, *sorted(folder.iterdir())[:9])


def test_names_in_a_model_file_do_not_steer_a_terminal(ran, tmp_path: Path) -> None:
    bundle = ran.bundle("hsv/xgboost")
    named = {"row": "\x1b[31mred", "classes": ["\x1b[2J", "new\nline"], "warnings": ["\x1b]0;\x07"]}
    model = tmp_path / "model.dfb"
    write(model, replace(bundle, contents=bundle.contents.model_copy(update=named)))
    image = next((ran.root / "test").rglob("*.png"))
    for words in (
        ["predict", model, image],
        ["explain", model, image, "--out", tmp_path / "e.png"],
    ):
        said = told(*words)
        assert "\\x1b[2J" in said
        assert not [c for c in said if not c.isprintable() and c != "\n"]
        assert "new\nline" not in said
