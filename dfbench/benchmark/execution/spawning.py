"""Worker processes that do not run the script which began the run.

A spawned process imports the script of its parent first, so that it finds what was defined there.
Workers are told all by plain data and need nothing of it, while a script that calls `dfbench.run`
without ``if __name__ == "__main__":`` would begin its run anew in each of them.
"""

from __future__ import annotations

import multiprocessing.context
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any

_LOCK = threading.Lock()


@contextmanager
def nameless_main() -> Iterator[None]:
    """Let the main module have neither file nor name, which is what a child is told to import."""
    with _LOCK:
        main = sys.modules["__main__"]
        names = [name for name in ("__file__", "__spec__") if hasattr(main, name)]
        kept = {name: getattr(main, name) for name in names}
        try:
            for name in kept:
                setattr(main, name, None)
            yield
        finally:
            for name, value in kept.items():
                setattr(main, name, value)


class _Process(SpawnProcess):
    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        with nameless_main():
            return SpawnProcess._Popen(process_obj)


class WorkerContext(SpawnContext):
    """Spawns processes that import nothing of the script that began them."""

    Process = _Process


def named() -> str:
    """Give a name by which `multiprocessing.get_context`, and so Dask, finds `WorkerContext`."""
    contexts: dict[str, Any] = multiprocessing.context._concrete_contexts  # type: ignore[attr-defined]
    contexts.setdefault("dfbench", WorkerContext())
    return "dfbench"
