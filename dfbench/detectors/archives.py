"""Pictures in archives: listed first, then read one by one into memory, never unpacked to disk.

What an archive says of itself is not believed: no more bytes are ever held than were allowed, and
names of members are names, never paths.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dfbench.errors import DataError
from dfbench.formats import HEAD
from dfbench.received import archives
from dfbench.received.files import too_large, why
from dfbench.suites.datasets.image_files import is_set_aside, look
from dfbench.suites.datasets.words import natural

NESTED = "an archive in here is not opened: give it itself"
_NESTED = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|7z|rar|tar\.(gz|bz2|xz|zst))$", re.IGNORECASE)
_LONGEST = 4096
"""Characters of a name: no file system has longer paths."""


@dataclass(frozen=True, slots=True)
class Member:
    """A picture in an archive.

    Attributes
    ----------
    name
        With ``/`` between its parts, without what leads out of the archive.
    key
        Its name as the archive has it; no two are equal.
    read
        Gives its bytes. Raises `DataError` where they are damaged.
    fault
        Why it is not read; empty where nothing is known against it.
    """

    name: str
    key: str
    read: Callable[[], bytes]
    fault: str = ""


class Archive:
    """An archive that is open.

    Parameters
    ----------
    path
        ZIP, or tar plain or compressed by gzip, bzip2 or xz.
    largest
        Bytes; larger members are not read.

    Attributes
    ----------
    members
        Pictures, those that cannot be read with their reason; in natural order for ZIP, in that of
        the archive for tar: so it is decompressed once where they are read in this order.
    damage
        What keeps the rest of the archive from being read; empty where nothing does.

    Raises
    ------
    DataError
        Where it cannot be opened.
    """

    def __init__(self, path: Path, largest: int) -> None:
        try:
            self._archive = archives.Archive(path)
        except OSError as error:
            raise DataError(why(error), where=path) from None
        self.damage = ""
        found: dict[str, Member] = {}
        try:
            for entry in self._archive.entries():
                if member := _member(entry, largest):
                    found[entry.name] = member  # of two with one name the later one counts
        except Exception as error:  # noqa: BLE001 - both libraries raise many kinds on broken files
            self.damage = f"damaged: {_said(error)}"
        names = found if self._archive.in_order else natural(found)
        self.members = [found[name] for name in names]

    def close(self) -> None:
        """Let go of the file."""
        self._archive.close()


def is_nested(name: str) -> bool:
    """Whether a file that lies in a folder or an archive is an archive, by its name."""
    return _NESTED.search(name) is not None


def _member(entry: archives.Entry, largest: int) -> Member | None:
    """Tell whether an entry is a picture, and what is against it; None where it is none."""
    parts = [p for p in entry.name.replace("\\", "/").split("/") if p not in ("", ".", "..")]
    name = "/".join(parts)
    if not parts or is_set_aside(name):
        return None
    if len(name) > _LONGEST:
        return Member(f"{name[:50]}...", entry.name, bytes, "its name is too long")
    if is_nested(name):
        return Member(name, entry.name, bytes, NESTED)
    image, kind = look(parts[-1], partial(_head, entry))
    if not image:
        return Member(name, entry.name, bytes, f"not read: {kind}") if kind else None
    fault = entry.fault
    if not fault and entry.size > largest:
        fault = too_large(entry.size, largest)
    return Member(name, entry.name, partial(_whole, entry), fault)


def _head(entry: archives.Entry) -> bytes:
    try:
        return b"" if entry.fault else entry.read(HEAD)
    except Exception:  # noqa: BLE001 - as above; that of a file which cannot be read tells nothing
        return b""


def _whole(entry: archives.Entry) -> bytes:
    try:
        data = entry.read(entry.size)
    except Exception as error:  # noqa: BLE001 - as above
        raise DataError(f"damaged in the archive: {_said(error)}") from None
    if len(data) < entry.size:
        raise DataError("damaged in the archive: it ends too early")
    return data


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
