"""The workers of a cluster: each is given one task at a time, in order, by this process.

No more tasks are handed out than there are workers; the others wait here. Each goes to a worker by
name, see `dfbench.benchmark.execution.placing`, so that what shares the memory of a host is known,
and the death of a worker is held against the task that it was at alone.
"""

from __future__ import annotations

import pickle
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dfbench.benchmark.execution.likeness import Introduced, introduced
from dfbench.benchmark.execution.placing import Member, place
from dfbench.benchmark.execution.remote import TakenError, Terms, UnlikeError, deaths_of, perform
from dfbench.errors import WorkerError

if TYPE_CHECKING:
    from distributed import Client, Future

What = TypeVar("What")

DEATHS = 3
"""Workers that a cell may take along before it is given up."""
_LOOK = 1.0
"""Seconds between two looks at which workers there are."""
_GPU = "GPU"
"""What a worker declares that has one: ``dask worker --resources GPU=1``."""
_LOST = "the scheduler is gone, or has given up the tasks of this run"
_RUN_AGAIN = "run again: what is finished is kept"


@dataclass(frozen=True, eq=False)
class Task(Generic[What]):
    """A call that a worker is to make.

    Attributes
    ----------
    of
        What it is about.
    function, arguments
        Pickled once it is its turn.
    gpu
        Whether it goes to a worker that declares a GPU, where any does.
    memory
        Bytes that the worker is expected to hold at the peak.
    deaths
        Workers that may die of it before it is given up.
    """

    of: What
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    gpu: bool = False
    memory: int = 0
    deaths: int = DEATHS


@dataclass(frozen=True)
class Lost:
    """What came of a task of which so many workers died."""

    deaths: int


_AGAIN = object()
"""What came of a task that is to begin again."""


