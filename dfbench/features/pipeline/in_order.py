"""Work on batches in threads, whose results come in the order of the batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Batch = TypeVar("Batch")
Done = TypeVar("Done")


def in_order(
    work: Callable[[Batch], Done],
    batches: Iterable[Batch],
    jobs: int,
    give_up: Callable[[], None] = lambda: None,
    *,
    weight: Callable[[Batch], int] = lambda _: 0,
    most: int = 0,
) -> Iterator[tuple[Batch, Done]]:
    """Work on batches in threads, few ahead of the one that is taken, so that memory is bounded.

    Parameters
    ----------
    work
        What is done with a batch.
    batches
        Taken one by one.
    jobs
        Number of threads.
    give_up
        Called where no more is wanted, so that batches at hand end soon.
    weight, most
        What a batch weighs from when it is begun until the next is asked for, and what all of them
        may; one that weighs more is alone.
    """
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="extract") as pool:
        waiting: deque[tuple[Batch, int, Future[Done]]] = deque()
        held = 0
        try:
            for batch in batches:
                heavy = weight(batch)
                while waiting and (len(waiting) > jobs + 1 or held + heavy > most):
                    first, its, future = waiting.popleft()
                    yield first, future.result()
                    del future
                    held -= its
                waiting.append((batch, heavy, pool.submit(work, batch)))
                held += heavy
            while waiting:
                first, _, future = waiting.popleft()
                yield first, future.result()
        except BaseException:
            for *_, future in waiting:
                future.cancel()
            give_up()
            raise
