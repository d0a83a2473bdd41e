"""How far a worker is with its training, told by a small file that the main process looks at."""

from __future__ import annotations

import json
import time
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

    def __call__(self, done: int, total: int, said: str) -> None:
        """Say that ``done`` of ``total`` steps are done, and what they came to."""
        now = time.monotonic()
        if now - self._last < _EVERY:
            return
        self._last = now
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps([done, total, said]), encoding="utf-8")
        except OSError:
            return


def at_work(job: Job) -> Running:
    """Give what the worker of a cell last said."""
    words = (job.record["dataset"], job.record["variant"], job.record["row"])
    name = " ".join(word for word in words if word)
    try:
        done, total, said = from_json(read_bytes(job.status, most=SMALL))
        return Running(name, int(done), int(total), str(said))
    except (OSError, ValueError, TypeError, OverflowError):
        return Running(name)
