"""The file that a study is kept in: Optuna's journal, made safe against kills, damage and edits.

An Optuna journal is one JSON operation a line. A process killed in the middle of a trial leaves a
trial that runs forever, perhaps half a line, and with Optuna's own locks a lock file that nobody
removes. Here one process owns a study at a time, by a lock of the operating system that dies with
its owner, and what follows the last finished trial is cut off when the study is opened: the file
is then what an uninterrupted study would hold at that point, so it goes on in the same way.

Each line ends with a sum over itself and the sum of the line before. From the first that does not
hold on, a line damaged, changed, missing, or written by Optuna itself, nothing is believed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend

from dfbench.files import unwritable
from dfbench.received.files import opened
from dfbench.received.texts import from_json

# numbers of operations and states in Optuna's journal format (optuna.storages.journal)
_CREATE_TRIAL = 4
_SET_STATE = 6
_FINISHED = (1, 2, 3)  # complete, pruned, failed

_BEGIN = "0" * 32
"""What stands for the sum before the first line."""
_LONGEST = 1 << 20
"""Bytes of a line; an operation has some hundreds."""


def _signed(body: str, before: str) -> tuple[str, str]:
    """Give a line for a JSON object, with its sum as the last entry, and the sum."""
    own = hashlib.sha256(f"{before}{body}".encode()).hexdigest()[:32]
    return f'{body[:-1]},"sum":"{own}"}}\n', own


class _Journal(BaseJournalBackend):  # type: ignore[misc]
    """Optuna's own file format without its lock files, and without waiting for the disk.

    `owned` keeps other processes out. Optuna's backend syncs the disk several times a trial, which
    takes longer than many a fit; a power failure costs at most the last trials, see `cut`.
    """

    def __init__(self, path: Path, last: str) -> None:
        self._path = path
        self._last = last
        self._offsets = [0]
        path.touch()

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        lines, last = [], self._last
        for log in logs:
            line, last = _signed(json.dumps(log, separators=(",", ":")), last)
            lines.append(line)
        with self._path.open("ab") as file:
            file.write("".join(lines).encode())
        self._last = last

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Yield the operations from number ``log_number_from`` on."""
        start = min(log_number_from, len(self._offsets) - 1)
        with opened(self._path, below=self._path.parent) as file:
            file.seek(self._offsets[start])
            for number, line in enumerate(file, start):
                if number + 1 == len(self._offsets):
                    self._offsets.append(self._offsets[number] + len(line))
                if number >= log_number_from:
                    yield from_json(line)


def open_storage(path: Path) -> JournalStorage:
    """Open the journal at ``path`` as an Optuna storage, cut back to its last finished trial.

    To be called inside `owned`.
    """
    return JournalStorage(_Journal(path, cut(path)))


def cut(path: Path) -> str:
    """Cut off what an interrupted process left behind the last finished trial, and give the sum.

    The file must hold one study whose trials ran one after another. From the first line that is
    not whole or not sound, or from the creation of a trial that never finished, everything goes.

    Raises
    ------
    OutputError
        Where the file cannot be read or written, or is a link or no plain file.
    """
    try:
        with opened(path, below=path.parent) as file:
            keep, last = _sound(iter(lambda: file.readline(_LONGEST), b""))
            if keep < os.fstat(file.fileno()).st_size:
                os.truncate(path, keep)
    except FileNotFoundError:
        return _BEGIN
    except OSError as error:
        raise unwritable(path, error) from error
    return last


def _sound(lines: Iterator[bytes]) -> tuple[int, str]:
    """Give the bytes of the lines to keep, and the sum of the last of them."""
    at = keep = 0
    before = last = _BEGIN
    running = False
    for line in lines:
        try:
            # as it was before its sum was added
            body, found, _ = line.decode().rpartition(',"sum":')
            signed, before = _signed(f"{body}}}", before)
            if not found or signed.encode() != line:
                break
            operation = from_json(line)
            code = operation["op_code"]
        except (ValueError, TypeError, KeyError):
            break
        at += len(line)
        if code == _CREATE_TRIAL:
            running = True
        elif code == _SET_STATE and operation.get("state") in _FINISHED:
            running = False
        if not running:
            keep, last = at, before
    return keep, last
