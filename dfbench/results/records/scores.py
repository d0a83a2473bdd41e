"""Per-image scores on disk: a Parquet table, one line an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import ValidationError

from dfbench.errors import OutputError
from dfbench.files import atomic_path, unwritable
from dfbench.results.records.records import Scores

AGAIN = "run again with the same --out: the cell is then computed anew"
IMPORT_AGAIN = "import it again: dfbench import with --replace"


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


def load_scores(
    path: Path, n: int, n_classes: int, *, labelled: bool = True, again: str = AGAIN
) -> Scores:
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
    again
        What is to be done where it cannot be read.

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
        raise OutputError(f"no readable scores: {brief(error)}", where=path, hint=again) from error
    if len(images) != n:
        raise OutputError(
            f"scores of {len(images)} images where the record has {n}",
            where=path,
            hint=again,
        )
    known = np.isin(labels, np.arange(k)) if labelled else labels == -1
    if not (np.isfinite(probabilities).all() and known.all()):
        raise OutputError("a label or score is out of range", where=path, hint=again)
    return Scores(
        images=images, labels=labels, groups=groups, probabilities=probabilities, kinds=kinds
    )


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
    except ValueError:
        known: dict[str | None, int] = {}
        return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)


def brief(error: Exception) -> str:
    """Give the first line of a library's complaint."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        return f"{key}: {first['msg']}" if key else first["msg"]
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error) or type(error).__name__).splitlines()[0]
