"""Finding videos below a folder, and the name of the folder that the frames of each come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from dfbench.errors import DataError
from dfbench.files import resolved
from dfbench.received.files import why
from dfbench.received.folders import below

SUFFIXES = frozenset(
    (
        *(".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".wmv", ".asf", ".flv", ".f4v"),
        *(".mpg", ".mpeg", ".mpe", ".vob", ".ts", ".mts", ".m2ts", ".3gp", ".3g2", ".ogv"),
        *(".divx", ".qt"),
    )
)
"""That make a file a video, in lower case."""
TABLES = frozenset((".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".txt"))
"""That make a file one which may tell of videos."""


class Found(NamedTuple):
    """What lies below a folder.

    Attributes
    ----------
    root
        The folder.
    videos, tables
        Paths relative to it with ``/`` between parts, sorted.
    """

    root: Path
    videos: list[str]
    tables: list[str]


def find(place: Path, but: Path) -> Found:
    """Find the videos below a folder, or take the one that is named.

    Hidden files and folders are passed over; links to folders are followed as
    `dfbench.received.folders.below` says.

    Parameters
    ----------
    place
        The folder, or a video.
    but
        A folder that may lie in it, and is not looked into.

    Raises
    ------
    DataError
        Where there is none, or a folder cannot be read.
    """
    if place.is_file():
        return Found(place.parent, [place.name], [])
    if not place.is_dir():
        raise DataError("no such file or folder", where=place)
    videos, tables = [], []
    inside = resolved(but).relative_to(resolved(place)).as_posix() if _lies_in(but, place) else ""
    try:
        for prefix, entries in below(place, lambda name: not name.startswith(".")):
            if inside not in ("", ".") and prefix.startswith(f"{inside}/"):
                continue
            for entry in entries:
                suffix = PurePosixPath(entry.name).suffix.lower()
                if entry.name.startswith("."):
                    continue
                if suffix in SUFFIXES:
                    videos.append(prefix + entry.name)
                elif suffix in TABLES:
                    tables.append(prefix + entry.name)
    except OSError as error:
        raise DataError(why(error), where=error.filename or place) from None
    if not videos:
        known = ", ".join(sorted(SUFFIXES))
        raise DataError("no video lies there", where=place, hint=f"a video ends with {known}")
    return Found(place, sorted(videos), sorted(tables))


def _lies_in(folder: Path, other: Path) -> bool:
    return resolved(folder).is_relative_to(resolved(other))


def folders(videos: Iterable[str]) -> dict[str, str]:
    """Name a folder for the frames of each video: as the video, without its suffix.

    Where two would have the same, also on a system that does not tell capitals from small letters,
    or other videos lie in a folder of that name, they keep their suffixes.

    Examples
    --------
    >>> folders(["real/a.mp4", "real/b.mp4", "real/b.avi"])
    {'real/a.mp4': 'real/a', 'real/b.mp4': 'real/b.mp4', 'real/b.avi': 'real/b.avi'}
    """
    plain = {each: _without_suffix(each) for each in videos}
    many = Counter(name.casefold() for name in plain.values())
    taken = {each.casefold() for each in plain}
    taken |= {str(each) for path in taken for each in PurePosixPath(path).parents}
    return {
        each: name if many[name.casefold()] == 1 and name.casefold() not in taken else each
        for each, name in plain.items()
    }


def _without_suffix(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    stem = PurePosixPath(name).stem.rstrip(" .")  # which Windows takes off
    return folder + slash + (stem or name)
