"""The single pass: each image is decoded once for all extractors and views that still lack it."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from dfbench.allocator import keep_freed_memory
from dfbench.contained.process import Limits
from dfbench.errors import DataError, DfbenchError, ImageError, PluginError
from dfbench.features.base import Extractor
from dfbench.features.common.colours import shared
from dfbench.features.contained.extractor import BrokeOnError, Contained
from dfbench.features.pipeline.in_order import in_order
from dfbench.features.pipeline.shard import Entry, Keys, as_keys
from dfbench.features.pipeline.store import DECODER_VERSION, identity
from dfbench.features.pipeline.table import Table
from dfbench.features.views.view import PLAIN, Normal, Seen, View, normalise, perturb
from dfbench.files import Progress
from dfbench.images import contents, decode
from dfbench.rasters import apart
from dfbench.received.containers.places import reading_order
from dfbench.received.files import why

_DECODED = 64 << 20
"""Bytes of images that a batch holds at most, unless a single image is larger."""
_AT_ONCE = 8
"""Batches so large that are held at once at least, however few threads there are."""


def _verdicts() -> dict[str, Any]:
    """Identify the table of what could not be decoded: the reason, or nothing where all is well.

    Another version of a library may read what this one could not.
    """
    libraries = {name: _version(name) for name in ("pillow", "opencv-python-headless")}
    return {"extractor": "decoded", "decoder": DECODER_VERSION, "libraries": libraries}


def _changes(view: View) -> dict[str, Any]:
    """Identify the table of the seconds that it takes to bring a decoded image into a view."""
    return {"extractor": "changed", **view.identity()}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


@dataclass(frozen=True, slots=True)
class Source:
    """An image file.

    Attributes
    ----------
    path
        Where it is.
    sha256
        Of its bytes, hexadecimal.
    pixels
        Their number, if known.
    within
        Where it is in the folder of its data set; empty where there is none.
    """

    path: Path
    sha256: str
    pixels: int = 0
    within: str = ""

    @property
    def told(self) -> str:
        """How errors name it."""
        return self.within or self.path.name


class Sources(Sequence[Source]):
    """Image files of one folder, each made a `Source` of when it is its turn.

    Parameters
    ----------
    root
        The folder.
    paths
        Of n files, relative to it.
    keys
        SHA-256 of each, hexadecimal.
    pixels
        Number of pixels of each, shape (n,).
    """

    def __init__(
        self, root: Path, paths: Sequence[str], keys: Sequence[str], pixels: NDArray[np.int64]
    ) -> None:
        self._root, self._paths, self._keys, self._pixels = root, paths, keys, pixels

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, at: int) -> Source: ...

    @overload
    def __getitem__(self, at: slice) -> Sources: ...

    def __getitem__(self, at: int | slice) -> Source | Sources:
        its = self._paths[at], self._keys[at], self._pixels[at]
        if isinstance(at, slice):
            return Sources(self._root, *its)
        within = str(its[0])
        return Source(self._root / within, str(its[1]), int(its[2]), within)

    @property
    def keys(self) -> Sequence[str]:
        """SHA-256 of each, hexadecimal."""
        return self._keys

    def as_they_lie(self) -> Sources:
        """Give them in the order in which they are read best: archives and shards have one."""
        order = reading_order(self._root, self._paths)
        return self if order is None else self.at(order)

    def at(self, places: NDArray[np.intp]) -> Sources:
        """Give those at some places."""
        paths, keys = ([texts[at] for at in places] for texts in (self._paths, self._keys))
        return Sources(self._root, paths, keys, self._pixels[places])


@dataclass
class Outcome:
    """What a pass found.

    Attributes
    ----------
    unreadable
        Reason by SHA-256 for images that could not be decoded.
    failed
        Error by place in the list of extractors; their features are incomplete. In the second of
        several views, places go on after those of the first, and so on.
    ended
        By the same, how often the process of an extractor of others ended and was begun anew, and
        why; its features are whole.
    """

    unreadable: dict[str, str] = field(default_factory=dict)
    failed: dict[int, DfbenchError] = field(default_factory=dict)
    ended: dict[int, str] = field(default_factory=dict)


@dataclass
class _Batch:
    """What came out of a batch, and what the main thread must go on with.

    Attributes
    ----------
    verdicts, changes
        Of each image, the latter by view.
    entries, failed
        By task.
    shown
        Images by view.
    """

    verdicts: list[Entry] = field(default_factory=list)
    changes: dict[int, list[Entry]] = field(default_factory=dict)
    entries: dict[int, list[Entry]] = field(default_factory=dict)
    failed: dict[int, DfbenchError] = field(default_factory=dict)
    shown: dict[int, dict[str, Seen]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Item:
    """An image of a batch: its number among the different ones, its file, and the file's bytes."""

    number: int
    source: Source
    bytes: int


