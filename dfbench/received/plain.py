"""Folders of others that are written to: what leads out of them, or never ends, is removed."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path


def only_plain(path: Path, below: Path, *, folder: bool = False) -> None:
    """Leave nothing at a place to be written but folders and regular files.

    Links are removed, not what they lead to; so are pipes, sockets and devices: on the way from
    ``below`` to ``path``, there, and in it. For what can be computed again alone.

    Parameters
    ----------
    path
        Need not exist.
    below
        Folder that it lies in, itself as it is.
    folder
        Whether a folder is to be there, or a file; the other is removed.

    Raises
    ------
    OSError
        Where something cannot be removed.
    """
    place = below
    for part in path.relative_to(below).parts[:-1]:
        place /= part
        _only(place, folder=True)
    _only(path, folder=folder)
    if folder:
        for inside, folders, files in os.walk(path):
            for name in folders:
                _only(Path(inside, name), folder=True)
            for name in files:
                _only(Path(inside, name), folder=False)


def _only(path: Path, *, folder: bool) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode) if folder else stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        shutil.rmtree(path)
    else:
        path.unlink()
