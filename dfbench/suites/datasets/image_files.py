"""Finding image files below a folder, in an order that does not depend on the file system."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from dfbench.errors import DataError

IMAGE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
)
"""Extensions taken for images, in lower case."""

_NOT_DATA = frozenset({"__MACOSX"})


@dataclass(slots=True)
class Found:
    """What lies below a folder.

    Attributes
    ----------
    images
        Paths relative to the folder with ``/`` between parts, sorted.
    faults
        Of these, the ones that cannot be opened as files, and why.
    ignored
        Number of other files, hidden ones included.
    """

    images: list[str] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    ignored: int = 0
    others: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)


def is_image(name: str) -> bool:
    """Whether a file of this name is taken for an image (hidden files are not)."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - a Path for each of 200,000 names is slow


def walk(folder: Path) -> Found:
    """List the images below ``folder``; links to folders are followed, hidden folders are not.

    Raises
    ------
    DataError
        Where a folder cannot be read.
    """
    found = Found()
    _descend(folder, "", (), found)
    found.images.sort()
    return found


def _descend(
    folder: Path | str, prefix: str, above: tuple[tuple[int, int], ...], to: Found
) -> None:
    try:
        status = os.stat(folder)  # noqa: PTH116
        here = (status.st_dev, status.st_ino)
        if here in above:  # a link to a folder above itself
            return
        with os.scandir(folder) as listing:
            entries = list(listing)
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=folder) from None
    for entry in entries:
        if entry.is_dir():
            if not entry.name.startswith(".") and entry.name not in _NOT_DATA:
                _descend(entry.path, f"{prefix}{entry.name}/", (*above, here), to)
        elif is_image(entry.name):
            path = f"{prefix}{entry.name}"
            fault = _fault(entry)
            try:
                path.encode()
            except UnicodeEncodeError:
                path = path.encode("utf-8", "backslashreplace").decode()
                fault = "the file name is not UTF-8: rename it"
            to.images.append(path)
            if fault:
                to.faults[path] = fault
        else:
            to.ignored += 1


def holds_images(folder: Path | str) -> bool:
    """Whether an image lies in or below ``folder``; stops at the first (links are not followed)."""
    inner = []
    try:
        with os.scandir(folder) as listing:
            for entry in listing:
                if entry.is_dir():
                    if not entry.name.startswith(".") and entry.name not in _NOT_DATA:
                        inner.append(entry)
                elif is_image(entry.name):
                    return True
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=folder) from None
    # a link to a folder may lead in a circle: only the folder itself may be one
    return any(holds_images(entry.path) for entry in inner if not entry.is_symlink())


def _fault(entry: os.DirEntry[str]) -> str:
    if entry.is_file():
        return ""
    return "broken symbolic link" if entry.is_symlink() else "not a regular file"


def subfolders(folder: Path) -> list[str]:
    """Names of the folders in ``folder`` that can hold data, sorted."""
    try:
        return sorted(
            entry.name
            for entry in os.scandir(folder)
            if entry.is_dir() and not entry.name.startswith(".") and entry.name not in _NOT_DATA
        )
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=folder) from None