@dataclass(frozen=True, eq=False)
class _Task:
    """An extractor in a view, and the images that it still lacks.

    Attributes
    ----------
    place
        In all tasks: those of the first view come first.
    number, view
        Place of the extractor in the list of extractors, and of the view in the list of views.
    lacks
        Which of the different images it lacks, shape (m,).
    length
        Bytes of a value that the store has of it; None where there is none.
    """

    place: int
    number: int
    extractor: Extractor
    view: int
    lacks: NDArray[np.bool_]
    length: int | None


@dataclass(frozen=True, eq=False)
class Lacking:
    """What the store has not of some images, of m different contents.

    Attributes
    ----------
    first
        Where each content comes first among the images, ascending, shape (m,).
    unseen
        Which nobody has tried to decode, shape (m,).
    tasks
        Extractors in views, and what each lacks.
    unreadable
        As of `Outcome`: what is known before.
    """

    first: NDArray[np.intp]
    unseen: NDArray[np.bool_]
    tasks: list[_Task]
    unreadable: dict[str, str]

    @property
    def wanted(self) -> NDArray[np.intp]:
        """Which of the different images a pass has to open, ascending."""
        return np.flatnonzero(
            np.logical_or.reduce([self.unseen, *(task.lacks for task in self.tasks)])
        )


