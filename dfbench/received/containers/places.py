"""Paths into containers: which container one leads into, and what lies there.

A path that is on the disk is the disk's: only where it is not there is it looked whether the last
file or folder on the way, that is, holds it. Containers are listed once for as long as they stay
what they are; the last few are kept.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dfbench.received import files
from dfbench.received.containers.container import Changed, Container, Part, identity
from dfbench.received.containers.rows import rows_of, shown_columns
from dfbench.received.containers.samples import holds_samples, is_divided, is_shard, samples_of
from dfbench.received.containers.tar_file import Tar
from dfbench.received.containers.zip_file import Zip
from dfbench.received.files import Refused

_ZIP = (b"PK\3\4", b"PK\5\6", b"PK\7\x08")
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")
_USTAR = slice(257, 262)
_PARQUET = b"PAR1"
_SUFFIXES = (".zip", ".tar", ".parquet")
_HELD = 8
"""Containers that are kept."""
_ANY = 1 << 62
"""Bytes of a file that has no bound."""
_SHARDS = 100_000
"""Of a folder."""
PathLike = str | os.PathLike[str]


class Inside(NamedTuple):
    """A file in a container."""

    container: Container
    at: int

    @property
    def size(self) -> int:
        """Bytes, `dfbench.received.containers.container.UNKNOWN` where it is not told."""
        return int(self.container.sizes[self.at])

    def read(self, most: int, first: int | None = None) -> bytes:
        """Read it; parameters and errors are those of `Container.read`."""
        try:
            return self.container.read(self.at, most, first)
        except Changed as error:
            raise Refused(
                errno.ESTALE, "changed while it was read: run again", str(error)
            ) from None


def inside(path: PathLike) -> Inside | None:
    """Find the file in a container that a path leads to; None where there is none.

    Raises
    ------
    OSError
        Where the container cannot be read.
    """
    found = _way(path)
    if found is None or not found[1]:
        return None
    at = found[0].names.find(found[1])
    return Inside(found[0], at) if at >= 0 else None


def exists(path: PathLike) -> bool:
    """Whether there is a file or folder, in a container or not."""
    return os.path.exists(path) or _is_inside(path, folder=None)  # noqa: PTH110


def is_file(path: PathLike) -> bool:
    """Whether there is a file; an archive itself is one."""
    return os.path.isfile(path) or _is_inside(path, folder=False)  # noqa: PTH113


def is_folder(path: PathLike) -> bool:
    """Whether there is a folder, or an archive, which is read as one."""
    return os.path.isdir(path) or is_archive(path) or _is_inside(path, folder=True)  # noqa: PTH112


def is_archive(path: PathLike) -> bool:
    """Whether a path is a file that holds others, by its beginning, or else its name."""
    try:
        head = files.read_head(path, 512) if os.path.isfile(path) else None  # noqa: PTH113
    except OSError:
        return False
    if head is None:
        return False
    magic = head.startswith((*_ZIP, *_PACKED, _PARQUET)) or head[_USTAR] == b"ustar"
    return magic or os.fspath(path).lower().endswith(_SUFFIXES)


def may_hold_images(path: PathLike) -> bool:
    """Whether a file is a shard of images that can be read, or a tar that is called as one."""
    name = Path(path).name.lower()
    if name.endswith(".tar"):
        return is_shard(name)
    if not name.endswith(".parquet"):
        return False
    try:
        return shown_columns(Part(os.fspath(path), identity(os.stat(path)))) is not None  # noqa: PTH116
    except (OSError, ValueError, Changed):
        return False


def read_bytes(path: PathLike, *, most: int | None = None, below: Path | None = None) -> bytes:
    """Read a file whole; parameters and errors are those of `dfbench.received.files.read_bytes`."""
    try:
        return files.read_bytes(path, most=most, below=below)
    except (FileNotFoundError, NotADirectoryError):
        found = inside(path)
        if found is None:
            raise
    return found.read(_ANY if most is None else most)


def read_head(path: PathLike, size: int) -> bytes:
    """Read the first ``size`` bytes of a file; errors are those of `read_bytes`."""
    try:
        return files.read_head(path, size)
    except (FileNotFoundError, NotADirectoryError):
        found = inside(path)
        if found is None:
            raise
    return found.read(size, size)


def told(path: PathLike) -> tuple[int, ...] | None:
    """Give size, times (ns), inode and device of a file in a container; None of others."""
    try:
        found = inside(path)
    except OSError:
        return None
    return None if found is None else found.container.stat(found.at)


def columns_of(path: PathLike) -> tuple[str, tuple[str, ...]] | None:
    """Give the column that tells the class of a file, "" of none, and those that are not read.

    None where it is no row of a shard.
    """
    try:
        found = inside(path)
    except OSError:
        return None
    return None if found is None else found.container.columns


class Held(NamedTuple):
    """Files that a container holds in a folder and below it.

    Attributes
    ----------
    names
        Paths from that folder, sorted.
    faults
        Why some cannot be read.
    images
        Whether all are images.
    files
        Names of the files that hold them.
    """

    names: list[str]
    faults: dict[str, str]
    images: bool
    files: frozenset[str]


def below(folder: PathLike) -> Held | None:
    """List what lies in a folder of a container; in an archive; or in the shards of a folder.

    None where it is none of these.

    Raises
    ------
    OSError
        Where the container cannot be read.
    """
    found = _way(folder, fresh=True)
    if found is None:
        return None
    container, inner = found
    places = container.names.below(inner)
    start = len(inner) + 1 if inner else 0
    faults = {
        container.names[at][start:]: fault
        for at, fault in container.faults.items()
        if places.start <= at < places.stop
    }
    names = [container.names[at][start:] for at in places]
    parts = frozenset(Path(part.path).name for part in container.parts)
    return Held(names, faults, container.images, parts)


def subfolders(folder: PathLike) -> list[str]:
    """Name the folders that a container has in a folder; none where it is of no container.

    Raises
    ------
    OSError
        Where the container cannot be read.
    """
    found = _way(folder)
    if found is None:
        return []
    container, inner = found
    if not inner:
        return sorted(container.folders)
    names = (container.names[at][len(inner) + 1 :] for at in container.names.below(inner))
    return sorted({name.partition("/")[0] for name in names if "/" in name})


def reading_order(root: PathLike, paths: Sequence[str]) -> NDArray[np.intp] | None:
    """Give the order in which files are read best; None where any order is as good.

    Parameters
    ----------
    root, paths
        A folder, and n files, relative to it.

    Returns
    -------
    ndarray of shape (n,), dtype intp
    """
    if not paths or os.path.lexists(os.path.join(root, paths[0])):  # noqa: PTH118
        return None
    containers: dict[int, int] = {}
    places = np.zeros((len(paths), 4), np.int64)
    for n, path in enumerate(paths):
        try:
            found = inside(os.path.join(root, path))  # noqa: PTH118
        except OSError:
            found = None
        if found is not None:
            number = containers.setdefault(id(found.container), len(containers))
            places[n] = number, *found.container.rows[found.at, :3]
    if not containers:
        return None
    return np.lexsort(places.T[::-1])


# --- finding ---------------------------------------------------------------------------------

_lock = threading.RLock()
_last: tuple[str, tuple[int, ...], Container | None] = ("", (), None)
_known: OrderedDict[tuple[int, int], tuple[tuple[int, ...], str, Container | None]] = OrderedDict()


def _is_inside(path: PathLike, *, folder: bool | None) -> bool:
    try:
        found = _way(path)
    except OSError:
        return False
    if found is None:
        return False
    container, inner = found
    is_file = container.names.find(inner) >= 0
    is_folder = len(container.names.below(inner)) > 0
    return is_file or is_folder if folder is None else (is_folder if folder else is_file)


def _way(path: PathLike, *, fresh: bool = False) -> tuple[Container, str] | None:
    """Give the container that a path leads to or into, and the way inside of it."""
    place = os.fspath(path)
    if not fresh and (known := _known_way(place)) is not None:
        return known
    inner: list[str] = []
    while True:
        try:
            status = os.stat(place)  # noqa: PTH116
            break
        except (FileNotFoundError, NotADirectoryError):
            place, name = os.path.split(place)
            inner += [name] if name else []
            if not place and not name:
                return None
            place = place or os.curdir
            if name in (os.curdir, os.pardir) or (place == os.curdir and len(inner) > 1000):
                return None
        except (OSError, ValueError):  # a NUL, a name that is too long, or where nobody may look
            return None
    container = _container(place, status, fresh=fresh)
    return None if container is None else (container, "/".join(reversed(inner)))


def _known_way(path: str) -> tuple[Container, str] | None:
    """Give what `_way` does, where it leads into the container that was asked for last."""
    place, before, container = _last
    if container is None or not path.startswith(f"{place}/"):
        return None
    inner = path[len(place) + 1 :]
    # a folder has files of its own, but none in a folder that is called as one of its shards'
    if inner.partition("/")[0] not in container.folders or "//" in inner or "/." in inner:
        return None
    try:
        now = identity(os.stat(place))  # noqa: PTH116
    except OSError:
        return None
    return (container, inner) if now == before else None


def _container(place: str, status: os.stat_result, *, fresh: bool) -> Container | None:
    global _last
    key, now = (status.st_dev, status.st_ino), identity(status)
    with _lock:
        before = _known.get(key)
        if before is not None and before[0] == now and not (fresh and _stale(before[2])):
            _known.move_to_end(key)
            _last = place, now, before[2]
            return before[2]
        if stat.S_ISREG(status.st_mode):
            container = _archive(place, status)
        elif stat.S_ISDIR(status.st_mode):
            container = _shards(place)
        else:
            return None
        _known[key] = now, place, container
        _known.move_to_end(key)
        while len(_known) > _HELD:
            _known.popitem(last=False)
        _last = place, now, container
        return container


def _stale(container: Container | None) -> bool:
    """Whether a shard was written anew, which its folder does not show."""
    if container is None:
        return True
    try:
        return any(identity(os.stat(each.path)) != each.identity for each in container.parts)  # noqa: PTH116
    except OSError:
        return True


def _archive(place: str, status: os.stat_result) -> Container | None:
    """Open a file that holds others; None where it is no such file."""
    part = Part(place, identity(status))
    if not is_archive(place):
        return None
    head = files.read_head(place, 512)
    lower = place.lower()
    if head.startswith(_PACKED):
        raise Refused(
            errno.EINVAL,
            "a compressed tar has no place to begin at: unpack it, or pack it as .zip or as .tar"
            " that is not compressed (images hardly shrink)",
            place,
        )
    try:
        if head.startswith(_ZIP) or lower.endswith(".zip"):
            return Zip(part)
        if head.startswith(_PARQUET) or lower.endswith(".parquet"):
            columns = shown_columns(part)
            if columns is None:
                raise ValueError("holds no column of images (bytes, or a struct with bytes)")
            return rows_of(None, [part], [columns])
        # one alone tells no splits, whatever it is called
        if holds_samples(part) and not is_divided(part):
            return samples_of(None, [part])
        return Tar.of(part)
    except Changed:
        raise Refused(errno.ESTALE, "changed while it was read: run again", place) from None
    except ValueError as error:
        raise Refused(errno.EINVAL, _one_line(str(error)), place) from None


def _shards(place: str) -> Container | None:
    """Open the shards that lie in a folder; None where there are none."""
    parts: dict[str, list[Part]] = {".parquet": [], ".tar": []}
    with os.scandir(place) as entries:
        for n, entry in enumerate(entries):
            if n > _SHARDS:
                return None
            suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122
            if suffix in parts and not entry.name.startswith("."):
                try:
                    if entry.is_file() and (suffix != ".tar" or is_shard(entry.name)):
                        parts[suffix].append(Part(entry.path, identity(entry.stat())))
                except OSError:
                    continue
    folder = Path(os.path.realpath(place)).name
    named = ""
    try:
        rows = []
        for part in sorted(parts[".parquet"]):
            named = f"{Path(part.path).name} "
            if (its := shown_columns(part)) is not None:
                rows.append((part, its))
        tars: list[Part] = []
        for part in sorted(parts[".tar"]):
            named = f"{Path(part.path).name} "
            if tars or holds_samples(part):  # where one holds samples all do
                tars.append(part)
        named = ""
        if rows and tars:
            raise ValueError("holds shards of two kinds, .parquet and .tar: put one elsewhere")
        container: Container | None = None
        if rows:
            container = rows_of(folder, [part for part, _ in rows], [its for _, its in rows])
        elif tars:
            container = samples_of(folder, tars)
    except Changed:
        raise Refused(errno.ESTALE, "changed while it was read: run again", place) from None
    except ValueError as error:
        raise Refused(errno.EINVAL, f"{named}{_one_line(str(error))}", place) from None
    if container is not None:
        for first in container.names.folders():
            if os.path.lexists(os.path.join(place, first)):  # noqa: PTH118
                raise Refused(
                    errno.EINVAL,
                    f"its shards and a folder beside them are called {first!r}: put one elsewhere",
                    place,
                )
    return container


def _one_line(text: str) -> str:
    return " ".join(text.split())


def shards_among(root: PathLike, paths: Sequence[str]) -> Iterator[tuple[str, Held]]:
    """List what shards hold, by the folders that they lie in, relative to ``root``.

    Parameters
    ----------
    root, paths
        A folder, and all files there, relative to it.

    Raises
    ------
    OSError
        Where a shard cannot be read.
    """
    folders = {
        path.rpartition("/")[0] for path in paths if path.lower().endswith((".parquet", ".tar"))
    }
    for folder in sorted(folders):
        held = below(os.path.join(root, folder) if folder else root)  # noqa: PTH118
        if held is not None:
            yield folder, held
