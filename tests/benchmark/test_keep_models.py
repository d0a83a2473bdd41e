"""Which models a run keeps, and that what comes later asks them instead of fitting anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import dfbench
import dfbench.detectors.opening
from dfbench.cli import app
from dfbench.detectors.kept import KeptModels
from dfbench.errors import ParameterError
from dfbench.models.classical.knn import KNN
from dfbench.results.records.folder import ResultsFolder

SUITE = """
name = "kept"
figures = []
[budget]
trials = 1
[[rows]]
features = ["hsv", "lbp"]
models = ["knn"]
[[rows]]
features = ["hsv"]
models = ["xgboost"]
[[derived]]
name = "ensemble"
of = ["hsv/knn", "lbp/knn"]
"""


@pytest.fixture
def given(make_folder: Any, tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "kept.toml").write_text(SUITE)
    make_folder()
    return {
        "suite": tmp_path / "kept.toml",
        "data": tmp_path / "faces",
        "out": tmp_path / "out",
        "jobs": 1,
    }


def kept(out: Path) -> dict[str, str]:
    """Give the rows whose models are kept, by cell."""
    folder = ResultsFolder(out)
    return {cell: folder.load_record(cell).row for cell in folder.kept_models()}


def records(out: Path) -> dict[str, Any]:
    return {
        path.stem: {k: v for k, v in json.loads(path.read_text()).items() if k != "not_kept"}
        for path in out.glob("cells/????????????????.json")
    }


def test_all_are_kept_and_the_size_is_told(given: dict[str, Any], in_process: None) -> None:
    words = [f"--{name}={value}" for name, value in given.items()]
    said = CliRunner().invoke(app, ["run", *words], catch_exceptions=False).output
    assert sorted(kept(given["out"]).values()) == ["ensemble", "hsv/knn", "hsv/xgboost", "lbp/knn"]
    size = sum(ResultsFolder(given["out"]).kept_models().values())
    assert f"models: 4 in {given['out']}/models, {size / 1e6:.1f} MB" in " ".join(said.split())


def test_none_are_kept_and_later_all(given: dict[str, Any], in_process: None) -> None:
    out = given["out"]
    dfbench.run(**given, keep_models="none")
    before = records(out)
    assert not (out / "models").exists()
    # that the suite says all does not make it fit again what is finished
    dfbench.run(**given)
    assert kept(out) == {}
    dfbench.run(**given, keep_models="all")
    assert len(kept(out)) == 4
    assert records(out) == before


def test_the_best_of_a_data_set_is_kept_with_its_members(
    given: dict[str, Any], in_process: None
) -> None:
    out = given["out"]
    results = dfbench.run(**given, keep_models="best")
    best = results.board.tables[0].ranked[0].row
    wanted = {"ensemble": ["ensemble", "hsv/knn", "lbp/knn"]}.get(best, [best])
    assert sorted(kept(out).values()) == wanted
    # what was removed is no longer counted
    said = "1 trained model is" if len(wanted) == 1 else "3 trained models are"
    assert f"{said} kept" in (out / "leaderboard.md").read_text()
    # what is damaged is fitted once more, and tells what it is made of
    dfbench.run(**given, keep_models="all")
    for path in ResultsFolder(out).models.iterdir():
        path.write_bytes(path.read_bytes()[:-200])
    dfbench.run(**given, keep_models="best")
    assert sorted(kept(out).values()) == wanted


def test_a_suite_says_which_are_kept(given: dict[str, Any], in_process: None) -> None:
    given["suite"].write_text(SUITE.replace("figures = []", 'figures = []\nkeep_models = "none"'))
    dfbench.run(**given)
    assert not (given["out"] / "models").exists()
    with pytest.raises(ParameterError, match="keep_models"):
        dfbench.run(**given, keep_models="some")


def test_a_protocol_asks_the_kept_model(
    given: dict[str, Any], in_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    dfbench.run(**given, only=["hsv/knn"])

    def never(*_: Any) -> None:
        raise AssertionError("it is fitted anew")

    with monkeypatch.context() as patch:
        patch.setattr(KNN, "_fit", never)
        results = dfbench.run(**given, only=["hsv/knn"], protocols="robustness")
    figures = results.protocols()
    assert len(figures) > 0
    assert figures["reason"].eq("").all()
    # the same as of a model that was fitted once more
    for path in ResultsFolder(given["out"]).models.iterdir():
        path.unlink()
    for path in given["out"].glob("cells/*.*.*"):
        if len(path.name.split(".")[1]) > 10:
            path.unlink()
    again = dfbench.run(**given, only=["hsv/knn"], protocols="robustness").protocols()
    np.testing.assert_allclose(
        again["value"].to_numpy(float), figures["value"].to_numpy(float), atol=1e-9
    )


def test_a_kept_model_that_is_damaged_is_not_asked(given: dict[str, Any], in_process: None) -> None:
    dfbench.run(**given, only=["hsv/knn"])
    [path] = ResultsFolder(given["out"]).models.iterdir()
    path.write_bytes(path.read_bytes()[:-200])
    figures = dfbench.run(**given, only=["hsv/knn"], protocols="robustness").protocols()
    assert figures["reason"].eq("").all()


def test_what_cannot_be_kept_costs_no_result_and_says_why(
    given: dict[str, Any], in_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = KNN._fit

    def odd(self: KNN, X: np.ndarray, y: np.ndarray) -> None:
        fit(self, X, y)
        self.thing = lambda: 3

    monkeypatch.setattr(KNN, "_fit", odd)
    results = dfbench.run(**given, only=["hsv/knn", "lbp/knn", "ensemble"])
    assert results.statuses()["ok"] == 3
    why = {record.row: record.not_kept for record in results.ran}
    assert "cannot be" in why["hsv/knn"] or "not trusted" in why["hsv/knn"]
    assert why["ensemble"] == "the model of its member 'hsv/knn' is not kept"
    assert kept(given["out"]) == {}
    assert list(results.not_kept()) == list(dict.fromkeys(filter(None, why.values())))
    assert ["ensemble on faces"] in results.not_kept().values()
    words = ["run", "--suite", str(given["suite"]), "--data", str(given["data"])]
    again = CliRunner().invoke(app, [*words, "--out", str(given["out"]), "--only", "hsv/knn"])
    assert "model not kept of hsv/knn on faces: " in again.output.splitlines()[-1], again.output
    with pytest.raises(dfbench.detectors.opening.OutputError, match="was not kept: "):
        dfbench.detectors.opening.open_model(given["out"])


def test_figures_of_a_kept_model_are_those_of_its_seed(
    given: dict[str, Any], in_process: None
) -> None:
    given["suite"].write_text(SUITE.replace("figures = []", "figures = []\nseeds = [0, 1]"))
    results = dfbench.run(**given, only=["hsv/xgboost"])
    [line] = results.board.tables[0].ranked
    models = KeptModels(given["out"])
    found = []
    for seed in (0, 1):
        contents = models.bundle(models.entry("hsv/xgboost", seed=seed)).contents
        scores = results.scores("hsv/xgboost", seed=seed)
        right = (scores["decision"] == scores["label"]).mean()
        assert contents.figures["accuracy"].value == pytest.approx(right)
        assert contents.figures["accuracy"].spread is None
        found.append(contents.figures["roc_auc"].value)
    assert np.mean(found) == pytest.approx(line.metrics["roc_auc"].value)
