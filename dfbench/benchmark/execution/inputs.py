"""What a model is given of a part of the data, from the feature store."""

from __future__ import annotations

import numpy as np

from dfbench.benchmark.execution.job import Job
from dfbench.features.pipeline.shard import Keys
from dfbench.features.pipeline.store import StoredRows
from dfbench.features.pipeline.table import Table
from dfbench.models.base import Array, Both, Inputs, Model


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
    features = _features(job, keys, model_class)
    if model_class.inputs == "features":
        assert features is not None  # a row names them
        return features
    [(pixels, side)] = [(table, table.side) for table in job.tables if table.side is not None]
    rows = StoredRows([pixels.identity], keys, pixels.dtype, (side, side, 3))
    images: Array = rows if model_class.by_block else rows[:]
    return images if features is None else Both(images, features)


def _features(job: Job, keys: Keys, model_class: type[Model]) -> Array | None:
    tables = [table for table in job.tables if table.side is None]
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
