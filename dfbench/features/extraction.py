"""The single pass: each image is read and decoded once for all extractors that still lack it."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError, DfbenchError, ImageError, PluginError
from dfbench.features.base import Extractor
from dfbench.features.resized import resize as resize_image
from dfbench.features.store import DECODER_VERSION, Table, identity
from dfbench.files import Progress
from dfbench.images import Image, decode

_DECODED = 64 << 20
"""Bytes of decoded images that a batch holds at most, unless a single image is larger."""


def _verdicts() -> dict[str, Any]:
    """Identify the table of what could not be decoded: the reason, or nothing where all is well.

    Another version of a library may read what this one could not.
    """
    libraries = {name: _version(name) for name in ("pillow", "opencv-python-headless")}
    return {"extractor": "decoded", "decoder": DECODER_VERSION, "libraries": libraries}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


@dataclass(frozen=True, slots=True)
class Source:
    """An image file, the SHA-256 of its bytes (hexadecimal), and its number of pixels if known."""

    path: Path
    sha256: str
    pixels: int = 0


@dataclass
class Outcome:
    """What a pass found.

    Attributes
    ----------
    unreadable
        Reason by SHA-256 for images that could not be decoded.
    failed
        Error by position in the list of extractors; their features are incomplete.
    """

    unreadable: dict[str, str] = field(default_factory=dict)
    failed: dict[int, DfbenchError] = field(default_factory=dict)


@dataclass
class _Batch:
    """What came out of a batch: entries by extractor, and what the main thread must go on with."""

    verdicts: list[tuple[str, bytes, float]]
    entries: dict[int, list[tuple[str, bytes, float]]]
    failed: dict[int, DfbenchError]
    images: dict[str, Image]
    contents: dict[str, bytes]

    def inputs(self, extractor: Extractor) -> dict[str, Any]:
        """Give what an extractor is to see of each image."""
        return self.contents if extractor.reads == "file" else self.images


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


def seconds_to_decode(keys: Sequence[str]) -> float:
    """Median seconds that reading and decoding the images of ``keys`` took."""
    with Table(_verdicts()) as table:
        return table.seconds(keys)


def extract(
    sources: Sequence[Source],
    extractors: Sequence[Extractor],
    *,
    resize: int | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
    batch_size: int = 32,
) -> Outcome:
    """Compute and store what the store lacks.

    Parameters
    ----------
    sources
        The images; equal contents are computed once.
    extractors
        Those whose ``threads`` is true work in ``jobs`` threads, the others one batch at a time.
    resize
        Side in pixels that all images are resized to first; None for their own size.
    jobs
        Number of threads.
    progress
        Called with (images done, images to do).
    batch_size
        Images a batch.

    Returns
    -------
    Outcome
        Unreadable images and failed extractors; neither stops the pass.

    Raises
    ------
    DataError
        If a file changed after it was listed.
    """
    outcome = Outcome()
    with ExitStack() as stack:
        verdicts = stack.enter_context(Table(_verdicts()))
        tables = [stack.enter_context(Table(identity(e, resize))) for e in extractors]
        keys = [source.sha256 for source in sources]
        unseen = verdicts.missing(keys)
        lacking = [table.missing(keys) for table in tables]
        known = dict(zip(keys, verdicts.get(keys), strict=True))
        outcome.unreadable = {key: text.decode() for key, text in known.items() if text}
        for lacks in lacking:
            lacks -= outcome.unreadable.keys()
        wanted = unseen.union(*lacking)
        todo = list({s.sha256: s for s in sources if s.sha256 in wanted}.values())
        lengths = {index: n for index, table in enumerate(tables) if (n := table.value_length())}
        names = {source.sha256: source.path.name for source in todo}
        warm = _Warm()
        done = 0
        if progress is not None:
            progress(0, len(todo))

        def work(batch: list[Source]) -> _Batch:
            return _work(batch, extractors, lacking, unseen, resize, outcome.failed, warm)

        for batch, result in _in_order(work, _chunks(todo, batch_size), jobs):
            outcome.failed.update(result.failed)
            for index, extractor in enumerate(extractors):
                if not extractor.threads:
                    need = [s for s in batch if s.sha256 in lacking[index]]
                    _transform(index, extractor, need, result, outcome.failed, warm)
            outcome.failed.update(result.failed)
            for index, entries in result.entries.items():
                strange = _other_length(entries, lengths.setdefault(index, len(entries[0][1])))
                if strange is None:
                    tables[index].put(entries)
                elif index not in outcome.failed:
                    outcome.failed[index] = PluginError(
                        "returns a vector of another length than for the images before",
                        where=f"extractor {extractors[index].name!r} on {names[strange]}",
                        hint="return as many numbers for each image",
                    )
            # last, so that a kill in between leaves the image to be looked at again
            verdicts.put(result.verdicts)
            outcome.unreadable |= {key: why.decode() for key, why, _ in result.verdicts if why}
            done += len(batch)
            if progress is not None:
                progress(done, len(todo))
    return outcome


def _other_length(entries: list[tuple[str, bytes, float]], length: int) -> str | None:
    """Give the key of the first entry that is not ``length`` bytes long."""
    return next((key for key, value, _ in entries if len(value) != length), None)


def _chunks(items: list[Source], size: int) -> Iterator[list[Source]]:
    batch: list[Source] = []
    held = 0
    for item in items:
        if batch and (len(batch) == size or held + 3 * item.pixels > _DECODED):
            yield batch
            batch, held = [], 0
        batch.append(item)
        held += 3 * item.pixels
    if batch:
        yield batch


def _in_order(
    work: Callable[[list[Source]], _Batch], batches: Iterator[list[Source]], jobs: int
) -> Iterator[tuple[list[Source], _Batch]]:
    """Work on batches in threads, few ahead of the one that is taken, so that memory is bounded."""
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="extract") as pool:
        waiting: deque[tuple[list[Source], Future[_Batch]]] = deque()
        try:
            for batch in batches:
                waiting.append((batch, pool.submit(work, batch)))
                if len(waiting) > jobs + 1:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


def _work(
    batch: list[Source],
    extractors: Sequence[Extractor],
    lacking: list[set[str]],
    unseen: set[str],
    resize: int | None,
    failed: dict[int, DfbenchError],
    warm: _Warm,
) -> _Batch:
    result = _Batch([], {}, {}, {}, {})
    for source in batch:
        start = time.perf_counter()
        data = _read(source)
        try:
            image = decode(data)
        except ImageError as error:
            result.verdicts.append((source.sha256, str(error).encode(), 0.0))
            continue
        result.images[source.sha256] = image if resize is None else resize_image(image, resize)
        result.contents[source.sha256] = data
        if source.sha256 in unseen:
            result.verdicts.append((source.sha256, b"", time.perf_counter() - start))
    for index, extractor in enumerate(extractors):
        if extractor.threads:
            need = [s for s in batch if s.sha256 in lacking[index]]
            _transform(index, extractor, need, result, failed, warm)
    if all(extractor.threads for extractor in extractors):
        result.images.clear()
        result.contents.clear()
    return result


def _read(source: Source) -> bytes:
    try:
        data = source.path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=source.path) from error
    if hashlib.sha256(data).hexdigest() != source.sha256:
        raise DataError("changed while it was being worked on", where=source.path, hint="run again")
    return data


def _transform(
    index: int,
    extractor: Extractor,
    need: list[Source],
    result: _Batch,
    failed: dict[int, DfbenchError],
    warm: _Warm,
) -> None:
    """Run one extractor over its part of a batch; note an error instead of raising it."""
    inputs = result.inputs(extractor)
    need = [source for source in need if source.sha256 in inputs]
    if not need or index in failed:
        return
    try:
        warm.up(index, lambda: extractor.transform([inputs[need[0].sha256]]))
        start = time.perf_counter()
        values = _checked(extractor, extractor.transform([inputs[s.sha256] for s in need]))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - one broken extractor must not stop the others
        result.failed[index] = _blame(extractor, need, inputs, error)
        return
    each = (time.perf_counter() - start) / len(need)
    result.entries[index] = [
        (source.sha256, row.tobytes(), each) for source, row in zip(need, values, strict=True)
    ]


def _checked(extractor: Extractor, values: Any) -> NDArray[Any]:
    array = np.ascontiguousarray(values, dtype=extractor.dtype)
    if array.ndim != 2 or not np.isfinite(array).all():
        raise PluginError(
            f"gave shape {array.shape} or values that are not finite, expected finite (n, d)",
            where=f"extractor {extractor.name!r}",
        )
    return array


def _blame(
    extractor: Extractor, need: list[Source], inputs: dict[str, Any], error: BaseException
) -> DfbenchError:
    """Find the image that an extractor broke on and word the error."""
    culprit = None
    if len(need) > 1 and isinstance(error, PluginError):
        for source in need:
            try:
                _checked(extractor, extractor.transform([inputs[source.sha256]]))
            except (Exception, SystemExit) as single:  # noqa: BLE001 - as above
                culprit, error = source.path, single
                break
    elif need:
        culprit = need[0].path
    if isinstance(error, PluginError):
        at = "" if culprit is None else f" on {culprit.name}"
        return PluginError(error.what, where=f"{error.where}{at}", hint=error.hint)
    if isinstance(error, DfbenchError):
        return error
    return DfbenchError(f"{type(error).__name__}: {error}", where=f"extractor {extractor.name!r}")
