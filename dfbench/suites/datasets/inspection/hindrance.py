"""Why nothing can be run on a data set, for whoever looks at it to find that out."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from dfbench.errors import DataError
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.parts import parts_of


def hindrance_of(dataset: Dataset, broken: Collection[str] = ()) -> str:
    """Say why nothing can be run; empty where a run can make parts of the data set.

    Parameters
    ----------
    dataset
        As loaded, complete or not.
    broken
        Paths of images that cannot be decoded, beside those whose header cannot be read.
    """
    if dataset.hindrance:
        return dataset.hindrance
    manifest = dataset.manifest
    readable = (manifest["error"] == "") & ~manifest["path"].isin(list(broken))
    try:
        parts_of(dataset, readable.to_numpy(np.bool_))
    except DataError as error:
        return error.what
    return ""
