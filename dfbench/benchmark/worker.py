"""What a worker process does before and with a cell. Light to import: it sets up threads first."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def initialise(n_threads: int) -> None:
    """Set the number of threads of the numerical libraries, before they are loaded.

    Two workers that each start a thread per core are slower than one.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told, and stops its workers
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(n_threads)


def _end_with_parent() -> None:
    """End this process when the one that began it is gone: a killed run leaves nothing at work."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@dataclass(frozen=True)
class Part:
    """One of the three parts of the data that a cell works on.

    Attributes
    ----------
    keys
        SHA-256 of the image files, by which features are found.
    labels
        Class numbers.
    """

    keys: list[str]
    labels: list[int]


@dataclass(frozen=True)
class Job:
    """All that a worker needs for a cell, as plain data.

    Attributes
    ----------
    record
        The cell's record as far as it is known before.
    study
        Where the trials are kept. Cells that differ by their budget alone share them.
    features
        Identity and dtype of each table of features, in the order of the columns.
    images, groups
        Of the evaluated part: paths relative to the root, names of groups (empty without).
    seconds_per_image
        Reading, decoding and extracting, as measured when it was done.
    """

    out: Path
    record: dict[str, Any]
    study: Path
    model: str
    features: list[tuple[dict[str, Any], str]]
    train: Part
    tune: Part
    evaluate: Part
    images: list[str]
    groups: list[str]
    trials: int
    seconds: float
    device: str
    n_threads: int
    seconds_per_image: float

    @property
    def log(self) -> Path:
        """Where the traceback of a failure goes."""
        return self.out / "logs" / f"{self.record['cell']}.txt"


def run(job: Job) -> dict[str, Any]:
    """Run a cell, write its record and scores, and give the record as plain data."""
    from dfbench.benchmark.cell import run_cell

    return run_cell(job).model_dump()
