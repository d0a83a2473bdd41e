"""Tar archives that are not compressed: listed by their headers, and read at any place."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from dfbench.received.archives import members_of_tar
from dfbench.received.containers.container import Container, Listing, Part, open_part
from dfbench.received.containers.names import inner

_BLOCK = tarfile.BLOCKSIZE


class Member(NamedTuple):
    """A file in a tar archive."""

    name: str
    offset: int
    size: int
    fault: str


def listed(part: Part) -> Iterator[Member]:
    """Go through the files of a tar archive.

    Raises
    ------
    OSError
        Where it cannot be opened.
    ValueError
        Where it is damaged or cut off, its headers have no bounds, or a name leads out of it.
    """
    end = 0
    with open_part(part) as file:
        try:
            for name, offset, size, fault in members_of_tar(file):
                if offset + size > part.identity[0]:
                    raise ValueError(f"is cut off: {name[:80]!r} would end at {offset + size:,}")
                end = max(end, offset + size)
                yield Member(inner(name), offset, size, fault)
        except (tarfile.TarError, EOFError, OverflowError) as error:
            raise ValueError(f"is damaged: {error or type(error).__name__}") from None
    if part.identity[0] < -(-end // _BLOCK) * _BLOCK + _BLOCK:  # or images would be lost unseen
        raise ValueError("is cut off: the end that every tar has is missing")


class Tar(Container):
    """A tar archive, or several: their files at rows of part, offset, 0 and 0.

    Parameters
    ----------
    parts, found
        See `Container`.
    """

    @classmethod
    def of(cls, part: Part) -> Tar:
        """Open one; errors are those of `listed`."""
        found = Listing()
        for each in listed(part):
            found.add(each.name, (0, each.offset, 0, 0), each.size, each.fault)
        return cls([part], found)

    def _read(self, at: int, most: int, first: int | None) -> bytes:
        size = int(self.sizes[at])
        with self._part(at) as file:
            return read_at(file, int(self.rows[at, 1]), size if first is None else min(size, first))


def read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Read so many bytes of a file."""
    file.seek(offset)
    data = file.read(size)
    if len(data) < size:
        raise ValueError("it is cut off")
    return data
