"""Folders: cache, settings, temporary files, results; and data sets that are registered."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from dfbench.doctor.finding import Finding, gigabytes
from dfbench.errors import DfbenchError
from dfbench.files import cache_dir, cache_url, check_writable, config_dir
from dfbench.received.containers.places import exists
from dfbench.suites.datasets.registrations import registered
from dfbench.suites.datasets.sources import is_path

_LITTLE = 2_000_000_000
"""Bytes of free space below which a warning stands."""
_SHOWN = 500_000
"""Bytes from which on a part of the cache is named."""


def look(plugins: Sequence[Path]) -> Iterator[Finding]:
    """Look at the folders, how full they are and whether they can be written."""
    yield _cache()
    if (url := cache_url()) is not None:
        yield Finding("features", "ok", f"{url}, not looked at", "", {"at": url})
    yield _folder("settings", config_dir(), "DFBENCH_CONFIG=FOLDER puts them elsewhere")
    temporary = Path(tempfile.gettempdir())
    yield _folder("temporary files", temporary, "TMPDIR=FOLDER puts them elsewhere", room=True)
    yield _folder("results, here", Path.cwd(), "--out DIR puts them elsewhere", room=True)
    for each in registered():
        place = each.root or (Path(each.source) if is_path(each.source) else None)
        if place is not None and not exists(place):
            yield Finding(
                each.name,
                "warning",
                f"a registered data set, whose place is not there: {place}",
                f"dfbench data remove {each.name}, or bring it back",
                {"at": str(place)},
            )


def _cache() -> Finding:
    folder = cache_dir()
    parts = {each.name: size_of(each) for each in _folders(folder)}
    whole = sum(parts.values())
    large = [f"{name} {gigabytes(size)}" for name, size in parts.items() if size >= _SHOWN]
    shown = ", ".join(large) or gigabytes(whole)
    elsewhere = "all of it can be computed again; DFBENCH_CACHE=FOLDER puts it elsewhere"
    found = _folder("cache", folder, elsewhere, room=True)
    said = f"{folder}: {shown}"
    if found.state == "ok":
        said += f"; {gigabytes(found.facts['free'])} free"
        return Finding("cache", "ok", said, "", {**found.facts, "bytes": whole, "parts": parts})
    return Finding("cache", found.state, found.said, found.remedy, {**found.facts, "bytes": whole})


def _folder(name: str, folder: Path, elsewhere: str, *, room: bool = False) -> Finding:
    """Say whether a folder, or that in which it would be made, can be written, and has room."""
    try:
        check_writable(folder)
    except DfbenchError as error:
        where = str(error.where or folder)
        return Finding(name, "broken", f"{error.what}: {where}", elsewhere, {"at": str(folder)})
    nearest = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    free = shutil.disk_usage(nearest).free
    facts = {"at": str(folder), "free": free}
    if room and free < _LITTLE:
        said = f"{folder}: only {gigabytes(free)} free"
        return Finding(name, "warning", said, f"make room; {elsewhere}", facts)
    return Finding(
        name, "ok", f"{folder}; {gigabytes(free)} free" if room else str(folder), "", facts
    )


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(each for each in folder.iterdir() if each.is_dir())
    except OSError:
        return []


def size_of(folder: Path) -> int:
    """Add up the sizes of the files below a folder, in bytes; of what cannot be read, nothing."""
    total = 0
    waiting = [os.fspath(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total
