"""What each image file is (size, format, content hash), read once and kept for as long as it stays.

Below the cache folder lies a Parquet table for each root. A line of it is believed while the file
has the stamp that it had when it was read, see `dfbench.files.Stamp`; one whose file had changed so
shortly before that a further change could have left no trace is not kept at all. Hashes decide
which scores are those of a data set, so nothing else is believed: pages have checksums, and another
version of what reads headers begins anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dfbench import formats, images
from dfbench._version import BEGUN, __version__
from dfbench.errors import DfbenchError, ImageError
from dfbench.files import (
    Progress,
    Stamp,
    atomic_path,
    cache_dir,
    digest,
    resolved,
    stamp,
    use_cache,
)
from dfbench.images import contents, read_header
from dfbench.installed import came_since, decoders
from dfbench.rasters import apart, pillow
from dfbench.received.containers.container import UNKNOWN
from dfbench.received.containers.places import exists, reading_order, told
from dfbench.received.files import opened, why
from dfbench.received.parquet import read_table

_STAMP = Stamp._fields
_COLUMNS = {
    "path": pa.string(),
    **dict.fromkeys(_STAMP, pa.int64()),
    "width": pa.int64(),
    "height": pa.int64(),
    "format": pa.string(),
    "sha256": pa.string(),
    "error": pa.string(),
}
_SCHEMA = pa.schema(list(_COLUMNS.items()))
_MOST = 50_000_000
"""Files that are kept of a root."""
_LINE = 8
"""Bytes of one in the file at least, times and a hash that it has alone."""
_BATCH = 64
_NEAR = 8
_LINES = 4096
"""Lines of the table that are made at once."""
_STAMPED = 4096
"""Files asked for their stamp at once: it takes microseconds, on a disk of this machine."""
_T = TypeVar("_T")
_U = TypeVar("_U")


def facts_of(
    root: Path,
    paths: Sequence[str],
    faults: Sequence[str],
    *,
    check: bool = False,
    progress: Progress | None = None,
) -> pa.Table:
    """Tell what image files are; those that are not known are read and hashed.

    Parameters
    ----------
    root
        Folder that the paths are relative to.
    paths
        Of n files.
    faults
        Of each why it cannot be opened; such a file is not looked at. "" where it can.
    check
        Whether every file is read and hashed, known or not.
    progress
        Called with (files done, n).

    Returns
    -------
    pyarrow.Table
        Of n lines in the order of ``paths``: ``path``, the stamp, ``width`` and ``height``,
        ``format``, ``sha256``, ``error``, see `dfbench.suites.datasets.manifest.Dataset`; ``size``
        counts bytes, and is 0 of what was not read.
    """
    use_cache()  # before anything of it is read: what is believed now may be needed again
    file = cache_dir() / "files" / f"{digest(str(resolved(root)))}.parquet"
    kept = _kept(file)
    sound = np.array([not fault for fault in faults], dtype=np.bool_)
    places = np.full(len(paths), -1, dtype=np.int64)
    if kept.num_rows and not check:
        places = _believed(root, paths, kept)
    places[~sound] = -1
    todo = np.flatnonzero(places < 0)
    order, batch = in_place(root, [paths[i] for i in todo.tolist()])
    todo = todo[order]
    lines = [(paths[i], faults[i]) for i in todo.tolist()]
    read = _read_all(root, lines, len(paths), progress, batch)
    places[todo] = kept.num_rows + np.arange(todo.size)
    found = pa.concat_tables([kept, read]).take(pa.array(places)).combine_chunks()
    if _sound(read).num_rows:
        _keep(file, root, kept, found)
    return found


def in_threads(
    work: Callable[[Sequence[_T]], _U],
    items: Sequence[_T],
    progress: Progress | None = None,
    *,
    batch: int = _BATCH,
) -> Iterator[_U]:
    """Apply ``work`` to batches of ``items`` in threads; give the results in order."""
    batches = [items[i : i + batch] for i in range(0, len(items), batch)]
    # reading waits for the disk: more threads than cores pay
    threads = min(16, 2 + 2 * (os.cpu_count() or 1))
    pool = ThreadPoolExecutor(threads, thread_name_prefix="dfbench-read")
    done = 0
    try:
        for part, result in zip(batches, pool.map(work, batches), strict=True):
            done += len(part)
            if progress is not None:
                progress(done, len(items))
            yield result
    except BaseException:
        apart.stop()  # what hangs would be waited for
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def in_place(root: Path, paths: Sequence[str]) -> tuple[NDArray[np.intp], int]:
    """Give the order in which files are read best, and how many a batch of `in_threads` has.

    Those that lie one after another in a container are read by few at a time: what they share is
    held.
    """
    order = reading_order(root, paths)
    return (np.arange(len(paths)), _BATCH) if order is None else (order, _NEAR)


# --- what is kept ----------------------------------------------------------------------------


def _reader() -> str:
    """Say what decides what a file's bytes are told to be: the code that reads them."""
    own = [Path(str(each.__file__)) for each in (images, pillow, formats)]
    hashes = [hashlib.sha256(code.read_bytes()).hexdigest() for code in own]
    # what lies there is then not what this process runs
    mixed = BEGUN if any(came_since(code.stat()) for code in own) else 0
    return json.dumps([__version__, decoders(), hashes, mixed])


