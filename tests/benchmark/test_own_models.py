"""Models of one's own in a run: by path, by function, tuned by the suite, kept and asked again."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import dfbench
from dfbench.benchmark.planning.rows import rows
from dfbench.detectors.opening import open_model
from dfbench.errors import CardError, DfbenchError, ParameterError
from dfbench.registry import EXTRACTORS, MODELS, Registry
from dfbench.suites.suite import load_suite

PLUGIN = """
from typing import Annotated

import dfbench
from helper_of_mine import depth
from sklearn.ensemble import RandomForestClassifier


@dfbench.model
def small_forest(max_depth: Annotated[int, (2, 6)] = depth, trees=15):
    return RandomForestClassifier(trees, max_depth=max_depth)
"""

SUITE = """
name = "own"
datasets = []
figures = []
plugins = ["mine.py"]
[budget]
trials = 3

[[rows]]
features = ["hsv"]
models = ["knn", "small_forest", "logistic"]

[[systems]]
name = "tuned by the suite"
model = "sklearn.ensemble:ExtraTreesClassifier"
features = "hsv"
params = { n_estimators = 15 }

[systems.search]
max_depth = { int = [2, 3] }
min_samples_leaf = { int = [1, 3], log = true }
criterion = { choices = ["gini", "entropy"] }

[[systems]]
name = "absent"
model = "no_such_package.models:Forest"
features = "hsv"
"""


def suite_in(folder: Path) -> Path:
    (folder / "mine.py").write_text(PLUGIN)
    (folder / "helper_of_mine.py").write_text("depth = 3\n")
    (folder / "suite.toml").write_text(SUITE)
    return folder / "suite.toml"


@pytest.fixture(autouse=True)
def forget_the_helper(monkeypatch):
    path = list(sys.path)
    yield
    sys.modules.pop("helper_of_mine", None)
    sys.path[:] = path


def test_they_run_beside_ours_and_are_kept(tmp_path, make_folder):
    suite, faces = suite_in(tmp_path), make_folder("faces")
    results = dfbench.run(suite, data=faces, out=tmp_path / "out", jobs=1)
    found = {record.row: record for record in results.ran}
    skipped = found.pop("absent")
    assert (skipped.status, "pip install no_such_package" in skipped.reason) == ("skipped", True)
    assert {record.status for record in found.values()} == {"ok"}, found
    assert not any(record.not_kept for record in found.values())
    tuned = found["tuned by the suite"]
    assert tuned.params["max_depth"] in (2, 3)
    assert tuned.params["criterion"] in ("gini", "entropy")
    assert tuned.params["n_estimators"] == 15
    assert 2 <= found["hsv/small_forest"].params["max_depth"] <= 6
    # asked later: one by its path, and one whose code is in a file of one's own
    shown = sorted((faces / "test").rglob("*.png"))
    for row, plugins in (("tuned by the suite", ()), ("hsv/small_forest", [tmp_path / "mine.py"])):
        detector = open_model(tmp_path / "out", row=row, plugins=plugins)
        assert detector.predict_proba(shown).shape == (len(shown), 2)
    with pytest.raises(DfbenchError, match="small_forest"):
        open_model(tmp_path / "out", row="hsv/small_forest")
    # what it was fitted by is noted, with the files beside it
    (tmp_path / "helper_of_mine.py").write_text("depth = 4\n")
    with pytest.raises(DfbenchError, match=r"small_forest.*another than was fitted"):
        open_model(tmp_path / "out", row="hsv/small_forest", plugins=[tmp_path / "mine.py"])


def test_a_changed_file_beside_a_plugin_makes_its_rows_stale(tmp_path, make_folder, in_process):
    suite, faces = suite_in(tmp_path), make_folder("faces")

    def run():
        only = ["hsv/small_forest"]
        return dfbench.run(suite, data=faces, out=tmp_path / "out", only=only)

    [first], [again] = run().ran, run().ran
    assert first.cell == again.cell
    (tmp_path / "helper_of_mine.py").write_text("depth = 4\n")
    sys.modules.pop("helper_of_mine")
    [other] = run().ran
    assert other.cell != first.cell


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ("max_depth = { int = [3, 2] }", "less than the second"),
        ("max_depth = { int = [2.5, 3] }", "whole number"),
        ("max_depth = { int = [2, 3], float = [1, 2] }", "one of int"),
        ("max_depth = {}", "one of int"),
        ("max_features = { float = [0, 1], log = true }", "above 0"),
        ('criterion = { choices = ["gini"] }', "at least 2 in the list"),
        ('criterion = { choices = ["gini", "entropy"], log = true }', "log is for int and float"),
        ("max_depth = [2, 3]", "is no table"),
        ("max_depth = { int = [2, 3], lgo = true }", "lgo"),
    ],
)
def test_ranges_that_are_none_are_told_with_their_key(tmp_path, search, message):
    path = tmp_path / "suite.toml"
    text = SUITE.replace('plugins = ["mine.py"]', "").partition("[systems.search]")[0]
    path.write_text(f"{text}[systems.search]\n{search}\n")
    with pytest.raises(CardError, match=message) as caught:
        load_suite(path)
    assert f"{path}, row 'tuned by the suite'" in str(caught.value)
    assert "search" in str(caught.value)


def test_a_range_of_what_the_estimator_does_not_take(tmp_path):
    path = suite_in(tmp_path)
    path.write_text(SUITE.replace("max_depth = { int", "max_dept = { int"))
    suite = load_suite(path)
    with pytest.raises(DfbenchError, match="max_depth"):
        rows(suite, Registry(EXTRACTORS, suite.plugins), Registry(MODELS, suite.plugins))
    path.write_text(SUITE.replace("max_depth = { int = [2, 3]", "max_depth = { int = [0, 3]"))
    with pytest.raises(ParameterError, match="max_depth"):
        rows(load_suite(path), Registry(EXTRACTORS, suite.plugins), Registry(MODELS, suite.plugins))


def test_what_follows_the_colon_of_a_model_that_takes_no_backbone():
    with pytest.raises(DfbenchError, match="unknown model 'knn:rbf'"):
        rows(load_suite("smoke"), Registry(EXTRACTORS), Registry(MODELS), only=["hsv/knn:rbf"])
    [row] = rows(load_suite("smoke"), Registry(EXTRACTORS), Registry(MODELS),
                 only=["hsv/xgboost:XGBClassifier"])  # fmt: skip
    assert row.status == "ok"


def test_the_order_of_ranges_does_not_matter(tmp_path):
    path = suite_in(tmp_path)
    suite = load_suite(path)
    lines = "max_depth = { int = [2, 3] }", "min_samples_leaf = { int = [1, 3], log = true }"
    path.write_text(SUITE.replace("\n".join(lines), "\n".join(lines[::-1])))
    spaces = [
        next(row.space for row in rows(its, Registry(EXTRACTORS, its.plugins),
                                       Registry(MODELS, its.plugins)) if row.name.startswith("tun"))
        for its in (suite, load_suite(path))
    ]  # fmt: skip
    assert [*spaces[0].ranges] == [*spaces[1].ranges]


def test_models_of_plugins_join_where_the_suite_lets_them(tmp_path):
    suite_in(tmp_path)
    files = [tmp_path / "mine.py"]
    names = [row.name for row in rows(load_suite("all"), Registry(EXTRACTORS, files),
                                      Registry(MODELS, files), check=False)]  # fmt: skip
    assert "hsv/small_forest" in names
    assert json.dumps(names).count("small_forest") == 5
    assert np.unique(names).size == len(names)


LOOSE = """
import dfbench
import numpy as np
from dfbench.models.classical.knn import KNN as Base


