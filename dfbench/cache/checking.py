"""Whether the pieces of the cache are what was kept; what is not is removed, and made anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dfbench.cache.pieces import Piece, pieces_of
from dfbench.compiled import is_sound as is_sound_code
from dfbench.features.pipeline import shard as shards
from dfbench.features.pipeline.place import Folder
from dfbench.features.pipeline.table import is_identity, mended
from dfbench.files import alone_in_cache, known_of, unwritable
from dfbench.suites.datasets.facts import is_sound as are_sound_facts
from dfbench.suites.generated.builtin import is_sound as is_sound_set


@dataclass(frozen=True, slots=True)
class Damaged:
    """Something that is not what was kept.

    Attributes
    ----------
    kind
        Of the piece.
    path
        A file, or a folder that has to be made anew as a whole.
    what
        What is wrong with it.
    """

    kind: str
    path: Path
    what: str


def damaged_in(cache: Path) -> Iterator[tuple[Piece, list[Damaged]]]:
    """Give each piece of a cache folder with what is damaged of it."""
    for piece in pieces_of(cache):
        yield piece, [Damaged(piece.kind, *each) for each in _looked_at(piece)]


def _looked_at(piece: Piece) -> Iterator[tuple[Path, str]]:
    path = piece.path
    if piece.kind == "features" and path.is_dir():
        yield from _table(path)
    elif piece.kind == "builtin":
        if not is_sound_set(path):
            yield path, "images or tables are not those that were made"
    elif piece.kind == "files":
        if not are_sound_facts(path):
            yield path, "cannot be read"
    elif piece.kind in ("unreadable", "weights"):
        if known_of(path) is None:
            yield path, "its sum does not hold"
    elif piece.kind == "kernels" and not is_sound_code(path):
        yield path, "its sum does not hold"


def _table(folder: Path) -> Iterator[tuple[Path, str]]:
    place = Folder(folder)
    for name in place.names():
        path = folder / name
        if name.endswith(shards.SUFFIX):
            said = _shard(place, name)
            if said:
                yield path, said
        elif not is_identity(path):
            yield path, "not what the name of its folder stands for"


def _shard(place: Folder, name: str) -> str:
    try:
        found = shards.read(place, name)
        if found is None:
            return "its index is damaged"
        handle = place.open(name)
        try:
            bad = sum(not found.sound(row, value) for row, value in found.pieces(handle))
        finally:
            handle.close()
    except FileNotFoundError:  # written together with others meanwhile
        return ""
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return f"{bad} of {len(found)} rows are damaged" if bad else ""


def mend(cache: Path, damaged: Damaged) -> None:
    """Remove what is damaged; of a shard its sound rows stay.

    Raises
    ------
    BusyError
        If a process is using what would go.
    OutputError
        If it cannot be removed.
    """
    path = damaged.path
    if path.suffix == shards.SUFFIX:
        mended(path)
    elif path.is_dir():
        with alone_in_cache(cache):
            _removed(path, shutil.rmtree)
    else:
        _removed(path, Path.unlink)


def _removed(path: Path, how: Callable[[Path], None]) -> None:
    try:
        how(path)
    except OSError as error:
        raise unwritable(path, error) from error
