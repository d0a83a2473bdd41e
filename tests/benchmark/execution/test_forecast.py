"""What is told of the time that is left, and what workers tell of how far they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dfbench.benchmark.execution.forecast import Forecast
from dfbench.benchmark.execution.status import Status, at_work
from dfbench.benchmark.reporter import Left, Running
from dfbench.results.records.records import Record


@dataclass(frozen=True)
class Asked:
    """What is asked of a job here."""

    record: dict[str, Any]
    model: str = "svm"
    sees_images: bool = False
    finished: bool = False
    seconds: float = 60.0
    timeout: float = 2000.0
    train: range = field(default=range(100))
    status: Path = Path()

    @property
    def n_fitted(self) -> int:
        """As of `Job.n_fitted`, where there are no copies."""
        return len(self.train)


def job(cell: str, row: str = "hsv/svm", n: int = 100, **given: Any) -> Asked:
    return Asked({"cell": cell, "row": row}, train=range(n), **given)


def ended(cell: str, seconds: float, status: str = "ok") -> Record:
    return Record.model_construct(cell=cell, seconds=seconds, status=status)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_told_of_what_nothing_tells() -> None:
    forecast = Forecast(Clock())
    forecast.expect([job("a"), job("b")])  # type: ignore[list-item]
    assert forecast.left([Running("a", cell="a")], 1) is None
    forecast.ended(ended("a", 1.0, "failed"))
    assert forecast.left([], 1) is None


def test_a_cell_takes_what_others_of_its_row_took_for_each_image() -> None:
    forecast, clock = Forecast(clock := Clock()), clock
    forecast.expect(
        [job("a"), job("b", n=300), job("c", "lbp/svm"), job("d", "lbp/knn", model="knn")]
    )  # type: ignore[list-item]
    forecast.ended(ended("a", 10.0))
    assert forecast.left([], 1) == Left(30 + 10 + 10), "by row, by model, by kind"
    assert forecast.left([], 2) == Left(30), "the longest alone"
    assert forecast.left([Running("b", cell="b")], 1) == Left(50)
    clock.now = 20.0
    assert forecast.left([Running("b", cell="b")], 1) == Left(30), "of that it has done a part"
    forecast.ended(ended("c", 40.0))
    assert forecast.left([Running("b", cell="b")], 1) == Left(10 + 25), "the mean of both"


def test_a_network_tells_by_its_trials_and_epochs_and_what_is_not_known_is_said() -> None:
    clock = Clock()
    forecast = Forecast(clock)
    network = job("a", "cnn", model="cnn", sees_images=True, seconds=1000)
    forecast.expect([network, job("b")])  # type: ignore[list-item]
    far = Running("a", done=50, total=100, trial=1, trials=2, cell="a")
    forecast.left([far], 2)
    clock.now = 30.0
    assert forecast.left([far], 2) == Left(90, least=True)
    forecast.ended(ended("b", 1.0))
    assert forecast.left([far], 2) == Left(90)
    for limits, seconds in (({"seconds": 40.0}, 30), ({"timeout": 45.0}, 15)):
        limited = Forecast(clock)
        clock.now = 0.0
        limited.expect([job("a", "cnn", sees_images=True, **limits)])  # type: ignore[list-item]
        limited.left([far], 2)
        clock.now = 30.0
        assert limited.left([far], 2) == Left(seconds), "one trial, or all that a cell may take"
    later = Running("a", done=50, total=100, trial=2, trials=20, cell="a")
    clock.now = 75.0
    assert forecast.left([later], 2) == Left(925), "no longer than the time for tuning"


def test_a_worker_tells_its_trial_and_its_fit(tmp_path: Path) -> None:
    record = {"cell": "a", "dataset": "faces", "variant": "", "row": "cnn", "seed": 0}
    asked = Asked(record, status=tmp_path / "checkpoints" / "status")
    assert at_work(asked) == Running("faces cnn", cell="a")  # type: ignore[arg-type]
    status = Status(asked.status)
    status.trials(1, 3)
    assert at_work(asked).how_far == "trial 2/3"  # type: ignore[arg-type]
    status(5, 90, "epoch 1/10")
    assert at_work(asked).how_far == "trial 2/3", "not twice in half a second"
    status._last = -1.0
    status(5, 90, "epoch 1/10, loss 0.700")
    found = at_work(asked)  # type: ignore[arg-type]
    assert (found.name, found.how_far) == ("faces cnn", "trial 2/3, epoch 1/10, loss 0.700")
    assert found.share == pytest.approx((1 + 5 / 90) / 3)
    status.trials(3, 3)
    assert at_work(asked).how_far == "trial 3/3"  # type: ignore[arg-type]
    record["seed"] = 2
    asked.status.write_text("[1, 2]")
    assert at_work(asked) == Running("faces cnn seed 2", cell="a")  # type: ignore[arg-type]
