"""What a model is given of a part of the data, from the feature store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dfbench.benchmark.execution.images import Images
from dfbench.benchmark.execution.job import Copies, Job
from dfbench.benchmark.execution.job import Table as JobTable
from dfbench.benchmark.planning.cell import SOURCES
from dfbench.features.pipeline.shard import Keys
from dfbench.features.pipeline.store import StoredRows
from dfbench.features.pipeline.table import Table
from dfbench.models.base import Array, Both, Inputs, Labels, Model
from dfbench.models.rows import stacked
from dfbench.plain import told_apart
from dfbench.results.records.scores import numbered

_TOLD = ("groups", "paths")


@dataclass(frozen=True)
class Given:
    """What a model is given of a part: its images, and changed copies of them.

    Attributes
    ----------
    images
        Of the images as they are.
    all
        The copies come after them; the same object where there are none.
    labels
        Of all, shape (n,), dtype int64.
    groups
        See `Model.groups`; None where there are no copies.
    sources
        See `Model.sources`; None where the cell does not heed any.
    """

    images: Inputs
    all: Inputs
    labels: Labels
    groups: NDArray[np.intp] | None
    sources: NDArray[np.intp] | None = None


def load_parts(
    job: Job, parts: Sequence[Literal["train", "tune"]], model_class: type[Model]
) -> Given:
    """Give what a model is given of a part, or of two together; see `load_inputs`.

    Parameters
    ----------
    job
        Whose tables are read.
    parts
        Which.
    model_class
        As of `load_inputs`.
    """
    images = [_of(job, parts)]
    plain = load_inputs(job, images[0].keys, model_class)
    if not job.copies:
        return Given(plain, plain, images[0].labels, None, _sources(job, [job], parts))
    assert not isinstance(plain, Both)  # networks change images themselves
    rows = [plain]
    for each in job.copies:
        images.append(_of(each, parts))
        found = _features(each.tables, images[-1].keys, model_class)
        assert found is not None  # of networks there are no copies
        rows.append(found)
    return Given(
        images=plain,
        all=stacked(rows),
        labels=np.concatenate([own.labels for own in images]),
        groups=np.unique(np.concatenate([own.keys for own in images]), return_inverse=True)[1],
        sources=_sources(job, [job, *job.copies], parts),
    )


class _Named(NamedTuple):
    """Images of parts: keys and class numbers."""

    keys: Keys
    labels: Labels


def _of(whose: Job | Copies, parts: Sequence[Literal["train", "tune"]]) -> _Named:
    found: list[Images] = [getattr(whose, part) for part in parts]
    keys, labels = ([getattr(each, name) for each in found] for name in _Named._fields)
    return _Named(np.concatenate(keys), np.concatenate(labels))


def _sources(
    job: Job, whose: Sequence[Job | Copies], parts: Sequence[Literal["train", "tune"]]
) -> NDArray[np.intp] | None:
    """Give sources of the images of parts, where the cell's identity says that it heeds them."""
    if SOURCES not in job.record["identity"]:
        return None
    found: list[Images] = [getattr(each, part) for each in whose for part in parts]
    groups, paths = ([its for each in found for its in getattr(each, name)] for name in _TOLD)
    return numbered(groups, paths).astype(np.intp)


def load_inputs(job: Job, keys: Keys, model_class: type[Model]) -> Inputs:
    """Give what a model is given of images: rows in the store where it reads by block.

    Parameters
    ----------
    job
        Whose tables are read.
    keys
        Of the images.
    model_class
        Arrays are loaded for one that takes nothing else.
    """
    features = _features(job.tables, keys, model_class)
    if model_class.inputs == "features":
        assert features is not None  # a row names them
        return features
    [(pixels, side)] = [(table, table.side) for table in job.tables if table.side is not None]
    rows = StoredRows([pixels.identity], keys, pixels.dtype, (side, side, 3))
    images: Array = rows if model_class.by_block else rows[:]
    return images if features is None else Both(images, features)


def _features(tables: Sequence[JobTable], keys: Keys, model_class: type[Model]) -> Array | None:
    tables = [table for table in tables if table.side is None]
    if not tables:
        return None
    dtypes = {table.dtype for table in tables}
    if len(dtypes) > 1:
        return np.hstack([StoredRows([t.identity], keys, t.dtype)[:] for t in tables])
    rows = StoredRows([table.identity for table in tables], keys, dtypes.pop())
    return rows if model_class.by_block else rows[:]


def widths(job: Job) -> tuple[int, ...]:
    """Give the width of each table of features, in the order of the columns."""
    found = []
    for table in (table for table in job.tables if table.side is None):
        with Table(table.identity) as stored:
            found.append((stored.value_length() or 0) // np.dtype(table.dtype).itemsize)
    return tuple(found)


def families(job: Job) -> list[str]:
    """Name each table of features, in the order of the columns; alike ones have a number."""
    return told_apart([table.title for table in job.tables if table.side is None])
