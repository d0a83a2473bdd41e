"""Rows of the store that are damaged between two runs: computed anew in the run that reads them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import dfbench
from dfbench.errors import OutputError

SUITE = """
name = "tiny"
figures = []
[budget]
trials = 1
[[rows]]
features = ["hsv"]
models = ["knn"]
[[protocols]]
kind = "robustness"
changes = ["jpeg=75"]
"""


def flip(table: str) -> int:
    """Change a bit of the last value in the tables whose names begin so, and count them."""
    found = sorted(Path(os.environ["DFBENCH_CACHE"]).glob(f"features/{table}-*/*.safetensors"))
    assert found
    for path in found:
        data = bytearray(path.read_bytes())
        data[-9] ^= 4
        path.write_bytes(data)
    return len(found)


def scores(out: Path) -> dict[str, pd.DataFrame]:
    found = {path.name: pd.read_parquet(path) for path in out.glob("cells/*.parquet")}
    assert len(found) == 3, "evaluated, tuning, changed"
    return found


@pytest.mark.parametrize(("table", "count"), [("hsv", 2), ("thumbnail", 1)])
def test_a_flipped_bit_costs_no_cell_and_no_second_run(
    make_folder: Callable[..., Path],
    tmp_path: Path,
    in_process: None,
    table: str,
    count: int,
) -> None:
    suite, folder = tmp_path / "tiny.toml", make_folder()
    suite.write_text(SUITE)
    before = dfbench.run(suite, folder, out=tmp_path / "before", device="cpu")
    assert flip(table) == count, "also that of the changed images"
    told: list[tuple[int, int]] = []
    after = dfbench.run(
        suite, folder, out=tmp_path / "after", device="cpu",
        progress=lambda done, total, what: what == "cells" and told.append((done, total)),
    )  # fmt: skip
    assert after.statuses() == before.statuses()
    assert after.statuses()["ok"] == 1
    assert told == [(0, 1), (1, 1)], "it is told of once"
    said = [note for note in after.notes if "damaged" in note]
    again = "faces: stored features were damaged: they are computed anew, and what needs them runs"
    assert said == [f"{again} once more: hsv/knn"] * (count if table == "hsv" else 0)
    one, other = scores(tmp_path / "before"), scores(tmp_path / "after")
    assert one.keys() == other.keys()
    for name in one:
        pd.testing.assert_frame_equal(one[name], other[name], check_exact=True)


def test_several_damaged_tables_of_one_row_cost_no_second_run(
    make_folder: Callable[..., Path], tmp_path: Path, in_process: None
) -> None:
    suite, folder = tmp_path / "tiny.toml", make_folder()
    suite.write_text(SUITE.replace('"hsv"', '"hsv+lbp+fft"'))
    dfbench.run(suite, folder, out=tmp_path / "before", device="cpu")
    assert [flip(table) for table in ("hsv", "lbp", "fft")] == [2, 2, 2]
    after = dfbench.run(suite, folder, out=tmp_path / "after", device="cpu")
    assert after.statuses()["ok"] == 1
    one, other = scores(tmp_path / "before"), scores(tmp_path / "after")
    for name in one:
        pd.testing.assert_frame_equal(one[name], other[name], check_exact=True)


def test_a_store_in_the_memory_of_one_process_is_refused(
    make_folder: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in ("memory://features", "simplecache::memory://features"):
        monkeypatch.setenv("DFBENCH_CACHE", url)
        with pytest.raises(OutputError, match=r"of one process.*set it to a folder, or to a URL"):
            dfbench.run("smoke", make_folder(url[:4]), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
