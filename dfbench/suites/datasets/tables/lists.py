"""Lists that owners publish beside the images: which of them are of a split, a class, a source."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dfbench.errors import DataError
from dfbench.received.patterns import found_in
from dfbench.received.texts import from_json
from dfbench.suites.datasets.section import matched
from dfbench.suites.datasets.tables.json_files import KEY_COLUMN
from dfbench.suites.datasets.tables.reading import read_table
from dfbench.suites.datasets.tables.text import read_text

KEY = "key"
"""What a list calls an image by: a named group of its pattern, or one of its columns."""
_VIDEO = re.compile(r"\.(mp4|avi|mov|mkv|webm|m4v)$", re.IGNORECASE)
_ANY = re.compile(r"[*?\[]")
_SHOWN = 3
"""Entries that a message names."""


class Entry(NamedTuple):
    """What one place of a list tells of the images of a key.

    Attributes
    ----------
    key
        As it is written, without the extension of a video.
    told
        Name of the thing (``split``, ``label``, ``kind``, ``group``) to the text.
    place
        File, and row if it is a table, for messages.
    """

    key: str
    told: Mapping[str, str]
    place: str


def find_lists(files: Collection[str], places: Iterable[str]) -> list[str]:
    """Find the files of a list.

    Parameters
    ----------
    files
        Paths of the files below the root that are no images, as they were listed.
    places
        Where the list may lie, relative to the root; ``*`` stands for any name of a folder or a
        file, or a part of one. The first place at which there are files counts.

    Returns
    -------
    list of str
        Their paths, sorted; empty where there is none.
    """
    for place in places:
        if not _ANY.search(place):
            if place in files:
                return [place]
            continue
        depth = place.count("/")
        fits = re.compile(fnmatch.translate(place)).match
        found = [path for path in files if path.count("/") == depth and fits(path)]
        if found:
            return sorted(found)
    return []


def by_pattern(root: Path, file: str, pattern: str) -> Iterator[Entry]:
    """Go through what a pattern finds in a list, wherever in its lines.

    Parameters
    ----------
    root, file
        The file lies at ``root / file``, and not outside of ``root``. Of a ``.json`` each value is
        a line, with the keys that lead to it and ``/`` between them; items of a list have no key.
    pattern
        Regular expression with the named group ``key``, and others for what is told.

    Raises
    ------
    DataError
        Where the file cannot be read, or the pattern takes too long.
    """
    path = root / file
    text = read_text(path, root=root)
    if path.suffix.lower() == ".json":
        try:
            lines: Iterable[str] = _leaves(from_json(text.whole()))
        except ValueError as error:
            raise DataError(f"damaged JSON: {error}", where=path) from None
    else:
        lines = (line.rstrip("\r\n") for line in text.lines())
    for found in matched(found_in(pattern, lines), where=f"{path}, layout.lists"):
        told = {name: value for name, value in found.groupdict().items() if value}
        yield _entry(told, str(path))


def by_columns(root: Path, file: str, columns: Mapping[str, str]) -> Iterator[Entry]:
    """Go through the rows of a list that is a table.

    Parameters
    ----------
    root, file
        As for `by_pattern`; the forms are those of `dfbench.suites.datasets.tables.reading`.
    columns
        What is told to the name of its column; ``key`` is one of them, by default what a JSON
        object calls its values.

    Raises
    ------
    DataError
        Where the file is no table, or lacks a column.
    """
    path = root / file
    columns = {KEY: KEY_COLUMN, **columns}
    table = read_table(path, expect=columns[KEY], root=root)
    cells = {name: table.cells(column) for name, column in columns.items()}
    for at, (number, _) in enumerate(table.rows):
        told = {name: its[at] for name, its in cells.items() if its[at]}
        yield _entry(told, f"{path}, row {number}")


class Keys:
    """What lists tell of each key.

    Parameters
    ----------
    entries
        In the order in which they count; what two of them tell of one key is put together.

    Raises
    ------
    DataError
        Where two contradict each other.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._whole: dict[str, Mapping[str, str]] = {}
        self._last: dict[str, list[str]] | None = None
        self.used: set[str] = set()
        """Keys by which images were asked for."""
        self.originals: set[str] = set()
        """What is told as a group of any: where it is a key too, that one is of the group."""
        shared: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}
        for key, told, place in entries:
            if "group" in told:
                self.originals.add(told["group"])
            known = self._whole.get(key, {})
            for name, text in told.items():
                if known.get(name, text) != text:
                    what = f"tells {name} {text!r} of {key!r}, after {known[name]!r}"
                    raise DataError(what, where=place)
            # lists of millions tell a few things over and over
            both = {**known, **told}
            self._whole[key] = shared.setdefault(tuple(both.items()), both)

    def __len__(self) -> int:
        return len(self._whole)

    def get(self, key: str, path: str = "") -> Mapping[str, str] | None:
        """Give what is told of a key; None where no list names it.

        A key without folders is also found where lists name it with some: of several such entries
        that one is meant whose folders the image lies in.

        Parameters
        ----------
        key
            What lists call the image by.
        path
            Where the image lies, relative to the root.

        Raises
        ------
        DataError
            Where several entries may be meant that tell different things.
        """
        known = self._whole.get(key)
        if known is not None or "/" in key:
            if known is not None:
                self.used.add(key)
            return known
        if self._last is None:
            self._last = {}
            for each in self._whole:
                self._last.setdefault(each.rpartition("/")[2], []).append(each)
        meant = self._last.get(key, [])
        if len(meant) > 1:
            meant = [each for each in meant if _lies_below(path, each)] or meant
        told = [self._whole[each] for each in meant]
        if any(each != told[0] for each in told):
            raise DataError(
                f"{key!r} is several in the lists, which tell different things of them:"
                f" {', '.join(map(repr, meant[:_SHOWN]))}{', ...' if len(meant) > _SHOWN else ''}",
                where=path or None,
                hint="let the key of the pattern begin with the folders that the lists name",
            )
        self.used.update(meant)
        return told[0] if told else None


def _lies_below(path: str, key: str) -> bool:
    """Whether an image lies in the folders of a key, in their order, others between or not."""
    folders = iter(path.split("/")[:-1])
    return all(each in folders for each in key.split("/")[:-1])


def within(entries: Iterable[Entry], folder: str) -> Iterator[Entry]:
    """Put the folder of a list before its keys, which are relative to it."""
    for entry in entries:
        yield entry._replace(key=posixpath.normpath(posixpath.join(folder, entry.key)))


def _entry(told: dict[str, str], place: str) -> Entry:
    # originals are named as files, too
    told |= {name: _bare(told[name]) for name in (KEY, "group") if name in told}
    return Entry(told.pop(KEY, ""), told, place)


def _bare(key: str) -> str:
    return _VIDEO.sub("", key.replace("\\", "/"))


def _leaves(value: Any) -> Iterator[str]:
    """Give the values of a JSON file, with the keys that lead to them."""
    waiting: list[tuple[str, Any]] = [("", value)]
    push: Callable[[tuple[str, Any]], None] = waiting.append
    while waiting:
        above, its = waiting.pop()
        if isinstance(its, dict):
            for key, inner in its.items():
                push((f"{above}{key}/", inner))
        elif isinstance(its, list):
            for inner in its:
                push((above, inner))
        else:
            yield f"{above}{its}"
