"""The pass over a data set's images, and what is said of those that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dfbench.benchmark.reporter import Reporter
from dfbench.benchmark.view import view_of
from dfbench.errors import DataError
from dfbench.features.base import Extractor
from dfbench.features.pipeline.single_pass import Outcome, Source, extract
from dfbench.suites.datasets.manifest import Dataset


def look_at(
    dataset: Dataset,
    extractors: Sequence[Extractor],
    *,
    jobs: int,
    reporter: Reporter,
) -> tuple[Outcome, NDArray[np.object_]]:
    """Make the pass over a data set's images.

    Returns
    -------
    Outcome
        What came of it.
    ndarray of shape (n,), dtype object
        For each line of the manifest why it cannot be used, "" where it can.

    Raises
    ------
    DataError
        If a file vanishes or changes on the way.
    """
    manifest = dataset.manifest
    faults = manifest["error"].to_numpy(object).copy()
    chosen = manifest[faults == ""]
    sources = [
        Source(dataset.root / line.path, line.sha256, line.width * line.height)
        for line in chosen.itertuples(index=False)
    ]
    outcome = extract(
        sources,
        extractors,
        views=[view_of(dataset)],
        jobs=jobs,
        progress=reporter.stage(f"{dataset.name}: features"),
    )
    places = np.flatnonzero(faults == "")
    for place, key in zip(places, chosen["sha256"], strict=True):
        faults[place] = outcome.unreadable.get(key, "")
    return outcome, faults


class UnreadableError(DataError):
    """Images that cannot be read, where the user asked for none."""


def complain(
    dataset: Dataset, faults: NDArray[np.object_], *, strict: bool, reporter: Reporter
) -> None:
    """Say how many images cannot be read.

    Raises
    ------
    UnreadableError
        If there are any and ``strict``.
    """
    broken = np.flatnonzero(faults != "")
    if not broken.size:
        return
    path = dataset.manifest["path"].iloc[broken[0]]
    what = (
        f"{broken.size} of {len(faults)} images cannot be read, "
        f"the first: {path}: {faults[broken[0]]}"
    )
    hint = "dfbench data check lists them all"
    if strict:
        raise UnreadableError(what, where=dataset.name, hint=hint)
    reporter.note(f"{dataset.name}: {what}; left out ({hint})")
