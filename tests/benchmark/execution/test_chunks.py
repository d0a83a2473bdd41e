"""Chunks of images whose workers die: what is to blame, and that it alone has no values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfbench.benchmark.execution.chunks import Pass
from dfbench.benchmark.execution.crew import Lost, Task
from dfbench.benchmark.limits import Allowed
from dfbench.errors import DataError, DfbenchError
from dfbench.features.pipeline.single_pass import Outcome, Sources
from dfbench.features.views.view import PLAIN, view

ITS = [SimpleNamespace(name=name, where=f"extractor '{name}'") for name in ("a", "b", "c")]
VIEWS = [PLAIN, view("jpeg=70")]


class Crew:
    """Workers that do a chunk here, unless they die of it, two at a time."""

    def __init__(self, dies: Callable[[int, str], bool], broken: frozenset[int]) -> None:
        self.dies, self.broken = dies, broken
        self.seen: set[tuple[int, str]] = set()
        self.decoded: set[int] = set()
        self.deaths = 0

    def __len__(self) -> int:
        return 2

    def each(self, todo: list[Task[Any]], watch: Any) -> Iterator[tuple[Any, Any]]:
        at_work: list[Task[Any]] = []
        while todo or at_work:
            while todo and len(at_work) < 2:
                at_work.append(todo.pop(0))
            task = at_work.pop(0)
            yield task.of, self.done(*task.arguments)

    def done(self, images: Sources, extractors: list[Any], views: Any, allowed: Allowed) -> Any:
        numbers = [int(each.path.name) for each in images]
        for number in numbers:
            for name in ["", *(each.name for each in extractors)]:
                if self.dies(number, name):
                    self.deaths += 1
                    return Lost(1)
        self.decoded |= set(numbers)
        outcome = Outcome({f"{n:064x}": "broken" for n in set(numbers) & self.broken})
        for at, each in enumerate(extractors):
            if each.name == "c" and 0 in numbers:  # an error of the usual kind, in one view
                outcome.failed[len(extractors) + at] = DfbenchError("usual", where="c")
            else:
                self.seen |= {(n, each.name) for n in numbers}
        return outcome


def images(n: int) -> Sources:
    keys = [f"{each:064x}" for each in range(n)]
    return Sources(Path("/faces"), [str(each) for each in range(n)], keys, np.zeros(n, np.int64))


fatal = st.sets(st.tuples(st.integers(0, 299), st.sampled_from("ab")), max_size=8)


@given(pairs=fatal, n=st.integers(1, 300))
def test_what_a_worker_dies_of_costs_that_extractor_alone(
    pairs: set[tuple[int, str]], n: int
) -> None:
    crew = Crew(lambda *pair: pair in pairs, frozenset({n - 1}))
    told: list[tuple[int, int]] = []
    found = Pass(crew, images(n), ITS, VIEWS, Allowed())(lambda *done: told.append(done))  # type: ignore[arg-type]
    blamed = {name for number, name in pairs if number < n}
    assert set(found.failed) == {
        *(place for place, name in enumerate("ab") if name in blamed),
        *(3 + place for place, name in enumerate("ab") if name in blamed),
        5,
    }
    for place, name in enumerate("ab"):
        if name in blamed:
            said = str(found.failed[place])
            assert said.startswith(f"extractor '{name}' on /faces/")
            assert (int(said.split()[3].strip(":").rpartition("/")[2]), name) in pairs
        else:
            assert {number for number, its in crew.seen if its == name} == set(range(n))
    assert str(found.failed[5]) == "c: usual"
    assert crew.decoded == set(range(n))
    assert list(found.unreadable) == [f"{n - 1:064x}"]
    assert told[0] == (0, n)
    assert told[-1] == (n, n)


def test_an_extractor_that_always_dies_takes_few_workers_along() -> None:
    crew = Crew(lambda number, name: name == "b", frozenset())
    found = Pass(crew, images(4_000), ITS[:2], [PLAIN], Allowed())()  # type: ignore[arg-type]
    assert set(found.failed) == {1}
    assert {number for number, name in crew.seen if name == "a"} == set(range(4_000))
    assert crew.deaths < 12


@pytest.mark.parametrize("extractors", [ITS[:2], ITS[:1], []])
def test_an_image_whose_decoding_is_deadly_is_named(extractors: list[Any]) -> None:
    crew = Crew(lambda number, name: number == 70, frozenset())
    with pytest.raises(DataError, match=r"^/faces/70: a worker process died when it decoded"):
        Pass(crew, images(100), extractors, [PLAIN], Allowed())()  # type: ignore[arg-type]
