"""What the cache folder holds, piece by piece: a piece is found, used and removed as a whole."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dfbench.received.files import read_bytes
from dfbench.received.texts import from_json

ABANDONED = 86_400
"""Seconds after which what was begun and not ended is of a process that is gone."""
LEFT = "left behind"
_KINDS = {
    "features": (r"[\w.-]+-[0-9a-f]{16}", r"[\w.-]+-[0-9a-f]{16}\.sqlite(-journal)?"),
    "builtin": (r"leaves-[\w.-]+-v\d+(-[\w.]+)?", r""),
    "files": (r"", r"[0-9a-f]{16}\.parquet"),
    "unreadable": (r"", r"[0-9a-f]{16}\.json"),
    "weights": (r"", r"[0-9a-f]{16}\.json"),
    "kernels": (r"", r"\w+-[0-9a-f]{32}\.code"),
}
"""Folders of the cache to what folders, and what files, in them are dfbench's."""
TITLES = {
    "features": "features",
    "builtin": "built-in data sets",
    "files": "facts of image files",
    "unreadable": "unreadable images",
    "weights": "places of weights",
    "kernels": "compiled kernels",
    LEFT: "left behind by kills",
}
"""What each kind is called."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A folder or file of the cache.

    Attributes
    ----------
    kind
        One of `TITLES`.
    path
        Where it lies.
    bytes, files
        Of it.
    used
        When any of its files was last read or written, as far as the file system tells, in
        seconds since 1970.
    """

    kind: str
    path: Path
    bytes: int
    files: int
    used: float

    @property
    def extractor(self) -> str:
        """Of features: which extractor they are of; empty of all else."""
        return self.path.name.rpartition("-")[0] if self.kind == "features" else ""


def pieces_of(cache: Path) -> list[Piece]:
    """List the pieces of a cache folder, in the order of kinds and names; none if it is absent.

    No link is followed, and nothing is listed that dfbench does not make.
    """
    found = []
    for kind, (folders, files) in _KINDS.items():
        for entry in _entries(cache / kind):
            plain = entry.is_file(follow_symlinks=False)
            inside = entry.is_dir(follow_symlinks=False)
            if re.fullmatch(files if plain else folders, entry.name) and (plain or inside):
                found.append(_piece(kind, Path(entry.path)))
            elif re.fullmatch(r"\..+\.part", entry.name) and (plain or inside):
                left = _piece(LEFT, Path(entry.path))
                if time.time() - left.used > ABANDONED:
                    found.append(left)
    return found


def others_in(cache: Path) -> list[str]:
    """Name what lies in a cache folder and is none of its pieces: it is never touched."""
    known = {piece.path for piece in pieces_of(cache)}
    found = [entry for entry in _entries(cache) if entry.name not in _KINDS or entry.is_symlink()]
    for kind in _KINDS:
        if not (cache / kind).is_symlink():
            found += [entry for entry in _entries(cache / kind) if Path(entry.path) not in known]
    names = (Path(entry.path).relative_to(cache).as_posix() for entry in found)
    return sorted(name for name in names if not name.rpartition("/")[2].startswith("."))


def extractor_of(piece: Piece) -> str:
    """Tell the parameters of the extractor that a table of features is of, where it says them."""
    try:
        told = from_json(read_bytes(piece.path / "identity.json", most=1 << 20, below=piece.path))
        params = told["params"]
        given = ", ".join(f"{name}={json.dumps(value)}" for name, value in params.items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return piece.extractor
    return f"{piece.extractor}[{given}]" if given else piece.extractor


def _piece(kind: str, path: Path) -> Piece:
    found = list(_stats(path))
    used = max((max(each.st_atime, each.st_mtime) for each in found), default=0.0)
    return Piece(kind, path, sum(each.st_size for each in found), len(found), used)


def _stats(path: Path) -> Iterator[os.stat_result]:
    """Look at a file, or at all files below a folder."""
    try:
        if not path.is_dir():
            yield path.lstat()
            return
    except OSError:
        return
    for entry in _entries(path):
        if entry.is_dir(follow_symlinks=False):
            yield from _stats(Path(entry.path))
        else:
            try:
                yield entry.stat(follow_symlinks=False)
            except OSError:
                continue


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    if folder.is_symlink() and folder.name in _KINDS:
        return []
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []
