"""A results folder on disk: entries, records and per-image scores.

    OUT/run.json               the places on the board: which cell stands for which row
    OUT/cells/<cell>.json      record of a finished cell
    OUT/cells/<cell>.parquet   its scores, one line an image
    OUT/cells/<cell>.default.parquet
                               the same by the model with its default parameters
    OUT/cells/<cell>.tune.parquet, OUT/cells/<cell>.unlabelled.parquet
                               the same of the tuning split, and of a test split without labels
    OUT/shortcuts/<fingerprint>.json
                               what tells the classes of a data set apart without a pixel

Each file is written whole or not at all, and the scores before the record: a record that says
``ok`` has them, and what a kill leaves behind is not seen as a result.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from dfbench.errors import OutputError
from dfbench.files import atomic_path, keep_text, unwritable
from dfbench.results.records.records import Entry, Part, Record, Scores, Telltales

_ENTRIES = TypeAdapter(list[Entry])
_AGAIN = "run again with the same --out: the cell is then computed anew"


def run_path(out: Path) -> Path:
    """List of the entries of the results folder ``out``."""
    return out / "run.json"


def record_path(out: Path, cell: str) -> Path:
    """Record of a cell."""
    return out / "cells" / f"{_checked(cell)}.json"


def scores_path(out: Path, cell: str, part: Part = "evaluate") -> Path:
    """Per-image scores of a cell."""
    name = "parquet" if part == "evaluate" else f"{part}.parquet"
    return out / "cells" / f"{_checked(cell)}.{name}"


def _checked(cell: str) -> str:
    # a cell's name comes from a file: it must not lead out of the folder
    if not re.fullmatch(r"[A-Za-z0-9_-]+", cell):
        raise OutputError(f"not the name of a cell: {cell!r}")
    return cell


def write_cell(
    out: Path, record: Record, scores: Scores | None, others: Mapping[Part, Scores] | None = None
) -> None:
    """Write a finished cell: the scores, then the record.

    Parameters
    ----------
    out
        The results folder; made where it is absent.
    record
        Of any status; ``ok`` needs scores.
    scores
        Of the images that the figures are from.
    others
        Of the other parts.

    Raises
    ------
    OutputError
        Where the folder cannot be written.
    ValueError
        On a record ``ok`` without scores, or with another number of images than they have.
    """
    if record.status == "ok" and (scores is None or len(scores.images) != record.n_test):
        raise ValueError(f"record {record.cell} is ok without the scores of its images")
    parts: dict[Part, Scores] = dict(others or {})
    if scores is not None:
        parts["evaluate"] = scores
    for part, its in parts.items():
        write_scores(scores_path(out, record.cell, part), its)
    keep_text(record_path(out, record.cell), record.model_dump_json(indent=1) + "\n")


def write_scores(path: Path, scores: Scores) -> None:
    """Write per-image scores as Parquet.

    Raises
    ------
    OutputError
        Where the folder cannot be written.
    """
    groups: list[str | None] = [None] * len(scores.images)
    if scores.groups is not None:
        groups = [str(int(group)) for group in scores.groups]
    columns = {
        "image": pa.array(scores.images, pa.string()),
        "label": pa.array(np.asarray(scores.labels), pa.int64()),
        "group": pa.array(groups, pa.string()),
    }
    if scores.kinds is not None:
        columns["kind"] = pa.array(scores.kinds, pa.string())
    probabilities = np.asarray(scores.probabilities, dtype=np.float64)
    for k in range(probabilities.shape[1]):
        columns[f"p_{k}"] = pa.array(probabilities[:, k], pa.float64())
    table = pa.table(columns)
    try:
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary)
    except OSError as error:
        raise unwritable(path.parent, error) from error


def _shortcuts_path(out: Path, fingerprint: str) -> Path:
    return out / "shortcuts" / f"{_checked(fingerprint)}.json"


def write_telltales(out: Path, fingerprint: str, found: Telltales) -> None:
    """Keep what tells the classes of a data set apart without a pixel.

    Raises
    ------
    OutputError
        Where the folder cannot be written.
    """
    keep_text(_shortcuts_path(out, fingerprint), found.model_dump_json(indent=1) + "\n")


def read_telltales(out: Path, fingerprint: str) -> Telltales | None:
    """Read what `write_telltales` kept; None where there is nothing that can be read."""
    if not fingerprint:
        return None
    try:
        return Telltales.model_validate_json(_shortcuts_path(out, fingerprint).read_bytes())
    except (OSError, OutputError, ValidationError):
        return None


def load_record(out: Path, cell: str) -> Record | None:
    """Read the record of a cell for the leaderboard.

    Returns
    -------
    Record or None
        None where there is no file: the cell has not run.

    Raises
    ------
    OutputError
        Where the file is there and is no record of this cell.
    """
    path = record_path(out, cell)
    try:
        record = Record.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise OutputError(
            f"no readable record: {_brief(error)}", where=path, hint=_AGAIN
        ) from error
    if record.cell != cell:
        raise OutputError(f"the record of another cell, {record.cell}", where=path, hint=_AGAIN)
    return record


def read_cell(out: Path, cell: str) -> Record | None:
    """Read the record of a cell to decide whether it is to be computed.

    Returns
    -------
    Record or None
        None where there is none, where it cannot be read, or where it says ``ok`` and its scores
        are missing or broken: in each case the cell has to run.
    """
    try:
        record = load_record(out, cell)
        if record is not None and record.status == "ok":
            read_scores(out, record)
    except OutputError:
        return None
    return record


def read_scores(out: Path, record: Record, part: Part = "evaluate") -> Scores:
    """Read the scores of a cell with status ``ok``.

    Returns
    -------
    Scores
        Of n images over the record's K classes, in the order they were written. Groups are None
        unless each image has one; they are numbers, those written if they were whole numbers.

    Raises
    ------
    OutputError
        Where the file is missing, cannot be read, or does not fit the record.
    """
    wanted = {
        "evaluate": record.n_test,
        "default": record.n_test,
        "tune": record.n_tune,
        "unlabelled": record.n_unlabelled,
    }[part]
    path, classes = scores_path(out, record.cell, part), len(record.classes)
    return load_scores(path, wanted, classes, labelled=part != "unlabelled")


def load_scores(path: Path, n: int, n_classes: int, *, labelled: bool = True) -> Scores:
    """Read what `write_scores` wrote.

    Parameters
    ----------
    path
        The file.
    n
        Number of images that it must have.
    n_classes
        K; 0 takes as many as there are.
    labelled
        Whether each image has a label, or none.

    Raises
    ------
    OutputError
        Where the file is missing, cannot be read, or holds something else.
    """
    try:
        # one small file: what sets up a whole data set or threads takes longer than the reading
        with pq.ParquetFile(path) as file:
            table = file.read(use_threads=False)
        images = table.column("image").to_pylist()
        labels = table.column("label").to_numpy().astype(np.int64, copy=False)
        groups = _numbers(table.column("group").to_pylist())
        told = "kind" in table.column_names
        kinds = tuple(kind or "" for kind in table.column("kind").to_pylist()) if told else None
        k = n_classes or sum(name.startswith("p_") for name in table.column_names)
        columns = [table.column(f"p_{i}").to_numpy() for i in range(k)]
        probabilities = np.stack(columns, axis=1).astype(np.float64, copy=False)
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise OutputError(
            f"no readable scores: {_brief(error)}", where=path, hint=_AGAIN
        ) from error
    if len(images) != n:
        raise OutputError(
            f"scores of {len(images)} images where the record has {n}",
            where=path,
            hint=_AGAIN,
        )
    known = np.isin(labels, np.arange(k)) if labelled else labels == -1
    if not (np.isfinite(probabilities).all() and known.all()):
        raise OutputError("a label or score is out of range", where=path, hint=_AGAIN)
    return Scores(
        images=images, labels=labels, groups=groups, probabilities=probabilities, kinds=kinds
    )


def _numbers(names: list[str | None]) -> NDArray[np.int64] | None:
    if not names or None in names:
        return None
    try:
        return np.array([int(str(name)) for name in names], dtype=np.int64)
    except ValueError:
        known: dict[str | None, int] = {}
        return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)


def read_entries(out: Path) -> list[Entry]:
    """Read the places on the board of a results folder.

    Raises
    ------
    OutputError
        Where ``out`` is no results folder, or its ``run.json`` is broken.
    """
    path = run_path(out)
    try:
        return _ENTRIES.validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        missing = "there is no such folder" if not out.exists() else "there is no run.json in it"
        raise OutputError(
            f"not a results folder: {missing}",
            where=out,
            hint="a results folder is what `dfbench run --out DIR` writes",
        ) from None
    except (OSError, ValidationError) as error:
        raise OutputError(
            f"no readable list of entries: {_brief(error)}",
            where=path,
            hint="remove this file and run again with the same --out: finished cells are kept",
        ) from error


def write_entries(out: Path, entries: Iterable[Entry]) -> list[Entry]:
    """Put entries into a results folder.

    An entry takes the place of one with the same data set, row, seed and variant; others stay.

    Returns
    -------
    list of Entry
        All that the folder now holds.

    Raises
    ------
    OutputError
        Where the folder cannot be written, or the entries that it has cannot be read.
    """
    before = read_entries(out) if run_path(out).exists() else []
    merged = {(e.dataset, e.row, e.seed, e.variant): e for e in (*before, *entries)}
    keep_text(run_path(out), _ENTRIES.dump_json(list(merged.values()), indent=1).decode() + "\n")
    return list(merged.values())


def _brief(error: Exception) -> str:
    """First line of a library's complaint."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        return f"{key}: {first['msg']}" if key else first["msg"]
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error) or type(error).__name__).splitlines()[0]
