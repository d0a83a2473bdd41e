"""The images of a part in a file of the run."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from dfbench.benchmark.execution.images import write_images
from dfbench.errors import OutputError

KEYS = ["ab" * 32, "cd" * 31 + "00", "00" * 32]


def written(folder: Path, labels: tuple[int, ...] = (0, 1, -1)):
    return write_images(
        folder, KEYS, np.array(labels), ["a.png", "b/c.png", "ä.png"], ["", "g", "g"], ["", "", "x"]
    )


def test_each_column_is_read(tmp_path: Path) -> None:
    images = pickle.loads(pickle.dumps(written(tmp_path / "parts")))
    assert len(images) == 3
    assert [key.ljust(32, b"\0").hex() for key in images.keys] == KEYS
    assert images.labels.tolist() == [0, 1, -1]
    assert images.labels.dtype == np.int64
    assert images.paths == ["a.png", "b/c.png", "ä.png"]
    assert images.groups == ["", "g", "g"]
    assert images.kinds == ["", "", "x"]


def test_equal_parts_are_one_file(tmp_path: Path) -> None:
    first, again, other = written(tmp_path), written(tmp_path), written(tmp_path, (1, 1, 1))
    assert first == again
    assert first.file != other.file
    assert first.labelled(np.array([1, 1, 1])) == other
    assert first.labels.tolist() == [0, 1, -1]


def test_no_images(tmp_path: Path) -> None:
    images = write_images(tmp_path, [], np.empty(0, np.int64), [], [], [])
    assert (len(images), len(images.keys), images.paths) == (0, 0, [])


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "parts").write_text("a file")
    with pytest.raises(OutputError):
        written(tmp_path / "parts")
