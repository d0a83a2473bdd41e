"""Rows that are fitted once more on train and validation, run whole on small real files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier
from typer.testing import CliRunner, Result

import dfbench as core
from dfbench.benchmark.methods import methods
from dfbench.cli import app
from dfbench.detectors.kept import KeptModels
from dfbench.features.extractors.hsv import HSV
from dfbench.images import decode
from dfbench.models.base import Model
from dfbench.models.classical.knn import KNN

pytestmark = pytest.mark.usefixtures("in_process")

SUITE = """
name = "again"
figures = []
refit = true
[budget]
trials = 2
seconds = 20

[[systems]]
name = "nearest"
model = "knn"
features = "hsv"
params = { metric = "manhattan", weights = "uniform", scaling = "none" }
choices = { n_neighbors = [7, 1, 3] }

[[systems]]
name = "machine"
model = "svm"
features = "lbp"
tune = true

[[derived]]
name = "cut"
of = "nearest"
threshold = "youden"
calibrate = "temperature"
"""
CONTROL = """
[[systems]]
name = "mixed-up"
model = "knn"
features = "hsv"
params = { metric = "manhattan", weights = "uniform", scaling = "none", n_neighbors = 3 }
shuffle_labels = true
"""
SAID = "once their parameters were chosen, rows were fitted on train and validation together"


def dfbench(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def cells(out: Path) -> dict[str, dict[str, Any]]:
    entries = json.loads((out / "run.json").read_text())["entries"]
    return {
        entry["row"]: json.loads((out / "cells" / f"{entry['cell']}.json").read_text())
        for entry in entries
    }


def table(out: Path, record: dict[str, Any], part: str = "") -> pd.DataFrame:
    return pd.read_parquet(out / "cells" / f"{record['cell']}{part}.parquet")


def vectors(folder: Path, names: list[str]) -> np.ndarray:
    return np.vstack([HSV().transform([decode((folder / name).read_bytes())]) for name in names])


def split(folder: Path, *names: str) -> tuple[np.ndarray, np.ndarray]:
    """Give vectors and labels of the images of splits."""
    files = [f for name in names for f in sorted((folder / name).glob("*/*.png"))]
    X = vectors(folder, [str(f.relative_to(folder)) for f in files])
    return X, np.array([f.parent.name == "fake" for f in files], int)


def shares(X: np.ndarray, y: np.ndarray, k: int, of: np.ndarray) -> np.ndarray:
    found: np.ndarray = KNeighborsClassifier(k, metric="manhattan").fit(X, y).predict_proba(of)
    return found


@pytest.fixture(scope="module")
def around(run_once: Callable[..., Path]) -> Path:
    return run_once("again", SUITE + CONTROL, keep_models="all", jobs=1)


def test_figures_are_of_a_fit_on_train_and_validation(around: Path) -> None:
    folder, out = around / "faces", around / "out"
    record = cells(out)["nearest"]
    assert (record["refit"], record["n_train"], record["n_tune"]) == (True, 32, 16)
    assert record["identity"]["refit"] is True
    k = record["params"]["n_neighbors"]
    train, all_ = split(folder, "train"), split(folder, "train", "validation")
    for part, its, n in (("", all_, k), (".default", all_, 7), (".tune", train, k)):
        if part == ".default" and k == 7:
            continue
        scores = table(out, record, part)
        wanted = shares(*its, n, vectors(folder, list(scores["image"])))
        np.testing.assert_allclose(scores[["p_0", "p_1"]], wanted, atol=1e-9)


def test_a_control_is_fitted_on_shuffled_labels_of_both(around: Path) -> None:
    record = cells(around / "out")["mixed-up"]
    assert (record["refit"], record["control"]) == (True, "shuffled labels")


def test_what_is_derived_is_chosen_before_and_is_told_to_be_refitted(around: Path) -> None:
    out = around / "out"
    found = cells(out)
    assert found["cut"]["refit"]
    assert "refit" not in found["cut"]["identity"], "its members' identities hold it"
    assert found["cut"]["threshold"] is not None
    tune = table(out, found["nearest"], ".tune")
    temperature = found["cut"]["combination"]["calibration"]["temperature"]
    own = tune[["p_0", "p_1"]].to_numpy()
    from dfbench.models.selection.calibration import temperature as fitted

    assert temperature == pytest.approx(fitted(own, tune["label"].to_numpy()).value)


def test_what_is_kept_is_the_model_of_the_figures(around: Path) -> None:
    folder, out = around / "faces", around / "out"
    for row in ("nearest", "machine", "cut"):
        record = cells(out)[row]
        scores = table(out, record)
        models = KeptModels(out)
        found = models.detector(models.entry(row)).predict_proba(
            [folder / its for its in scores["image"]]
        )
        np.testing.assert_allclose(found, scores[["p_0", "p_1"]], atol=1e-6)


def test_every_form_says_so(around: Path) -> None:
    out = around / "out"
    for form in ("md", "html", "tex"):
        text = " ".join((out / f"leaderboard.{form}").read_text().split())
        assert SAID in text, form
    for line in json.loads((out / "leaderboard.json").read_text()):
        assert line["refit"]
        assert any(SAID in note for note in line["notes"])
    assert pd.read_csv(out / "leaderboard.csv")["refit"].all()
    shown = " ".join(dfbench("leaderboard", out).stdout.split())
    assert SAID in shown
    told = "".join(each.text for paragraph in methods(out) for each in paragraph)
    assert "Each row was then fitted once more, with these parameters" in told
    page = " ".join((out / "leaderboard.html").read_text().split())
    assert "then a fit on train and tuning part together" in page
    assert dfbench("verify", out).exit_code == 0
    schema = json.loads(dfbench("schema", "record").stdout)
    assert schema["properties"]["refit"]["type"] == "boolean"


def test_it_comes_out_again(around: Path, tmp_path: Path) -> None:
    result = dfbench("reproduce", around / "out", "--out", tmp_path / "new", "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert cells(tmp_path / "new")["nearest"]["refit"]


def test_with_and_without_are_cells_of_their_own_that_share_trials(
    around: Path, make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    suite, folder = tmp_path / "again.toml", make_folder()
    suite.write_text(SUITE)
    out = tmp_path / "out"
    given = ("run", "--suite", suite, "--data", folder, "--out", out, "--jobs", 1)
    assert dfbench(*given, "--no-refit").exit_code == 0
    before = cells(out)
    assert not any(record["refit"] for record in before.values())
    assert "refit" not in before["nearest"]["identity"]
    assert SAID not in (out / "leaderboard.md").read_text()
    plan = dfbench(*given, "--plan")
    assert "then a fit on train and tuning part together" in " ".join(plan.stdout.split())
    studies = {path.name for path in (out / "studies").iterdir()}
    assert dfbench(*given, "--only", "machine").exit_code == 0
    after = cells(out)
    assert after["machine"]["cell"] != before["machine"]["cell"]
    assert after["machine"]["refit"]
    assert {path.name for path in (out / "studies").iterdir()} == studies
    assert after["machine"]["tuning"]["best_value"] == before["machine"]["tuning"]["best_value"]
    # the tuning part is scored by the same fit, on train alone
    pd.testing.assert_frame_equal(
        table(out, after["machine"], ".tune"), table(out, before["machine"], ".tune")
    )
    board = " ".join((out / "leaderboard.md").read_text().split())
    assert f"{SAID} (refit) (machine)" in board
    merged = tmp_path / "merged"
    assert dfbench("merge", out, around / "out", "--out", merged).exit_code in (0, 2)


def test_where_validation_gives_the_figures_no_image_of_it_is_fitted_on(
    make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_folder(splits={"train": 20, "validation": 10})
    suite, out = tmp_path / "again.toml", tmp_path / "out"
    suite.write_text(SUITE)
    core.run(suite, folder, only="nearest", out=out, jobs=1)
    record = cells(out)["nearest"]
    assert (record["split"], record["tuned_on"]) == ("validation", "part of train")
    assert (record["n_train"], record["n_tune"], record["n_test"]) == (32, 8, 20)
    scores = table(out, record)
    X, y = split(folder, "train")
    k = record["params"]["n_neighbors"]
    wanted = shares(X, y, k, vectors(folder, list(scores["image"])))
    np.testing.assert_allclose(scores[["p_0", "p_1"]], wanted, atol=1e-9)
    assert "fitted on all of train, with the part that chose them (refit)" in " ".join(
        (out / "leaderboard.md").read_text().split()
    )


@pytest.mark.parametrize("repeat", ["folds=3", "splits=2"])
def test_no_fold_is_fitted_on_what_it_is_scored_on(
    make_folder: Callable[..., Path], tmp_path: Path, repeat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    refit = KNN.refit

    def spied(self: Any, chosen: Any, X: Any, y: Any) -> Any:
        seen.append(len(y))
        return refit(self, chosen, X, y)

    monkeypatch.setattr(KNN, "refit", spied)
    folder, out = make_folder(), tmp_path / "out"
    suite = tmp_path / "again.toml"
    suite.write_text(SUITE)
    core.run(suite, folder, only="nearest", out=out, jobs=1, repeat=repeat)
    entries = json.loads((out / "run.json").read_text())["entries"]
    assert len(entries) == int(repeat[-1])
    for entry in entries:
        record = json.loads((out / "cells" / f"{entry['cell']}.json").read_text())
        tested = set(table(out, record)["image"])
        tuned = set(table(out, record, ".tune")["image"])
        assert not tested & tuned
        assert record["n_train"] + record["n_tune"] + len(tested) == 68, "all that there are"
        assert record["n_train"] + record["n_tune"] in seen


def test_a_learning_curve_counts_what_each_point_was_fitted_on(
    make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder, out = make_folder(), tmp_path / "out"
    suite = tmp_path / "again.toml"
    suite.write_text(
        SUITE + '[[protocols]]\nkind = "learning-curve"\nfractions = [0.5]\nrows = ["nearest"]\n'
    )
    core.run(suite, folder, only="nearest", out=out, jobs=1)
    lines = json.loads((out / "protocols.json").read_text())
    assert {line["n_train"] for line in lines} == {16 + 16, 32 + 16}


def test_a_detector_from_elsewhere_is_not_fitted_and_stays_the_cell_that_it_was(
    make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_folder()
    (tmp_path / "theirs.py").write_text("def theirs(image):\n    return float(image.mean())\n")
    suite = tmp_path / "again.toml"
    suite.write_text(
        SUITE
        + '[[systems]]\nname = "theirs"\nmodel = "call:theirs.py:theirs"\n'
        + 'params = { outputs = ["fake"], activation = "calibrated", trained_on = "other" }\n'
    )
    out = tmp_path / "out"
    found = []
    for refit in (True, False):
        core.run(suite, folder, only=["theirs", "nearest"], out=out, jobs=1, refit=refit)
        found.append(cells(out))
    assert [its["theirs"]["status"] for its in found] == ["ok", "ok"]
    assert found[0]["theirs"]["cell"] == found[1]["theirs"]["cell"]
    assert not found[0]["theirs"]["refit"]
    assert found[0]["nearest"]["cell"] != found[1]["nearest"]["cell"]


def test_a_model_without_a_way_of_it_is_skipped_and_says_so(
    make_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KNN, "refit", Model.refit)
    suite = tmp_path / "again.toml"
    suite.write_text(SUITE)
    results = core.run(suite, make_folder(), only="nearest", out=tmp_path / "out", jobs=1)
    (line,) = results.board.lines
    assert line.status == "skipped"
    assert line.reason == "knn cannot be refitted: it has no method refit (--no-refit)"


def test_the_list_of_rows_says_so(tmp_path: Path) -> None:
    suite = tmp_path / "again.toml"
    suite.write_text(SUITE)
    assert "refit: once its parameters" in dfbench("list", "rows", "--suite", suite).stdout
    suite.write_text(SUITE.replace("refit = true", 'refit = "yes"'))
    assert "refit" in dfbench("run", "--suite", suite).stderr