class _Warm:
    """Lets each extractor compile its kernels or load its weights before it is timed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: set[int] = set()

    def up(self, index: int, work: Callable[[], Any]) -> None:
        """Do ``work`` the first time that this is called with ``index``; others wait for it."""
        if index not in self._done:
            with self._lock:
                if index not in self._done:
                    work()
                    self._done.add(index)


def seconds_to_decode(keys: Sequence[str] | Keys, view: View = PLAIN) -> float:
    """Median seconds that it took to read and decode the images of ``keys`` and to change them."""
    with Table(_verdicts()) as table:
        seconds = table.seconds(keys)
    if view == PLAIN:
        return seconds
    with Table(_changes(view)) as table:
        return seconds + table.seconds(keys)


def look_up(
    sources: Sequence[Source], extractors: Sequence[Extractor], views: Sequence[View] = (PLAIN,)
) -> Lacking:
    """Say what `extract` would have to do; no image is opened."""
    keys, first = _different(sources)
    with Table(_verdicts()) as verdicts:
        known = verdicts.get(keys)
    unseen = np.array([text is None for text in known], np.bool_)
    reasons = {
        n: (key, text.decode())
        for n, (key, text) in enumerate(zip(keys, known, strict=True))
        if text
    }
    readable = np.ones(len(keys), np.bool_)
    readable[list(reasons)] = False
    tasks: list[_Task] = []
    for at, view in enumerate(views):
        for number, extractor in enumerate(extractors):
            with Table(identity(extractor, view)) as table:
                lacks = table.missing(keys) & readable
                length = table.value_length()
            tasks.append(_Task(len(tasks), number, extractor, at, lacks, length))
    return Lacking(first, unseen, tasks, {_hex(key): text for key, text in reasons.values()})


def extract(
    sources: Sequence[Source],
    extractors: Sequence[Extractor],
    *,
    views: Sequence[View] = (PLAIN,),
    jobs: int = 1,
    progress: Progress | None = None,
    batch_size: int = 32,
    limits: Limits | None = None,
) -> Outcome:
    """Compute and store what the store lacks.

    Parameters
    ----------
    sources
        The images; equal contents are computed once.
    extractors
        Those whose ``threads`` is true work in ``jobs`` threads, the others one batch at a time.
    views
        How images are changed before they are seen; each extractor sees each view.
    jobs
        Number of threads.
    progress
        Called with (images done, images to do).
    batch_size
        Images a batch.
    limits
        Of extractors that others brought, which then work in processes of their own; None: all
        work in this one.

    Returns
    -------
    Outcome
        Unreadable images and failed extractors; neither stops the pass.

    Raises
    ------
    DataError
        If a file changed after it was listed.
    """
    if isinstance(sources, Sources):
        sources = sources.as_they_lie()
    lacking = look_up(sources, extractors, views)
    outcome = Outcome(lacking.unreadable)
    tasks = _contained(lacking.tasks, limits, jobs, outcome)
    keep_freed_memory()
    with ExitStack() as stack:
        verdicts = stack.enter_context(Table(_verdicts()))
        changes = {
            number: stack.enter_context(Table(_changes(view)))
            for number, view in enumerate(views)
            if view != PLAIN
        }
        tables = [
            stack.enter_context(Table(identity(task.extractor, views[task.view]))) for task in tasks
        ]
        lengths = {task.place: task.length for task in tasks if task.length}
        wanted = lacking.wanted
        todo = (_item(int(n), sources[int(lacking.first[n])]) for n in wanted)
        warm = _Warm()
        done = 0
        if progress is not None:
            progress(0, len(wanted))

        def work(batch: list[_Item]) -> _Batch:
            return _work(batch, tasks, views, lacking.unseen, outcome.failed, warm)

        def give_up() -> None:
            for task in tasks:
                if isinstance(task.extractor, Contained):
                    task.extractor.stop()
            apart.stop()

        def weight(batch: list[_Item]) -> int:
            return sum(_held(item, views) for item in batch)

        batches, most = _chunks(todo, batch_size, views), _DECODED * max(_AT_ONCE, jobs)
        for batch, result in in_order(work, batches, jobs, give_up, weight=weight, most=most):
            outcome.failed.update(result.failed)
            for task in tasks:
                if not task.extractor.threads:
                    _transform(task, batch, result, outcome.failed, warm)
            outcome.failed.update(result.failed)
            for place, entries in result.entries.items():
                length = lengths.setdefault(place, len(entries[0][1]))
                strange = next((key for key, value, _ in entries if len(value) != length), "")
                if not strange:
                    tables[place].put(entries)
                elif place not in outcome.failed:
                    [name] = [each.source.told for each in batch if each.source.sha256 == strange]
                    outcome.failed[place] = _other_length(tasks[place].extractor, name)
            for at, taken in result.changes.items():
                changes[at].put(taken)
            # last, so that a kill in between leaves the image to be looked at again
            verdicts.put(result.verdicts)
            outcome.unreadable |= {key: why.decode() for key, why, _ in result.verdicts if why}
            done += len(batch)
            if progress is not None:
                progress(done, len(wanted))
    for task in tasks:
        if isinstance(task.extractor, Contained) and task.extractor.ended:
            outcome.ended[task.place] = task.extractor.ended
    return outcome


def _contained(
    tasks: list[_Task], limits: Limits | None, jobs: int, outcome: Outcome
) -> list[_Task]:
    """Have extractors of others work elsewhere; note the error of one that cannot."""
    if limits is None:
        return tasks
    found = []
    for task in tasks:
        if task.extractor.brought and task.lacks.any():
            try:
                task = replace(task, extractor=Contained(task.extractor, jobs, limits))
            except PluginError as error:
                outcome.failed[task.place] = error
        found.append(task)
    return found


def _other_length(extractor: Extractor, file: str) -> PluginError:
    return PluginError(
        "returns a vector of another length than for the images before",
        where=f"{extractor.where} on {file}",
        hint="return as many numbers for each image",
    )


def _different(sources: Sequence[Source]) -> tuple[Keys, NDArray[np.intp]]:
    """Give the keys of the different images, and the place of each, in the order of the places."""
    named = sources.keys if isinstance(sources, Sources) else [s.sha256 for s in sources]
    keys = as_keys(named)
    first = np.sort(np.unique(keys, return_index=True)[1])
    return keys[first], first


def _hex(key: bytes) -> str:
    return key.ljust(32, b"\0").hex()


def _item(number: int, source: Source) -> _Item:
    try:
        return _Item(number, source, os.stat(source.path).st_size)  # noqa: PTH116 - 200,000 of them
    except OSError:
        return _Item(number, source, 0)  # whoever reads it says what is wrong


def _chunks(items: Iterable[_Item], size: int, views: Sequence[View]) -> Iterator[list[_Item]]:
    batch: list[_Item] = []
    held = 0
    for item in items:
        needs = _held(item, views)
        if batch and (len(batch) == size or held + needs > _DECODED):
            yield batch
            batch, held = [], 0
        batch.append(item)
        held += needs
    if batch:
        yield batch


def _held(item: _Item, views: Sequence[View]) -> int:
    """Give the bytes of an image's file, of its pixels, and of these in each view."""
    own = item.source.pixels

    def side(normal: Normal | None) -> int:
        return own if normal is None or normal.size is None else normal.size**2

    normals = {view.normal for view in views} - {None}
    pixels = own + sum(map(side, normals))
    pixels += sum(side(view.normal) for view in views if view.chain)
    return item.bytes + 3 * pixels


