"""Fitted models that score other images: whole runs on small real files."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier
from typer.testing import CliRunner, Result

from dfbench.benchmark.execution.job import EvaluationJob, Images, Job
from dfbench.benchmark.execution.pool import collect
from dfbench.cli import app
from dfbench.features.extractors.hsv import HSV
from dfbench.features.views.view import Seen, perturb, view
from dfbench.images import decode
from dfbench.models.selection.space import Space
from dfbench.results.records.evaluations import Asked, EvaluationRecord
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.sealed import read_sealed
from tests.conftest import fill, load_plugins_here

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

[[systems]]
name = "tuned"
model = "svm"
features = "hsv+fft"
tune = true

[[derived]]
name = "both"
of = ["nearest", "tuned"]
combine = "stacking"
calibrate = "temperature"
"""
PROTOCOLS = """
[[protocols]]
kind = "cross-dataset"
[[protocols]]
kind = "robustness"
changes = ["jpeg=50", "noise=8", "resize=0.5+jpeg=70"]
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(SUITE + PROTOCOLS)
    return path


def made_pair(folder: Path) -> list[object]:
    one = fill(folder / "one")
    two = fill(folder / "two", classes=("authentic", "manipulated"))
    (two / "dfbench.toml").write_text(
        'name = "two"\nclasses = ["manipulated", "authentic"]\npositive = "manipulated"\n'
        '[layout]\nkind = "folders"\n'
        'splits = { train = "train", validation = "validation", test = "test" }\n'
    )
    for number, path in enumerate(sorted(two.rglob("*.png"))):
        pixels = np.asarray(Image.open(path)).astype(int)
        Image.fromarray((pixels * 0.8 + number % 3).astype(np.uint8)).save(path)
    return ["--data", one, "--data", two / "dfbench.toml"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a run by a worker on two data sets was made, which lie there with the results."""
    folder = tmp_path_factory.mktemp("whole")
    data, suite = made_pair(folder), folder / "tiny.toml"
    suite.write_text(SUITE + PROTOCOLS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DFBENCH_CACHE", str(folder / "_cache"))
        patch.setenv("DFBENCH_CONFIG", str(folder / "_config"))
        load_plugins_here(patch)
        result = dfbench("run", "-s", suite, *data, "--out", folder / "out", "--jobs", 1)
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def pair(tmp_path: Path) -> list[object]:
    """Two data sets whose classes have other names and stand in another order."""
    return made_pair(tmp_path)


def dfbench(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def flat(text: str) -> str:
    return " ".join(text.split())


Key = tuple[str, str, str, str]


def evaluations(out: Path) -> dict[Key, tuple[Asked, EvaluationRecord | None, pd.DataFrame | None]]:
    """By data set fitted on, row, data set scored and change."""
    found = {}
    for asked in ResultsFolder(out).read_asked():
        stem = out / "cells" / f"{asked.cell}.{asked.probe}"
        record, table = Path(f"{stem}.json"), Path(f"{stem}.parquet")
        found[asked.dataset, asked.row, asked.scored_on, asked.change] = (
            asked,
            read_sealed(record, EvaluationRecord, below=out) if record.exists() else None,
            pd.read_parquet(table) if table.exists() else None,
        )
    return found


def states(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (out / "cells").iterdir()}


def _by_hand(train: Path, classes: tuple[str, str], images: list[Path], change: str) -> Any:
    """Fit scikit-learn's own on one folder and score files in a view."""
    extractor = HSV()

    def vectors(paths: list[Path], chain: str = "") -> Any:
        seen = []
        for path in paths:
            data = path.read_bytes()
            key = hashlib.sha256(data).hexdigest()
            seen.append(perturb(Seen(decode(data), data), view(chain).chain, key).image)
        return extractor.transform(seen)

    X, y = [], []
    for label, name in enumerate(classes):
        paths = sorted((train / "train" / name).glob("*.png"))
        X.append(vectors(paths))
        y += [label] * len(paths)
    model = KNeighborsClassifier(3, metric="manhattan").fit(np.vstack(X), y)
    return model.predict_proba(vectors(images, change))


def test_the_scores_are_those_of_the_same_model_fitted_by_hand(
    pair: list[object], suite: Path, whole: Path, tmp_path: Path
) -> None:
    arguments = ("run", "--suite", suite, *pair, "--out", tmp_path / "out", "--jobs", 1)
    plan = flat(dfbench(*arguments, "--plan").stdout)
    assert "cross-dataset: 2 pairs of data sets x 3 rows: 6 to score" in plan
    assert "robustness: 3 changes (jpeg=50, noise=8, resize=0.5+jpeg=70) x 3 rows: 18" in plan
    assert not (tmp_path / "out").exists()
    one, two, out = whole / "one", whole / "two", whole / "out"
    found = evaluations(out)
    assert len(found) == 2 * 3 * (1 + 3)

    # the second's classes have other numbers: those of the model count
    _, record, table = found["one", "nearest", "two", ""]
    assert record is not None
    assert table is not None
    assert (record.n, record.split, record.grouped, record.n_seen) == (20, "test", False, 0)
    expected = _by_hand(one, ("real", "fake"), [two / p for p in table["image"]], "")
    np.testing.assert_allclose(table[["p_0", "p_1"]], expected, atol=1e-12)
    fakes = ["manipulated" in image for image in table["image"]]
    np.testing.assert_array_equal(table["label"], np.array(fakes, dtype=int))

    for change in ("jpeg=50", "noise=8", "resize=0.5+jpeg=70"):
        _, _, table = found["one", "nearest", "one", change]
        assert table is not None
        expected = _by_hand(one, ("real", "fake"), [one / p for p in table["image"]], change)
        np.testing.assert_allclose(table[["p_0", "p_1"]], expected, atol=1e-12)

    # a row made of others combines what they scored, as it was fitted on the tuning split
    _, record, both = found["two", "both", "one", ""]
    members = [found["two", name, "one", ""][2] for name in ("nearest", "tuned")]
    cell = json.loads(
        (out / "cells" / f"{found['two', 'both', 'one', ''][0].cell}.json").read_text()
    )
    assert both is not None
    np.testing.assert_allclose(
        both[["p_0", "p_1"]], _stacked(members, cell["combination"]), atol=1e-4
    )
    # Youden's on the tuning split of the set that was fitted on
    tune = pd.read_parquet(out / "cells" / f"{cell['cell']}.tune.parquet")
    assert record is not None
    assert record.threshold is not None
    score, truth = tune["p_0"], tune["label"] == 0  # the second set names the fakes first
    best = max(score[truth].ge(t).mean() - score[~truth].ge(t).mean() for t in score)
    said = score >= record.threshold
    assert said[truth].mean() - said[~truth].mean() == pytest.approx(best)


def _stacked(members: list[pd.DataFrame | None], fitted: dict[str, Any]) -> Any:
    columns = []
    for table in members:
        assert table is not None
        logs = np.log(np.clip(table[["p_0", "p_1"]].to_numpy(), 1e-6, None))
        columns.append((logs - logs.mean(axis=1, keepdims=True))[:, 1])
    z = np.column_stack(columns) @ np.ravel(fitted["coefficients"]) + fitted["intercepts"][0]
    p = 1 / (1 + np.exp(-z))
    logits = np.log(np.column_stack([1 - p, p])) / fitted["calibration"]["temperature"]
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True)


@pytest.mark.usefixtures("in_process")
def test_a_finished_cell_is_fitted_once_more_and_gives_the_same(
    pair: list[object], suite: Path, whole: Path, tmp_path: Path
) -> None:
    late = tmp_path / "late"
    run = ("run", "--suite", suite, *pair, "--jobs", 1, "--out")
    suite.write_text(SUITE)
    assert dfbench(*run, late).exit_code == 0
    assert not (late / "probes.json").exists()
    before = states(late)

    suite.write_text(SUITE + PROTOCOLS)
    plan = flat(dfbench(*run, late, "--plan").stdout)
    assert "6 done before; 4 of those done taken up again" in plan
    assert "nearest done +4 done +4" in plan
    result = dfbench(*run, late)
    assert result.exit_code == 0, result.output
    after = states(late)
    assert {path: after[path] for path in before} == before, "the cells' own files stay"
    one, other = evaluations(whole / "out"), evaluations(late)
    assert one.keys() == other.keys()
    for key, (_, record, table) in one.items():
        assert other[key][1] == record
        assert table is not None
        pd.testing.assert_frame_equal(other[key][2], table)

    # nothing is missing: nothing is written; one is missing: that one alone
    assert dfbench(*run, late).exit_code == 0
    assert states(late) == after
    lost = other["one", "tuned", "one", "noise=8"][0]
    path = late / "cells" / f"{lost.cell}.{lost.probe}.parquet"
    path.write_bytes(path.read_bytes()[:100])
    assert "1 of those done taken up again" in flat(dfbench(*run, late, "--plan").stdout)
    assert dfbench(*run, late).exit_code == 0
    changed = {p for p, time in states(late).items() if time != after[p]}
    assert changed == {path}, "its record says the same as before"


@pytest.mark.usefixtures("in_process")
def test_a_model_that_comes_out_differently_is_not_mixed_in(
    pair: list[object], suite: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    suite.write_text(SUITE)
    run = ("run", "-s", suite, *pair, "-o", out, "--jobs", 1, "--only", "nearest")
    assert dfbench(*run).exit_code == 0
    folder = ResultsFolder(out)
    for entry in folder.read_entries():
        record = folder.load_record(entry.cell)
        scores = folder.read_scores(record)
        scores.probabilities[3] = 0.25, 0.75
        folder.write_cell(record, scores)
    stored = states(out)
    suite.write_text(SUITE + PROTOCOLS)
    result = dfbench(*run)
    assert result.exit_code == 0
    assert "fitted once more the model gives other scores" in flat(result.stderr)
    assert all(states(out)[path] == time for path, time in stored.items())
    for _, record, table in evaluations(out).values():
        assert record is not None
        assert (record.status, table) == ("failed", None)
        assert "of another model" in record.reason


@pytest.mark.usefixtures("in_process")
def test_an_evaluation_that_breaks_costs_the_cell_nothing(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    folder, out = make_folder(), tmp_path / "out"
    # no WebP is as wide; a crop of a pixel is that pixel
    Image.new("RGB", (16_400, 2), (9, 99, 9)).save(folder / "test" / "fake" / "wide.png")
    Image.new("RGB", (1, 1), (9, 99, 9)).save(folder / "test" / "fake" / "dot.png")
    changes = ["webp=50", "crop=0.8", "resize=0.25", "blur=3", "screenshot=3"]
    suite.write_text(SUITE + f'[[protocols]]\nkind = "robustness"\nchanges = {changes}\n')
    result = dfbench("run", "-s", suite, "-d", folder, "-o", out, "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert "no scores of images changed by webp=50" in flat(result.stderr)
    for (_, row, _, change), (asked, record, table) in evaluations(out).items():
        cell = json.loads((out / "cells" / f"{asked.cell}.json").read_text())
        assert (cell["status"], cell["n_test"]) == ("ok", 22)
        assert record is not None
        if change != "webp=50":
            assert (record.status, record.n) == ("ok", 22), (row, record.reason)
            continue
        assert table is None
        assert (record.status == "skipped") == (row == "both")
        assert "wide.png: cannot be changed: 16400 x 2 pixels cannot be written" in record.reason


@pytest.mark.usefixtures("in_process")
def test_a_worker_that_dies_at_an_evaluation_leaves_the_result(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    """The record is on disk before the first evaluation: what ends the worker then ends no more."""
    out = tmp_path / "out"
    suite.write_text(SUITE)
    run = ("run", "-s", suite, "-d", make_folder(), "-o", out, "--jobs", 1, "--only", "nearest")
    assert dfbench(*run).exit_code == 0
    (entry,) = json.loads((out / "run.json").read_text())["entries"]
    stored = states(out)
    given = {"cell": entry["cell"], "probe": "0f", "scored_on": "faces", "fingerprint": "x"}
    images = Images(out / "none", 0)
    job = Job(
        out=ResultsFolder(out), root=out, record={"cell": entry["cell"]}, study=out,
        checkpoints=out, model="knn",
        tables=[], space=Space(), train=images, tune=images, evaluate=images, unlabelled=images,
        figures=[], trials=1, seconds=1, device="cpu", n_threads=1, timeout=7, seconds_per_image=0,
        evaluations=[EvaluationJob(given, [], images)],
    )  # fmt: skip
    future: Future[Any] = Future()
    future.set_exception(TimeoutError())
    record = collect(future, job)
    assert record.status == "ok"
    assert {path: states(out)[path] for path in stored} == stored
    made = ResultsFolder(out).load_evaluation(entry["cell"], "0f")
    assert made is not None
    assert (made.status, made.reason) == (
        "failed",
        "out of time: stopped after 7 s (--cell-timeout)",
    )


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        ('kind = "robustness"\nchanges = ["jpg=70"]', 1, "'jpg=70': unknown operation 'jpg' (did"),
        ('kind = "robustness"\nchanges = ["jpeg"]', 1, "not an operation: 'jpeg'"),
        ('kind = "robustness"\nchanges = ["crop=2"]', 1, "no strength: a number from 0.05 to 1"),
        ('kind = "robustness"\nrows = ["nearst"]', 1, "unknown row 'nearst' (did you mean 'near"),
        ('kind = "cross-dataset"', 1, "one data set only, which leaves no other to score"),
        ('kind = "cross-dataset"\nrows = ["bth"]', 2, "unknown row 'bth' (did you mean 'both'"),
    ],
)
def test_mistakes_are_one_line(
    pair: list[object], suite: Path, text: str, more: int, message: str
) -> None:
    suite.write_text(f"{SUITE}[[protocols]]\n{text}\n")
    result = dfbench("run", "-s", suite, *pair[: 2 * more], "--plan")
    assert result.exit_code == 2
    assert message in result.stderr
    assert (
        result.stderr.strip()
        .splitlines()[-1]
        .startswith(("dfbench: suite 'tiny', ", f"dfbench: {suite}, "))
    )


@pytest.mark.usefixtures("in_process")
def test_classes_that_do_not_fit_are_a_reason(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    two, out = make_folder("two"), tmp_path / "out"
    three = make_folder("three", classes=("real", "gan", "diffusion"))
    turned = tmp_path / "turned"
    shutil.copytree(three, turned)
    (turned / "dfbench.toml").write_text(
        'name = "turned"\nclasses = ["diffusion", "real", "gan"]\n[layout]\nkind = "folders"\n'
        'splits = { train = "train", validation = "validation", test = "test" }\n'
    )
    suite.write_text(SUITE)
    data = ("-d", two, "-d", three, "-d", turned / "dfbench.toml")
    run = ("run", "-s", suite, *data, "-o", out, "--jobs", 1, "--only", "nearest")
    planned = dfbench(*run, "--protocol", "cross-dataset", "--plan")
    assert planned.exit_code == 0, planned.output
    plan = flat(planned.stdout)
    assert "cross-dataset: 2 pairs of data sets x 1 row: 2 to score" in plan
    assert "two -> three: the classes differ: real, fake against diffusion" in plan
    assert dfbench(*run, "--protocol", "cross-dataset").exit_code == 0
    found = evaluations(out)
    asked, record, _ = found["three", "nearest", "two", ""]
    assert (asked.probe, record) == ("", None)
    assert "the classes differ" in asked.reason
    _, record, table = found["turned", "nearest", "three", ""]
    assert record is not None
    assert table is not None
    assert (record.status, record.threshold, record.n_seen) == ("ok", None, 0)
    names = ["diffusion", "real", "gan"]
    assert [names[k] for k in table["label"]] == [Path(p).parent.name for p in table["image"]]


@pytest.mark.usefixtures("in_process")
def test_images_seen_in_training_are_counted(
    make_folder: Callable[..., Path], suite: Path, tmp_path: Path
) -> None:
    one, two, out = make_folder("one"), make_folder("two"), tmp_path / "out"
    for number in range(4):
        name = f"{number:03d}.png"
        shutil.copy(one / "train" / "fake" / name, two / "test" / "fake" / name)
    suite.write_text(SUITE)
    run = ("run", "-s", suite, "-d", one, "-d", two, "-o", out, "--jobs", 1, "--only", "nearest")
    assert dfbench(*run, "--protocol", "cross-dataset").exit_code == 0
    seen = {key[0]: record.n_seen for key, (_, record, _) in evaluations(out).items() if record}
    assert seen["one"] == 4
