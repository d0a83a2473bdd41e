"""The pass over a data set's images, and what is said of those that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from dfbench.benchmark.reporter import Reporter
from dfbench.benchmark.view import view_of
from dfbench.errors import DataError
from dfbench.features.base import Extractor
from dfbench.features.pipeline.single_pass import Outcome, Source, extract
from dfbench.results.records.folder import ResultsFolder
from dfbench.suites.datasets.manifest import Dataset

Extract = Callable[..., Outcome]
"""Makes a pass as `dfbench.features.pipeline.single_pass.extract` does."""


def look_at(
    dataset: Dataset,
    extractors: Sequence[Extractor],
    *,
    jobs: int,
    reporter: Reporter,
    extract: Extract = extract,
) -> tuple[Outcome, NDArray[np.object_]]:
    """Make the pass over a data set's images.

    Parameters
    ----------
    dataset, extractors
        Whose images are looked at, and what looks.
    jobs
        Threads of the pass.
    reporter
        Hears how far it is.
    extract
        Makes the pass: here by default, or elsewhere.

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


SHOWN = 10
"""Unreadable images that a run names."""


class UnreadableError(DataError):
    """Images that cannot be read, where the user asked for none."""


def complain(
    dataset: Dataset,
    faults: NDArray[np.object_],
    *,
    strict: bool,
    reporter: Reporter,
    folder: ResultsFolder | None = None,
) -> None:
    """Say which images cannot be read, and why; the first few, and where the others are named.

    Parameters
    ----------
    dataset
        With n lines in its manifest.
    faults
        Shape (n,), dtype object: why each cannot be used, "" where it can.
    strict
        Whether they are an error.
    reporter
        Hears of them.
    folder
        That all of them are listed in; None where there is none.

    Raises
    ------
    UnreadableError
        If there are any and ``strict``.
    OutputError
        Where the folder cannot be written.
    """
    broken = np.flatnonzero(faults != "")
    paths = dataset.manifest["path"].iloc[broken].tolist()
    named = list(zip(paths, faults[broken].tolist(), strict=True))
    if folder is not None:
        folder.write_unreadable(dataset.fingerprint, named)
    if not named:
        return
    what = f"{len(named):,} of {len(faults):,} images cannot be read"
    shown = [f"{path}: {reason}" for path, reason in named[:SHOWN]]
    if len(named) > SHOWN:
        shown.append(f"... and {len(named) - SHOWN:,} more")
    hint = "dfbench data check --all lists them"
    if folder is not None:
        hint = f"all are in {folder.unreadable_file(dataset.fingerprint)}"
    if strict:
        raise UnreadableError(f"{what}: {'; '.join(shown)}", where=dataset.name, hint=hint)
    lines = "".join(f"\n  {line}" for line in shown)
    reporter.note(f"{dataset.name}: {what} and are left out ({hint}):{lines}")
