"""Going through folders of others: links may fan out, lead in circles or to what is no data."""

from __future__ import annotations

import errno
import heapq
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from dfbench.received.files import Refused


class Listed(NamedTuple):
    """What lies in a folder.

    Attributes
    ----------
    prefix
        Path of the folder from where it was begun, with ``/`` behind each part; "" for that.
    entries
        All but folders; links that lead to none and broken ones included.
    """

    prefix: str
    entries: list[os.DirEntry[str]]


def below(folder: Path, enter: Callable[[str], bool]) -> Iterator[Listed]:
    """Go through a folder and those below it, each real one once.

    Folders that lie here themselves come first, so that they are known by their own names; then
    those that links lead to, in the order of these. No link is followed to a folder above
    ``folder``, nor into what the system makes up (``/proc``, ``/sys``, ``/dev``).

    Parameters
    ----------
    folder
        Where to begin; may be a link.
    enter
        Whether to go into a folder of a name.

    Raises
    ------
    OSError
        Where a folder cannot be read; its ``filename`` says which.
    """
    if _is_made_up(os.fspath(folder)):
        raise Refused(errno.EINVAL, "no folder of data: the system makes it up", str(folder))
    seen = {_identity(each) for each in Path(os.path.realpath(folder)).parents if each.exists()}
    waiting = [("", os.fspath(folder))]
    links: list[tuple[str, str]] = []
    while waiting or links:
        linked = not waiting
        prefix, place = heapq.heappop(links) if linked else waiting.pop()
        here = _identity(place)
        if here in seen or (linked and _is_made_up(place)):
            continue
        seen.add(here)
        files = []
        with os.scandir(place) as listing:
            for entry in listing:
                if not is_folder(entry):
                    files.append(entry)
                elif enter(entry.name):
                    name = f"{prefix}{entry.name}/", entry.path
                    if entry.is_symlink():
                        heapq.heappush(links, name)
                    else:
                        waiting.append(name)
        yield Listed(prefix, files)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or to where nobody may look
        return False


def _identity(folder: str | Path) -> tuple[int, int]:
    status = os.stat(folder)  # noqa: PTH116
    return status.st_dev, status.st_ino


def _is_made_up(place: str) -> bool:
    real = os.path.realpath(place) + os.sep
    # people keep data in the shared memory
    return real.startswith(("/proc/", "/sys/", "/dev/")) and not real.startswith("/dev/shm/")  # noqa: S108
