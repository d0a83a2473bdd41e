"""What is handed to a worker process, as plain data. Light to import: see `worker`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Part:
    """One of the three parts of the data that a cell works on.

    Attributes
    ----------
    keys
        SHA-256 of the image files, by which features are found.
    labels
        Class numbers.
    """

    keys: list[str]
    labels: list[int]


@dataclass(frozen=True)
class Job:
    """All that a worker needs for a cell, as plain data.

    Attributes
    ----------
    record
        The cell's record as far as it is known before.
    study
        Where the trials are kept. Cells that differ by their budget alone share them.
    features
        Identity and dtype of each table of features, in the order of the columns.
    images, groups
        Of the evaluated part: paths relative to the root, names of groups (empty without).
    seconds_per_image
        Reading, decoding and extracting, as measured when it was done.
    """

    out: Path
    record: dict[str, Any]
    study: Path
    model: str
    features: list[tuple[dict[str, Any], str]]
    train: Part
    tune: Part
    evaluate: Part
    images: list[str]
    groups: list[str]
    trials: int
    seconds: float
    device: str
    n_threads: int
    seconds_per_image: float

    @property
    def log(self) -> Path:
        """Where the traceback of a failure goes."""
        return self.out / "logs" / f"{self.record['cell']}.txt"
