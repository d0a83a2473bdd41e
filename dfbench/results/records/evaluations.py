"""Probes in a results folder: other images that the model of a cell has scored.

    OUT/probes.json                   what was asked for: which cell is to score what
    OUT/cells/<cell>.<probe>.json     what came of it
    OUT/cells/<cell>.<probe>.parquet  the scores, one line an image

Files are written as those of cells are (`store`): whole or not at all, scores before their record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dfbench.errors import OutputError
from dfbench.files import keep_text
from dfbench.results.records.folder import load_scores, record_path, write_scores
from dfbench.results.records.records import Record, Scores, Status


class Asked(BaseModel):
    """What a protocol asks of a row: to score certain images."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: Literal["cross-dataset", "robustness"]
    dataset: str
    """That its model is fitted on."""
    row: str
    seed: int
    cell: str
    scored_on: str
    """Data set whose images are scored."""
    change: str = ""
    """How they are changed; empty: they are as they are."""
    probe: str = ""
    """Empty where it cannot be done."""
    reason: str = ""
    """Why it cannot be done."""

    @property
    def place(self) -> tuple[str, ...]:
        """What a later run replaces."""
        return (self.protocol, self.dataset, self.row, str(self.seed), self.scored_on, self.change)


class ProbeRecord(BaseModel):
    """What came of a probe. Classes are numbered as those of the cell."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cell: str
    probe: str
    """Identity: a hash of all that determines the scores beside the cell."""
    status: Status
    reason: str = ""
    scored_on: str
    fingerprint: str
    """Of that data set."""
    change: str = ""
    split: str = ""
    """Where the images are from, as in `Record`."""
    n: int = 0
    """Number of images."""
    n_seen: int = 0
    """Those of them whose files are among the cell's training images too."""
    grouped: bool = False
    threshold: float | None = None
    """Score of the positive class from which on it is decided for: chosen on the cell's tuning
    split, by the row's own rule or, where it has none, by Youden's. None with several classes."""
    identity: dict[str, Any] = Field(default_factory=dict)
    """What `probe` is the hash of."""


_ASKED = TypeAdapter(list[Asked])


def asked_path(out: Path) -> Path:
    """List of what was asked for."""
    return out / "probes.json"


def _path(out: Path, cell: str, probe: str, suffix: str) -> Path:
    if not re.fullmatch(r"[0-9a-f]+", probe):
        raise OutputError(f"not the name of a probe: {probe!r}")
    return record_path(out, cell).with_name(f"{cell}.{probe}.{suffix}")


def write_asked(out: Path, asked: Iterable[Asked]) -> None:
    """Add to what was asked for; the same asked before is replaced.

    Raises
    ------
    OutputError
        Where the folder cannot be written, or what it has cannot be read.
    """
    merged = {each.place: each for each in read_asked(out)} | {each.place: each for each in asked}
    if merged:
        keep_text(
            asked_path(out), _ASKED.dump_json(list(merged.values()), indent=1).decode() + "\n"
        )


def read_asked(out: Path) -> list[Asked]:
    """Read what was asked for; nothing where no run did.

    Raises
    ------
    OutputError
        Where the list is broken.
    """
    path = asked_path(out)
    try:
        return _ASKED.validate_json(path.read_bytes())
    except FileNotFoundError:
        return []
    except (OSError, ValidationError) as error:
        raise OutputError(
            "no readable list of probes",
            where=path,
            hint="remove this file and run again with the same --out: finished work is kept",
        ) from error


def write_probe(out: Path, record: ProbeRecord, scores: Scores | None = None) -> None:
    """Write what came of a probe: the scores, then the record.

    Raises
    ------
    OutputError
        Where the folder cannot be written.
    ValueError
        On a record ``ok`` without scores, or with another number of images than they have.
    """
    if record.status == "ok" and (scores is None or len(scores.images) != record.n):
        raise ValueError(f"probe {record.probe} is ok without the scores of its images")
    if scores is not None:
        write_scores(_path(out, record.cell, record.probe, "parquet"), scores)
    path = _path(out, record.cell, record.probe, "json")
    keep_text(path, record.model_dump_json(indent=1) + "\n")


def load_probe(out: Path, cell: str, probe: str) -> ProbeRecord | None:
    """Read the record of a probe; None where there is none.

    Raises
    ------
    OutputError
        Where the file is there and is no record of this probe.
    """
    path = _path(out, cell, probe, "json")
    try:
        record = ProbeRecord.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise OutputError("no readable record", where=path, hint="run again") from error
    if (record.cell, record.probe) != (cell, probe):
        raise OutputError("the record of another probe", where=path, hint="run again")
    return record


def has_probe(out: Path, cell: str, probe: str) -> bool:
    """Whether a probe is finished and its scores are whole, as far as their footer tells."""
    try:
        record = load_probe(out, cell, probe)
        if record is None or record.status != "ok":
            return False
        footer = pq.read_metadata(_path(out, cell, probe, "parquet"))
    except (OutputError, OSError, pa.ArrowException):
        return False
    return bool(footer.num_rows == record.n)


def read_probe(out: Path, of: Record, record: ProbeRecord) -> Scores:
    """Read the scores of a probe with status ``ok``.

    Parameters
    ----------
    out
        The results folder.
    of
        Record of the cell: its classes are the columns.
    record
        Of the probe.

    Raises
    ------
    OutputError
        As `dfbench.results.records.folder.load_scores`.
    """
    path = _path(out, record.cell, record.probe, "parquet")
    return load_scores(path, record.n, len(of.classes))
