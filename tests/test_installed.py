"""What is told of this dfbench and its machine."""

import pytest

from dfbench import installed


def test_code_that_changed_under_way_is_like_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    tell = installed.this_dfbench.__wrapped__
    found = {tell()}
    assert found == {tell()}
    for begun in (0, 1):  # two processes that began before the code came
        monkeypatch.setattr(installed, "BEGUN", begun)
        found.add(tell())
    assert len(found) == 3
