"""Code that goes on for ever is stopped, and what ends in time is not disturbed."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from dfbench import plugins
from dfbench.errors import PluginError
from dfbench.overdue import within
from dfbench.results.board import added
from dfbench.results.statistics.recomputed import Fault


def forever() -> None:
    while True:
        try:
            time.sleep(0.01)
        except Exception:  # noqa: BLE001 - as plugins do
            continue


def stopped(seconds: float = 0.3) -> str:
    with pytest.raises(BaseException, match=r"takes more") as caught, within(seconds):
        forever()
    return f"{type(caught.value).__name__}: {caught.value}"


def test_a_loop_is_stopped() -> None:
    assert stopped() == "TooLong: takes more than 0.3 s"


def test_what_ends_in_time_hears_nothing() -> None:
    for _ in range(3):
        with within(0.1):
            pass
    time.sleep(0.5)  # nothing comes later
    with within(5), within(0.1):
        pass
    time.sleep(0.5)


def test_what_ends_too_late_by_itself_is_late() -> None:
    with pytest.raises(BaseException, match=r"takes more than 0.1 s"), within(0.1):
        time.sleep(0.6)


def test_other_threads_go_on() -> None:
    told: list[str] = []
    other = threading.Thread(target=lambda: told.append(stopped(0.4)))
    other.start()
    ended = time.monotonic() + 0.8
    while time.monotonic() < ended:
        time.sleep(0.01)
    other.join()
    assert told == ["TooLong: takes more than 0.4 s"]


def test_errors_pass() -> None:
    with pytest.raises(KeyError), within(5):
        raise KeyError


LOOPS = """
import time
from pathlib import Path

import dfbench

{}

@dfbench.metric(higher_is_better=True)
def endless(labels, scores):
    while True:
        time.sleep(0.01)
"""


def test_a_plugin_that_does_not_come_to_its_end_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "LOADING", 0.3)
    (tmp_path / "mine.py").write_text(LOOPS.format("while True:\n    time.sleep(0.01)"))
    said = r"mine.py, line [78]: breaks when it is loaded: TooLong: takes more than 0.3 s"
    with pytest.raises(PluginError, match=said):
        plugins.load_file(tmp_path / "mine.py")


def test_a_metric_that_does_not_come_to_its_end_has_no_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(added, "CALLING", 0.3)
    (tmp_path / "mine.py").write_text(LOOPS.format(""))
    [metric] = added.additions_of([tmp_path / "mine.py"]).metrics
    with pytest.raises(Fault, match=r"^raises TooLong: takes more than 0.3 s"):
        metric.function([0, 1], [0.2, 0.8])


def test_a_plugin_that_goes_elsewhere_is_followed_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("import os\nos.chdir('/')" + LOOPS.format(""))
    plugins.load_file(tmp_path / "mine.py")
    assert Path.cwd() == tmp_path
