"""The pictures that a person means by files, folders, archives and tables of paths."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self, overload

from dfbench.detectors.archives import NESTED, Archive, is_nested
from dfbench.detectors.listed import listed
from dfbench.errors import DataError
from dfbench.formats import HEAD
from dfbench.images import MOST_BYTES, contents
from dfbench.received.archives import is_archive
from dfbench.received.files import read_head, why
from dfbench.suites.datasets.image_files import look, walk
from dfbench.suites.datasets.tables.reading import TABLE_SUFFIXES
from dfbench.suites.datasets.words import natural

_TAKEN = (
    "taken are images, folders, archives (.zip, .tar, .tar.gz, .tar.bz2, .tar.xz)"
    " and tables of paths (.csv, .tsv, .txt, .json, .jsonl)"
)


@dataclass(frozen=True, slots=True)
class Source:
    """A picture that is there.

    Attributes
    ----------
    name
        As it is told: below the path that was given, as that was typed; of a table, as the table
        has it. It is no path to write to.
    read
        Gives the whole file. Raises `DataError` where it cannot be read or is too large.
    """

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Unread:
    """What was given and cannot be read, and why."""

    name: str
    reason: str


class Sources(Sequence[Source | Unread]):
    """All that some paths name, each once, without its bytes.

    Pictures of a folder and of a ZIP stand in natural order of their paths, those of a tar archive
    and of a table as these have them. Archives are open until `close`, or the end of ``with``.

    Parameters
    ----------
    paths
        Images, folders (images below them, links to folders are followed, what is hidden is not),
        archives (ZIP, tar, also compressed by gzip, bzip2 or xz; their pictures are read into
        memory one by one), and tables of which a column names images (CSV, TSV, text, JSON).
    largest
        Bytes; a picture of more is not read.

    Attributes
    ----------
    repeated
        Names of pictures that were given once more, and stand here once.

    Raises
    ------
    DataError
        Where none of the paths names a picture that could be read. One of several that does not
        stands here as `Unread`.

    Examples
    --------
    >>> with Sources(["holidays", "holidays.zip"]) as given:
    ...     print([source.name for source in given])
    ['holidays/1.jpg', 'holidays.zip/1.jpg']
    """

    def __init__(self, paths: Iterable[str | Path], *, largest: int = MOST_BYTES) -> None:
        self.repeated: list[str] = []
        self._items: list[Source | Unread] = []
        self._archives: list[Archive] = []
        seen: set[_Key] = set()
        errors: list[DataError] = []
        try:
            for path in map(Path, paths):
                try:
                    items = _checked(path, self._found(path, largest))
                except DataError as error:
                    errors.append(error)
                    self._items.append(Unread(_name(path), error.what))
                else:
                    self._add(items, seen)
            if errors and not seen:
                raise errors[0]
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, at: int) -> Source | Unread: ...
    @overload
    def __getitem__(self, at: slice) -> list[Source | Unread]: ...
    def __getitem__(self, at: int | slice) -> Source | Unread | list[Source | Unread]:
        return self._items[at]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the archives: their pictures can no longer be read."""
        for archive in self._archives:
            archive.close()

    def _add(self, items: Iterable[_Found], seen: set[_Key]) -> None:
        for found in items:
            if found.key is None or found.read is None:
                self._items.append(Unread(found.name, found.reason))
            elif found.key in seen:
                self.repeated.append(found.name)
            else:
                seen.add(found.key)
                self._items.append(Source(found.name, found.read))

    def _found(self, path: Path, largest: int) -> Iterator[_Found]:
        """List what a path names.

        Raises
        ------
        DataError
            Where it is none of what is taken, or cannot be opened.
        """
        if path.is_dir():
            yield from _in_folder(path, largest)
            return
        head = _head(path)
        image, other = look(path.name, lambda: head)
        if image:
            yield _file(_name(path), os.path.abspath(path), largest)  # noqa: PTH100
        elif is_archive(path.name, head):
            archive = Archive(path, largest)
            self._archives.append(archive)
            yield from _in_archive(path, archive)
        elif path.suffix.lower() in TABLE_SUFFIXES:
            for name, place, reason in listed(path):
                whole = os.path.abspath(place)  # noqa: PTH100
                yield _file(name, whole, largest) if place else _Found(name, reason)
        else:
            what = f"not read: {other}" if other else "no image"
            raise DataError(what, where=path, hint=None if other else _TAKEN)


_Key = tuple[str, str]
"""A file, and a member of it if it is an archive."""


class _Found(NamedTuple):
    """A picture that a path names, or why there is none to be read."""

    name: str
    reason: str = ""
    key: _Key | None = None
    read: Callable[[], bytes] | None = None


def _checked(path: Path, found: Iterable[_Found]) -> list[_Found]:
    """List what was found; refuse a path that names nothing that could be read."""
    items = list(found)
    if any(item.read for item in items):
        return items
    if not items:
        raise DataError("no images in here", where=path, hint=_TAKEN)
    name, reason, *_ = items[0]
    if name == _name(path):
        raise DataError(reason, where=path)
    more = f"; {len(items) - 1:,} more" if len(items) > 1 else ""
    raise DataError(
        "no images in here that can be read", where=path, hint=f"{name}: {reason}{more}"
    )


def _in_folder(folder: Path, largest: int) -> Iterator[_Found]:
    found = walk(folder)
    faults = {path: f"not read: {kind}" for path, kind in found.unread.items()}
    faults |= {path: NESTED for path in found.others if is_nested(path)}
    faults |= found.faults
    told, absolute = _name(folder / "_")[:-1], os.path.abspath(folder)  # noqa: PTH100
    for path in natural(sorted({*found.images, *faults})):
        if path in faults:
            yield _Found(told + path, faults[path])
        else:
            # without pathlib, which takes its time for each of 200,000
            yield _file(told + path, absolute + os.sep + path.replace("/", os.sep), largest)


def _in_archive(path: Path, archive: Archive) -> Iterator[_Found]:
    for member in archive.members:
        name = f"{_name(path)}/{member.name}"
        if member.fault:
            yield _Found(name, member.fault)
        else:
            yield _Found(name, key=(os.path.abspath(path), member.key), read=member.read)  # noqa: PTH100
    if archive.damage:
        yield _Found(_name(path), archive.damage)


def _file(name: str, path: str, largest: int) -> _Found:
    # by where it stands: links are pictures of their own
    return _Found(name, key=(path, ""), read=partial(_read, path, largest))


def _read(path: str, largest: int) -> bytes:
    try:
        return contents(path, most=largest)
    except OSError as error:
        raise DataError(why(error)) from None


def _name(path: Path) -> str:
    return path.as_posix().encode("utf-8", "backslashreplace").decode()


def _head(path: Path) -> bytes:
    """Read the first bytes of what must be a file."""
    try:
        return read_head(path, HEAD)
    except FileNotFoundError:
        raise DataError("no such file or folder", where=path) from None
    except OSError as error:
        raise DataError(why(error), where=path) from None
