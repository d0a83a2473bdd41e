"""Results run again from their own records."""

import json
import shutil

import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import dfbench
from dfbench.benchmark.reproducing import like
from dfbench.cli import app
from dfbench.results.records.lists import Runs
from dfbench.results.records.sealed import write_sealed
from dfbench.results.results import load_results

SUITE = """
name = "own"
seeds = [3]
figures = []
[budget]
trials = 3
[features]
mine = "hsv[bins=4]"
[[rows]]
features = ["hsv", "mine"]
models = ["knn"]
[[derived]]
name = "both"
of = ["hsv/knn", "mine/knn"]
combine = "mean"
[[protocols]]
kind = "robustness"
changes = ["jpeg=50", "noise=8"]
"""


@pytest.fixture(scope="module")
def around(run_once):
    return run_once("reproduced", SUITE)


@pytest.fixture(autouse=True)
def here(in_process):
    """Cells are worked on in this process."""


def run(*words, status=0):
    done = CliRunner().invoke(app, ["reproduce", *map(str, words)])
    assert done.exit_code == status, done.output
    return " ".join(done.output.split())


def test_the_same_comes_out_without_the_suite(around, tmp_path):
    (around / "reproduced.toml").unlink(missing_ok=True)
    said = run(around / "out", "-o", tmp_path / "new")
    assert "3 same" in said
    old, new = load_results(around / "out"), load_results(tmp_path / "new")
    assert old.scores("both").equals(new.scores("both"))
    assert old.protocols().equals(new.protocols())


def test_one_row_from_a_packed_file(around, tmp_path):
    load_results(around / "out").pack(tmp_path / "a.zip")
    said = run(tmp_path / "a.zip", "-o", tmp_path / "new", "--only", "hsv/knn")
    assert "1 same (rounding" in said
    assert list(load_results(tmp_path / "new").frame()["row"]) == ["hsv/knn"]


def test_data_that_moved_are_found_and_other_data_are_said(around, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(around / "faces", moved)
    said = run(around / "out", "-o", tmp_path / "a", "-d", f"faces={moved}", "--only", "hsv/knn")
    assert "1 same" in said
    image = next(moved.rglob("*.png"))
    Image.open(image).rotate(90).save(image)
    said = run(
        *(around / "out", "-o", tmp_path / "b", "-d", f"faces={moved}", "--only", "hsv/knn"),
        status=1,
    )
    assert "its data are not what they were" in said
    assert "1 not compared" in said
    assert "no data set of these results: other" in run(
        around / "out", "-o", tmp_path / "c", "-d", f"other={moved}", status=2
    )


def test_what_differs_is_told(around, tmp_path):
    out, other = tmp_path / "new", tmp_path / "other"
    shutil.copytree(around / "out", other)
    # other features than those that made them
    made = json.loads((other / "made.json").read_text())
    made["commands"][0]["again"]["suite"]["features"]["mine"] = "lbp"
    made["commands"][0]["versions"]["numpy"] = "1.0"
    del made["sum"]
    (other / "made.json").write_text(json.dumps(made))
    said = run(other, "-o", out, "--only", "mine/knn", status=1)
    assert "1 differs" in said
    assert "numpy: 1.0, now" in said


def test_results_that_do_not_tell_how_they_were_made_cannot_be(around, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(around / "out", other)
    (other / "made.json").unlink()
    assert "do not tell the suite" in run(other, "-o", tmp_path / "new", status=2)
    assert "--out NEW" in run(around / "out", "-o", around / "out", status=2)


PLUGIN = """
import dfbench
import numpy as np

@dfbench.extractor
def brightness(image):
    return np.array([image.mean(), image.std()], np.float32)
"""


def test_plugins_are_known_by_their_content(tmp_path, make_folder):
    faces = make_folder("faces")
    plugin = tmp_path / "own.py"
    plugin.write_text(PLUGIN)
    suite = tmp_path / "own.toml"
    suite.write_text(
        'name = "own"\nfigures = []\n[budget]\ntrials = 1\n'
        '[[rows]]\nfeatures = ["brightness"]\nmodels = ["knn"]\n'
    )
    dfbench.run(suite, faces, plugins=plugin, out=tmp_path / "out")
    said = run(tmp_path / "out", "-o", tmp_path / "a", status=2)
    assert f"the results name code, which would be run: {plugin}" in said
    assert not (tmp_path / "a").exists()
    assert "1 same" in run(tmp_path / "out", "-o", tmp_path / "a", "--trust")
    plugin.rename(tmp_path / "away.py")
    assert "is not there" in run(tmp_path / "out", "-o", tmp_path / "b", "--trust", status=2)
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / "own.py").write_text(PLUGIN.replace("image.std()", "image.std() + 1"))
    said = run(tmp_path / "out", "-o", tmp_path / "c", "--plugin", tmp_path / "moved" / "own.py")
    assert "own.py is not what it was" in said


EVIL = """
from pathlib import Path
Path(__file__).with_suffix(".ran").touch()
"""


def edited(around, folder, change):
    """Copy results whose list of commands says something else, with a sum of its own."""
    shutil.copytree(around / "out", folder)
    made = json.loads((folder / "made.json").read_text())
    change(made["commands"][0]["again"])
    del made["sum"]
    write_sealed(folder / "made.json", Runs.model_validate(made))
    return folder


def systems(model):
    def change(again):
        again["suite"]["systems"] = [{"name": "x", "model": model, "features": "hsv"}]
        again["options"]["only"] = ["x"]

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda again: again.update(plugins=[["EVIL", ""]]), "EVIL"),
        (systems("call:EVIL:f"), "call:EVIL:f"),
        (systems("call:joblib:dump"), "call:joblib:dump"),
        (systems("subprocess:Popen"), "subprocess:Popen"),
        (systems("torchscript:x.pt"), "torchscript:x.pt"),
        (lambda again: again["options"].update(only=["hsv/subprocess:Popen"]), "subprocess:Popen"),
        (
            lambda again: again["suite"].update(rows=[{"networks": ["evil:Net"]}]),
            "evil:Net",
        ),
    ],
)
def test_code_that_a_stranger_names_is_not_run(around, tmp_path, change, named):
    evil = tmp_path / "evil.py"
    evil.write_text(EVIL)

    def with_place(again):
        change(again)
        again |= json.loads(json.dumps(again).replace("EVIL", str(evil)))

    folder = edited(around, tmp_path / "theirs", with_place)
    packed = tmp_path / "theirs.zip"
    load_results(folder).pack(packed)
    for given in (folder, packed):
        said = run(given, "-o", tmp_path / "new", status=2)
        assert (
            f"the results name code, which would be run: {named.replace('EVIL', str(evil))}" in said
        )
        assert "--trust" in said
    assert not evil.with_suffix(".ran").exists()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("where", ["suite", "options"])
