"""Memory that threads share for what is large: who finds too much of it taken waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Room:
    """So many bytes for all threads.

    Parameters
    ----------
    most
        Bytes. What needs more of them has its turn all the same, when nobody has any.
    """

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0
        self._change = threading.Condition()

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Take so many bytes inside the block; nobody may do so twice, or all would wait."""
        with self._change:
            self._change.wait_for(lambda: not self._held or self._held + size <= self._most)
            self._held += size
        try:
            yield
        finally:
            with self._change:
                self._held -= size
                self._change.notify_all()
