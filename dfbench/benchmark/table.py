"""The features of a data set as one table, for whoever wants to go on with it elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from dfbench.benchmark.executor import left_out
from dfbench.benchmark.reporter import Reporter
from dfbench.errors import OutputError
from dfbench.features.base import Extractor
from dfbench.features.extraction import Source, extract
from dfbench.features.store import identity, load_features
from dfbench.files import atomic_path
from dfbench.suites.manifest import Dataset

FACTS = ("path", "label", "split", "group")
"""Columns before the features."""


def feature_table(
    dataset: Dataset,
    extractors: Sequence[Extractor],
    *,
    jobs: int,
    strict: bool,
    reporter: Reporter,
) -> pd.DataFrame:
    """Extract and give one line for each readable image.

    Returns
    -------
    DataFrame
        Columns ``path, label, split, group`` and ``<extractor>:<feature>`` (float32); the label is
        the class's name, missing where the image has none.

    Raises
    ------
    DfbenchError
        If an extractor fails, or an image is unreadable and ``strict``.
    """
    manifest, resize = dataset.manifest, dataset.card.resize
    listed = (manifest["error"] == "").to_numpy()
    sources = [
        Source(dataset.root / path, key)
        for path, key in manifest.loc[listed, ["path", "sha256"]].itertuples(index=False)
    ]
    progress = reporter.stage(f"{dataset.name}: features")
    outcome = extract(sources, extractors, resize=resize, jobs=jobs, progress=progress)
    for error in outcome.failed.values():
        raise error
    readable = ~left_out(dataset, listed, outcome, strict, reporter)
    chosen = manifest[readable]
    keys = chosen["sha256"].tolist()
    names: list[str] = []
    columns = []
    for extractor in extractors:
        values = load_features(identity(extractor, resize), keys)
        given = list(extractor.get_feature_names_out()) or range(values.shape[1])
        names += [f"{extractor.name}:{name}" for name in given]
        columns.append(values)
    facts = chosen[list(FACTS)].reset_index(drop=True)
    labels = facts["label"].astype(int)
    facts["label"] = [dataset.classes[label] if label >= 0 else None for label in labels]
    features = pd.DataFrame(np.hstack(columns), columns=names)
    return pd.concat([facts, features], axis=1)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write as Parquet or CSV, by the file's ending.

    Raises
    ------
    OutputError
        For another ending, or where the file cannot be written.
    """
    check_table_path(path)
    with atomic_path(path) as temporary:
        if path.suffix == ".csv":
            table.to_csv(temporary, index=False)
        else:
            table.to_parquet(temporary, index=False)


def check_table_path(path: Path) -> None:
    """Raise `OutputError` if a table cannot be written in the form that the ending asks for."""
    if path.suffix not in {".csv", ".parquet"}:
        raise OutputError(
            f"unknown ending {path.suffix!r}", where=path, hint="use .parquet or .csv"
        )
