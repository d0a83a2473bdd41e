"""What a worker of a cluster does: shows that it is like the run that asks it, then its tasks.

Each task brings along what it takes for granted: a worker that joins late or was begun anew is told
all, and nothing has to be registered with a cluster, where a killed run would leave it behind.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfbench.benchmark.memory import available
from dfbench.errors import BusyError, DfbenchError, WorkerError
from dfbench.files import check_writable, owned
from dfbench.installed import THREAD_VARIABLES, versions
from dfbench.plugins import load_file
from dfbench.received.containers.places import read_bytes

if TYPE_CHECKING:
    from distributed import Scheduler, Worker

    from dfbench.benchmark.execution.job import Job
    from dfbench.benchmark.limits import Allowed
    from dfbench.features.base import Extractor
    from dfbench.features.pipeline.place import Place
    from dfbench.features.pipeline.single_pass import Outcome, Sources
    from dfbench.features.views.view import View
    from dfbench.results.records.records import Record

_PATIENCE = 1.0
"""Seconds that a task waits for a worker which has another at hand."""
_TWIN = 2.0
"""Seconds between two looks at a cell that somebody else is at work on."""


class UnlikeError(WorkerError):
    """A worker that does not meet the terms of a run."""


class TakenError(WorkerError):
    """A worker that has another task at hand."""


@dataclass(frozen=True)
class Terms:
    """What a worker must have in common with the run that asks it.

    Attributes
    ----------
    versions
        Of what scores rest on, by package.
    files
        Some of those that it must see, each with the SHA-256 of its content.
    folders
        That it must be able to write.
    cache
        What ``$DFBENCH_CACHE`` is: the folder, or the URL of the feature store.
    seen
        Where it is a URL, a file that it must see there, see `seen_place`.
    plugins
        Files with extractors, each with its content.
    n_threads
        Of a cell; None for as many as the worker was given.
    """

    versions: dict[str, str]
    files: tuple[tuple[Path, str], ...]
    folders: tuple[Path, ...]
    cache: str
    seen: str
    plugins: tuple[tuple[Path, bytes], ...]
    n_threads: int | None


_READERS = ("pillow", "opencv-python-headless", "numba", "scipy")
"""What features rest on, beside what all scores do."""


def versions_of_work() -> dict[str, str]:
    """Give the versions of what features and scores rest on, without importing it."""
    found = versions()
    for package in _READERS:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def seen_place(url: str) -> Place:
    """Give the place in a feature store where a run leaves files for its workers to see."""
    from dfbench.features.pipeline.place import Remote

    return Remote(f"{url}/seen-by-workers")


def faults(terms: Terms, dask_worker: Worker) -> list[str]:
    """Say in what this worker does not meet the terms of a run; its plugins are loaded.

    A task of another run may be at work meanwhile: what that one reads is left as it is.

    Parameters
    ----------
    terms
        Of the run.
    dask_worker
        This worker; Dask gives it.
    """
    global _looked_at
    _looked_at = True
    os.environ.setdefault("MPLBACKEND", "Agg")  # a worker has no window
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(_n_threads(terms, dask_worker))
    own = versions_of_work()
    found = [
        f"{name} is {own.get(name, 'absent')}, where the run has {wanted}"
        for name, wanted in terms.versions.items()
        if own.get(name) != wanted
    ]
    for path, digest in terms.files:
        try:
            if hashlib.sha256(read_bytes(path)).hexdigest() != digest:
                found.append(f"{path} is another file there")
        except OSError as error:
            found.append(f"it does not see {path}: {error.strerror}")
    for folder in terms.folders:
        try:
            check_writable(folder)
        except DfbenchError as error:
            found.append(str(error))
    if terms.seen:
        found += _store_faults(terms)
    for path, content in terms.plugins:
        try:
            load_file(_copy(path, content), known_as=path)
        except DfbenchError as error:
            found.append(str(error))
    return found


def introduce(terms: Terms, dask_worker: Worker) -> tuple[list[str], int | None]:
    """Say in what this worker does not meet the terms of a run, and what its host has room for."""
    return faults(terms, dask_worker), available()


def deaths_of(key: str, dask_scheduler: Scheduler) -> int:
    """Say how many workers the scheduler has seen die of a task."""
    known = dask_scheduler.tasks.get(key)
    return 0 if known is None else int(known.suspicious)


def _store_faults(terms: Terms) -> list[str]:
    own = f"{terms.seen}-{os.getpid()}"
    try:
        place = seen_place(terms.cache)
        if terms.seen not in place.names():
            return [f"it does not see {place}/{terms.seen}"]
        place.write(own, [b""])
        place.remove(own)
    except Exception as error:  # noqa: BLE001 - each file system of fsspec has errors of its own
        return [f"it cannot use {terms.cache}: {error}"]
    return []


def _copy(path: Path, content: bytes) -> Path:
    """Give a file with that content: the one of that path where it has it, else one made here."""
    with suppress(OSError):
        if read_bytes(path) == content:
            return path
    copy = Path(tempfile.mkdtemp(prefix="dfbench-plugin-")) / path.name
    copy.write_bytes(content)
    return copy


_met: Terms | None = None
"""Of the task at hand."""
_looked_at = False
"""Whether a run, perhaps another, has looked at this worker and loaded its plugins since."""


def _meet(terms: Terms) -> None:
    """Take up the terms of a run, where they are not those at hand.

    Raises
    ------
    UnlikeError
        Where this worker does not meet them.
    """
    from distributed import get_worker

    global _met, _looked_at
    if terms != _met or _looked_at:
        os.environ["DFBENCH_CACHE"] = terms.cache
        found = faults(terms, get_worker())
        if found:
            raise UnlikeError("; ".join(found), where=f"worker {get_worker().address}")
        _met, _looked_at = terms, False


def _n_threads(terms: Terms | None, worker: Worker) -> int:
    assert terms is not None  # a task begins with them
    return terms.n_threads or int(worker.state.nthreads)


_turn = threading.Lock()


@contextmanager
def _alone() -> Iterator[None]:
    """Have the worker alone: what a cell sets (threads of libraries) holds for its whole process.

    Raises
    ------
    TakenError
        Where the task of another run has it.
    """
    if not _turn.acquire(timeout=_PATIENCE):
        raise TakenError("another run is at work there")
    try:
        yield
    finally:
        _turn.release()


def perform(terms: Terms, call: bytes) -> Any:
    """Take up the terms of a run, then make a call: a task.

    Parameters
    ----------
    terms
        Of the run.
    call
        Function and arguments, pickled. What they need (threads of libraries, plugins) is settled
        before they are unpickled, and the scheduler holds nothing but bytes.
    """
    with _alone():
        _meet(terms)
        function, arguments = pickle.loads(call)  # noqa: S301 - of the run itself
        return function(*arguments)


# --- images ----------------------------------------------------------------------------------


def extract_chunk(
    sources: Sources, extractors: Sequence[Extractor], views: Sequence[View], allowed: Allowed
) -> Outcome:
    """Make the pass over a chunk of images; this worker reads them and writes into the store."""
    from distributed import get_worker

    from dfbench.features.pipeline.single_pass import extract

    jobs = _n_threads(_met, get_worker())
    return extract(sources, extractors, views=views, jobs=jobs, limits=allowed.here(jobs))


# --- cells -----------------------------------------------------------------------------------


def run_cell(job: Job, device: str) -> dict[str, Any]:
    """Run a cell, or what another worker left of it, and give its record as plain data.

    Parameters
    ----------
    job
        Its device and threads are set here. Out of time, this process ends itself, for no thread
        can be stopped.
    device
        ``auto``, ``cpu`` or ``cuda``.
    """
    from distributed import get_worker
    from joblib import parallel_config

    from dfbench.benchmark.execution import worker
    from dfbench.benchmark.execution.job import Job
    from dfbench.models.devices import resolve_device

    with _time_limit(job):
        n_threads = _n_threads(_met, get_worker())
        left = _left(replace(job, n_threads=n_threads, device=resolve_device(device)))
        if not isinstance(left, Job):
            return left.model_dump()
        with parallel_config("threading"):  # a worker of Dask begins no processes
            return worker.run(left)


@contextmanager
def _time_limit(job: Job) -> Iterator[None]:
    timer = threading.Timer(job.timeout, _give_up, args=[job])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _give_up(job: Job) -> None:
    """Write that a cell was out of time and end this process; its nanny begins another.

    The scheduler then has the task run elsewhere, which finds the record.
    """
    from dfbench.benchmark.execution.lost import lost, out_of_time

    try:
        lost(job, out_of_time(job.timeout))
    finally:
        os._exit(1)


def _left(job: Job) -> Job | Record:
    """Give what is left to do of a cell that may have been begun elsewhere, or its record."""
    from dfbench.models.selection.space import Space

    while _busy(job):
        time.sleep(_TWIN)
    record = job.out.read_cell(job.record["cell"])
    if record is None:
        return job
    if record.status != "ok":
        # of this very run: its answer was lost with a worker
        return record if record.started == job.record["started"] else job
    lacks = [
        each
        for each in job.evaluations
        if not job.out.has_evaluation(each.record["cell"], each.record["probe"])
    ]
    if not job.finished and not lacks:
        return record
    space = Space(record.params, search=False)
    return replace(job, finished=True, space=space, evaluations=lacks)


def _busy(job: Job) -> bool:
    """Whether a worker that was thought lost, or one of a run before, is still at work on it."""
    if not job.study.exists():
        return False
    try:
        with owned(job.study):
            return False
    except BusyError:
        return True
