"""What kernels weigh families of features by, from a run to its board, and on to others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

import dfbench
from dfbench.detectors.kept import KeptModels
from dfbench.models.base import weights_of_blocks
from dfbench.results.board.build import build_board
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.merging import merge, named
from dfbench.results.records.records import Record
from dfbench.results.render.formats import render

pytestmark = pytest.mark.usefixtures("in_process")

SUITE = """
name = "weighed"
figures = []
[budget]
trials = 1
[[rows]]
features = ["centre[of=hsv]+centre[of=hsv,share=0.3]+lbp", "lbp"]
models = ["svm", "kernel-ridge", "xgboost"]
"""
FAMILIES = ["centre of hsv 1", "centre of hsv 2", "lbp"]


@pytest.fixture(scope="module")
def weighed(run_once: Callable[..., Path]) -> ResultsFolder:
    return ResultsFolder(run_once("weighed", SUITE, keep_models="all", jobs=1) / "out")


def test_a_record_holds_the_weights_of_its_model(weighed: ResultsFolder) -> None:
    models = KeptModels(weighed.path)
    for entry in weighed.read_entries():
        record = weighed.record_of(entry)
        assert record is not None
        if "centre" not in entry.row or "xgboost" in entry.row:
            # one family alone has none, nor have trees
            assert record.block_weights == {}
            continue
        [part] = models.detector(models.entry(entry.row)).parts
        wanted = dict(zip(FAMILIES, part.model.block_weights(), strict=True))
        assert record.block_weights == pytest.approx(wanted)
        assert sum(record.block_weights.values()) == pytest.approx(1)


def test_they_are_verified_merged_and_not_asked_of_records_of_before(
    weighed: ResultsFolder, tmp_path: Path
) -> None:
    assert dfbench.verify(weighed.path).sound
    whole = render(build_board(weighed.path), "json")
    copy = shutil.copytree(weighed.path, tmp_path / "copy")
    merge(named([str(weighed.path), str(copy)]), tmp_path / "merged")
    merged = json.loads(render(build_board(tmp_path / "merged"), "json"))
    assert [line["fits"] for line in merged] == [line["fits"] for line in json.loads(whole)]
    before = ResultsFolder(tmp_path / "merged")
    for entry in before.read_entries():
        file = before.record_file(entry.cell)
        told = json.loads(file.read_text())
        del told["block_weights"], told["sum"]  # as a version wrote it that knew of none
        file.write_text(json.dumps(told))
    board = build_board(before.path)
    assert [line.status for line in board.lines] == ["ok"] * 6
    assert "Block weights" not in render(board, "md")


@pytest.mark.parametrize(
    "found", [{"hsv": 0.3}, {"hsv": 1e308, "lbp": 1e308}, {"lbp": float("nan")}]
)
def test_weights_that_no_run_writes_are_no_record(
    weighed: ResultsFolder, found: dict[str, float]
) -> None:
    record = weighed.record_of(weighed.read_entries()[0])
    assert record is not None
    with pytest.raises(ValidationError, match="block_weights"):
        Record.model_validate({**record.model_dump(), "block_weights": found})


@pytest.mark.parametrize("given", [[0.5, 0.2], [2, -1], [0.5, 0.5, 0], [float("inf"), 0], ["a", 1]])
def test_of_a_model_of_others_only_weights_of_all_blocks_that_sum_to_1_are_told(
    given: list[object],
) -> None:
    assert weights_of_blocks(SimpleNamespace(block_weights=lambda: given), 2) == ()  # type: ignore[arg-type]
