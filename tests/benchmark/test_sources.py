"""Groups of a card in a run: what is calibrated out of fold holds them out whole, nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import dfbench
from dfbench.cli import app
from dfbench.models.classical.common import platt
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record
from tests.conftest import fill

pytestmark = pytest.mark.usefixtures("in_process")

SUITE = """
name = "tiny"
figures = []
{refit}
[budget]
trials = 1
[[rows]]
features = ["hsv"]
models = ["svm", "linear-svm", "kernel-ridge", "knn", "logistic"]
[[systems]]
name = "varied"
model = "svm"
features = "hsv"
augment = ["jpeg=50"]
copies = 1
"""
HEEDING = {"hsv/svm", "hsv/linear-svm", "varied"}


def run(folder: Path, out: Path, **options: Any) -> dict[str, tuple[Record, pd.DataFrame]]:
    suite = folder / "tiny.toml"
    suite.write_text(SUITE.format(refit="refit = true" if options.pop("refit", False) else ""))
    dfbench.run(suite, folder / "card.toml", out=out, jobs=1, **options)
    found = ResultsFolder(out)
    records = [found.record_of(entry) for entry in found.read_entries()]
    return {
        record.row: (record, pd.read_parquet(found.scores_file(record.cell)))
        for record in records
        if record is not None
    }


@pytest.mark.parametrize("refit", [False, True])
def test_groups_change_what_they_are_for_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refit: bool
) -> None:
    fill(tmp_path / "faces")
    given: list[Any] = []
    for name in ("calibrated", "recalibrated"):
        original = getattr(platt, name)

        def spied(*its: Any, original: Any = original) -> Any:
            given.append(its[-1])
            return original(*its)

        monkeypatch.setattr(platt, name, spied)
    card = tmp_path / "faces" / "card.toml"
    assert CliRunner().invoke(app, ["data", "init", str(card.parent)]).exit_code == 0
    told = card.read_text()
    alone = run(tmp_path / "faces", tmp_path / "alone", refit=refit)
    assert all(sources is None for sources in given)
    given.clear()
    # 16 images a class in train, four from each source
    pattern = "(?P<group>(train|validation|test)/(real|fake)/0[01])(?P<rest>[0-9])[.]png"
    card.write_text(told + f"\n[group]\npattern = '{pattern}'\n")
    grouped = run(tmp_path / "faces", tmp_path / "grouped", refit=refit)
    for row, (record, table) in grouped.items():
        assert record.status == "ok", record.reason
        assert record.grouped
        assert ("sources" in record.identity) == (row in HEEDING)
        assert "sources" not in alone[row][0].identity
        if row not in HEEDING:
            columns = ["image", "p_0", "p_1"]
            pd.testing.assert_frame_equal(table[columns], alone[row][1][columns])
    sizes = sorted(len(np.unique(its)) for its in given if its is not None)
    assert len(sizes) == len(given) > 0
    assert sizes[0] == 4
    assert sizes[-1] == (6 if refit else 4)
