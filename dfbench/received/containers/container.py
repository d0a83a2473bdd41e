"""What lies in a container: names, places and sizes as columns, and how a file of it is read."""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import zlib
from abc import ABC, abstractmethod
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dfbench.received.containers.names import Names
from dfbench.received.files import Refused, opened, too_large

UNKNOWN = -1
"""Size of what tells it only when it is read."""
_MOST = 4_000_000
"""Files of a container, whose names are held in memory."""
_WHOLE = (1 << 63) - 1


def check_count(n: int) -> None:
    """Raise where a container, or several, hold more files than any data set."""
    if n > _MOST:
        raise ValueError(f"holds more than {_MOST:,} files")


class Changed(Exception):
    """A container is not what it was when it was listed."""


class Part(NamedTuple):
    """A file that holds others."""

    path: str
    identity: tuple[int, ...]
    """See `identity`."""


def identity(status: os.stat_result) -> tuple[int, ...]:
    """Say what tells a file from what it was before: size, times (ns), inode, device."""
    its = status
    return its.st_size, its.st_mtime_ns, its.st_ctime_ns, its.st_ino & _WHOLE, its.st_dev & _WHOLE


@dataclass
class Listing:
    """What a container holds, while it is gone through.

    Attributes
    ----------
    names
        UTF-8, in any order.
    rows
        Four numbers of each: that of its part, and three as the kind of container has them.
    sizes
        Bytes, `UNKNOWN` where nothing tells.
    faults
        Why it cannot be read, by place.
    """

    names: list[bytes] = field(default_factory=list)
    rows: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("q"))
    faults: dict[int, str] = field(default_factory=dict)

    def add(self, name: str, row: tuple[int, int, int, int], size: int, fault: str = "") -> None:
        """Note a file."""
        check_count(len(self.names) + 1)
        try:
            own = name.encode()
        except UnicodeEncodeError:
            own = name.encode(errors="backslashreplace")
            fault = "the file name is not UTF-8: rename it"
        if fault:
            self.faults[len(self.names)] = fault
        self.names.append(own)
        self.rows.extend(row)
        self.sizes.append(size)


class Container(ABC):
    """Files inside of one file or several.

    Parameters
    ----------
    parts
        The files that hold them.
    found
        What they hold; emptied.

    Attributes
    ----------
    images
        Whether all of them are images, whatever they are called.
    columns
        Of rows the column that tells the class, "" of none, and those that are not read; else None.
    """

    images = False
    columns: tuple[str, tuple[str, ...]] | None = None

    def __init__(self, parts: Sequence[Part], found: Listing) -> None:
        self.parts = list(parts)
        order = sorted(range(len(found.names)), key=found.names.__getitem__)
        self.names = Names([found.names[at] for at in order])
        self.rows = np.frombuffer(found.rows, np.int64).reshape(-1, 4)[order]
        self.sizes = np.frombuffer(found.sizes, np.int64)[order]
        placed = {old: new for new, old in enumerate(order) if old in found.faults}
        self.faults = {placed[old]: fault for old, fault in found.faults.items()}
        for at in range(len(order) - 1):
            if found.names[order[at]] == found.names[order[at + 1]]:
                self.faults.setdefault(at, "a file of this name is there twice")
                self.faults.setdefault(at + 1, "a file of this name is there twice")
        found.names, found.rows, found.sizes = [], array("q"), array("q")

    @functools.cached_property
    def folders(self) -> frozenset[str]:
        """Names of its outermost folders."""
        return frozenset(self.names.folders())

    def order(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        """Give the order in which files at some places lie one after another."""
        its = self.rows[places]
        return np.lexsort((its[:, 2], its[:, 1], its[:, 0]))

    def stat(self, at: int) -> tuple[int, ...]:
        """Give size, times, inode and device of a file, as a file system might have them."""
        row = self.rows[at].tolist()
        size, modified, changed, inode, device = self.parts[row[0]].identity
        told = repr((inode, size, row)).encode()
        own = int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "big") & _WHOLE
        return int(self.sizes[at]), modified, changed, own, device

    def read(self, at: int, most: int, first: int | None = None) -> bytes:
        """Read a file.

        Parameters
        ----------
        at
            Its place.
        most
            Bytes; no larger one is read.
        first
            Bytes of its beginning that are enough; all by default.

        Raises
        ------
        OSError
            `Refused` where it is damaged, larger or of no kind that is read.
        Changed
            Where the container is another by now.
        """
        name = self.names[at]
        if at in self.faults:
            raise Refused(errno.EINVAL, self.faults[at], name)
        if first is None and self.sizes[at] > most:
            raise Refused(errno.EFBIG, too_large(int(self.sizes[at]), most), name)
        try:
            data = self._read(at, most, first)
        except (ValueError, EOFError, zlib.error) as error:
            raise Refused(errno.EIO, f"is damaged: {error}", name) from None
        if len(data) > most:
            raise Refused(errno.EFBIG, too_large(len(data), most), name)
        return data

    def _part(self, at: int) -> BinaryIO:
        """Open the file that one at a place lies in."""
        return open_part(self.parts[int(self.rows[at, 0])])

    @abstractmethod
    def _read(self, at: int, most: int, first: int | None) -> bytes: ...


def open_part(part: Part) -> BinaryIO:
    """Open a file that holds others, as it was when they were listed; `Changed` else."""
    try:
        file = opened(part.path)
    except FileNotFoundError:
        raise Changed(part.path) from None
    if identity(os.fstat(file.fileno())) != part.identity:
        file.close()
        raise Changed(part.path)
    return file
