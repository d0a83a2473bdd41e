"""Whether a job fits into memory beside those that run: told before it is started.

What a worker takes is estimated from what its model is given and what it holds of it. An estimate
that is too high costs time, one that is too low a worker: where they are wrong they are to be high.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from dfbench.benchmark.execution.job import Job
from dfbench.benchmark.reporter import Reporter
from dfbench.models.base import Model, Task
from dfbench.models.selection.space import Space

_PROCESS = 400 << 20
"""Bytes of a worker with the libraries that it has loaded, before it has read anything."""
_ROW = 128
"""Bytes that a row in the store takes of who reads it by block: its key, where it lies, its sum."""
_CGROUPS = Path("/sys/fs/cgroup")

_Job = TypeVar("_Job", bound=Job)


def peak(model: type[Model], task: Task, space: Space, rows: Sequence[int], row_bytes: int) -> int:
    """Estimate what a worker holds at the peak of a cell, in bytes.

    Parameters
    ----------
    model
        Of the cell.
    task
        See `Model.memory`.
    space
        Of the cell: the largest of its choices and ranges counts.
    rows
        Number of images of each part.
    row_bytes
        Of what the model is given of an image.
    """
    inputs = sum(rows) * (_ROW if model.by_block else row_bytes)
    settings = ({**model.defaults(), **params} for params in space.settings(model))
    return _PROCESS + inputs + max(model.memory(task, params) for params in settings)


def admissible(
    waiting: Iterable[_Job], running: Sequence[Job], *, workers: int, room: int | None
) -> list[_Job]:
    """Choose the jobs to start now.

    Parameters
    ----------
    waiting
        In the order that they are wanted. One that does not fit now lets later ones pass.
    running
        At work.
    workers
        That there are.
    room
        Bytes for all of them; None where nothing is known of it: then all fit.

    Returns
    -------
    list
        As many as workers are free, and fit. Where none is at work the first is among them, whether
        it fits or not: it runs alone then.
    """
    chosen: list[_Job] = []
    held = sum(job.memory for job in running)
    for job in waiting:
        if len(running) + len(chosen) >= workers:
            break
        alone = not running and not chosen
        if alone or room is None or held + job.memory <= room:
            chosen.append(job)
            held += job.memory
    return chosen


def available() -> int | None:
    """Give the bytes that processes can still take here; None where nothing tells."""
    return _least(_of_machine(), *_of_groups())


def _least(*found: int | None) -> int | None:
    known = [each for each in found if each is not None]
    return min(known) if known else None


def _of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        facts = dict(line.split(":", 1) for line in lines)
        return int(facts["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError, IndexError):
        return None


def _of_groups() -> list[int]:
    """Give what is left of the limits of the control groups that this process is in."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, _, rest = line.partition(":")
        kinds, _, name = rest.partition(":")
        if kinds == "":
            left = [_left(folder, *_SECOND) for folder in _upwards(_CGROUPS, name)]
        elif "memory" in kinds.split(","):
            left = [_left(folder, *_FIRST) for folder in _upwards(_CGROUPS / "memory", name)]
        else:
            continue
        found += [each for each in left if each is not None]
    return found


_SECOND = ("memory.max", "memory.current", "file", "shmem")
_FIRST = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache", "total_shmem")
"""Files of a control group, and lines of its ``memory.stat``, by version."""


def _upwards(root: Path, name: str) -> list[Path]:
    own = root / name.strip("/")
    return [own, *(folder for folder in own.parents if folder.is_relative_to(root))]


def _left(folder: Path, limit: str, usage: str, cache: str, shared: str) -> int | None:
    try:
        most = int((folder / limit).read_text())  # "max": no number
        used = int((folder / usage).read_text())
        lines = (folder / "memory.stat").read_text().splitlines()
        facts = dict(line.split() for line in lines)
        # what is cached of files is given up when memory is wanted
        return most - used + int(facts[cache]) - int(facts.get(shared, 0))
    except (OSError, ValueError, KeyError):
        return None


def announce(jobs: Sequence[Job], room: int | None, reporter: Reporter) -> None:
    """Say which jobs take more than there is, by their estimates."""
    for job in jobs:
        if room is not None and job.memory > room:
            words = (job.record["dataset"], job.record["variant"], job.record["row"])
            reporter.note(
                f"{' '.join(word for word in words if word)}: takes about {job.memory / 1e9:.1f} GB"
                f" of memory, {room / 1e9:.1f} GB are free: it runs alone, and may not end well"
            )
