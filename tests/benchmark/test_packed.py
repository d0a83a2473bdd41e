"""A run on archives and shards: the same scores, protocols, models and pictures as on a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import dfbench
from dfbench.cli import app
from dfbench.results.results import Results, load_results
from tests.conftest import load_plugins_here, run_cells_here
from tests.packed import forms, pictures

SUITE = """
name = "packed"
seeds = [1]
figures = ["examples"]
[budget]
trials = 2
seconds = 20
[[rows]]
features = ["hsv"]
models = ["knn"]
[[protocols]]
kind = "robustness"
changes = ["jpeg=50"]
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("forms")
    (folder / "packed.toml").write_text(SUITE)
    return {"suite": folder / "packed.toml", **forms(folder, pictures(8))}


def run(written: dict[str, Path], form: str, out: Path) -> Results:
    given = {"out": out / "out", "keep_models": "all", "jobs": 2}
    return dfbench.run(written["suite"], written[form], **given)


@pytest.fixture(scope="module")
def on_folder(written: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("folder")
    with pytest.MonkeyPatch.context() as patch:
        # each run has a store of its own: else all vectors were there, by what the images hold
        patch.setenv("DFBENCH_CACHE", str(folder / "_cache"))
        run_cells_here(patch)
        load_plugins_here(patch)
        return run(written, "folder", folder)


@pytest.mark.parametrize("form", ["deflated", "tar", "samples", "rows"])
def test_scores_are_those_of_a_folder(
    written: dict[str, Path],
    form: str,
    on_folder: Results,
    tmp_path: Path,
    in_process: None,
) -> None:
    found = run(written, form, tmp_path)
    row = "hsv/knn"
    assert found.scores(row).equals(on_folder.scores(row))
    assert found.protocols().equals(on_folder.protocols())
    drawn = [path.name for path in (tmp_path / "out" / "figures").rglob("*.png")]
    assert "examples.png" in drawn
    verify = ["verify", str(tmp_path / "out"), "--data", str(written[form])]
    assert CliRunner().invoke(app, verify).exit_code == 0
    if form == "rows":
        again = ["reproduce", str(tmp_path / "out"), "-o", str(tmp_path / "again")]
        assert CliRunner().invoke(app, again).exit_code == 0
        assert load_results(tmp_path / "again").scores(row).equals(found.scores(row))
