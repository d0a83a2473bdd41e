"""What a model is given of a part of the data, loaded from the feature store."""

from __future__ import annotations

import numpy as np

from dfbench.benchmark.execution.job import Images, Job
from dfbench.features.pipeline.store import load_features
from dfbench.models.base import Both, Inputs, Model


def load_inputs(job: Job, images: Images, model_class: type[Model]) -> Inputs:
    """Load what a model is given of a part from the store."""
    vectors = [
        load_features(table.identity, images.keys, table.dtype)
        for table in job.tables
        if table.side is None
    ]
    features = (vectors[0] if len(vectors) == 1 else np.hstack(vectors)) if vectors else None
    if model_class.inputs == "features":
        assert features is not None  # a row names them
        return features
    [(pixels, side)] = [(table, table.side) for table in job.tables if table.side is not None]
    flat = load_features(pixels.identity, images.keys, pixels.dtype)
    resized = flat.reshape(len(flat), side, side, 3)
    return resized if features is None else Both(resized, features)


def widths(job: Job) -> tuple[int, ...]:
    """Give the width of each table of features, in the order of the columns."""
    keys = job.train.keys[:1]
    tables = [table for table in job.tables if table.side is None]
    return tuple(load_features(t.identity, keys, t.dtype).shape[1] for t in tables)
