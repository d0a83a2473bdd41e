"""A disk that is full at any moment: the place is named, and the same call goes on afterwards."""

import errno
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import dfbench
from dfbench.errors import OutputError
from tests.conftest import SUITE


def scores(out):
    tables = sorted((out / "cells").glob("*.parquet"))
    return {path.name: pq.read_table(path).to_pydict() for path in tables}


@pytest.fixture(scope="module")
def undisturbed(run_once):
    return scores(run_once("undisturbed", SUITE) / "out")


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 8, 12, 17, 23])
def test_a_run_out_of_room(tmp_path, make_folder, in_process, undisturbed, monkeypatch, n):
    suite, out = tmp_path / "suite.toml", tmp_path / "out"
    suite.write_text(SUITE)
    data = make_folder()
    room, replace = [n], Path.replace

    def full(path, target):
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as a write does: of no file
        return replace(path, target)

    told = None
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        try:
            dfbench.run(suite, data, out=out)
        except OutputError as error:
            told = str(error)
    if told is not None:
        assert str(tmp_path) in told
        assert "No space left on device" in told
    results = dfbench.run(suite, data, out=out)
    assert results.frame()["status"].tolist() == ["ok"]
    assert scores(out) == undisturbed
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".part", ".owner")]
