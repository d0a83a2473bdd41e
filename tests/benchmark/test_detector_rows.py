"""Rows whose detector is from elsewhere, in one run with protocols."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import dfbench
from dfbench.benchmark.importing import Told, bring
from dfbench.benchmark.planning.rows import rows
from dfbench.benchmark.reporter import Reporter
from dfbench.detectors.opening import open_model
from dfbench.errors import DfbenchError
from dfbench.images import decode
from dfbench.registry import EXTRACTORS, MODELS, Registry
from dfbench.results.board.board import Line
from dfbench.results.board.sentences import told_of
from dfbench.results.records.merging import merge, named
from dfbench.results.results import Results
from dfbench.suites.datasets.loading import load_dataset
from dfbench.suites.suite import load_suite
from tests.features.elsewhere.test_elsewhere import WEIGHTS, linear

THEIRS = """
import numpy as np

def rough(image):
    grey = image.mean(axis=2)
    return float(np.abs(np.diff(grey, axis=1)).mean())

def odd(image):
    return [0.1, 0.2] if rough(image) > 15 else 0.1
"""
SUITE = """
name = "theirs"
figures = []
[budget]
trials = 1
[[systems]]
name = "rough"
model = "call:theirs.py:rough"
params = { outputs = ["Fake"], activation = "calibrated", trained_on = "unknown" }
[[systems]]
name = "odd"
model = "call:theirs.py:odd"
params = { outputs = ["fake"], trained_on = "other" }
[[systems]]
name = "net"
model = "onnx:net.onnx"
[systems.params]
outputs = ["real", "fake"]
activation = "softmax"
trained_on = "other"
size = 16
mean = [0.1, 0.2, 0.3]
std = [0.5, 1, 2]
[[systems]]
name = "absent"
model = "torchscript:absent.pt"
params = { outputs = ["fake"], trained_on = "other", size = 16, mean = 0, std = 1 }
[[systems]]
name = "univfd"
model = "detectzoo:univfd"
params = { trained_on = "other" }
[[derived]]
name = "rough, youden"
of = "rough"
threshold = "youden"
[[protocols]]
kind = "robustness"
changes = ["jpeg=50"]
[[protocols]]
kind = "learning-curve"
fractions = [0.5]
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, run_once: Callable[..., Path]) -> Path:
    beside = tmp_path_factory.mktemp("theirs")
    (beside / "theirs.py").write_text(THEIRS)
    linear(beside / "net.onnx")
    suite = SUITE.replace("call:", f"call:{beside}/").replace("onnx:", f"onnx:{beside}/")
    ran = run_once("detectors", suite)
    for name in ("theirs.py", "net.onnx"):
        shutil.copy(beside / name, ran / name)
    return ran


@pytest.fixture(scope="module")
def lines(ran: Path) -> dict[str, Line]:
    return {line.row: line for line in Results(ran / "out").board.lines}


def test_each_row_has_its_say(lines: dict[str, Line]) -> None:
    assert {row: line.status for row, line in lines.items()} == {
        "rough": "ok",
        "net": "ok",
        "rough, youden": "ok",
        "odd": "failed",
        "absent": "skipped",
        "univfd": "skipped",
    }
    assert "an array of shape (2,) of an image, not one number an image" in lines["odd"].reason
    assert ".png: gives" in lines["odd"].reason  # the image is named
    assert "no such file: " in lines["absent"].reason
    assert "pip install" in lines["univfd"].reason
    told = {row: line.elsewhere for row, line in lines.items() if line.status == "ok"}
    assert all(told.values())
    assert [told[r].trained_on for r in ("rough", "net", "rough, youden")] == [  # type: ignore[union-attr]
        "unknown",
        "other",
        "unknown",
    ]
    assert lines["rough"].elsewhere is not None
    assert lines["rough"].elsewhere.source == "call:theirs.py:rough"
    assert lines["rough"].elsewhere.speaks_for == "fake"  # as the data set calls it


MIXED = """
name = "mixed"
figures = []
[budget]
trials = 1
[[rows]]
features = ["hsv"]
models = ["knn"]
[[systems]]
name = "rough"
model = "call:theirs.py:rough"
params = { outputs = ["fake"], activation = "calibrated", trained_on = "other" }
[[derived]]
name = "both"
of = ["hsv/knn", "rough"]
"""


def test_what_is_told_names_classes_and_members_as_here(
    make_folder: Callable[..., Path], tmp_path: Path, in_process: None
) -> None:
    """Its classes as the data set calls them; a row made of one that was fitted here saw train."""
    (tmp_path / "theirs.py").write_text(THEIRS)
    (tmp_path / "mixed.toml").write_text(MIXED)
    faces = make_folder(classes=("Photo", "GAN"), splits={"train": 8, "validation": 4, "test": 4})
    results = dfbench.run(
        tmp_path / "mixed.toml", faces, out=tmp_path / "out", classes="real=Photo,fake=GAN", jobs=1
    )
    lines = {line.row: line for line in results.board.lines}
    rough = told_of(lines["rough"])
    assert f"high scores speak for {lines['rough'].positive}; verdicts from 0.5" in rough
    assert lines["rough"].elsewhere is not None
    assert lines["rough"].elsewhere.speaks_for in lines["rough"].classes
    both = lines["both"].elsewhere
    assert both is not None
    assert (both.trained_on, both.source) == (
        "train",
        "made of rough and rows that were fitted here",
    )


