"""How long a run still takes, by what its cells took so far."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from dfbench.benchmark.execution.job import Job
from dfbench.benchmark.reporter import Left, Running
from dfbench.results.records.records import Record

_TOLD = 0.05
"""Share of its fits from which on a cell tells itself how long it takes."""


class Forecast:
    """The time that is left; where nothing tells it of some cells, the least that it can be.

    A cell takes what others of its row took, per training image; where none has ended, what its
    own progress tells; else what others of its model, or of its kind, took.

    Parameters
    ----------
    clock
        Gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: dict[str, Job] = {}
        self._begun: dict[str, float] = {}
        self._rates: dict[Hashable, list[float]] = defaultdict(list)

    def expect(self, jobs: Iterable[Job]) -> None:
        """Take up what is to run."""
        self._left |= {job.record["cell"]: job for job in jobs}

    def ended(self, record: Record) -> None:
        """Take up that a cell ended, well or not."""
        job, begun = self._left.pop(record.cell, None), self._begun.pop(record.cell, None)
        if job is None or record.status != "ok":
            return
        seconds: float | None = record.seconds
        if job.finished:  # its record tells of the first time
            seconds = None if begun is None else self._clock() - begun
        if seconds is not None:
            for alike in _alike(job):
                self._rates[alike].append(seconds / max(1, job.n_fitted))

    def left(self, running: Sequence[Running], workers: int) -> Left | None:
        """Estimate the time until all have ended.

        Parameters
        ----------
        running
            What is at work.
        workers
            Side by side.

        Returns
        -------
        Left or None
            None where of no cell anything tells how long it takes.
        """
        now, at_work = self._clock(), {each.cell: each for each in running}
        for cell in at_work:
            self._begun.setdefault(cell, now)
        rests, least = [0.0], False
        for cell, job in self._left.items():
            spent = now - self._begun[cell] if cell in at_work else 0.0
            expected = self._expected(job, at_work.get(cell), spent)
            if expected is None:
                least = True
            else:
                rests.append(max(0.0, expected - spent))
        # one alone may outlast what the others share
        seconds = max(sum(rests) / max(1, workers), *rests)
        return Left(seconds, least) if seconds > 0 else None

    def _expected(self, job: Job, running: Running | None, spent: float) -> float | None:
        known = (self._by_rate(job, alike) for alike in _alike(job))
        own = next(known)
        if own is not None and own > spent:
            return own
        if running is not None and running.share >= _TOLD:
            found = spent / running.share
            # no trial begins that would end after the time for tuning
            tuning = max(job.seconds, found / max(1, running.trials))
            return min(found, tuning, job.timeout)
        return own if own is not None else next((each for each in known if each), None)

    def _by_rate(self, job: Job, alike: Hashable) -> float | None:
        rates = self._rates.get(alike)
        return job.n_fitted * sum(rates) / len(rates) if rates else None


def _alike(job: Job) -> Iterator[Hashable]:
    """Give what cells have in common with one, the closest first."""
    yield job.finished, "row", job.record["row"]
    yield job.finished, "model", job.model
    yield job.finished, "kind", job.sees_images
