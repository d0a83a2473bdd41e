"""Which worker of a cluster a task goes to: a free one that has what it takes, and room for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from dfbench.benchmark.execution.room import fits


@dataclass(frozen=True)
class Member:
    """A worker.

    Attributes
    ----------
    host
        The machine that it is on.
    gpu
        Whether it declares a GPU.
    limit
        Bytes after which its nanny ends it; None where there is no such limit.
    room
        Bytes that processes could take on its host when the first worker there was met; None where
        nothing told.
    keys
        Names of what the scheduler has given it to do, whoever asked for that.
    """

    host: str
    gpu: bool = False
    limit: int | None = None
    room: int | None = None
    keys: frozenset[str] = frozenset()

    @property
    def most(self) -> float:
        """Bytes of the largest task that it has room for while its host does nothing else."""
        return min((each for each in (self.limit, self.room) if each is not None), default=_ANY)


_ANY = float("inf")


class Needs(Protocol):
    """What is asked of a task here."""

    @property
    def gpu(self) -> bool:
        """Whether it goes to a worker that declares a GPU, where any does."""

    @property
    def memory(self) -> int:
        """Bytes that it is expected to hold at the peak."""


_Task = TypeVar("_Task", bound=Needs)


def place(
    waiting: Iterable[_Task], running: Mapping[str, Needs], members: Mapping[str, Member]
) -> list[tuple[_Task, str]]:
    """Choose the tasks to start now, each with the address of its worker.

    Parameters
    ----------
    waiting
        In the order that they are wanted. One that fits nowhere now lets later ones pass.
    running
        At work, by the address of the worker.
    members
        The workers, by address; one without a task in ``running`` is free.

    Returns
    -------
    list
        A task a worker. Workers of one host share its memory. What no worker has room for goes
        where most is, once nothing else is at work there.
    """
    busy = dict(running)
    gpus = any(each.gpu for each in members.values())
    found = []
    for task in waiting:
        free = [address for address in members if address not in busy]
        if not free:
            break
        able = {
            address: each
            for address, each in members.items()
            if each.gpu or not (task.gpu and gpus)
        }
        most = max(each.most for each in able.values())
        held: dict[str, int] = {}
        for address, its in busy.items():
            if address in members:
                host = members[address].host
                held[host] = held.get(host, 0) + its.memory

        def has_room(
            at: Member, task: _Task = task, most: float = most, held: dict[str, int] = held
        ) -> bool:
            if task.memory > most:
                return at.most == most and at.host not in held
            within = at.limit is None or task.memory <= at.limit
            return within and fits(task.memory, held.get(at.host, 0), at.room)

        chosen = [address for address in free if address in able and has_room(able[address])]
        if chosen:
            # first where nobody else has a task, then where no network will want the GPU
            address = min(chosen, key=lambda at: (len(able[at].keys), able[at].gpu))
            busy[address] = task
            found.append((task, address))
    return found