@dfbench.model(name="loose")
class Loose(Base):
    def predict_proba(self, X):
        return {change}
"""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("2 * super().predict_proba(X)", "a score lies outside of 0 to 1"),
        ("super().predict_proba(X) / 2", "the scores of an image do not sum to 1"),
        ("super().predict_proba(X)[:, 1]", r"shape \(20,\), where 20 images of 2 classes"),
        ("super().predict_proba(X)[1:]", r"shape \(19, 2\)"),
        ("super().predict_proba(X) * np.nan", "not finite"),
        ("np.full((len(X), 2), 'x')", "no numbers"),
    ],
)
def test_what_gives_no_probabilities_is_told_in_the_run(
    tmp_path, make_folder, in_process, change, message
):
    (tmp_path / "loose.py").write_text(LOOSE.replace("{change}", change))
    text = 'name = "own"\ndatasets = []\nfigures = []\n[budget]\ntrials = 1\n'
    text += '[[rows]]\nfeatures = ["hsv"]\nmodels = ["loose", "knn"]\n'
    (tmp_path / "suite.toml").write_text(text)
    results = dfbench.run(
        tmp_path / "suite.toml",
        data=make_folder(),
        out=tmp_path / "out",
        plugins=[tmp_path / "loose.py"],
    )
    loose, knn = sorted(results.ran, key=lambda record: record.row, reverse=True)
    assert (loose.status, knn.status) == ("failed", "ok")
    assert re.search(message, loose.reason), loose.reason
