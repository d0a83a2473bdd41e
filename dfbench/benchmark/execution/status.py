"""How far a worker is with its training, told by a small file that the main process looks at."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

from dfbench.benchmark.execution.job import Job
from dfbench.benchmark.reporter import Running
from dfbench.received.files import read_bytes
from dfbench.received.texts import SMALL, from_json

_EVERY = 0.5
"""Seconds between two writes at least."""


class Status:
    """Progress within a fit, see `dfbench.models.base.Model.progress`, kept in a file.

    A file that cannot be written is no error.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = 0.0
        self._trial = (0, 0)

    def __call__(self, done: int, total: int, said: str) -> None:
        """Say that ``done`` of ``total`` steps are done, and what they came to."""
        if time.monotonic() - self._last >= _EVERY:
            self._write(done, total, said)

    def trials(self, done: int, total: int) -> None:
        """Say that ``done`` of ``total`` trials are done, and that the next begins."""
        self._trial = (min(done + 1, total), total)
        self._write(0, 0, "")

    def _write(self, done: int, total: int, said: str) -> None:
        self._last = time.monotonic()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps([done, total, said, *self._trial])
            self._path.write_text(text, encoding="utf-8")
        except OSError:
            return


def at_work(job: Job) -> Running:
    """Give what the worker of a cell last said."""
    record = job.record
    seed = f"seed {record['seed']}" if record["seed"] else ""
    of = record.get("division")
    division = f"{of['kind']} {of['number']}" if of else ""
    words = (record["dataset"], record["variant"], record["row"], seed, division)
    found = Running(" ".join(word for word in words if word), cell=record["cell"])
    try:
        done, total, said, trial, trials = from_json(read_bytes(job.status, most=SMALL))
        return replace(
            found,
            done=int(done),
            total=int(total),
            said=str(said),
            trial=int(trial),
            trials=int(trials),
        )
    except (OSError, ValueError, TypeError, OverflowError):
        return found