class Crew:
    """The workers that a client reaches and that are like the run.

    Parameters
    ----------
    client
        Connected.
    terms
        What a worker must have in common with the run.
    patience
        Seconds without any worker after which the work is given up.
    note
        Told of each worker that is left without tasks.
    met
        What is known of workers already, by address.
    """

    def __init__(
        self,
        client: Client,
        terms: Terms,
        patience: float,
        note: Callable[[str], None] = lambda text: None,
        met: Mapping[str, Introduced] | None = None,
    ) -> None:
        self._client = client
        self._terms = terms
        self._patience = patience
        self._note = note
        self._met = dict(met or {})
        self._noted: set[str] = set()
        self._rooms: dict[str, int | None] = {}
        self._begun: set[str] = set()
        self._present: dict[str, Member] = {}
        self._members: dict[str, Member] = {}
        self._looked = self._seen = time.monotonic()
        self._look()

    def __len__(self) -> int:
        return len(self._members)

    @property
    def gpus(self) -> int:
        """Workers that declare a GPU."""
        return sum(each.gpu for each in self._members.values())

    @property
    def hosts(self) -> int:
        """Machines that the workers are on."""
        return len({each.host for each in self._members.values()})

    @property
    def room(self) -> int | None:
        """Bytes that the largest task may take; None where nothing tells."""
        known = [each.most for each in self._members.values()]
        return int(max(known)) if known and max(known) < float("inf") else None

    def each(
        self, todo: list[Task[What]], watch: Callable[[list[What]], None]
    ) -> Iterator[tuple[What, Any]]:
        """Have tasks done and yield each as it ends, with its value or `Lost`.

        Those left over are cancelled.

        Parameters
        ----------
        todo
            In the order in which they begin. They are taken from it, and more may be put there
            until all are done.
        watch
            Called now and then with what is at work.

        Raises
        ------
        WorkerError
            If the scheduler is lost, or there are no workers for too long.
        Exception
            What a task raises.
        """
        at_work: dict[Future, tuple[Task[What], str]] = {}
        deaths: Counter[Task[What]] = Counter()
        try:
            while todo or at_work:
                ended: list[tuple[Task[What], Any]] = []
                if time.monotonic() - self._looked > _LOOK:
                    self._look()
                    for future in self._astray(at_work):
                        task, _ = at_work.pop(future)
                        ended.append((task, self._recalled(future, task, deaths)))
                running = {address: task for task, address in at_work.values()}
                for task, address in place(todo, running, self._members):
                    todo.remove(task)
                    at_work[self._begin(task, address)] = task, address
                watch([task.of for task, _ in at_work.values()])
                for future in self._ended(list(at_work)):
                    task, address = at_work.pop(future)
                    ended.append((task, self._value(future, task, address, deaths)))
                todo[:0] = [task for task, value in ended if value is _AGAIN]
                for task, value in ended:
                    if value is not _AGAIN:
                        yield task.of, value
        finally:
            if at_work:
                self._client.cancel(list(at_work), force=True)

    # --- workers -----------------------------------------------------------------------------

    def _look(self) -> None:
        """Look which workers there are, and meet those that are new."""
        try:
            # versions of 2025 name five unless they are told
            found = self._client.scheduler_info(n_workers=-1)["workers"]
            keys = self._client.processing()
            fresh = [address for address in found if address not in self._met]
            if fresh:
                self._met |= introduced(self._client, self._terms, fresh)
        except OSError as error:
            raise WorkerError(_LOST, hint=_RUN_AGAIN) from error
        self._met = {address: its for address, its in self._met.items() if address in found}
        for address, its in self._met.items():
            if its.fault:
                self._leave(address, its.fault)
            else:
                self._rooms.setdefault(found[address]["host"], its.room)
        self._present = {
            address: Member(
                its["host"],
                _GPU in its["resources"],
                its["memory_limit"] or None,
                self._rooms.get(its["host"]),
                frozenset(map(str, keys.get(address, ()))) - self._begun,
            )
            for address, its in found.items()
        }
        self._members = {
            address: self._present[address]
            for address, its in self._met.items()
            if not its.fault and found[address]["status"] == "running"
        }
        self._looked = time.monotonic()
        if any(not its.fault for its in self._met.values()):
            self._seen = self._looked
        elif self._looked - self._seen > self._patience:
            unlike = f", and {len(self._met)} are unlike the run" if self._met else ""
            raise WorkerError(
                f"no worker is left since {self._patience:g} s{unlike}",
                hint="run again when there are some: what is finished is kept",
            )

    def _leave(self, address: str, fault: str) -> None:
        """Leave a worker without tasks; what several lack is told of one."""
        self._members.pop(address, None)
        if fault not in self._noted:
            self._noted.add(fault)
            self._note(f"worker {address} is left without tasks, as it is unlike the run: {fault}")

    # --- tasks -------------------------------------------------------------------------------

    def _begin(self, task: Task[What], address: str) -> Future:
        key = f"{task.function.__name__}-{uuid.uuid4().hex}"
        self._begun.add(key)
        call = pickle.dumps((task.function, task.arguments))
        return self._client.submit(perform, self._terms, call, key=key, workers=[address])

    def _ended(self, waiting: list[Future]) -> list[Future]:
        from concurrent.futures import CancelledError

        from distributed import wait

        if not waiting:
            time.sleep(_LOOK)
            return []
        try:
            with self._client.as_current():
                done = wait(waiting, timeout=_LOOK, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            return []
        except CancelledError as error:
            raise WorkerError(_LOST, hint=_RUN_AGAIN) from error
        return [future for future in waiting if future in done]

    def _value(
        self, future: Future, task: Task[What], address: str, deaths: Counter[Task[What]]
    ) -> Any:
        """Give what came of a task that has ended."""
        from distributed import KilledWorker

        while True:
            try:
                return future.result(timeout=_LOOK)
            except TimeoutError:
                if future.status == "error":
                    raise  # its own
                self._look()
                if address not in self._present:  # it went before it was asked for the value
                    return self._recalled(future, task, deaths)
            except TakenError:
                return _AGAIN
            except UnlikeError as error:
                self._met[address] = Introduced(error.what, None)
                self._leave(address, error.what)
                return _AGAIN
            except KilledWorker as error:  # begun anew under the same address each time
                return self._mourned(task, error.allowed_failures + 1, deaths)

    def _astray(self, at_work: Mapping[Future, tuple[Task[What], str]]) -> list[Future]:
        """Give what waits for a worker that is gone, or behind others' work while one is idle."""
        found = []
        running = {address: task for task, address in at_work.values()}
        idle = {
            address: each
            for address, each in self._members.items()
            if not each.keys and address not in running
        }
        for future, (task, address) in at_work.items():
            if future.done():
                continue
            if address not in self._present:
                found.append(future)
            elif self._present[address].keys:
                others = {at: its for at, its in running.items() if its is not task}
                better = place([task], others, self._members)
                if better and better[0][1] in idle and not self._client.call_stack([future]):
                    del idle[better[0][1]]
                    found.append(future)
        return found

    def _recalled(self, future: Future, task: Task[What], deaths: Counter[Task[What]]) -> Any:
        """Take a task back; a worker that ended in order did not die of it."""
        died = self._client.run_on_scheduler(deaths_of, future.key)
        self._client.cancel([future], force=True)
        return self._mourned(task, died, deaths)

    def _mourned(self, task: Task[What], died: int, deaths: Counter[Task[What]]) -> Any:
        deaths[task] += died
        return Lost(deaths[task]) if deaths[task] >= task.deaths else _AGAIN