def _work(
    batch: list[_Item],
    tasks: Sequence[_Task],
    views: Sequence[View],
    unseen: NDArray[np.bool_],
    failed: dict[int, DfbenchError],
    warm: _Warm,
) -> _Batch:
    result = _Batch()
    decoded: dict[str, Seen] = {}
    for item in batch:
        source, start = item.source, time.perf_counter()
        data = _read(source)
        try:
            image = decode(data)
        except ImageError as error:
            result.verdicts.append((source.sha256, str(error).encode(), 0.0))
            continue
        decoded[source.sha256] = Seen(image, data)
        if unseen[item.number]:
            result.verdicts.append((source.sha256, b"", time.perf_counter() - start))
    bases: dict[Normal | None, dict[str, tuple[Seen, float]]] = {}
    for at, view in enumerate(views):
        chosen = [task for task in tasks if task.view == at]
        need = [
            item.source
            for item in batch
            if item.source.sha256 in decoded and any(task.lacks[item.number] for task in chosen)
        ]
        try:
            taken = _show(need, decoded, bases.setdefault(view.normal, {}), view)
        except ImageError as error:
            result.failed |= {task.place: error for task in chosen}
            continue
        result.shown[at] = {key: seen for key, (seen, _) in taken.items()}
        if view != PLAIN:
            result.changes[at] = [(key, b"", seconds) for key, (_, seconds) in taken.items()]
        with shared():
            for task in chosen:
                if task.extractor.threads:
                    _transform(task, batch, result, failed, warm)
        if all(task.extractor.threads for task in chosen):
            del result.shown[at]
    return result


