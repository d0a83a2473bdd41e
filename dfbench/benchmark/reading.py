"""The pass over a data set's images, and what is said of those that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dfbench.benchmark.reporter import Reporter
from dfbench.benchmark.view import view_of
from dfbench.errors import DataError
from dfbench.features.base import Extractor
from dfbench.features.pipeline.single_pass import Outcome, Sources, extract
from dfbench.features.pipeline.store import DECODER_VERSION
from dfbench.files import cache_dir, digest, keep_known, known_of
from dfbench.installed import decoders, this_dfbench
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
    chosen = manifest[manifest["error"] == ""]
    keys = chosen["sha256"].tolist()
    pixels = (chosen["width"] * chosen["height"]).to_numpy(np.int64)
    sources = Sources(dataset.root.absolute(), chosen["path"].tolist(), keys, pixels)
    outcome = extract(
        sources,
        extractors,
        views=[view_of(dataset)],
        jobs=jobs,
        progress=reporter.stage(f"{dataset.name}: features"),
    )
    _keep_unreadable(dataset, outcome.unreadable)
    return outcome, _with_unreadable(dataset, outcome.unreadable)


def faults_of(
    dataset: Dataset, *, jobs: int, reporter: Reporter, extract: Extract = extract
) -> NDArray[np.object_]:
    """Tell of each line of the manifest why it cannot be used, as `look_at` does.

    Images of equal content are not opened again: what an earlier pass over the same data set found
    is kept below the cache folder.

    Raises
    ------
    DataError
        If a file vanishes or changes on the way.
    """
    unreadable = known_of(_unreadable_file(dataset))
    if unreadable is None:
        return look_at(dataset, [], jobs=jobs, reporter=reporter, extract=extract)[1]
    return _with_unreadable(dataset, unreadable)


def _with_unreadable(dataset: Dataset, unreadable: Mapping[str, str]) -> NDArray[np.object_]:
    """Add the reasons by content hash to those that the manifest has."""
    faults: NDArray[np.object_] = dataset.manifest["error"].to_numpy(object).copy()
    if unreadable:
        keys = dataset.manifest["sha256"]
        for place in np.flatnonzero((faults == "") & keys.isin(list(unreadable)).to_numpy()):
            faults[place] = unreadable[keys.iloc[place]]
    return faults


def _unreadable_file(dataset: Dataset) -> Path:
    # what one version of the libraries cannot decode another may
    known = [dataset.fingerprint, DECODER_VERSION, this_dfbench(), decoders()]
    return cache_dir() / "unreadable" / f"{digest(known)}.json"


def _keep_unreadable(dataset: Dataset, unreadable: dict[str, str]) -> None:
    keep_known(_unreadable_file(dataset), unreadable)


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
    are = "is" if len(named) == 1 else "are"
    head = f"{dataset.name}: {what} and {are} left out ({hint}):"
    # a note for each: names of files may hold what ends a line
    for line in (head, *(f"  {each}" for each in shown)):
        reporter.note(line)
