"""Rows of a run are kept, written to files that stand alone, and give their scores again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import dfbench
from dfbench.detectors.archive import read, write
from dfbench.detectors.detector import Detector
from dfbench.detectors.kept import KeptModels
from dfbench.detectors.opening import open_model
from dfbench.errors import DfbenchError, OutputError, UnknownNameError

ROWS = [
    "hsv/knn",
    "hsv+lbp/svm",
    "hsv+lbp/xgboost",
    "metadata/xgboost",
    "embedded",
    "network",
    "native",
    "hybrid",
    "ensemble",
    "stacked",
    "calibrated",
]


def scores(ran, row: str):
    table = dfbench.load_results(ran.out).scores(row)
    return table, table[["p_real", "p_fake"]].to_numpy()


@pytest.mark.parametrize("row", ROWS)
def test_an_exported_row_gives_its_stored_scores_again(ran, row: str, tmp_path: Path) -> None:
    write(tmp_path / "model.dfb", ran.bundle(row))
    detector = dfbench.load_model(tmp_path / "model.dfb")
    table, expected = scores(ran, row)
    found = detector.predict_proba(ran.paths(table["image"].tolist()))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    decisions = detector.predict(ran.paths(table["image"].tolist()))
    assert decisions.tolist() == table["decision"].tolist()


def test_an_exported_file_needs_nothing_of_the_run(ran, tmp_path: Path, monkeypatch) -> None:
    """Neither its folder nor the features in the store; and an embedding brings its weights."""
    write(tmp_path / "model.dfb", ran.bundle("embedded"))
    monkeypatch.setenv("DFBENCH_CACHE", str(tmp_path / "nothing"))
    kept = read(tmp_path / "model.dfb")
    [extractor] = kept.contents.models[0].extractors
    assert extractor.weights in kept.files
    assert "weights" not in extractor.params
    # the weights of the file count, not those of the seed: others give other features
    other = extractor.model_copy(update={"params": {**extractor.params, "seed": 5}})
    model = kept.contents.models[0].model_copy(update={"extractors": [other]})
    contents = kept.contents.model_copy(update={"models": [model]})
    table, expected = scores(ran, "embedded")
    images = ran.paths(table["image"].tolist())
    again = Detector(type(kept)(contents, kept.files)).predict_proba(images)
    np.testing.assert_allclose(again, expected, atol=1e-6)


def test_a_row_of_a_results_folder_can_be_asked_as_it_is(ran) -> None:
    table, expected = scores(ran, "calibrated")
    detector = open_model(ran.out, row="calibrated")
    images = ran.paths(table["image"].tolist())
    np.testing.assert_allclose(detector.predict_proba(images), expected, atol=1e-6)
    best = dfbench.load_results(ran.out).board.tables[0].ranked[0].row
    assert open_model(ran.out).contents.row == best


def test_what_an_exported_file_tells(ran) -> None:
    bundle = ran.bundle("calibrated")
    contents = bundle.contents
    line = next(x for x in dfbench.load_results(ran.out).board.lines if x.row == "calibrated")
    assert contents.figures == line.metrics
    assert contents.classes == ["real", "fake"]
    assert contents.threshold == line.threshold
    assert contents.seen.formats == ["PNG"]
    assert (contents.seen.shorter, contents.seen.longer) == ((40, 40), (48, 48))
    assert (contents.n_train, contents.n_tune, contents.n_test) == (32, 16, 20)
    # ensemble and stacked share a member with it, which is there once
    assert [model.row for model in contents.models] == [
        "hsv/knn",
        "network",
        "hsv+lbp/svm",
        "hsv/xgboost",
    ]
    for said in (
        "calibrated on faces",
        "ROC AUC",
        "20 images",
        "of 100 real images",
        "it says fake",
    ):
        assert said in bundle.card


def test_the_files_of_a_model_are_the_same_each_time(ran, tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / name, ran.bundle("stacked"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_rows_are_found_or_the_nearest_are_named(ran) -> None:
    models = ran.models
    sizes = {row.row: row.size for row in models.rows()}
    assert len(sizes) == 14
    # what several members share counts once
    parts = ["hsv/knn", "network", "hsv+lbp/svm", "hsv/xgboost"]
    assert 0 < sizes["calibrated"] - sum(sizes[part] for part in parts) < 30_000
    with pytest.raises(UnknownNameError, match="did you mean 'hsv/knn'"):
        models.entry("hsv/kn")
    with pytest.raises(UnknownNameError, match="unknown data set 'other'"):
        models.entry("hsv/knn", "other")
    with pytest.raises(UnknownNameError, match="unknown seed '3'"):
        models.entry("hsv/knn", seed=3)


def test_a_member_that_is_gone_is_said(ran, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(ran.out, out)
    models = KeptModels(out)
    (out / "models" / f"{models.entry('network').cell}.dfb").unlink()
    with pytest.raises(OutputError, match=r"not kept.*--only 'network' --keep-models all"):
        models.bundle(models.entry("network"))
    with pytest.raises(DfbenchError, match="a model that it is made of was not kept"):
        models.bundle(models.entry("ensemble"))
    assert "ensemble" not in {row.row for row in models.rows()}


def test_where_that_on_top_is_not_kept_another_is_named(ran, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(ran.out, out)
    top, second = (line.row for line in KeptModels(out).board.tables[0].ranked[:2])
    (out / "models" / f"{KeptModels(out).entry(top).cell}.dfb").unlink()
    models = KeptModels(out)
    kept = next(row for row in models.rows() if row.row != top)
    with pytest.raises(OutputError) as told:
        models.best()
    assert f"the model of '{top}', the row on top of 'faces', was not kept" in str(told.value)
    assert f"--row {kept.row} asks the best row that is" in str(told.value)
    found = models.board.best_kept()
    assert found is not None
    assert (found[0].row in {second, kept.row}, found[1]) == (True, False)
    shutil.rmtree(out / "models")
    with pytest.raises(OutputError, match="--keep-models all"):
        KeptModels(out).best()


def test_a_derived_row_s_own_file_says_that_it_does_not_stand_alone(ran) -> None:
    cell = ran.models.entry("ensemble").cell
    with pytest.raises(DfbenchError, match="dfbench export"):
        dfbench.load_model(ran.out / "models" / f"{cell}.dfb")


def test_a_results_folder_is_no_model_file(ran) -> None:
    with pytest.raises(DfbenchError, match=r"is a folder, not a model file.*dfbench export"):
        dfbench.load_model(ran.out)
    with pytest.raises(DfbenchError, match="not a results folder"):
        open_model(ran.root)


def test_a_derived_row_sees_images_in_the_normal_form_of_its_data_set(
    tmp_path: Path, make_folder, in_process: None
) -> None:
    card = tmp_path / "faces.toml"
    card.write_text(
        f'name = "faces"\nroot = "{make_folder()}"\nclasses = ["real", "fake"]\n'
        '[layout]\nkind = "folders"\n'
        '[layout.splits]\ntrain = "train"\nvalidation = "validation"\ntest = "test"\n'
        '[normalise]\nsize = 24\nmethod = "crop"\nformat = "jpeg"\nquality = 60\n'
    )
    suite = tmp_path / "suite.toml"
    suite.write_text(
        'name = "two"\nfigures = []\nbudget.trials = 1\n'
        '[[rows]]\nfeatures = ["hsv"]\nmodels = ["knn", "svm"]\n'
        '[[derived]]\nname = "both"\nof = ["hsv/knn", "hsv/svm"]\n'
    )
    dfbench.run(suite, card, out=tmp_path / "out")
    detector = open_model(tmp_path / "out", row="both")
    table = dfbench.load_results(tmp_path / "out").scores("both")
    images = [tmp_path / "faces" / image for image in table["image"]]
    found = detector.predict_proba(images)
    np.testing.assert_allclose(found, table[["p_real", "p_fake"]].to_numpy(), atol=1e-6)
