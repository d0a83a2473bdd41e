"""Rows fitted on changed copies of their training images, run whole on small real files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier
from typer.testing import CliRunner, Result

import dfbench as core
from dfbench.benchmark.methods import methods
from dfbench.benchmark.planning.augmenting import augmentation
from dfbench.cli import app
from dfbench.features.extractors.hsv import HSV
from dfbench.features.views.view import Seen, perturb, view
from dfbench.images import decode
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record, Scores
from tests.conftest import fill, ran_in

pytestmark = pytest.mark.usefixtures("in_process")

VIEWS = ["jpeg=50", "noise=6", "resize=0.5+jpeg=70"]
SUITE = """
name = "tiny"
datasets = []
figures = []
[budget]
trials = 2
seconds = 20

[[systems]]
name = "nearest"
model = "knn"
features = "hsv"
params = { n_neighbors = 3, metric = "manhattan", weights = "uniform", scaling = "none" }
robust = true
augment = ["jpeg=50", "noise=6", "resize=0.5+jpeg=70"]
copies = 2

[[rows]]
features = ["hsv+metadata"]
models = ["kernel-ridge"]
robust = true

[[systems]]
name = "limited"
model = "svm"
features = "hsv"
params = { max_exact = 50 }
robust = true
augment = ["jpeg=50"]

[[derived]]
name = "both"
of = ["nearest@robust", "hsv+metadata/kernel-ridge@robust"]
combine = "stacking"
calibrate = "temperature"

