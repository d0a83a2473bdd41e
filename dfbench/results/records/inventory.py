"""What lies in a results folder: plain files alone, and an index of them that is written last.

The index tells `dfbench verify` what ought to be there, and whether it is what it was when the last
command ended. No figure hangs on it: records tell the truth on their own, also where a command was
killed before it came to the index.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from dfbench.errors import OutputError
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Count
from dfbench.results.records.scores import brief, sum_of
from dfbench.results.records.sealed import read_sealed, write_sealed

_PASSING = frozenset({"board", "studies", "checkpoints", "logs", "parts"})
"""Folders of what may be removed at any time, or goes when a run ends."""

_DEEPEST = 16
"""Folders inside each other that are gone into; a run makes three."""


class Written(BaseModel):
    """A file as it was when the last command ended."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str
    bytes: Count


class Index(BaseModel):
    """All files that a results folder is kept for, by name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: dict[str, Written]
    written: str = ""
    """UTC, ISO 8601: when they were found so."""


def write_index(out: ResultsFolder) -> None:
    """Write the index of what is there; one that says the same already stays.

    Raises
    ------
    OutputError
        Where the folder cannot be written.
    """
    files = {}
    for name in kept_files(out):
        path = out.path / name
        if found := sum_of(path, out.path):
            files[name] = Written(sha256=found, bytes=path.stat().st_size)
    try:
        before = read_index(out)
    except OutputError:
        before = None
    if before is None or before.files != files or not before.written:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        write_sealed(out.index_file, Index(files=files, written=now))


def read_index(out: ResultsFolder) -> Index | None:
    """Read the index; None where there is none: no command of this version has ended here.

    Raises
    ------
    OutputError
        Where it cannot be read.
    """
    try:
        return read_sealed(out.index_file, Index, below=out.path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise OutputError(
            f"no readable index: {brief(error)}",
            where=out.index_file,
            hint="dfbench leaderboard DIR --write writes it again",
        ) from error


def kept_files(out: ResultsFolder) -> list[str]:
    """List the plain files that the folder is kept for, by name: all that is no passing matter."""
    names = [out.name(Path(entry.path)) for entry in _walk(out.path) if _is_file(entry)]
    return sorted(
        name
        for name in names
        if name.partition("/")[0] not in _PASSING
        and not name.endswith(".owner")
        and not name.rpartition("/")[2].startswith(".")
        and name != out.index_file.name
    )


def check_plain(out: ResultsFolder) -> None:
    """Raise where anything in the folder is a link or a device, before it is written into.

    The folder itself may be a link.

    Raises
    ------
    OutputError
        With the first of them.
    """
    for path, what in odd_files(out):
        raise OutputError(what, where=path, hint="remove it")


def odd_files(out: ResultsFolder) -> Iterator[tuple[Path, str]]:
    """Give what is no plain file and no folder, or lies too deep, and what it is."""
    for entry in _walk(out.path):
        if entry.is_symlink():
            yield Path(entry.path), "a link, which is not followed here"
        elif not _is_file(entry) and not entry.is_dir(follow_symlinks=False):
            yield Path(entry.path), "no plain file"
        elif Path(entry.path).relative_to(out.path).parts[_DEEPEST - 1 :] and entry.is_dir():
            yield Path(entry.path), f"folders more than {_DEEPEST} deep"


def _is_file(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False)


def _walk(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    """Give all that lies below a folder, following no link; nothing where it cannot be read.

    What lies deeper than any command writes is not gone into. What has a name that is no text is
    not of dfbench, and nothing is said of it.
    """
    waiting = [iter(_listed(folder))]
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
            continue
        yield entry
        if len(waiting) < _DEEPEST and entry.is_dir(follow_symlinks=False):
            waiting.append(iter(_listed(entry.path)))


def _listed(folder: str | Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(filter(_is_text, found), key=lambda entry: entry.name)
    except OSError:
        return []


def _is_text(entry: os.DirEntry[str]) -> bool:
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        return False
    return True
