"""A results folder of before: nothing in it is run, extracted or told anew.

``tests/data/kept.zip`` holds the images, suites, feature store and results of two runs as they were
when dfbench 0.1.0 kept no facts about a cell beside its identity. It cannot be made again.
"""

from __future__ import annotations

import json
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from typer.testing import CliRunner

from dfbench.benchmark.planning.rows import rows
from dfbench.benchmark.protocols.robustness import Robustness
from dfbench.benchmark.view import view_of
from dfbench.cli import app
from dfbench.features.internal.thumbnail import Thumbnail
from dfbench.features.pipeline.store import identity, load_features
from dfbench.features.pipeline.table import Table
from dfbench.registry import EXTRACTORS, MODELS, Registry
from dfbench.suites.datasets.loading import load_dataset
from dfbench.suites.suite import load_suite

RUNS = {
    "results": ("--suite", "suite.toml", "--data", "./near", "--data", "./far"),
    "dropped": (
        *("--suite", "dropping.toml", "--data", "./near"),
        *("--only", "hsv/knn", "--only", "ensemble"),
    ),
}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_versions: None) -> Path:
    with zipfile.ZipFile(Path(__file__).parents[1] / "data" / "kept.zip") as file:
        file.extractall(tmp_path / "kept")
    monkeypatch.chdir(tmp_path / "kept")
    monkeypatch.setenv("DFBENCH_CACHE", str(tmp_path / "kept" / "cache"))
    for path in (tmp_path / "kept" / "cache" / "features").glob("*.sqlite"):
        take_over(path)
    return tmp_path / "kept"


def take_over(path: Path) -> None:
    """Put what a table of before holds, a file of SQLite, into a table of now."""
    connection = sqlite3.connect(path)
    ((told,),) = connection.execute("SELECT identity FROM about").fetchall()
    entries = connection.execute("SELECT key, value, seconds FROM entries").fetchall()
    connection.close()
    with Table(json.loads(told)) as table:
        assert table.name == path.stem
        table.put([(key.hex(), value, seconds) for key, value, seconds in entries])
    assert not path.exists()


def run(out: str, *more: str) -> str:
    arguments = ["run", *RUNS[out], "--out", out, "--figures", "none", "--jobs", "1", *more]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def assert_same(found: Any, stored: Any, where: str) -> None:
    """Compare what JSON holds, numbers to 1e-9."""
    if isinstance(stored, dict):
        # a key that came later is not known to what was stored
        assert [key for key in found if key in stored] == list(stored), where
        for key, value in stored.items():
            assert_same(found[key], value, f"{where}.{key}")
    elif isinstance(stored, list):
        assert len(found) == len(stored), where
        for place, (one, other) in enumerate(zip(found, stored, strict=True)):
            assert_same(one, other, f"{where}[{place}]")
    elif isinstance(stored, float):
        assert found == pytest.approx(stored, rel=0, abs=1e-9), where
    else:
        assert found == stored, where


def place(figure: dict[str, Any]) -> tuple[str, ...]:
    names = ("protocol", "row", "fitted_on", "fitted_part", "scored_on", "scored_part", "metric")
    return tuple(figure[name] for name in names)


def files_of_cells(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / "cells").iterdir()}


@pytest.mark.parametrize(("out", "cells"), [("results", 28), ("dropped", 3)])
def test_no_cell_is_run_and_the_board_is_the_same(kept: Path, out: str, cells: int) -> None:
    folder = kept / out
    names = ["leaderboard.json", *(["protocols.json"] if out == "results" else [])]
    stored = {name: json.loads((folder / name).read_text()) for name in names}
    for line in stored["leaderboard.json"]:
        auc = line["metrics"]["roc_auc"]
        if (auc["value"] if auc["low"] is None else auc["low"]) <= 0.5:
            line |= {"best": False, "pareto": False}  # what is at chance was praised then
    entries = json.loads((folder / "run.json").read_text())
    before = files_of_cells(folder)
    said = run(out, "--plan")
    assert f"({cells} done before)" in said
    assert "to run" not in said
    assert "once more" not in said
    run(out)
    after = json.loads((folder / "run.json").read_text())["entries"]
    # ensembles are now also made without each member
    later = {e["cell"] for e in after if e["variant"].startswith("made without ")}
    found = files_of_cells(folder)
    assert {k: v for k, v in found.items() if k.partition(".")[0] not in later} == before
    after = [entry for entry in after if entry["cell"] not in later]
    # what is written since stands beside what was
    known = [{key: each[key] for key in old} for each, old in zip(after, entries, strict=True)]
    assert known == entries
    for name in names:
        found = json.loads((folder / name).read_text())
        if name == "protocols.json":  # figures that came later were not stored
            known = {place(each) for each in stored[name]}
            found = [each for each in found if place(each) in known]
        assert_same(found, stored[name], name)


def vectors(cache: Path) -> dict[str, int]:
    """Count the vectors of each table; what could be decoded hangs on the libraries here."""
    found: dict[str, int] = {}
    for path in (cache / "features").glob("*/*.safetensors"):
        if not path.parent.name.startswith("decoded-"):
            with safe_open(path, framework="np") as file:
                n = len(file.get_tensor("seconds"))
            found[path.parent.name] = found.get(path.parent.name, 0) + n
    return found


def test_every_vector_is_in_the_store(kept: Path) -> None:
    before = vectors(kept / "cache")
    for out in RUNS:
        run(out)
    suite = load_suite("suite.toml")
    lines = rows(suite, Registry(EXTRACTORS), Registry(MODELS))
    (robustness,) = (each for each in suite.protocols if isinstance(each, Robustness))
    for name in ("near", "far"):
        dataset = load_dataset(f"./{name}")
        keys = dataset.manifest["sha256"]
        for extractor in (Thumbnail(), *(each for row in lines for each in row.extractors)):
            load_features(identity(extractor, view_of(dataset)), keys.tolist(), extractor.dtype)
        tested = keys[dataset.manifest["split"] == "test"].tolist()
        changed = [row for row in lines if row.name in robustness.rows]
        for change in robustness.changes:
            for extractor in (each for row in changed for each in row.extractors):
                load_features(identity(extractor, view_of(dataset, change)), tested)
    assert vectors(kept / "cache") == before
