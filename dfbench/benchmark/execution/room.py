"""Whether a job fits into memory beside those that run: told before it is started.

What a worker takes is estimated from what its model is given and what it holds of it. An estimate
that is too high costs time, one that is too low a worker: where they are wrong they are to be high.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from dfbench.benchmark.execution.job import Job
from dfbench.benchmark.reporter import Reporter
from dfbench.models.base import Model, Task
from dfbench.models.selection.space import Space

_PROCESS = 400 << 20
"""Bytes of a worker with the libraries that it has loaded, before it has read anything."""
_ROW = 128
"""Bytes that a row in the store takes of who reads it by block: its key, where it lies, its sum."""

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


def fits(memory: int, held: int, room: int | None) -> bool:
    """Whether so many bytes fit beside those that are held; of an unknown room all do."""
    return room is None or held + memory <= room


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
        if alone or fits(job.memory, held, room):
            chosen.append(job)
            held += job.memory
    return chosen


def within(job: Job, room: int | None) -> Job:
    """Have a job that takes more than there is hold less: as much as fits, or as little as can be.

    It then takes longer, and comes to the same.
    """
    if room is None or job.memory <= room or not job.less:
        return job
    held, memory = next((each for each in job.less if each[1] <= room), job.less[-1])
    return replace(job, held=held, memory=memory)


def announce(
    jobs: Sequence[Job], room: int | None, reporter: Reporter, has: str = "{} are free"
) -> None:
    """Say which jobs take more than there is, by their estimates; ``has`` words what there is."""
    for job in jobs:
        if room is not None and job.memory > room:
            words = (job.record["dataset"], job.record["variant"], job.record["row"])
            there = has.format(f"{room / 1e9:.1f} GB")
            reporter.note(
                f"{' '.join(word for word in words if word)}: takes about {job.memory / 1e9:.1f} GB"
                f" of memory, {there}: it runs alone, and may not end well"
            )
