"""As of which files of a results folder its board was computed.

A board is computed from scores alone. What it came to is kept, and believed while each of these
files is what it was, none has come or gone, and dfbench and its libraries are the same.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Collection
from typing import Self

from pydantic import BaseModel, ConfigDict

from dfbench.errors import OutputError
from dfbench.files import Seen, as_seen, digest, see
from dfbench.installed import this_dfbench
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record
from dfbench.results.records.sealed import read_sealed, write_sealed


class State(BaseModel):
    """What a board was computed from, and by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dfbench: str
    """See `dfbench.installed.this_dfbench`."""
    files: dict[str, Seen | None]
    """By name relative to the folder."""
    added: str = ""
    """Digest of what plugins bring to it."""
    sums: dict[str, str] = {}
    """SHA-256 of the tables that were read, and are whole, by name."""
    board: str = ""
    """SHA-256 of what the board came to."""

    @classmethod
    def of(cls, out: ResultsFolder, audits: Collection[str], added: str = "") -> Self:
        """Note what is there, before any of it is read.

        ``audits`` are those that report, ``added`` the digest of what plugins bring.
        """
        now = time.time_ns()
        files = {name: see(out.path / name, now) for name in out.board_inputs(audits)}
        return cls(dfbench=this_dfbench(), files=files, added=added)

    @property
    def name(self) -> str:
        """Give what no other state has."""
        return digest(self.model_dump(mode="json"))

    def holds(self, out: ResultsFolder, audits: Collection[str], added: str = "") -> bool:
        """Whether the folder is still as it was; ``audits`` and ``added`` are those of `of`."""
        return (
            self.dfbench == this_dfbench()
            and self.added == added
            and sorted(self.files) == sorted(out.board_inputs(audits))
            and all(as_seen(out.path / name, seen) for name, seen in self.files.items())
        )

    def keep(self, out: ResultsFolder) -> None:
        """Write it.

        Raises
        ------
        OutputError
            Where the folder cannot be written.
        """
        write_sealed(out.state_file, self, indent=None)


def read_state(out: ResultsFolder) -> State | None:
    """Read the state of the board that is kept; None where there is none that could be read."""
    try:
        return read_sealed(out.state_file, State, below=out.path)
    except (OSError, ValueError):
        return None


class FinishedCells:
    """Finds the finished cells of a results folder.

    Scores that a board was computed from, and that are what they were, are not read once more,
    unless ``check``.
    """

    def __init__(self, out: ResultsFolder, *, check: bool = False) -> None:
        self._out, self._check = out, check

    @functools.cached_property
    def _state(self) -> State | None:
        state = None if self._check else read_state(self._out)
        return state if state is not None and state.dfbench == this_dfbench() else None

    def read(self, cell: str) -> Record | None:
        """Give the record of a cell, see `ResultsFolder.read_cell`."""
        try:
            path = self._out.record_file(cell)
        except OutputError:
            return None
        seen = self._seen if self._as_it_was(self._out.name(path)) else lambda name: ""
        return self._out.read_cell(cell, seen)

    def has_evaluation(self, cell: str, evaluation: str) -> bool:
        """Whether an evaluation is finished, see `ResultsFolder.has_evaluation`."""
        return self._out.has_evaluation(cell, evaluation, self._seen)

    def _seen(self, name: str) -> str:
        """Give the checksum of a table that is what it was when it was read; else nothing."""
        told = "" if self._state is None else self._state.sums.get(name, "")
        return told if told and self._as_it_was(name) else ""

    def _as_it_was(self, name: str) -> bool:
        state = self._state
        return state is not None and as_seen(self._out.path / name, state.files.get(name))