def is_sound(file: Path) -> bool:
    """Whether what was kept of a root can be read, whoever read it."""
    try:
        _table(file)
    except (OSError, ValueError):
        return False
    return True


def _kept(file: Path) -> pa.Table:
    """Read what was kept of a root; nothing where it is damaged, or others read it."""
    try:
        found = _table(file)
    except (OSError, ValueError):
        return _SCHEMA.empty_table()
    told = (found.schema.metadata or {}).get(b"reader", b"")
    known = told == _reader().encode() and found.schema.equals(_SCHEMA)
    return found.replace_schema_metadata() if known else _SCHEMA.empty_table()


def _table(file: Path) -> pa.Table:
    with opened(file) as source:
        # hashes are not compressed: a line takes some bytes
        most = min(_MOST, 1000 + os.fstat(source.fileno()).st_size // _LINE)
        return read_table(source, rows=most, values=most * len(_COLUMNS), sums=True)


def _believed(root: Path, paths: Sequence[str], kept: pa.Table) -> NDArray[np.int64]:
    """Give for each path the line that is still true of it, -1 where there is none."""
    at = pc.index_in(pa.array(paths, pa.string()), kept["path"].combine_chunks())
    places: NDArray[np.int64] = pc.fill_null(at, -1).to_numpy().astype(np.int64)
    known = np.flatnonzero(places >= 0)

    def look(batch: Sequence[int]) -> NDArray[np.int64]:
        found = [_stamp(os.path.join(root, paths[i])) for i in batch]  # noqa: PTH118 - 200,000 of them
        return np.array([each or (-1,) * len(_STAMP) for each in found], dtype=np.int64)

    now = list(in_threads(look, known.tolist(), batch=_STAMPED))
    if not now:
        return places
    then = np.stack([kept[name].to_numpy() for name in _STAMP], axis=1)[places[known]]
    other = np.concatenate(now) != then
    other[:, 0] &= np.concatenate(now)[:, 0] != UNKNOWN
    places[known[other.any(axis=1)]] = -1
    return places


def _stamp(name: str) -> Stamp | None:
    """Give the stamp of a file, which may lie in a container; its times are those of that."""
    found = stamp(name)
    if found is None and (held := told(name)) is not None:
        return Stamp(*held)
    return found


def _keep(file: Path, root: Path, kept: pa.Table, found: pa.Table) -> None:
    """Keep what was found, and of before what lies there and was not asked for this time."""
    others = kept.filter(pc.invert(pc.is_in(kept["path"], found["path"].combine_chunks())))
    there = [exists(os.path.join(root, path)) for path in others["path"].to_pylist()]  # noqa: PTH118
    others = others.filter(pa.array(there, pa.bool_()))
    told = {"reader": _reader()}
    table = pa.concat_tables([_sound(found), others]).replace_schema_metadata(told)
    # a cache that cannot be written costs time, and nothing else
    with contextlib.suppress(OSError, DfbenchError), atomic_path(file) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def _sound(table: pa.Table) -> pa.Table:
    """Give the lines that can be kept; a file that could not be opened may be so the next time."""
    return table.filter(pc.greater_equal(table["inode"], 0))


# --- reading ---------------------------------------------------------------------------------


class _Fact(NamedTuple):
    """A line of the table but for its path; an inode of -1 says that it is not to be kept."""

    size: int = 0
    modified: int = 0
    changed: int = 0
    inode: int = -1
    device: int = 0
    width: int = 0
    height: int = 0
    format: str = ""
    sha256: str = ""
    error: str = ""


def _read_all(
    root: Path,
    todo: Sequence[tuple[str, str]],
    n: int,
    progress: Progress | None,
    batch: int,
) -> pa.Table:
    """Read files, each with the fault that is known of it."""
    before = n - len(todo)

    def told(done: int, _: int) -> None:
        if progress is not None:
            progress(before + done, n)

    def work(few: Sequence[tuple[str, str]]) -> list[tuple[Any, ...]]:
        return [
            (path, *(_Fact(error=fault) if fault else _read(root, path))) for path, fault in few
        ]

    if not todo:
        told(0, n)
    tables, lines = [_SCHEMA.empty_table()], list[tuple[Any, ...]]()
    for found in in_threads(work, todo, told, batch=batch):
        lines += found
        if len(lines) >= _LINES:
            tables.append(_as_table(lines))
            lines = []
    return pa.concat_tables([*tables, _as_table(lines)])


def _as_table(lines: list[tuple[Any, ...]]) -> pa.Table:
    if not lines:
        return _SCHEMA.empty_table()
    return pa.table(list(map(list, zip(*lines, strict=True))), schema=_SCHEMA)


def _read(root: Path, path: str) -> _Fact:
    try:
        name = os.path.join(root, path)  # noqa: PTH118 - a Path for each of 200,000 files is slow
        # before the reading: what is changed meanwhile has another stamp afterwards
        now, before = time.time_ns(), _stamp(name)
        data = contents(name)
    except OSError as error:
        return _Fact(error=why(error))
    its = _Fact(len(data), sha256=hashlib.sha256(data).hexdigest())
    if before is not None and before.size in (len(data), UNKNOWN) and before.settled(now):
        its = its._replace(**before._replace(size=len(data))._asdict())
    try:
        header = read_header(data)
    except ImageError as error:
        return its._replace(error=str(error))
    return its._replace(width=header.width, height=header.height, format=header.format)
