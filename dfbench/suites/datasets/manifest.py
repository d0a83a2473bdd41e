"""The manifest: every image of a data set with label, split, group, size and content hash."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from dfbench.errors import DataError, ImageError
from dfbench.files import Progress
from dfbench.images import read_header
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.listing import Listed
from dfbench.suites.datasets.scan import check_classes, scan, settle_root
from dfbench.suites.datasets.splits import assign

COLUMNS = (
    "path",
    "label",
    "split",
    "group",
    "kind",
    "width",
    "height",
    "bytes",
    "format",
    "sha256",
    "error",
)
"""Columns of a manifest; one line per image, sorted by path."""

_BATCH = 32
_T = TypeVar("_T")
_U = TypeVar("_U")


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set as found on disk.

    Attributes
    ----------
    card
        What was declared.
    root
        Folder that the paths are relative to.
    manifest
        One line per image, sorted by path: ``path`` (relative to the root, ``/`` between parts),
        ``label`` (int64, -1 unlabelled), ``split`` (``train``, ``validation``, ``test``),
        ``group`` ("" for none), ``kind`` (of fake, as the card tells it; "" for none), ``width``
        and ``height`` (int64, pixels, as shown), ``bytes`` (int64), ``format``, ``sha256`` (of the
        file's content, hexadecimal), ``error`` ("" unless the file cannot be opened as an image;
        sizes are 0 then).
    fingerprint
        Hash of classes, positive class, seed and what images are normalised to, and of path,
        label, split, group and content of every image; of its kind where any has one.
    ignored
        Files below the root that are no images or belong to nothing the card names.
    reading
        How a plain folder was read, in a line; empty where a card says how.
    warnings
        What about the way it was read may mislead, a sentence each.
    hindrance
        Why nothing can be run on it; empty where its classes and splits are complete.
    """

    card: Card
    root: Path
    manifest: pd.DataFrame
    fingerprint: str
    ignored: int = 0
    reading: str = ""
    warnings: tuple[str, ...] = ()
    hindrance: str = ""

    @property
    def name(self) -> str:
        """The card's name."""
        return self.card.name

    @property
    def classes(self) -> list[str]:
        """Names of the classes; the label is the place."""
        return self.card.classes

    @property
    def positive_index(self) -> int | None:
        """Label of the class to detect; None unless there are two classes."""
        return self.card.positive_index

    @property
    def grouped(self) -> bool:
        """Whether images share sources."""
        return bool((self.manifest["group"] != "").any())

    @property
    def broken(self) -> pd.DataFrame:
        """The lines of the manifest whose file cannot be opened as an image."""
        return self.manifest[self.manifest["error"] != ""]


def read_dataset(
    card: Card, root: Path, *, progress: Progress | None = None, incomplete: bool = False
) -> Dataset:
    """Read the data set of ``card`` that lies in ``root``.

    Parameters
    ----------
    card
        What is declared.
    root
        Folder of the images.
    progress
        Called with (images read, images in all).
    incomplete
        Whether a class or split without images is told as the data set's ``hindrance``, for who
        wants to look at it; else it is an error.

    Raises
    ------
    DataError
        If the data contradict the card, or lack a class. Images that cannot be opened are no error:
        they keep their line, with the reason.
    """
    root = settle_root(card, root)
    found = scan(card, root)
    hindrance = ""
    splits = [""] * len(found.images)
    labels = np.array([image.label for image in found.images], dtype=np.int64)
    openable = np.array([image.fault == "" for image in found.images], dtype=np.bool_)
    try:
        splits = assign(card, found.images)
        # before minutes are spent on reading, and again when more is known
        check_classes(card, labels, splits, openable, where=root)
    except DataError as error:
        if not incomplete:
            raise
        hindrance = _worded(error)
    facts = [
        fact
        for batch in in_threads(
            lambda images: [_read(root, image) for image in images], found.images, progress
        )
        for fact in batch
    ]
    manifest = pd.DataFrame(
        {
            "path": [image.path for image in found.images],
            "label": labels,
            "split": splits,
            "group": [image.group for image in found.images],
            "kind": [image.kind for image in found.images],
            "width": np.array([fact.width for fact in facts], dtype=np.int64),
            "height": np.array([fact.height for fact in facts], dtype=np.int64),
            "bytes": np.array([fact.bytes for fact in facts], dtype=np.int64),
            "format": [fact.format for fact in facts],
            "sha256": [fact.sha256 for fact in facts],
            "error": [fact.error for fact in facts],
        },
        columns=list(COLUMNS),
    )
    readable = (manifest["error"] == "").to_numpy(np.bool_)
    try:
        check_classes(card, labels, splits, readable, where=root)
    except DataError as error:
        if not incomplete:
            raise
        hindrance = hindrance or _worded(error)
    return Dataset(
        card,
        root,
        manifest,
        _fingerprint(card, manifest),
        found.ignored,
        warnings=tuple(found.warnings),
        hindrance=hindrance,
    )


def _worded(error: DataError) -> str:
    return f"{error.what} ({error.hint})" if error.hint else error.what


def in_threads(
    work: Callable[[Sequence[_T]], _U], items: Sequence[_T], progress: Progress | None
) -> Iterator[_U]:
    """Apply ``work`` to batches of ``items`` in threads; give the results in order."""
    batches = [items[i : i + _BATCH] for i in range(0, len(items), _BATCH)]
    # reading waits for the disk: more threads than cores pay
    threads = min(16, 2 + 2 * (os.cpu_count() or 1))
    pool = ThreadPoolExecutor(threads, thread_name_prefix="dfbench-read")
    done = 0
    try:
        for batch, result in zip(batches, pool.map(work, batches), strict=True):
            done += len(batch)
            if progress is not None:
                progress(done, len(items))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Fact(NamedTuple):
    width: int = 0
    height: int = 0
    bytes: int = 0
    format: str = ""
    sha256: str = ""
    error: str = ""


def _read(root: Path, image: Listed) -> _Fact:
    if image.fault:
        return _Fact(error=image.fault)
    try:
        data = (root / image.path).read_bytes()
    except OSError as error:
        return _Fact(error=f"cannot be read: {error.strerror}")
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        header = read_header(data)
    except ImageError as error:
        return _Fact(bytes=len(data), sha256=sha256, error=str(error))
    return _Fact(header.width, header.height, len(data), header.format, sha256)


def _fingerprint(card: Card, manifest: pd.DataFrame) -> str:
    """Hash what the figures of a data set depend on; the folder's place is no part of it."""
    # the seed also draws the part of train that tuning takes where validation cannot serve
    head: list[Any] = [card.classes, card.positive, card.split.seed]
    if card.normalise is not None:
        head.append(card.normalise.model_dump())
    state = hashlib.sha256(json.dumps(head).encode())
    names = ["path", "label", "split", "group", "sha256"]
    # data sets without kinds are as they were before there were any
    if (manifest["kind"] != "").any():
        names.append("kind")
    for line in zip(*(manifest[name].tolist() for name in names), strict=True):
        state.update(json.dumps(line).encode())
    return state.hexdigest()[:16]
