"""Processes without work, kept for who asks next."""

from __future__ import annotations

import atexit
import threading
import time
from typing import Any

from dfbench.contained.process import Process

_IDLE = 10.0
"""Seconds that a process without work is kept for the next pass: some hold a network."""


class _Idle:
    """Processes without work; one is ended when it has been without for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._those: list[tuple[Any, Process, float]] = []

    def take(self, key: Any) -> Any:
        """Give a process that was put here under a key; None where there is none."""
        with self._lock:
            # the last one first: what one process suffices for lets the others end
            for n in reversed(range(len(self._those))):
                if self._those[n][0] == key:
                    return self._those.pop(n)[1]
        return None

    def put(self, key: Any, process: Process) -> None:
        """Keep a process under a key."""
        with self._lock:
            self._those.append((key, process, time.monotonic()))
            if len(self._those) == 1:
                threading.Thread(target=self._sweep, daemon=True).start()

    def clear(self) -> None:
        """End all."""
        with self._lock:
            those, self._those = self._those, []
        for _, process, _ in those:
            process.end()

    def _sweep(self) -> None:
        while True:
            time.sleep(1.0)
            now = time.monotonic()
            with self._lock:
                old = [each for each in self._those if now - each[2] > _IDLE]
                self._those = [each for each in self._those if each not in old]
                left = bool(self._those)
            for _, process, _ in old:
                process.end()
            if not left:
                return


idle = _Idle()


@atexit.register
def end_idle() -> None:
    """End all processes that are kept for the next pass."""
    idle.clear()
