"""What is kept below the cache folder under a sum."""

import json
import os

import numpy as np
import pytest

from dfbench.files import keep_known, known_of

VALUE = {"ab" * 32: "truncated", "url": "https://example.org/a", "place": "/somewhere"}


def test_no_flipped_bit_tells_something_else(tmp_path):
    path = tmp_path / "kept.json"
    keep_known(path, VALUE)
    content = path.read_bytes()
    for at in np.random.default_rng(0).integers(0, len(content) * 8, 200).tolist():
        flipped = bytearray(content)
        flipped[at // 8] ^= 1 << at % 8
        path.write_bytes(flipped)
        assert known_of(path) in (None, VALUE)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"value": 1}', "[" * 10**5], ids=range(6)
)
def test_what_is_none_is_not_known(text, tmp_path):
    path = tmp_path / "kept.json"
    path.write_text(text)
    assert known_of(path) is None


def test_pipes_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "kept.json")
    assert known_of(tmp_path / "kept.json") is None
    assert known_of(tmp_path / "absent.json") is None


def test_a_place_that_cannot_be_written_costs_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    keep_known(tmp_path / "file" / "kept.json", VALUE)
    keep_known(tmp_path / "kept.json", VALUE)
    assert json.loads((tmp_path / "kept.json").read_text())["value"] == VALUE
