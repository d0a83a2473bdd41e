"""Which worker of a cluster a task goes to."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from dfbench.benchmark.execution.placing import Member, place


@dataclass(frozen=True, eq=False)
class Sized:
    """What is asked of a task here."""

    memory: int
    gpu: bool = False


def placed(waiting: list[Sized], running: dict[str, Sized], members: dict[str, Member]) -> dict:
    return {task.memory: address for task, address in place(waiting, running, members)}


def test_a_task_goes_where_the_limit_of_the_worker_lets_it() -> None:
    members = {"a": Member("x", limit=4), "b": Member("y", limit=9), "c": Member("z", limit=4)}
    assert placed([Sized(8), Sized(3), Sized(2)], {}, members) == {8: "b", 3: "a", 2: "c"}
    assert placed([Sized(8), Sized(3)], {"b": Sized(5)}, members) == {3: "a"}, "it waits for b"


def test_workers_of_one_host_share_its_memory() -> None:
    members = {"a": Member("x", room=10), "b": Member("x", room=10), "c": Member("y", room=6)}
    assert placed([Sized(7), Sized(6), Sized(5)], {}, members) == {7: "a", 6: "c"}
    assert placed([Sized(5), Sized(3)], {"a": Sized(7), "c": Sized(6)}, members) == {3: "b"}


def test_what_fits_nowhere_goes_where_most_is_and_has_the_host_alone() -> None:
    members = {"a": Member("x", room=10), "b": Member("y", room=20), "c": Member("y", room=20)}
    large = Sized(30)
    assert placed([large, Sized(1)], {}, members) == {30: "b", 1: "a"}
    assert placed([large], {"c": Sized(1)}, members) == {}


def test_a_worker_that_others_use_comes_last() -> None:
    members = {"a": Member("x", keys=frozenset({"theirs"})), "b": Member("x")}
    assert placed([Sized(1)], {}, members) == {1: "b"}
    assert placed([Sized(1), Sized(2)], {}, members) == {1: "b", 2: "a"}


_members = st.builds(
    Member,
    host=st.sampled_from("xyz"),
    gpu=st.booleans(),
    limit=st.none() | st.integers(1, 20),
)


@given(
    waiting=st.lists(st.builds(Sized, st.integers(0, 25), st.booleans()), max_size=12),
    members=st.lists(_members, min_size=1, max_size=5),
    rooms=st.fixed_dictionaries(dict.fromkeys("xyz", st.none() | st.integers(1, 20))),
)
def test_all_tasks_are_done_and_no_more_is_held_than_there_is(
    waiting: list[Sized], members: list[Member], rooms: dict[str, int | None]
) -> None:
    crew = {
        str(n): Member(each.host, each.gpu, each.limit, rooms[each.host])
        for n, each in enumerate(members)
    }
    gpus = any(each.gpu for each in members)
    later, running, done = list(waiting), {}, 0
    while later or running:
        for task, address in place(later, running, crew):
            assert address not in running
            assert crew[address].gpu or not (task.gpu and gpus)
            able = [each for each in crew.values() if each.gpu or not (task.gpu and gpus)]
            if any(task.memory <= each.most for each in able):
                assert task.memory <= crew[address].most
            later.remove(task)
            running[address] = task
        assert running, "something is always at work"
        for host, room in rooms.items():
            held = [task.memory for at, task in running.items() if crew[at].host == host]
            assert room is None or sum(held) <= room or len(held) == 1
        running.pop(next(iter(running)))
        done += 1
    assert done == len(waiting)