def test_plugins_and_schedulers_are_taken_from_nowhere_else(around, tmp_path, where):
    evil = tmp_path / "evil.py"
    evil.write_text(EVIL)

    def change(again):
        again[where]["plugins"] = [str(evil)]
        again["options"] |= {"executor": "dask", "scheduler": "tcp://127.0.0.1:1", "out": "there"}

    folder = edited(around, tmp_path / "theirs", change)
    assert "1 same" in run(folder, "-o", tmp_path / "new", "--only", "hsv/knn")
    assert not evil.with_suffix(".ran").exists()


def test_a_name_that_was_given_to_the_data_is_no_part_of_their_place(tmp_path, make_folder):
    card = make_folder("images", splits={".": 12}) / "card.toml"
    told = (
        'name = "images"\nclasses = ["real", "fake"]\n[layout]\nkind = "folders"\n'
        '[split]\npolicy = "stratified"\n'
    )
    card.write_text(f"{told}[repeat]\nfolds = 2\n")
    suite = tmp_path / "own.toml"
    suite.write_text(
        'name = "own"\ndatasets = []\nfigures = []\n[budget]\ntrials = 1\n'
        '[[rows]]\nfeatures = ["hsv"]\nmodels = ["knn"]\n'
    )
    dfbench.run(suite, f"mine={tmp_path / 'images'}", out=tmp_path / "out")
    assert "mine hsv/knn same" in run(tmp_path / "out", "-o", tmp_path / "new")
    # a card that no longer repeats gives other figures of the same data
    card.write_text(told)
    said = run(tmp_path / "out", "-o", tmp_path / "once", status=1)
    assert "mine: was run on 2 folds, and now is on one division" in said
    assert "not compared it was run on 2 folds, and now on one division" in said


def test_what_ran_is_held_against_what_ran():
    ok, failed = (pd.Series({"status": status}) for status in ("ok", "failed"))
    assert like(ok, [failed, ok]) is like(ok, [ok, failed]) is ok
    assert like(ok, [failed]) is failed
    assert like(ok, []) is None


def test_data_sets_of_several_commands_may_have_moved(tmp_path, make_folder):
    suite = tmp_path / "own.toml"
    suite.write_text(
        'name = "own"\ndatasets = []\nfigures = []\n[budget]\ntrials = 1\n'
        '[[rows]]\nfeatures = ["hsv"]\nmodels = ["knn"]\n'
    )
    for name in ("one", "two"):
        dfbench.run(suite, make_folder(name), out=tmp_path / "out")
        (tmp_path / name).rename(tmp_path / f"{name}-moved")
    load_results(tmp_path / "out").pack(tmp_path / "a.zip")
    for given in (tmp_path / "out", tmp_path / "a.zip"):
        said = run(given, "-o", tmp_path / "new", "-d", f"one={tmp_path}/one-moved", status=2)
        assert f"two: is not where it was, {tmp_path}/two" in said
        assert "--data two=FOLDER" in said
    moved = [f"--data={name}={tmp_path}/{name}-moved" for name in ("one", "two")]
    assert "2 same" in run(tmp_path / "a.zip", "-o", tmp_path / "new", *moved)
    image = next((tmp_path / "one-moved").rglob("*.png"))
    Image.open(image).rotate(90).save(image)
    said = run(tmp_path / "a.zip", "-o", tmp_path / "other", *moved, status=1)
    assert "one: not the data that it was: its rows will not be compared" in said
