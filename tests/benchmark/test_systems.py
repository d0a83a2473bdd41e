"""Named systems, derived rows and submissions, run whole on small real files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier
from typer.testing import CliRunner, Result

import dfbench as core
from dfbench.cli import app
from dfbench.features.extractors.hsv import HSV
from dfbench.images import decode
from dfbench.results.records.folder import ResultsFolder

pytestmark = pytest.mark.usefixtures("in_process")

SUITE = """
name = "tiny"
datasets = []
figures = []
tune_for = "log_loss"
[budget]
trials = 2
seconds = 20

[[systems]]
name = "nearest"
model = "knn"
features = "hsv"
params = { metric = "manhattan", weights = "uniform", scaling = "none" }
choices = { n_neighbors = [3, 1, 5] }
reported = { figures = "accuracy 0.59", data = "another set", source = "a report" }

[[systems]]
name = "plain"
model = "svm"
features = "hsv+lbp"
params = { C = 7.0 }

[[derived]]
name = "both"
of = ["nearest", "plain"]

[[derived]]
name = "stacked"
of = ["nearest", "plain"]
combine = "stacking"
calibrate = "temperature"

[[derived]]
name = "cut"
of = "plain"
threshold = "youden"
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(SUITE)
    return path


def dfbench(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def cells(out: Path) -> dict[str, tuple[dict[str, Any], pd.DataFrame | None]]:
    found = {}
    entries = json.loads((out / "run.json").read_text())["entries"]
    for entry in (entry for entry in entries if not entry["variant"]):
        record = json.loads((out / "cells" / f"{entry['cell']}.json").read_text())
        path = out / "cells" / f"{entry['cell']}.parquet"
        found[entry["row"]] = record, pd.read_parquet(path) if path.exists() else None
    return found


def tune_scores(out: Path, record: dict[str, Any]) -> pd.DataFrame:
    return pd.read_parquet(out / "cells" / f"{record['cell']}.tune.parquet")


def test_systems_and_rows_made_of_them(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    folder, out = make_folder(), tmp_path / "out"
    result = dfbench("run", "--suite", suite, "--data", folder, "--out", out, "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert "accuracy 0.59 (a report; another set)" in " ".join(result.stdout.split())
    assert "accuracy 0.59" in (out / "leaderboard.md").read_text()
    assert "accuracy 0.59" in (out / "leaderboard.html").read_text()
    found = cells(out)

    record, scores = found["nearest"]
    assert scores is not None
    assert record["params"]["scaling"] == "none"
    assert record["params"]["n_neighbors"] in (1, 3, 5)
    assert record["tuning"]["trials"] == 3, "each choice is tried, whatever the budget"
    of_tuning = tune_scores(out, record)
    own = of_tuning[["p_0", "p_1"]].to_numpy()[range(len(of_tuning)), of_tuning["label"]]
    loss = -np.log(own.clip(np.finfo(float).eps)).mean()
    assert (record["tuning"]["tune_for"], record["tuning"]["best_figure"]) == (
        "log_loss",
        pytest.approx(loss),
    )
    assert "parameters were chosen by log loss, not by ROC AUC" in " ".join(result.stdout.split())
    expected = _nearest(folder, record, list(scores["image"]))
    np.testing.assert_allclose(scores[["p_0", "p_1"]], expected, atol=1e-12)

    record, scores = found["plain"]
    assert record["params"]["C"] == 7.0
    assert record["tuning"]["trials"] == 1, "a system is not tuned unless it says so"
    assert record["tuning"]["tune_for"] == "roc_auc", "nothing is chosen"

    mean = found["both"][1]
    assert mean is not None
    members = [found[name][1] for name in ("nearest", "plain")]
    np.testing.assert_allclose(
        mean[["p_0", "p_1"]], (members[0][["p_0", "p_1"]] + members[1][["p_0", "p_1"]]) / 2
    )
    assert found["both"][0]["combination"]["members"] == ["nearest", "plain"]
    assert found["stacked"][0]["status"] == "ok"

    record, cut = found["cut"]
    assert record["threshold"] is not None
    assert cut is not None
    tuning = tune_scores(out, record)
    positive = record["positive"]
    rates = {
        t: _youden(tuning["label"] == positive, tuning[f"p_{positive}"] >= t)
        for t in tuning[f"p_{positive}"]
    }
    chosen = _youden(tuning["label"] == positive, tuning[f"p_{positive}"] >= record["threshold"])
    assert chosen == pytest.approx(max(rates.values()))
    board = json.loads((out / "leaderboard.json").read_text())
    assert {line["row"]: line["probability"].partition(",")[0] for line in board} == {
        "nearest": "share of neighbours",
        "plain": "Platt",
        "both": "mean of its members",
        "stacked": "logistic",
        "cut": "that of its member",
    }
    assert core.verify(out).sound
    line = next(line for line in board if line["row"] == "cut")
    decided = cut[f"p_{positive}"] >= record["threshold"]
    assert line["metrics"]["accuracy"]["value"] == pytest.approx(
        float(np.mean(decided == (cut["label"] == positive)))
    )


def _youden(truth: pd.Series, said: pd.Series) -> float:
    return float(said[truth].mean() - said[~truth].mean())


def _nearest(folder: Path, record: dict[str, Any], images: list[str]) -> np.ndarray:
    def vectors(paths: list[Path]) -> np.ndarray:
        return HSV().transform([decode(path.read_bytes()) for path in paths])

    train = sorted((folder / "train").rglob("*.png"))
    labels = [record["classes"].index(path.parent.name) for path in train]
    k = record["params"]["n_neighbors"]
    model = KNeighborsClassifier(k, metric="manhattan").fit(vectors(train), labels)
    return np.asarray(model.predict_proba(vectors([folder / image for image in images])))


CONTROLS = """
name = "controls"
[budget]
trials = 4
[[rows]]
features = ["hsv+fft"]
models = ["knn"]
[[systems]]
name = "untuned"
model = "knn"
features = "hsv+fft"
[[systems]]
name = "mixed-up"
model = "knn"
features = "hsv+fft"
shuffle_labels = true
"""


def test_a_row_is_kept_at_its_defaults_and_against_shuffled_labels(
    make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    suite, out = tmp_path / "controls.toml", tmp_path / "out"
    suite.write_text(CONTROLS)
    result = dfbench("run", "-s", suite, "-d", make_folder(), "-o", out, "--jobs", 1)
    assert result.exit_code == 0, result.output
    lines = {line["row"]: line for line in json.loads((out / "leaderboard.json").read_text())}
    tuned, untuned = lines["hsv+fft/knn"], lines["untuned"]
    assert tuned["default_roc_auc"] == untuned["metrics"]["roc_auc"]["value"]
    best = tuned["tuning"]["best_value"]
    assert tuned["optimism"] == pytest.approx(best - tuned["metrics"]["roc_auc"]["value"])
    assert untuned["optimism"] is None
    mixed = lines["mixed-up"]
    assert (mixed["control"], mixed["rank"]) == ("shuffled labels", None)
    assert mixed["metrics"]["roc_auc"]["value"] < untuned["metrics"]["roc_auc"]["value"] - 0.1
    # fitted on five orders, each of which tells something else
    assert mixed["seeds"] == [0, 1, 2, 3, 4]
    figure = mixed["metrics"]["roc_auc"]
    assert figure["spread"] > 0
    assert figure["low"] < 0.5
    assert (untuned["seeds"], untuned["metrics"]["roc_auc"]["spread"]) == ([0], None)
    # what it is scored on is not shuffled
    found = cells(out)
    for row in ("untuned", "mixed-up"):
        scores = found[row][1]
        assert scores is not None
        names = [found[row][0]["classes"][label] for label in scores["label"]]
        assert [Path(image).parent.name for image in scores["image"]] == names
    assert found["untuned"][0]["cell"] != found["mixed-up"][0]["cell"]


def test_nothing_is_made_of_a_control_of_shuffled_labels(
    make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    suite = tmp_path / "controls.toml"
    suite.write_text(CONTROLS + '[[derived]]\nname = "both"\nof = ["untuned", "mixed-up"]\n')
    result = dfbench("run", "-s", suite, "-d", make_folder(), "-o", tmp_path / "out", "--plan")
    assert result.exit_code == 2
    assert "made of 'mixed-up', a control of shuffled labels" in result.output


def test_only_a_derived_row_brings_its_members(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    common = ("run", "--suite", suite, "--data", make_folder(), "--out", out, "--jobs", 1)
    assert dfbench(*common, "--only", "cut").exit_code == 0
    assert set(cells(out)) == {"plain", "cut"}
    before = (out / "cells" / f"{cells(out)['cut'][0]['cell']}.json").stat().st_mtime_ns
    assert dfbench(*common).exit_code == 0
    after = (out / "cells" / f"{cells(out)['cut'][0]['cell']}.json").stat().st_mtime_ns
    assert before == after, "what is finished is not made again"


def test_a_member_that_is_missing_is_named(
    make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    path = tmp_path / "s.toml"
    path.write_text(
        'name = "s"\nfigures = []\n[[systems]]\nname = "plain"\nmodel = "knn"\nfeatures = "hsv"\n'
        '[[systems]]\nname = "absent"\nmodel = "svm"\n'
        'features = "embedding[weights=/no/such.safetensors]"\n'
        '[[derived]]\nname = "both"\nof = ["plain", "absent"]\n'
    )
    out = tmp_path / "out"
    result = dfbench("run", "--suite", path, "--data", make_folder(), "--out", out, "--jobs", 1)
    assert result.exit_code == 0, result.output
    lines = {x["row"]: x for x in json.loads((out / "leaderboard.json").read_text())}
    assert lines["plain"]["status"] == "ok"
    assert lines["both"]["status"] == "skipped"
    assert "absent" in lines["both"]["reason"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"manhattan"', '"manhattan", metrik = "x"'), "unknown parameter 'metrik'"),
        (("C = 7.0", 'C = "much"'), "C is a number above 0, not 'much'"),
        (('of = "plain"', 'of = "plane"'), "unknown row 'plane'"),
        (('"youden"', '"fpr=2"'), "fpr=2"),
        (('model = "svm"', 'model = "svn"'), "unknown model 'svn'"),
        (('name = "plain"', 'name = "nearest"'), "two rows are named 'nearest'"),
        (("choices", "choises"), "unknown key 'choises'"),
        (('combine = "stacking"', 'combine = "magic"'), "combine"),
        (("n_neighbors = [3, 1, 5]", "n_neighbors = []"), "n_neighbors"),
        (('features = "hsv+lbp"', ""), "takes features"),
    ],
)
def test_mistakes_in_a_suite_are_told_before_anything_runs(
    make_folder: Callable[..., Path],
    suite: Path,
    tmp_path: Path,
    change: tuple[str, str],
    said: str,
) -> None:
    suite.write_text(SUITE.replace(*change))
    result = dfbench("run", "--suite", suite, "--data", make_folder(), "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "out" / "run.json").exists()


@pytest.fixture
def competition(tmp_path: Path) -> Path:
    """Three classes with labels in tables, and a test table of ids alone, not in order."""
    root = tmp_path / "contest"
    rng = np.random.default_rng(3)
    colours = [(200, 40, 40), (40, 200, 40), (40, 40, 200)]
    for split, n in (("train", 30), ("validation", 15), ("test", 7)):
        (root / split).mkdir(parents=True)
        lines = ["image_id,label" if split != "test" else "image_id"]
        for i in reversed(range(n)):
            pixels = rng.normal(colours[i % 3], 20, (16, 16, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / split / f"{split}{i}.png")
            lines.append(f"{split}{i},{i % 3}" if split != "test" else f"{split}{i}")
        (root / f"{split}.csv").write_text("\n".join(lines) + "\n")
    return root


def test_a_submission_has_each_id_once_in_the_order_of_the_table(
    competition: Path, suite: Path, tmp_path: Path
) -> None:
    out, file = tmp_path / "out", tmp_path / "sub.csv"
    suite.write_text(
        SUITE.replace('[[derived]]\nname = "cut"\nof = "plain"\nthreshold = "youden"', "")
    )
    result = dfbench("run", "--suite", suite, "--data", competition, "--out", out, "--jobs", 1)
    assert result.exit_code == 0, result.output
    common = ("submit", competition, "--results", out, "--file", file)
    for row in ("nearest", "stacked"):
        result = dfbench(*common, "--row", row)
        assert result.exit_code == 0, result.output
        rows = list(csv.reader(io.StringIO(file.read_text())))
        assert rows == [
            ["image_id", "label"],
            *([f"test{i}", str(i % 3)] for i in reversed(range(7))),
        ]
    assert dfbench(*common, "--row", "nearest", "--scores").exit_code == 0
    rows = list(csv.reader(io.StringIO(file.read_text())))
    assert rows[0] == ["image_id", "0", "1", "2"]
    assert np.array(rows[1:])[:, 1:].astype(float).sum(axis=1) == pytest.approx(1)
    result = dfbench(*common, "--row", "neerest")
    assert result.exit_code == 2
    assert "nearest" in result.stderr
    for at, words in enumerate(
        (
            ("submit", competition, "--row", "nearest", "--out", out),
            ("submit", competition, "--row", "nearest", "--out", file, "--results", tmp_path / "x"),
            ("submit", f"b={competition}", "--row", "nearest", "--out", file, "--results", out),
            ("pack", out, "--out", tmp_path),
        )
    ):
        result = dfbench(*words)
        assert result.exit_code == 2
        assert (
            "out: is a folder, and the verdicts are one file (--file FILE names",
            "--results DIR names the folder that `dfbench run --out DIR` wrote: there is out)",
            f"no row of 'b' (its rows are of {competition.name}: NAME=DATA gives",
            f"{tmp_path}: is a folder, where a file is to be written",
        )[at] in " ".join(result.stderr.split())


def test_an_unreadable_test_image_is_no_silent_gap(
    competition: Path, suite: Path, tmp_path: Path
) -> None:
    (competition / "test" / "test3.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    out, file = tmp_path / "out", tmp_path / "sub.csv"
    common = ("submit", competition, "--results", out, "--out", file, "--row", "nearest")
    run = ("run", "--suite", suite, "--data", competition, "--out", out, "--only", "nearest")
    assert dfbench(*run).exit_code == 0
    result = dfbench(*common)
    assert result.exit_code == 2
    assert "1 of 7 test images" in result.stderr
    assert not file.exists()
    assert dfbench(*common, "--fill", "2").exit_code == 0
    assert "test3,2\n" in file.read_text()


def test_nothing_to_submit_is_said(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    ResultsFolder(tmp_path / "out").write_entries([])
    words = ("--row", "nearest", "--out", tmp_path / "x.csv", "--results", tmp_path / "out")
    result = dfbench("submit", make_folder(), *words)
    assert result.exit_code == 2
    assert "nothing to submit" in result.stderr
