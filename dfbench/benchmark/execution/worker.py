"""What a worker process does before and with a cell. Light to import: it sets up threads first."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dfbench.dynamo import put_off
from dfbench.installed import THREAD_VARIABLES
from dfbench.models.devices import take_gpu

if TYPE_CHECKING:
    from dfbench.benchmark.execution.job import Job


def initialise(n_threads: int, gpus: Sequence[str], begun: Any) -> None:
    """Set the number of threads of the numerical libraries, and the GPU, before they are loaded.

    Two workers that each start a thread per core are slower than one, and so are two on one GPU.

    Parameters
    ----------
    n_threads
        Of this worker.
    gpus
        That the workers share, see `dfbench.models.devices.visible_gpus`.
    begun
        Number of workers that were begun before, in memory that they share.
    """
    with begun.get_lock():
        number = begun.value
        begun.value += 1
    take_gpu(gpus, number)
    follow()
    put_off()
    os.environ.setdefault("MPLBACKEND", "Agg")  # a worker has no window
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(n_threads)


def follow() -> None:
    """Have this process end when its parent does, and not before."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told, and stops its workers


def _end_with_parent() -> None:
    """End this process when the one that began it is gone: a killed run leaves nothing at work."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def run(job: Job) -> dict[str, Any]:
    """Run a cell, write its record and scores, and give the record as plain data."""
    from dfbench.benchmark.execution.cell import run_cell
    from dfbench.models.held import holding_at_most

    with holding_at_most(job.held):
        return run_cell(job).model_dump()
