"""Per-image scores on disk: a Parquet table, one line an image."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import ValidationError

from dfbench.errors import OutputError, first_line
from dfbench.files import atomic_path, unwritable
from dfbench.received.files import read_bytes, sha256
from dfbench.received.parquet import read_table
from dfbench.results.records.records import ROUNDING, Scores

AGAIN = "run again with the same --out: the cell is then computed anew"
IMPORT_AGAIN = "import it again: dfbench import with --replace"

MOST = 5_000_000
"""Images of the largest table that is read."""
_FEW = 1000
"""Images of a table that may be read where fewer were said, to say how many there are."""
_PACKED = 200
"""Bytes that a byte of a table may stand for, beyond some MB: names of kinds and groups recur."""
_TEXTS = 1 << 30
"""Bytes of all names in a table; five million are not all as long as can be."""
_COLUMNS = 1000
"""Beside those of classes that are told; where none are, as many classes at most."""


def write_scores(path: Path, scores: Scores) -> str:
    """Write per-image scores as Parquet, and give the SHA-256 of the file.

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
    content = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), content)
    written = content.getvalue()
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(written)
    except OSError as error:
        raise unwritable(path.parent, error) from error
    return hashlib.sha256(written).hexdigest()


def load_scores(
    path: Path,
    n: int,
    n_classes: int,
    *,
    below: Path,
    told: str = "",
    labelled: bool = True,
    probable: bool = True,
    again: str = AGAIN,
) -> tuple[Scores, str]:
    """Read what `write_scores` wrote.

    Parameters
    ----------
    path
        The file.
    n
        Number of images that it must have.
    n_classes
        K; 0 takes as many as there are.
    below
        Folder that it lies in; no link is followed on the way.
    told
        SHA-256 that it must have; empty where none was told.
    labelled
        Whether each image has a label, or none.
    probable
        Whether the scores must be probabilities.
    again
        What is to be done where it cannot be read.

    Returns
    -------
    Scores
        What it holds.
    str
        Its SHA-256.

    Raises
    ------
    OutputError
        Where the file is missing, cannot be read, is not what was written, or holds something else.
    """
    try:
        if n > MOST:
            raise ValueError(f"of {n:,} images, and at most {MOST:,} are read")
        content = read_bytes(path, most=_most(n, n_classes), below=below)
        found = hashlib.sha256(content).hexdigest()
        if told not in ("", found):
            raise ValueError("it is not what was written: its checksum is another")
        scores = _parsed(content, n, n_classes, labelled=labelled)
        if probable:
            check_probabilities(scores.probabilities)
        return scores, found
    except (OSError, ValueError) as error:
        raise OutputError(f"no readable scores: {brief(error)}", where=path, hint=again) from error


def check_probabilities(scores: NDArray[np.float64]) -> None:
    """Raise `ValueError` where scores, shape (n, K), are no probabilities, but for rounding."""
    if not ((scores >= -ROUNDING) & (scores <= 1 + ROUNDING)).all():
        raise ValueError("a score lies outside of 0 to 1, and is called a probability")
    if not (np.abs(scores.sum(axis=1) - 1) <= ROUNDING).all():
        raise ValueError("the scores of an image do not sum to 1, and are called probabilities")


def sum_of(path: Path, below: Path) -> str:
    """Give the SHA-256 of a file; empty where it is absent, or no plain file.

    No link between it and ``below`` is followed.
    """
    try:
        return sha256(path, below=below)
    except OSError:
        return ""


def _most(n: int, n_classes: int) -> int:
    """Give the bytes of the largest table of so many images, whose names are as long as can be."""
    return (1 << 20) + min(n * 8192, _TEXTS) + n * 16 * max(n_classes, 64)


def _parsed(content: bytes, n: int, n_classes: int, *, labelled: bool) -> Scores:
    """Take scores out of a table; errors are `ValueError`."""
    rows = max(n, _FEW)
    most = min(_most(rows, n_classes), (64 << 20) + _PACKED * len(content))
    table = read_table(content, rows=rows, values=(_COLUMNS + n_classes) * rows, size=most)
    if len(table) != n:
        raise ValueError(f"of {len(table):,} images where the record has {n:,}")
    k = n_classes or sum(name.startswith("p_") for name in table.column_names)
    images = _column(table, "image", pa.types.is_string).to_pylist()
    if len(set(images)) < n:
        raise ValueError(f"{n - len(set(images)):,} images stand in it more than once")
    labels = _column(table, "label", pa.types.is_integer).to_numpy().astype(np.int64, copy=False)
    groups = _numbers(_column(table, "group", _names, absent=True).to_pylist())
    kinds = None
    if "kind" in table.column_names:
        texts = _column(table, "kind", _names, absent=True).to_pylist()
        kinds = tuple(kind or "" for kind in texts)
    columns = [_column(table, f"p_{i}", pa.types.is_floating).to_numpy() for i in range(k)]
    if len(columns) < 2:
        raise ValueError("of fewer than two classes")
    probabilities = np.stack(columns, axis=1).astype(np.float64, copy=False)
    known = np.isin(labels, np.arange(k)) if labelled else labels == -1
    if not (np.isfinite(probabilities).all() and known.all()):
        raise ValueError("a label or score is out of range")
    return Scores(
        images=images, labels=labels, groups=groups, probabilities=probabilities, kinds=kinds
    )


def _column(
    table: pa.Table, name: str, of: Callable[[pa.DataType], bool], *, absent: bool = False
) -> pa.ChunkedArray:
    """Give a column of the type that it must have; ``absent`` where values may be."""
    if table.column_names.count(name) != 1:
        raise ValueError(f"no column {name}, or several")
    column = table.column(name)
    if not of(column.type):
        raise ValueError(f"the column {name} is of the type {column.type}")
    if column.null_count and not absent:
        raise ValueError(f"the column {name} lacks values")
    return column


def _names(of: pa.DataType) -> bool:
    return bool(pa.types.is_string(of) or pa.types.is_null(of))


def numbered(groups: Sequence[str], paths: Sequence[str]) -> NDArray[np.int64]:
    """Give numbers of the groups of images; an image without one is a group of its own."""
    units = [group or f"\0{path}" for group, path in zip(groups, paths, strict=True)]
    # as objects: an array of texts would have the width of the longest for each
    numbers: NDArray[np.int64] = np.unique(np.array(units, object), return_inverse=True)[1]
    return numbers


def by_image(scores: Scores) -> Scores:
    """Order scores by image, so that rows stored in another order see the same resamples."""
    order = np.argsort(np.asarray(scores.images, dtype=object), kind="stable")
    return Scores(
        images=[scores.images[i] for i in order],
        labels=scores.labels[order],
        groups=None if scores.groups is None else scores.groups[order],
        probabilities=scores.probabilities[order],
        kinds=None if scores.kinds is None else tuple(scores.kinds[i] for i in order),
    )


def _numbers(names: list[str | None]) -> NDArray[np.int64] | None:
    if not names or None in names:
        return None
    try:
        return np.array([int(str(name)) for name in names], dtype=np.int64)
    except (ValueError, OverflowError):  # a text, or a number of more digits than fit
        known: dict[str | None, int] = {}
        return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)


def brief(error: Exception) -> str:
    """Give the first line of a library's complaint."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        return f"{key}: {said}" if key else said
    return first_line(error)
