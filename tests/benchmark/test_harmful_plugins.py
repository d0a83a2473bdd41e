"""Extractors of others that crash, hang or remember: they cost their own rows, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dfbench
from dfbench.registry import EXTRACTORS, Registry

pytestmark = pytest.mark.usefixtures("hosts")

PLUGIN = """
import os
import time

import numpy as np

import dfbench

SEEN = []


@dfbench.extractor
def counts(image):
    SEEN.append(None)
    return np.append(image.mean(axis=(0, 1)), len(SEEN))


@dfbench.extractor
def drifts(image):
    # what a running mean over the images so far comes to
    SEEN.append(image.mean())
    return image.mean(axis=(0, 1)) - (0 if len(SEEN) < 2 or SEEN[-1] == SEEN[-2] else SEEN[-2])


@dfbench.extractor
def dies(image):
    if abs(image.mean() - DEADLY) < 1e-9:
        os.abort()
    return image.mean(axis=(0, 1))


@dfbench.extractor
def hangs(image):
    if abs(image.mean() - DEADLY) < 1e-9:
        time.sleep(60)
    return image.mean(axis=(0, 1))


@dfbench.extractor
def fine(image):
    return image.std(axis=(0, 1))
"""
SUITE = """
name = "harmed"
datasets = []
figures = []
keep_models = "none"
[[rows]]
features = ["counts", "drifts", "dies", "hangs", "fine", "dies+hsv"]
models = ["lda"]
[budget]
trials = 1
"""


def test_each_costs_its_own_rows_and_doubts_stand_at_theirs(
    tmp_path: Path, make_folder: Callable[..., Path]
) -> None:
    folder = make_folder("faces")
    deadly = folder / "test" / "fake" / "004.png"
    within = "test/fake/004.png"
    mean = float(np.asarray(Image.open(deadly)).mean())
    (tmp_path / "mine.py").write_text(PLUGIN.replace("DEADLY", repr(mean)))
    (tmp_path / "harmed.toml").write_text(SUITE)
    results = dfbench.run(
        tmp_path / "harmed.toml", folder, plugins=tmp_path / "mine.py", out=tmp_path / "out",
        jobs=1, plugin_timeout=2.0,
    )  # fmt: skip
    lines = {
        line["row"]: line for line in json.loads((tmp_path / "out/leaderboard.json").read_text())
    }
    failed = {row: line["reason"] for row, line in lines.items() if line["status"] != "ok"}
    died = "kills its process (signal 6, SIGABRT"
    assert set(failed) == {"dies/lda", "hangs/lda", "dies+hsv/lda"}
    assert failed["dies/lda"].startswith(f"extractor 'dies' on {within}: {died}; ")
    assert 'mine.py", line 28 in dies)' in failed["dies/lda"]
    said = f"extractor 'hangs' on {within}: takes more than 2 s for an image (--plugin-timeout)"
    assert failed["hangs/lda"].startswith(f'{said}; "')
    assert failed["hangs/lda"].endswith(" in hangs")
    doubts = {row: line["warnings"] for row, line in lines.items() if line["warnings"]}
    assert doubts == {
        "counts/lda": [
            "the extractor 'counts' gives another vector when it is asked for the same image"
            " again: its figures hang on how often it was called"
        ],
        "drifts/lda": [
            "the extractor 'drifts' gives another vector for an image alone than among others: its"
            " figures hang on the order of the images"
        ],
    }
    page = (tmp_path / "out/leaderboard.md").read_text()
    assert "counts/lda (warning)" in page
    assert "counts/lda: the extractor 'counts' gives another vector when" in page
    frame = results.frame().set_index("row")
    assert frame.loc["fine/lda", "warnings"] == ""
    assert "gives another vector" in frame.loc["counts/lda", "warnings"]


def test_the_vectors_are_those_that_it_gives_here(
    tmp_path: Path, make_folder: Callable[..., Path]
) -> None:
    folder = make_folder("few", splits={"train": 3, "test": 2})
    (tmp_path / "mine.py").write_text(PLUGIN)
    table = dfbench.extract(folder, "fine", plugins=tmp_path / "mine.py", jobs=2)
    fine = Registry(EXTRACTORS, [tmp_path / "mine.py"]).get("fine").load()
    for _, row in table.iterrows():
        image = np.asarray(Image.open(folder / row["path"]))
        np.testing.assert_array_equal(row.iloc[4:].to_numpy(np.float32), np.float32(fine(image)))


CHANGED = """
import os

import dfbench


@dfbench.extractor
def weighed(image):
    return image.mean(axis=(0, 1)) * float(os.environ["WEIGHT"])
"""


def test_vectors_that_are_no_longer_given_are_doubted(
    tmp_path: Path, make_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dfbench.contained.idle import end_idle

    folder = make_folder("few", splits={"train": 6, "validation": 4, "test": 4})
    (tmp_path / "mine.py").write_text(CHANGED)
    (tmp_path / "harmed.toml").write_text(SUITE)
    words = {"plugins": tmp_path / "mine.py", "out": tmp_path / "out", "trials": 1}
    monkeypatch.setenv("WEIGHT", "1")
    first = dfbench.run(tmp_path / "harmed.toml", folder, only="weighed/lda", **words)
    assert [record.warnings for record in first.ran] == [[]]
    end_idle()
    monkeypatch.setenv("WEIGHT", "2")
    again = dfbench.run(tmp_path / "harmed.toml", folder, only="weighed/knn", **words)
    [warned] = [record.warnings for record in again.ran]
    assert warned == [
        "the extractor 'weighed' gives other vectors than are stored of it, which the figures are"
        " of: what it rests on has changed without its version"
    ]
