"""The same run again: nothing is read, computed or written twice, and nothing is stale."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dfbench
from dfbench.benchmark.audits.leaks import LeakError
from dfbench.errors import DfbenchError
from dfbench.results.board import build
from dfbench.suites.datasets import facts
from tests.conftest import SUITE

pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a suite of one row; files count as old as soon as they are there."""
    monkeypatch.setattr("dfbench.files.SETTLED", -1)
    path = tmp_path / "tiny.toml"
    path.write_text(SUITE)
    return path


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the list of what is done: images hashed, passes over images, boards computed."""
    found: list[str] = []

    def noting(module: Any, name: str, what: str) -> None:
        true = getattr(module, name)

        def noted(*args: Any, **kwargs: Any) -> Any:
            found.append(what)
            return true(*args, **kwargs)

        monkeypatch.setattr(module, name, noted)

    from dfbench.benchmark.execution import pool

    noting(facts, "_read", "hash")
    noting(pool, "extract", "pass")
    noting(build, "measure_board", "board")
    return found


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Give inode and time of all files but the lock and the notes of a tuning."""
    return {
        str(file.relative_to(folder)): (file.stat().st_ino, file.stat().st_mtime_ns)
        for file in folder.rglob("*")
        if file.is_file() and file.suffix not in (".owner", ".log")
    }


def test_a_finished_run_reads_computes_and_writes_nothing(
    suite: Path, make_folder: Callable[..., Path], tmp_path: Path, done: list[str]
) -> None:
    out, data = tmp_path / "out", make_folder()
    options: dict[str, Any] = {"out": out, "jobs": 1, "figures": "scores"}
    first = dfbench.run(suite, data, **options)
    before, frame = state(out), first.frame()
    done.clear()
    second = dfbench.run(suite, data, **options)
    assert done == []
    assert state(out) == before
    assert second.frame().equals(frame)
    assert second.notes == first.notes
    assert [record.status for record in second.ran] == ["ok"]

    # an image cut in place, its time set back: found, and told of, each time
    file = data / "test" / "real" / "000.png"
    content, times = file.read_bytes(), (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    time.sleep(0.02)
    with file.open("r+b") as opened:
        opened.write(content[:60] + bytes(len(content) - 60))
    os.utime(file, ns=times)
    for number in range(2):
        done.clear()
        again = dfbench.run(suite, data, **options)
        assert sorted(done) == ([] if number else ["board", "hash", "pass"])
        assert again.ran[0].cell != first.ran[0].cell
        assert any("1 of 68 images cannot be read" in note for note in again.notes)
        assert any("1 of 68 images cannot be read" in note for note in again.board.tables[0].notes)
        assert again.board.lines[0].n_left_out == 1
    with pytest.raises(DfbenchError, match="1 of 68 images cannot be read"):
        dfbench.run(suite, data, **options, strict=True)

    # everything is looked at where that is asked for
    done.clear()
    dfbench.run(suite, data, **options, check=True)
    assert (done.count("hash"), done.count("board")) == (68, 1)


def test_other_options_are_heeded(
    suite: Path, make_folder: Callable[..., Path], tmp_path: Path, done: list[str]
) -> None:
    out, data = tmp_path / "out", make_folder()
    copy = data / "test" / "real" / "copy.png"
    shutil.copy(data / "train" / "real" / "000.png", copy)
    options: dict[str, Any] = {"out": out, "jobs": 1, "keep_models": "all"}
    first = dfbench.run(suite, data, **options, figures="none")
    assert any("has a copy in train" in note for note in first.notes)
    assert not (out / "report.html").exists()

    # pictures that are wanted now
    dfbench.run(suite, data, **options, figures="scores")
    assert "confusion, ROC" in (out / "report.html").read_text()

    # another suite in the same folder, then the first again
    other = tmp_path / "other.toml"
    other.write_text(SUITE.replace('"hsv"', '"fft"').replace('"tiny"', '"other"'))
    assert {line.row for line in dfbench.run(other, data, **options).board.lines} == {
        "hsv/knn",
        "fft/knn",
    }
    done.clear()
    again = dfbench.run(suite, data, **options, figures="scores")
    assert {line.row for line in again.board.lines} == {"hsv/knn", "fft/knn"}
    assert done == []

    # a model that is gone is fitted once more
    [model] = [path for path in (out / "models").iterdir() if path.stem == first.ran[0].cell]
    model.unlink()
    assert first.ran[0].cell not in dfbench.load_results(out).board.kept
    again = dfbench.run(suite, data, **options, figures="scores")
    assert first.ran[0].cell in again.board.kept

    # leaks, known from before, stop a run that is to stop at them
    with pytest.raises(LeakError):
        dfbench.run(suite, data, **options, on_leak="stop")
