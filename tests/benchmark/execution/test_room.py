"""Which jobs fit into memory together, and how much there is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dfbench.benchmark.execution.room import admissible, announce, peak, within
from dfbench.benchmark.reporter import Reporter
from dfbench.models.base import Task
from dfbench.models.selection.space import Space
from dfbench.registry import MODELS, Registry

GB = 10**9


@dataclass(frozen=True)
class Sized:
    """What is asked of a job here."""

    memory: int
    held: int = 100
    less: tuple[tuple[int, int], ...] = ()
    record: dict[str, Any] = field(
        default_factory=lambda: {"dataset": "faces", "variant": "", "row": "cnn"}
    )


def chosen(waiting: list[int], running: list[int], room: int | None, workers: int = 4) -> list[int]:
    found = admissible(
        [Sized(n) for n in waiting], [Sized(n) for n in running], workers=workers, room=room
    )
    return [job.memory for job in found]


def test_as_many_as_workers_where_nothing_is_known_of_memory() -> None:
    assert chosen([9, 8, 7], [6], None, workers=3) == [9, 8]
    assert chosen([9], [6, 5], None, workers=2) == []


def test_what_does_not_fit_beside_others_lets_later_ones_pass() -> None:
    assert chosen([5, 9, 3, 2], [], 10) == [5, 3, 2]
    assert chosen([9], [5], 10) == []
    assert chosen([9], [], 10) == [9]


def test_what_does_not_fit_alone_runs_alone() -> None:
    assert chosen([20, 1, 1], [], 10) == [20]
    assert chosen([1, 1], [20], 10) == []


@given(
    waiting=st.lists(st.integers(0, 20), max_size=12),
    room=st.integers(1, 20),
    workers=st.integers(1, 4),
)
def test_all_jobs_run_and_never_more_than_fit(waiting: list[int], room: int, workers: int) -> None:
    later, running, ended = list(waiting), [], 0
    while later or running:
        for memory in chosen(later, running, room, workers):
            later.remove(memory)
            running.append(memory)
        assert running, "something is always at work"
        assert len(running) <= workers
        assert sum(running) <= room or len(running) == 1
        running.pop(0)
        ended += 1
    assert ended == len(waiting)


def test_what_does_not_fit_is_announced() -> None:
    class Heard(Reporter):
        said: list[str] = []  # noqa: RUF012

        def note(self, text: str) -> None:
            self.said.append(text)

    announce([Sized(1 * GB), Sized(30 * GB)], 20 * GB, Heard())
    [said] = Heard.said
    assert said.startswith("faces cnn: takes about 30.0 GB of memory, 20.0 GB are free")


def test_what_does_not_fit_holds_less_if_it_fits_then() -> None:
    job = Sized(30, less=((50, 20), (25, 15), (12, 14)))
    for room, held, memory in (
        (30, 100, 30),
        (29, 50, 20),
        (19, 25, 15),
        (14, 12, 14),
        (9, 12, 14),
    ):
        found = within(job, room)
        assert (found.held, found.memory) == (held, memory)
    assert within(job, None) is job
    assert within(Sized(30), 20).memory == 30


def test_more_images_take_more_where_a_model_is_given_arrays(monkeypatch) -> None:
    model = Registry(MODELS).get("xgboost").load()
    monkeypatch.setattr(model, "by_block", False)
    few, many = (
        peak(model, Task(n, 500, 2), Space(), [n, n // 4, n // 4], 2000) for n in (1000, 200_000)
    )
    assert many - few > 199_000 * 1.5 * 2000
    assert few < GB


def test_models_of_vectors_take_what_they_hold() -> None:
    def told(name: str, n: int, d: int, **params: Any) -> int:
        model = Registry(MODELS).get(name).load()
        return peak(model, Task(n, d, 2), Space(fixed=params), [n, n // 4], 4 * d)

    n, d = 13_000, 500
    assert told("knn", n, d) > 4 * n * d
    assert told("svm", n, d) > 4 * n * (n + d)  # distances, and rows
    assert told("svm", n, 20) < told("svm", n, d) - 4 * n * n  # of narrow rows none are held
    assert told("kernel-ridge", n, d) > 16 * n * n
    assert told("xgboost", n, d) > 3 * n * d
    for name in ("svm", "kernel-ridge"):  # landmarks take no more for more images
        assert told(name, 2_000_000, d, landmarks=1_000) < told(name, 20_001, d, max_exact=30_000)


def test_the_largest_of_the_choices_counts() -> None:
    model = Registry(MODELS).get("svm").load()

    def asked(space: Space) -> int:
        return peak(model, Task(9_000, 500, 2), space, [9_000], 2_000)

    either = Space(choices={"solver": ["nystroem", "exact"]}, search=False)
    assert asked(either) == asked(Space(fixed={"solver": "exact"}))
    assert asked(either) > asked(Space(fixed={"solver": "nystroem"}))


def test_networks_take_more_for_larger_images_but_not_for_more() -> None:
    model = Registry(MODELS).get("cnn-3conv").load()

    def asked(n: int, side: int) -> int:
        space = Space(fixed={"image_size": side})
        return peak(model, Task(n, side * side * 3, 2), space, [n], side * side * 3)

    assert asked(200_000, 128) - asked(1_000, 128) < 50e6
    assert asked(1_000, 256) > asked(1_000, 128) + GB
