"""Which images of a further set are copies of those that a row was fitted, tuned or scored on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dfbench.benchmark.execution.session import Session
from dfbench.benchmark.view import view_of
from dfbench.features.copies import find_copies
from dfbench.features.internal.thumbnail import Thumbnail
from dfbench.features.pipeline.single_pass import Sources
from dfbench.features.pipeline.store import StoredRows, identity
from dfbench.models.rows import Stacked
from dfbench.suites.datasets.manifest import Dataset


@dataclass(frozen=True)
class Overlap:
    """Numbers of images of a further set, each counted once.

    Attributes
    ----------
    fitted
        Copies, exact or near, of images that rows were fitted or tuned on.
    evaluated
        Copies of images that the figures of the board are of.
    """

    fitted: int
    evaluated: int


def overlap(
    session: Session,
    home: tuple[Dataset, Sequence[str], Sequence[str]],
    further: tuple[Dataset, Sources],
) -> Overlap | None:
    """Look for copies between the images of a data set and those of a further one.

    Parameters
    ----------
    session
        Of the run.
    home
        A data set, and paths of its images: fitted or tuned on, evaluated.
    further
        Another, and its images.

    Returns
    -------
    Overlap or None
        None where thumbnails cannot be made.
    """
    dataset, fitted, evaluated = home
    lines = dataset.manifest.set_index("path").loc[[*fitted, *evaluated]].reset_index()
    own = Sources(
        dataset.root.absolute(),
        lines["path"].tolist(),
        lines["sha256"].tolist(),
        (lines["width"] * lines["height"]).to_numpy(np.int64),
    )
    parts = []
    for its, sources in ((dataset, own), further):
        outcome = session.executor.extract(
            sources,
            [Thumbnail()],
            views=[view_of(its)],
            jobs=session.settings.jobs,
            progress=session.reporter.stage(f"{its.name}: copies"),
        )
        if outcome.failed:
            return None
        table = identity(Thumbnail(), view_of(its))
        parts.append(StoredRows([table], sources.keys, Thumbnail.dtype))
    n, n_fitted = len(own), len(fitted)
    kinds = np.repeat([0, 1], [n, len(further[1])])
    near = find_copies(Stacked(parts), kinds, jobs=session.settings.jobs)
    ours = np.array([*own.keys, *further[1].keys])
    found = []
    for first, last in ((0, n_fitted), (n_fitted, n)):
        exact = np.flatnonzero(np.isin(ours[n:], ours[first:last])) + n
        copied = near.second[(near.first >= first) & (near.first < last)]
        found.append(len(np.union1d(exact, copied)))
    return Overlap(*found)
