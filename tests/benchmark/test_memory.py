"""How much memory there is for processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dfbench.benchmark import memory
from dfbench.benchmark.memory import available

GB = 10**9


def test_a_limit_of_a_control_group_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "a" / "b"
    own.mkdir(parents=True)
    for folder, limit in ((own, "max"), (own.parent, str(8 * GB))):
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text(f"{5 * GB}\n")
        (folder / "memory.stat").write_text(f"anon 1\nfile {2 * GB}\nshmem {GB}\n")
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)
    assert [memory._left(each, *memory._SECOND) for each in memory._upwards(tmp_path, "/a/b")] == [
        None,
        4 * GB,
        None,
    ]


def test_what_is_available_is_below_what_there_is() -> None:
    found = available()
    if found is not None:
        assert 0 < found < np.iinfo(np.int64).max
