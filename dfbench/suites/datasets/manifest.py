"""The manifest: every image of a data set with label, split, group, size and content hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dfbench.errors import DataError
from dfbench.files import Progress
from dfbench.suites.datasets.cards.card import Card
from dfbench.suites.datasets.facts import facts_of
from dfbench.suites.datasets.scan import check_classes, scan, settle_root
from dfbench.suites.datasets.splits import assign
from dfbench.suites.repeat import Division

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

_LINES = 4096
"""Lines of a manifest that are hashed at once."""


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
        How a plain folder was read, in a line; empty where a card says how, unless that was found
        beside an archive.
    warnings
        What about the way it was read may mislead, a sentence each.
    hindrance
        Why nothing can be run on it; empty where its classes and splits are complete.
    division
        Which of several divisions its splits are, see `dfbench.suites.datasets.divisions`; None
        where there is one.
    undivided
        Fingerprint before it was divided so; empty where it was not.
    """

    card: Card
    root: Path
    manifest: pd.DataFrame
    fingerprint: str
    ignored: int = 0
    reading: str = ""
    warnings: tuple[str, ...] = ()
    hindrance: str = ""
    division: Division | None = None
    undivided: str = ""

    @property
    def name(self) -> str:
        """The card's name."""
        return self.card.name

    @property
    def title(self) -> str:
        """The name, and the division where there are several."""
        return self.name if self.division is None else f"{self.name}, {self.division.name}"

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
    card: Card,
    root: Path,
    *,
    check: bool = False,
    progress: Progress | None = None,
    incomplete: bool = False,
) -> Dataset:
    """Read the data set of ``card`` that lies in ``root``.

    Parameters
    ----------
    card
        What is declared.
    root
        Folder of the images.
    check
        Whether each file is read and hashed, also where its size and times are as they were when
        it was read before.
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
    facts = facts_of(
        root,
        [image.path for image in found.images],
        [image.fault for image in found.images],
        check=check,
        progress=progress,
    )
    told = {
        "label": labels,
        "split": pa.array(splits, pa.string()),
        "group": pa.array([image.group for image in found.images], pa.string()),
        "kind": pa.array([image.kind for image in found.images], pa.string()),
        "bytes": facts["size"],
    }
    columns = {name: told[name] if name in told else facts[name] for name in COLUMNS}
    manifest: pd.DataFrame = pa.table(columns).to_pandas()
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
        fingerprint_of(card, manifest),
        found.ignored,
        warnings=tuple(found.warnings),
        hindrance=hindrance,
    )


def _worded(error: DataError) -> str:
    return f"{error.what} ({error.hint})" if error.hint else error.what


def fingerprint_of(card: Card, manifest: pd.DataFrame) -> str:
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
    # each line as json.dumps writes it, in a tenth of the time
    for start in range(0, len(manifest), _LINES):
        part = manifest.iloc[start : start + _LINES]
        lines = zip(*(map(_as_json, part[name].tolist()) for name in names), strict=True)
        state.update("".join(f"[{', '.join(line)}]" for line in lines).encode())
    return state.hexdigest()[:16]


def _as_json(value: str | int) -> str:
    return encode_basestring_ascii(value) if isinstance(value, str) else str(value)
