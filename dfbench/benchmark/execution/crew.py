"""The workers of a cluster: each is given one task at a time, in order.

No more tasks are handed out than there are workers; the others wait here. So the scheduler holds
few jobs, and the death of a worker is held against the task that it was at, which Dask counts, not
against those that only waited for it.
"""

from __future__ import annotations

import pickle
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dfbench.benchmark.execution.remote import Terms, perform
from dfbench.errors import WorkerError

if TYPE_CHECKING:
    from distributed import Client, Future

What = TypeVar("What")

_LOOK = 1.0
"""Seconds between two looks at which workers there are."""
_GPU = "GPU"
"""What a worker declares that has one: ``dask worker --resources GPU=1``."""
_LOST = "the scheduler is gone, or has given up the tasks of this run"


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
    """

    of: What
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    gpu: bool = False


class Crew:
    """The workers that a client reaches.

    Parameters
    ----------
    client
        Connected.
    terms
        What a worker must have in common with the run.
    patience
        Seconds without any worker after which the work is given up.
    """

    def __init__(self, client: Client, terms: Terms, patience: float) -> None:
        self._client = client
        self._terms = terms
        self._patience = patience
        self._workers: dict[str, Any] = {}
        self._looked = self._seen = time.monotonic()
        self._look()

    def __len__(self) -> int:
        return len(self._workers)

    @property
    def gpus(self) -> int:
        """Workers that declare a GPU."""
        return sum(_GPU in each["resources"] for each in self._workers.values())

    @property
    def hosts(self) -> int:
        """Machines that the workers are on."""
        return len({each["host"] for each in self._workers.values()})

    def each(
        self, tasks: Sequence[Task[What]], watch: Callable[[list[What]], None]
    ) -> Iterator[tuple[What, Future]]:
        """Have tasks done and yield each as it ends, well or not; those left over are cancelled.

        Parameters
        ----------
        tasks
            In the order in which they begin.
        watch
            Called now and then with what is at work.

        Raises
        ------
        WorkerError
            If the scheduler is lost, or there are no workers for too long.
        """
        todo = list(tasks)
        waiting: dict[Future, Task[What]] = {}
        try:
            while todo or waiting:
                if time.monotonic() - self._looked > _LOOK:
                    self._look()
                for task in self._next(todo, list(waiting.values())):
                    todo.remove(task)
                    waiting[self._begin(task)] = task
                watch([task.of for task in waiting.values()])
                for future in self._ended(list(waiting)):
                    yield waiting.pop(future).of, future
        finally:
            if waiting:
                self._client.cancel(list(waiting), force=True)

    def _look(self) -> None:
        """Look which workers there are."""
        try:
            # versions of 2025 name five unless they are told
            self._workers = self._client.scheduler_info(n_workers=-1)["workers"]
        except OSError as error:
            raise WorkerError(_LOST, hint="run again: what is finished is kept") from error
        self._looked = time.monotonic()
        if self._workers:
            self._seen = self._looked
        elif self._looked - self._seen > self._patience:
            raise WorkerError(
                f"no worker is left since {self._patience:g} s",
                hint="run again when there are some: what is finished is kept",
            )

    def _next(self, todo: Sequence[Task[What]], waiting: Sequence[Task[What]]) -> list[Task[What]]:
        """Give the tasks that may begin beside those at work."""
        found: list[Task[What]] = []
        gpus = self.gpus
        left = gpus - sum(task.gpu for task in waiting)
        for task in todo:
            if len(waiting) + len(found) >= len(self._workers):
                break
            if task.gpu and gpus:
                if left <= 0:
                    continue
                left -= 1
            found.append(task)
        return found

    def _begin(self, task: Task[What]) -> Future:
        return self._client.submit(
            perform,
            self._terms,
            pickle.dumps((task.function, task.arguments)),
            key=f"{task.function.__name__}-{uuid.uuid4().hex}",
            resources={_GPU: 1} if task.gpu and self.gpus else None,
        )

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
            raise WorkerError(_LOST, hint="run again: what is finished is kept") from error
        return [future for future in waiting if future in done]