def _show(
    sources: list[Source],
    decoded: dict[str, Seen],
    base: dict[str, tuple[Seen, float]],
    view: View,
) -> dict[str, tuple[Seen, float]]:
    """Give each image in a view, and the seconds that this takes.

    ``base`` keeps the images in the normal form, which other views share.
    """
    shown: dict[str, tuple[Seen, float]] = {}
    for source in sources:
        key = source.sha256
        start = time.perf_counter()
        try:
            if key not in base:
                base[key] = normalise(decoded[key], view.normal), time.perf_counter() - start
            normal, before = base[key]
            start = time.perf_counter()
            seen = perturb(normal, view.chain, key)
        except ImageError as error:
            raise ImageError(f"cannot be changed: {error}", where=source.told) from None
        shown[key] = seen, before + time.perf_counter() - start
    return shown


def _read(source: Source) -> bytes:
    try:
        data = contents(source.path)
    except OSError as error:
        raise DataError(why(error), where=source.path) from error
    if hashlib.sha256(data).hexdigest() != source.sha256:
        raise DataError("changed while it was being worked on", where=source.path, hint="run again")
    return data


def _transform(
    task: _Task,
    batch: list[_Item],
    result: _Batch,
    failed: dict[int, DfbenchError],
    warm: _Warm,
) -> None:
    """Run one extractor over its part of a batch; note an error instead of raising it."""
    if task.place in failed or task.place in result.failed:
        return
    shown, extractor = result.shown.get(task.view, {}), task.extractor
    need = [
        item.source for item in batch if task.lacks[item.number] and item.source.sha256 in shown
    ]
    if not need:
        return
    field_of = "file" if extractor.reads == "file" else "image"
    inputs = {source.sha256: getattr(shown[source.sha256], field_of) for source in need}
    try:
        warm.up(task.number, lambda: extractor.transform([inputs[need[0].sha256]]))
        found, seconds = _timed(extractor, [inputs[s.sha256] for s in need])
        values = _checked(extractor, found)
        if len(values) != len(need):
            raise PluginError(
                f"gives {len(values)} rows of {len(need)} images",
                where=extractor.where,
            )
    except (Exception, SystemExit) as error:  # noqa: BLE001 - one broken extractor must not stop the others
        result.failed[task.place] = _blame(extractor, need, inputs, error)
        return
    each = seconds / len(need)
    result.entries[task.place] = [
        (source.sha256, row.tobytes(), each) for source, row in zip(need, values, strict=True)
    ]


def _timed(extractor: Extractor, images: list[Any]) -> tuple[Any, float]:
    """Give the vectors of images, and the seconds that they took where they were computed."""
    if isinstance(extractor, Contained):
        return extractor.timed(images)
    start = time.perf_counter()
    values = extractor.transform(images)
    return values, time.perf_counter() - start


def _checked(extractor: Extractor, values: Any) -> NDArray[Any]:
    array = np.ascontiguousarray(values, dtype=extractor.dtype)
    if array.ndim != 2 or not np.isfinite(array).all():
        raise PluginError(
            f"gave shape {array.shape} or values that are not finite, expected finite (n, d)",
            where=extractor.where,
        )
    return array


def _blame(
    extractor: Extractor, need: list[Source], inputs: dict[str, Any], error: BaseException
) -> DfbenchError:
    """Find the image that an extractor broke on and word the error."""
    source = None
    if isinstance(error, BrokeOnError):
        source = need[error.at]
    elif len(need) > 1 and isinstance(error, PluginError):
        for each in need:
            try:
                _checked(extractor, extractor.transform([inputs[each.sha256]]))
            except (Exception, SystemExit) as single:  # noqa: BLE001 - as above
                source, error = each, single
                break
    elif need:
        source = need[0]
    if isinstance(error, PluginError):
        at = "" if source is None else f" on {source.told}"
        return PluginError(error.what, where=f"{error.where}{at}", hint=error.hint)
    if isinstance(error, DfbenchError):
        return error
    return DfbenchError(f"{type(error).__name__}: {error}", where=extractor.where)