[[protocols]]
kind = "robustness"
changes = ["jpeg=50"]
[[protocols]]
kind = "learning-curve"
fractions = [0.5]
rows = ["nearest@robust"]
"""


def dfbench(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def records(out: Path) -> dict[tuple[str, str], tuple[Record, Scores]]:
    folder = ResultsFolder(out)
    found = {}
    for entry in folder.read_entries():
        record = folder.record_of(entry)
        assert record is not None
        found[entry.row, entry.variant] = record, folder.read_scores(record)
    return found


def seen(path: Path, chain: str = "") -> Any:
    data = path.read_bytes()
    key = hashlib.sha256(data).hexdigest()
    return perturb(Seen(decode(data), data), view(chain).chain, key).image


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("robust")
    fill(folder / "faces")
    return ran_in(folder, SUITE)


def test_the_scores_are_those_of_the_same_model_fitted_by_hand(ran: Path) -> None:
    found = records(ran / "out")
    record, table = found["nearest@robust", ""]
    plain, _ = found["nearest", ""]
    extractor, X, y = HSV(), [], []
    train = [(p, n) for n, c in enumerate(("real", "fake"))
             for p in sorted((ran / "faces/train" / c).iterdir())]  # fmt: skip
    paths = [path.relative_to(ran / "faces").as_posix() for path, _ in train]
    labels = np.array([label for _, label in train])
    drawn = augmentation(VIEWS, 2).drawn(paths, labels, [""] * len(paths), 0)
    for (path, label), own in zip(train, drawn, strict=True):
        for chain in ("", *(VIEWS[number] for number in own)):
            X.append(seen(path, chain))
            y.append(label)
    model = KNeighborsClassifier(3, metric="manhattan").fit(extractor.transform(X), y)
    tested = [ran / "faces" / image for image in table.images]
    expected = model.predict_proba(extractor.transform([seen(path) for path in tested]))
    # of rows at one distance another may be taken
    assert (np.abs(table.probabilities - expected).max(axis=1) < 1e-9).mean() > 0.9
    # images are counted, and copies told besides
    assert (record.n_train, record.n_tune, record.n_test) == (
        *(plain.n_train, plain.n_tune, plain.n_test),
    )
    assert record.copies is not None
    assert (record.copies.views, record.copies.of_each) == (VIEWS, 2)
    assert plain.copies is None
    assert "augment" not in plain.identity
    assert record.identity["augment"]["views"] == VIEWS


def test_limits_are_by_the_rows_that_are_fitted(ran: Path) -> None:
    found = records(ran / "out")
    plain, robust = found["limited", ""][0], found["limited@robust", ""][0]
    assert plain.n_train == robust.n_train == 32
    assert (plain.params["solver"], robust.params["solver"]) == ("exact", "nystroem")


def test_choices_of_derived_rows_are_made_on_images_as_they_are(ran: Path) -> None:
    folder = ResultsFolder(ran / "out")
    found = records(ran / "out")
    for name in ("nearest@robust", "hsv+metadata/kernel-ridge@robust", "both"):
        record, _ = found[name, ""]
        tuned = folder.read_scores(record, "tune")
        assert len(set(tuned.images)) == len(tuned.images) == record.n_tune


def test_a_part_of_the_training_images_has_its_share_of_the_copies(ran: Path) -> None:
    found = records(ran / "out")
    [record] = [its for (_, variant), (its, _) in found.items() if "of train" in variant]
    assert record.row == "nearest@robust"
    whole, _ = found["nearest@robust", ""]
    # what nearest neighbours hold is by the rows that they were fitted on: three of each image
    assert record.copies == whole.copies
    assert record.n_train * 2 == whole.n_train
    assert record.model_bytes is not None
    assert whole.model_bytes is not None
    assert record.model_bytes < whole.model_bytes / 1.5


def test_it_is_told_on_the_board_and_in_the_methods(ran: Path) -> None:
    said = (ran / "out/leaderboard.md").read_text()
    assert (
        "nearest@robust: fitted and tuned on each image as it is and on 2 changed copies of it,"
        " each in one of the views jpeg=50, noise=6, resize=0.5+jpeg=70;"
    ) in said
    line = json.loads((ran / "out/leaderboard.json").read_text())
    told = {each["row"]: each["copies"] for each in line}
    assert told["nearest@robust"] == {"views": VIEWS, "of_each": 2}
    assert told["nearest"] is None
    table = pd.read_csv(ran / "out/leaderboard.csv").set_index("row")
    assert table["copies"]["nearest@robust"] == f"2 of {', '.join(VIEWS)}"
    text = "".join(each.text for part in methods(ran / "out") for each in part)
    assert "on 2 changed copies of it, each in one of the views jpeg=50" in text


def test_a_kept_model_sees_pictures_as_they_are(ran: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DFBENCH_CACHE", str(ran / "_cache"))
    record, table = records(ran / "out")["nearest@robust", ""]
    detector = core.load_model(ResultsFolder(ran / "out").model_file(record.cell))
    found = detector.predict_proba([ran / "faces" / image for image in table.images])
    np.testing.assert_allclose(found, table.probabilities, atol=1e-6)
    assert dfbench("verify", ran / "out").exit_code == 0


def test_results_are_reproduced_with_the_same_copies(
    ran: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DFBENCH_CACHE", str(ran / "_cache"))
    made = json.loads((ran / "out/made.json").read_text())
    assert "jpeg=40" in json.dumps(made)  # of the views that nobody named
    result = dfbench("reproduce", ran / "out", "--out", ran / "again", "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert "differs" not in result.output


def test_on_the_command_line(ran: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DFBENCH_CACHE", str(ran / "_cache"))
    given = ("run", "-s", "smoke", "-d", ran / "faces", "-o", ran / "other", "--plan")
    plain = dfbench(*given, "--only", "hsv/knn").stdout
    assert "@robust" not in plain
    both = dfbench(*given, "--only", "hsv/knn", "--robust", "--augment", "jpeg=60,blur=1.5",
                   "--copies", "1").stdout  # fmt: skip
    assert "hsv/knn@robust" in both
    told = (
        "hsv/knn@robust: fitted and tuned on 1 changed copy of each image too (jpeg=60, blur=1.5)"
    )
    assert told in " ".join(both.split())
    wrong = dfbench(*given, "--only", "hsv/knn", "--robust", "--copies", "many")
    assert wrong.exit_code == 2
    none = dfbench(*given, "--only", "hsv/knn", "--augment", "jpeg=60")
    assert none.exit_code == 2
    assert "no row is fitted on changed copies (--robust, or --only ROW@robust)" in " ".join(
        none.output.split()
    )


def test_what_tuning_came_to_on_copies_is_not_held_against_images_as_they_are(ran: Path) -> None:
    found = core.verify(ran / "out")
    assert not found.checks.damaged
    lines = {line.row: line for line in core.load_results(ran / "out").board.tables[0].measured}
    tuned = "hsv+metadata/kernel-ridge"
    assert lines[tuned].optimism is not None
    assert lines[f"{tuned}@robust"].tuning.trials == 2
    assert lines[f"{tuned}@robust"].optimism is None


@pytest.mark.parametrize("given", ["0", "-1", "101", "1.5", "many"])
def test_copies_out_of_range_are_told_the_range(tmp_path: Path, given: str) -> None:
    said = "a whole number from 1 to 100 or 'all' is wanted, not "
    shown = dfbench("run", "--data", tmp_path, "--robust", "--copies", given)
    assert shown.exit_code == 2
    assert said in shown.output
    if given != "many":
        (tmp_path / "s.toml").write_text(SUITE.replace("copies = 2", f"copies = {given}"))
        shown = dfbench("run", "--data", tmp_path, "--suite", tmp_path / "s.toml")
        assert "key 'copies'" in shown.output
        assert said + given in shown.output
