"""Ensembles whose weights are chosen on folds of train, run whole on small real files."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from typer.testing import CliRunner, Result

import dfbench
from dfbench.benchmark.methods import methods
from dfbench.cli import app
from dfbench.detectors.opening import open_model
from dfbench.results.board.board import Line
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.merging import merge, named
from dfbench.results.records.records import Record
from dfbench.results.render import cited
from dfbench.results.results import Results, load_results

pytestmark = pytest.mark.usefixtures("in_process")

SUITE = """
name = "ens"
figures = []
[budget]
trials = 2
[[rows]]
features = ["hsv"]
models = ["knn"]
[[systems]]
name = "few"
features = "lbp"
model = "knn"
[[derived]]
name = "soft"
of = "few"
calibrate = "temperature"
[[derived]]
name = "stacked"
of = ["hsv/knn", "soft"]
combine = "stacking"
folds = 3
[[derived]]
name = "kinds"
of = ["hsv/knn", "soft"]
combine = "by-kind"
folds = 3
[[derived]]
name = "mean"
of = ["hsv/knn", "few"]
[[protocols]]
kind = "robustness"
changes = ["jpeg=50"]
rows = ["stacked"]
"""


@pytest.fixture(scope="module")
def ran(run_once: Callable[..., Path]) -> Path:
    return run_once("ens", SUITE)


@pytest.fixture
def out(ran: Path, monkeypatch: pytest.MonkeyPatch) -> ResultsFolder:
    monkeypatch.setenv("DFBENCH_CACHE", str(ran / "_cache"))
    return ResultsFolder(ran / "out")


def cells(out: ResultsFolder, row: str) -> dict[str, Record]:
    found = {}
    for entry in out.read_entries():
        if entry.row == row:
            record = out.record_of(entry)
            assert record is not None
            found[entry.subset.name] = record
    return found


def cli(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def lines_of(results: Results) -> dict[str, Line]:
    return {line.row: line for line in results.board.lines}


def test_each_training_image_is_scored_once_by_who_has_not_seen_it(out: ResultsFolder) -> None:
    for row in ("hsv/knn", "few", "soft"):
        by_name = cells(out, row)
        whole = by_name.pop("")
        assert set(by_name) == {f"train less fold {n} of 3" for n in (1, 2, 3)}
        images: list[str] = []
        for record in by_name.values():
            assert record.status == "ok"
            assert record.params == whole.params
            assert record.split == "train"
            assert record.n_train + record.n_test == whole.n_train == 32
            images += out.read_scores(record).images
            assert out.read_scores(record, "tune").images == out.read_scores(whole, "tune").images
        assert len(set(images)) == len(images) == 32
        assert all(name.startswith("train/") for name in images)


def test_the_weights_are_those_of_a_regression_on_these_scores(out: ResultsFolder) -> None:
    scores = []
    for row in ("hsv/knn", "soft"):
        tables = [out.read_scores(cells(out, row)[f"train less fold {n} of 3"]) for n in (1, 2, 3)]
        p = np.concatenate([table.probabilities for table in tables])
        scores.append(np.log(np.clip(p[:, 1], 1e-6, 1) / np.clip(p[:, 0], 1e-6, 1)) / 2)
    labels = np.concatenate([table.labels for table in tables])
    record = cells(out, "stacked")[""]
    found = record.combination
    assert (found["folds"], found["n_fitted"]) == (3, 32)
    machine = LogisticRegression(C=found["C"], max_iter=2_000)
    machine.fit(np.column_stack(scores), labels)
    np.testing.assert_allclose(found["coefficients"], machine.coef_, atol=1e-4)
    # what it says of the images of the figures
    of_members = [out.read_scores(cells(out, row)[""]).probabilities for row in ("hsv/knn", "soft")]
    logits = [np.log(np.clip(p[:, 1], 1e-6, 1) / np.clip(p[:, 0], 1e-6, 1)) / 2 for p in of_members]
    expected = machine.predict_proba(np.column_stack(logits))
    np.testing.assert_allclose(out.read_scores(record).probabilities, expected, atol=1e-4)
    assert record.probability == "logistic, folds of train"


def test_all_fits_count(out: ResultsFolder) -> None:
    fits = [r for row in ("hsv/knn", "soft") for r in cells(out, row).values()]
    record = cells(out, "stacked")[""]
    assert record.fit_seconds == pytest.approx(sum(r.fit_seconds or 0.0 for r in fits))
    plain = cells(out, "mean")[""]
    alone = [cells(out, row)[""].fit_seconds or 0.0 for row in ("hsv/knn", "few")]
    assert plain.fit_seconds == pytest.approx(sum(alone))


def test_nothing_is_done_twice(ran: Path, out: ResultsFolder) -> None:
    given = ("run", "--suite", ran / "ens.toml", "--data", ran / "faces", "--out", out.path)
    said = " ".join(cli(*given, "--plan").output.split())
    assert "15 cells, 9 of them folds of train (15 done before)" in said
    assert "3 folds of train 9 done" in said
    # a fold that is lost is fitted again, and the ensemble that is there stays
    again = ran / "again"
    shutil.copytree(out.path, again)
    lost = cells(ResultsFolder(again), "few")["train less fold 2 of 3"]
    (again / "cells" / f"{lost.cell}.json").unlink()
    said = " ".join(cli(*given[:-1], again, "--plan").output.split())
    assert "(1 to run, 14 done before)" in said


def test_verify_reproduce_and_merge(ran: Path, out: ResultsFolder, tmp_path: Path) -> None:
    found = cli("verify", out.path, "--data", ran / "faces")
    assert found.exit_code == 0, found.output
    done = cli("reproduce", out.path, "-o", tmp_path / "new")
    assert done.exit_code == 0, done.output
    assert "6 same" in " ".join(done.output.split())
    assert merge(named([str(out.path), str(tmp_path / "new")]), tmp_path / "all") == []
    merged = load_results(tmp_path / "all")
    assert (
        lines_of(merged)["stacked"].ensemble == lines_of(load_results(out.path))["stacked"].ensemble
    )
    assert cli("verify", tmp_path / "all", "--data", ran / "faces").exit_code == 0


@pytest.mark.parametrize("row", ["stacked", "kinds"])
def test_a_kept_ensemble_needs_no_folds(ran: Path, out: ResultsFolder, row: str) -> None:
    scores = load_results(out.path).scores(row).set_index("image")
    pictures = sorted((ran / "faces" / "test" / "fake").iterdir())[:3]
    model = open_model(out.path, row=row)
    found = model.predict_proba(pictures)[:, model.classes.index("fake")]
    names = [path.relative_to(ran / "faces").as_posix() for path in pictures]
    np.testing.assert_allclose(found, scores["p_fake"][names], atol=1e-5)


def test_the_board_says_what_ensembles_gain_and_what_members_add(out: ResultsFolder) -> None:
    results = load_results(out.path)
    line = lines_of(results)["stacked"]
    of = line.ensemble
    assert of is not None
    aucs = {row: lines_of(results)[row].auc for row in ("hsv/knn", "soft")}
    assert of.best == max(aucs, key=lambda row: aucs[row] or 0.0)
    compared = results.compare("stacked", of.best).frame().set_index("metric")
    for metric, gain in of.gains.items():
        told = compared.loc[metric]
        assert gain.value == pytest.approx(told["difference"])
        assert (gain.low, gain.high) == pytest.approx((told["low"], told["high"]), nan_ok=True)
    for member, its in of.members.items():
        (other,) = (row for row in of.members if row != member)
        left = out.read_scores(cells(out, "stacked")[f"made without {member}"])
        # of two members what is left is the other alone
        alone = results.scores(other).set_index("image")["p_fake"][left.images]
        np.testing.assert_allclose(left.probabilities[:, 1], alone)
        without = roc_auc_score(left.labels, left.probabilities[:, 1])
        assert its.adds["roc_auc"].value == pytest.approx((line.auc or 0.0) - without)
    (pair,) = of.pairs
    rights = [
        (table["label"] == table["decision"]).to_numpy()
        for table in (results.scores(row).sort_values("image") for row in pair.members)
    ]
    assert pair.disagreement == pytest.approx(np.mean(rights[0] != rights[1]))
    assert pair.double_fault == pytest.approx(np.mean(~rights[0] & ~rights[1]))
    coefficients = cells(out, "stacked")[""].combination["coefficients"][0]
    assert [its.weight for its in of.members.values()] == pytest.approx(coefficients)
    assert lines_of(results)["soft"].ensemble is None


def test_all_forms_have_it(out: ResultsFolder) -> None:
    board = load_results(out.path)
    for form in ("md", "html", "tex"):
        text = (out.path / f"leaderboard.{form}").read_text()
        assert "Ensembles" in text, form
        assert "Pairs of members" in text, form
        assert "Weights of kinds" in text, form
    (told,) = (x for x in json.loads((out.path / "leaderboard.json").read_text())
               if x["row"] == "stacked")  # fmt: skip
    assert set(told["ensemble"]["members"]) == {"hsv/knn", "soft"}
    table = pd.read_csv(out.path / "leaderboard.csv").set_index("row")
    assert json.loads(table["ensemble"]["stacked"]) == told["ensemble"]
    tidy = board.figures()
    own = tidy[(tidy["row"] == "stacked") & tidy["part"].str.startswith("ensemble: ")]
    assert not own.duplicated(["dataset", "row", "seed", "split", "part", "metric"]).any()
    assert {"roc_auc", "log_loss", "roc_auc_added", "weight", "q", "double_fault"} <= set(
        own["metric"]
    ) | {"q"}
    # the shares of a mean are told too, and by kind where there are kinds
    assert set(tidy[tidy["part"] == "ensemble: few"]["metric"]) >= {"weight"}
    said = " ".join(cli("leaderboard", out.path).output.split())
    assert "Ensembles Gain over the best member" in said


def test_methods_say_what_the_weights_are_of(out: ResultsFolder) -> None:
    said = cited.to_markdown(methods(out.path))
    assert "weights fitted on 3 folds of the training images" in said
    # none of the rows is calibrated without its own words, nor fitted on the tuning split by folds
    assert not re.search(r"fitted on the others( \[[\d, ]+\])?, fitted on the images", said)


def test_a_member_that_fails_on_a_fold_costs_the_ensemble_alone(
    make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    plugin = tmp_path / "own.py"
    plugin.write_text(
        "import dfbench\nimport numpy as np\n"
        "from sklearn.neighbors import KNeighborsClassifier\n"
        "class Moody(KNeighborsClassifier):\n"
        "    def fit(self, X, y):\n"
        "        if len(X) < 32:\n"
        "            raise ValueError('too few for me')\n"
        "        return super().fit(X, y)\n"
        "@dfbench.model\n"
        "def moody():\n"
        "    return Moody()\n"
    )
    suite = tmp_path / "moody.toml"
    suite.write_text(
        'name = "moody"\nfigures = []\n[budget]\ntrials = 1\n'
        '[[rows]]\nfeatures = ["hsv"]\nmodels = ["knn", "moody"]\n'
        '[[derived]]\nname = "stacked"\nof = ["hsv/knn", "hsv/moody"]\n'
        'combine = "greedy"\nfolds = 2\n'
    )
    results = dfbench.run(suite, make_folder(), plugins=plugin, out=tmp_path / "out")
    lines = lines_of(results)
    assert lines["hsv/moody"].status == lines["hsv/knn"].status == "ok"
    assert lines["stacked"].status == "skipped"
    assert "it is made of hsv/moody, train less fold 1 of 2, which was failed" in (
        lines["stacked"].reason
    )
    assert "too few for me" in lines["stacked"].reason


def test_each_division_has_folds_of_its_own(
    make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    suite = tmp_path / "again.toml"
    suite.write_text(
        'name = "again"\nfigures = []\nseeds = [0, 1]\n[budget]\ntrials = 1\n'
        '[[rows]]\nfeatures = ["hsv", "lbp"]\nmodels = ["knn"]\n'
        '[[derived]]\nname = "greedy"\nof = ["hsv/knn", "lbp/knn"]\n'
        'combine = "greedy"\nfolds = 2\n'
    )
    for repeat in ("folds=2", "splits=2"):
        results = dfbench.run(suite, make_folder(repeat), out=tmp_path / repeat, repeat=repeat)
        found = lines_of(results)["greedy"]
        assert found.status == "ok"
        assert found.ensemble is not None
        assert found.ensemble.members["hsv/knn"].adds["roc_auc"].value is not None
        weights = [fit.weights or {} for fit in found.fits]
        assert len(weights) == 4
        assert found.ensemble.members["hsv/knn"].weight == pytest.approx(
            np.mean([each["hsv/knn"] for each in weights])
        )
        compared = results.compare("greedy", found.ensemble.best).frame().set_index("metric")
        assert found.ensemble.gains["roc_auc"].value == pytest.approx(
            compared.loc["roc_auc", "difference"]
        )


def test_a_detector_of_other_data_scores_the_folds(
    make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "theirs.py").write_text(
        "import numpy as np\n"
        "def rough(image):\n"
        "    return float(np.abs(np.diff(image.mean(axis=2), axis=1)).mean())\n"
    )
    suite = tmp_path / "mixed.toml"
    suite.write_text(
        'name = "mixed"\nfigures = []\n[budget]\ntrials = 1\n'
        '[[rows]]\nfeatures = ["hsv"]\nmodels = ["knn"]\n'
        '[[systems]]\nname = "rough"\nmodel = "call:theirs.py:rough"\n'
        'params = { outputs = ["fake"], activation = "calibrated", trained_on = "other" }\n'
        '[[derived]]\nname = "both"\nof = ["hsv/knn", "rough"]\n'
        'combine = "by-kind"\nfolds = 2\n'
    )
    results = dfbench.run(suite, make_folder(), out=tmp_path / "out", jobs=1)
    assert lines_of(results)["both"].status == "ok"
    out = ResultsFolder(tmp_path / "out")
    theirs = cells(out, "rough")
    whole = out.read_scores(theirs[""], "tune")
    for n in (1, 2):  # the detector is the same on each fold
        own = out.read_scores(theirs[f"train less fold {n} of 2"], "tune")
        np.testing.assert_allclose(own.probabilities, whole.probabilities)


def test_folds_that_cannot_be_cost_no_fit(make_folder: Callable[..., Path], tmp_path: Path) -> None:
    suite = tmp_path / "many.toml"
    suite.write_text(
        'name = "many"\nfigures = []\n[budget]\ntrials = 1\n'
        '[[rows]]\nfeatures = ["hsv"]\nmodels = ["knn", "logistic"]\n'
        '[[derived]]\nname = "stacked"\nof = ["hsv/knn", "hsv/logistic"]\n'
        'combine = "greedy"\nfolds = 40\n'
    )
    results = dfbench.run(suite, make_folder(), out=tmp_path / "out")
    line = lines_of(results)["stacked"]
    assert line.status == "skipped"
    assert line.reason.startswith("32 training images leave nothing for fold ")
    assert {entry.variant for entry in ResultsFolder(tmp_path / "out").read_entries()} == {""}
