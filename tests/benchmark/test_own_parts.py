"""Networks, metrics and columns of one's own in a run, by a suite that names their file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import dfbench
from dfbench.detectors.opening import open_model
from dfbench.errors import DfbenchError, PluginError
from tests.conftest import fill, load_plugins_here, run_cells_here

PLUGIN = """
import dfbench


@dfbench.network(image_size=24, recipe={"epochs": 1, "lr": 0.01})
def tiny(n_classes, width=4):
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, width, 3, 2), nn.ReLU(), nn.Conv2d(width, width, 3), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(width, n_classes))


@dfbench.network(image_size=24)
def no_module(n_classes):
    return n_classes


@dfbench.metric(higher_is_better=True)
def right(labels, scores, decisions):
    return (labels == decisions).mean()


@dfbench.column
def width(facts):
    return facts["records"][0]["params"].get("width")
"""

SUITE = """
name = "own"
datasets = []
figures = []
plugins = ["mine.py"]
[budget]
trials = 1
[[rows]]
features = ["hsv"]
models = ["knn"]
networks = ["tiny", "no_module"]
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    fill(folder / "faces")
    (folder / "mine.py").write_text(PLUGIN)
    (folder / "suite.toml").write_text(SUITE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DFBENCH_CACHE", str(folder / "_cache"))
        patch.setenv("DFBENCH_CONFIG", str(folder / "_config"))
        run_cells_here(patch)
        load_plugins_here(patch)
        dfbench.run(folder / "suite.toml", folder / "faces", out=folder / "out", jobs=1)
    return folder


def test_a_network_is_a_row_and_is_kept(ran: Path) -> None:
    results = dfbench.load_results(ran / "out")
    lines = {line.row: line for line in results.board.lines}
    tiny, broken = lines["tiny"], lines["no_module"]
    assert (tiny.status, tiny.kind) == ("ok", "network")
    assert tiny.n_parameters == (4 * 27 + 4 + 4 * 36 + 4 + 10, 4 * 27 + 4 + 4 * 36 + 4 + 10)
    assert (broken.status, broken.reason) == (
        "failed", "network 'no_module': returns int, no torch.nn.Module",
    )  # fmt: skip
    shown = results.scores("tiny")
    detector = open_model(ran / "out", row="tiny", plugins=[ran / "mine.py"])
    found = detector.predict_proba([ran / "faces" / image for image in shown["image"]])
    assert np.allclose(found, shown[["p_real", "p_fake"]], atol=1e-6)
    with pytest.raises(DfbenchError, match=r"'tiny' is code of somebody's own.*--plugin FILE"):
        open_model(ran / "out", row="tiny")


def test_metrics_and_columns_are_in_what_the_run_wrote(ran: Path) -> None:
    written = json.loads((ran / "out" / "leaderboard.json").read_text())
    by_row = {line["row"]: line for line in written}
    metrics = by_row["hsv/knn"]["metrics"]
    assert metrics["right"] == metrics["accuracy"]
    assert metrics["right"]["low"] is not None
    assert by_row["tiny"]["columns"] == {"width": 4}
    assert "right" in (ran / "out" / "leaderboard.csv").read_text().partition("\n")[0].split(",")
    assert "width" in (ran / "out" / "leaderboard.md").read_text()
    said = dfbench.load_results(ran / "out")._repr_html_()
    assert "Not shown: metric right, column width" in said


def test_a_name_that_is_taken_stops_a_run_before_it_begins(ran: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.py"
    path.write_text("import dfbench\n@dfbench.column\ndef rank(facts): pass\n")
    with pytest.raises(PluginError, match="two columns are named 'rank': one of dfbench, one of"):
        dfbench.run("smoke", ran / "faces", out=tmp_path / "out", plugins=path)
    assert not (tmp_path / "out").exists()
