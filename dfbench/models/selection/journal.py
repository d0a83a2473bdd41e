"""The file that a study is kept in: Optuna's journal, made safe against being killed.

An Optuna journal is one JSON operation a line. A process killed in the middle of a trial leaves a
trial that runs forever, perhaps half a line, and with Optuna's own locks a lock file that nobody
removes. Here one process owns a study at a time, by a lock of the operating system that dies with
its owner, and what follows the last finished trial is cut off when the study is opened: the file
is then what an uninterrupted study would hold at that point, so it goes on in the same way.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend

from dfbench.files import unwritable

# numbers of operations and states in Optuna's journal format (optuna.storages.journal)
_CREATE_TRIAL = 4
_SET_STATE = 6
_FINISHED = (1, 2, 3)  # complete, pruned, failed


class _Journal(BaseJournalBackend):  # type: ignore[misc]
    """Optuna's own file format without its lock files, and without waiting for the disk.

    `owned` keeps other processes out. Optuna's backend syncs the disk several times a trial, which
    takes longer than many a fit; a power failure costs at most the last trials, see `cut`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offsets = [0]
        path.touch()

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with self._path.open("ab") as file:
            file.write(lines.encode())

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Yield the operations from number ``log_number_from`` on."""
        start = min(log_number_from, len(self._offsets) - 1)
        with self._path.open("rb") as file:
            file.seek(self._offsets[start])
            for number, line in enumerate(file, start):
                if number + 1 == len(self._offsets):
                    self._offsets.append(self._offsets[number] + len(line))
                if number >= log_number_from:
                    yield json.loads(line)


def open_storage(path: Path) -> JournalStorage:
    """Open the journal at ``path`` as an Optuna storage, cut back to its last finished trial.

    To be called inside `owned`.
    """
    cut(path)
    return JournalStorage(_Journal(path))


def cut(path: Path) -> None:
    """Cut off what an interrupted process left behind the last finished trial.

    The file must hold one study whose trials ran one after another. From the first line that is
    not whole, or from the creation of a trial that never finished, everything goes.
    """
    if not path.exists():
        return
    try:
        content = path.read_bytes()
        keep = _sound_length(content)
        if keep < len(content):
            os.truncate(path, keep)
    except OSError as error:
        raise unwritable(path, error) from error


def _sound_length(content: bytes) -> int:
    at = keep = 0
    running = False
    for line in content.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        try:
            operation = json.loads(line)
            code = operation["op_code"]
        except (ValueError, TypeError, KeyError):
            break
        at += len(line)
        if code == _CREATE_TRIAL:
            running = True
        elif code == _SET_STATE and operation.get("state") in _FINISHED:
            running = False
        if not running:
            keep = at
    return keep