def test_scores_are_those_of_the_detector(ran: Path, lines: dict[str, Line]) -> None:
    space: dict[str, object] = {}
    exec(THEIRS, space)
    scores = Results(ran / "out").scores("rough")
    rough = space["rough"]
    assert callable(rough)
    own = [rough(decode((ran / "faces" / path).read_bytes())) for path in scores["image"]]
    assert lines["rough"].auc == pytest.approx(roc_auc_score(scores["label"] == "fake", own))
    assert (np.argsort(own) == np.argsort(scores["p_fake"])).all()
    tuning = lines["rough"].tuning
    assert tuning is not None
    assert tuning.trials == 1
    assert lines["net"].kind == "detector"
    assert WEIGHTS.shape[1] == 2


def test_protocols_ask_them_where_that_makes_sense(ran: Path) -> None:
    figures = Results(ran / "out").protocols()
    assert set(figures[figures["protocol"] == "robustness"]["row"]) >= {"rough", "net"}
    assert "learning-curve" not in set(figures["protocol"])  # nothing is fitted anew


def test_a_model_that_is_kept_and_one_that_is_not(ran: Path) -> None:
    picture = next((ran / "faces" / "test" / "fake").iterdir())
    model = open_model(ran / "out", row="net")
    scores = Results(ran / "out").scores("net").set_index("image")
    path = picture.relative_to(ran / "faces").as_posix()
    (found,) = model.predict_proba([picture])
    assert found[model.classes.index("fake")] == pytest.approx(scores["p_fake"][path], abs=1e-5)
    with pytest.raises(DfbenchError, match="is code of somebody's own, which is not kept"):
        open_model(ran / "out", row="rough")


def test_rows_of_others_leave_protocols_as_they_are(ran: Path, tmp_path: Path) -> None:
    """One that is imported, and a merged folder, which has evaluations and models too."""
    before = Results(ran / "out").protocols()
    paths = Results(ran / "out").scores("rough")["image"]
    file = tmp_path / "scores.csv"
    file.write_text("file,p\n" + "".join(f"{path},{i / 50}\n" for i, path in enumerate(paths)))
    shutil.copytree(ran / "out", tmp_path / "ann")
    told = Told(row="theirs", trained_on="unknown", polarity="fake")
    bring(file, load_dataset(ran / "faces"), told, tmp_path / "ann", Reporter())
    pd.testing.assert_frame_equal(Results(tmp_path / "ann").protocols(), before)
    merge(named([str(ran / "out"), str(tmp_path / "ann")]), tmp_path / "all")
    merged = Results(tmp_path / "all")
    pd.testing.assert_frame_equal(merged.protocols(), before)
    assert merged.board.kept == Results(ran / "out").board.kept
    origins = {line.row: line.origin for line in merged.board.lines}
    assert origins["theirs"] == "ann"
    assert origins["net"] == "out, ann"


def test_files_lie_beside_the_suite(ran: Path, tmp_path: Path) -> None:
    """Named from its folder on, wherever dfbench is called; what is not enough is told."""
    for name in ("theirs.py", "net.onnx"):
        shutil.copy(ran / name, tmp_path / name)
    file = tmp_path / "beside.toml"
    file.write_text(SUITE)
    made = _rows(file)
    assert made["net"].status == "ok"
    assert made["rough"].status == "ok"
    assert made["absent"].reason == f"no such file: {tmp_path / 'absent.pt'}"
    for old, new, message in (
        ('outputs = ["fake"], trained_on', "trained_on", "outputs is to name the class"),
        ("size = 16\nmean", "mean", "onnx:.*net.onnx: size is to be told"),
        ('trained_on = "unknown"', "gains = 1", "unknown parameter 'gains'"),
        ('trained_on = "unknown"', "options = 3", "trained_on is to be told"),
        ('theirs.py:rough"', 'theirs.py:rough"\nfeatures = "hsv"', "sees images, and the row"),
        ('"detectzoo:univfd"', '"detectzoo:"', "names no detector"),
    ):
        file.write_text(SUITE.replace(old, new))
        with pytest.raises(DfbenchError, match=message):
            _rows(file)


def test_a_name_alone_is_not_enough() -> None:
    suite = load_suite("smoke")
    with pytest.raises(DfbenchError, match=r"'onnx:a/net.onnx' needs a suite, which tells what"):
        rows(suite, Registry(EXTRACTORS), Registry(MODELS), ["onnx:a/net.onnx"])


def _rows(file: Path) -> dict[str, object]:
    found = rows(load_suite(file), Registry(EXTRACTORS), Registry(MODELS))
    return {row.name: row for row in found}
