"""Work that would hold up the window, done in other threads."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

_T = TypeVar("_T")


class Background:
    """Does work in threads of its own and hands results to the thread that asks for them."""

    def __init__(self) -> None:
        # a second one, so that a picture can be read while another is judged
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="window")
        self._done: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def do(
        self,
        work: Callable[[], _T],
        then: Callable[[_T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Begin work.

        Parameters
        ----------
        work
            Is called in another thread.
        then, failed
            One of them is called by `deliver`, with what came out or what was raised.
        """

        def over(future: Future[_T]) -> None:
            if future.cancelled():
                return
            error = future.exception()
            if error is None:
                self._done.put(lambda: then(future.result()))
            else:
                told = error if isinstance(error, Exception) else RuntimeError(repr(error))
                self._done.put(lambda: failed(told))

        self._pool.submit(work).add_done_callback(over)

    def deliver(self) -> None:
        """Call back for all work that is over by now, in this thread."""
        while True:
            try:
                call = self._done.get_nowait()
            except queue.Empty:
                return
            call()

    def close(self) -> None:
        """Begin nothing more, and wait for what is under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Background:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
