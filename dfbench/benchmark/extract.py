"""The features of a data set as one table, for whoever wants to go on with it elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from dfbench.benchmark.limits import Allowed
from dfbench.benchmark.machine import default_jobs
from dfbench.benchmark.options import Options
from dfbench.benchmark.progress import Told, listener_of
from dfbench.benchmark.reading import complain, look_at
from dfbench.benchmark.reporter import Reporter
from dfbench.benchmark.view import view_of
from dfbench.errors import OutputError, ParameterError
from dfbench.features.base import Extractor
from dfbench.features.expression import build, parse
from dfbench.features.pipeline import single_pass
from dfbench.features.pipeline.store import identity, load_features
from dfbench.files import at_home, atomic_path
from dfbench.registry import EXTRACTORS, Registry
from dfbench.results.texts import csv_cell
from dfbench.suites.datasets.inference.read_as import ReadAs
from dfbench.suites.datasets.loading import load_dataset


def extract(
    data: str | Path,
    features: str,
    *,
    plugins: str | Path | Sequence[str | Path] = (),
    root: str | Path | None = None,
    jobs: int | None = None,
    strict: bool = False,
    classes: str = "",
    kinds: str = "",
    groups: str = "",
    splits: str = "",
    progress: bool | Told | None = None,
) -> pd.DataFrame:
    """Give the features of a data set as a table: what ``dfbench extract`` writes.

    Parameters
    ----------
    data
        A data set's name, its card, or a folder, see `dfbench.run`.
    features
        A feature expression, e.g. ``hsv+lbp+fft`` or ``hsv[bins=8]``.
    plugins
        Python files with ``@dfbench.extractor`` functions.
    root
        Folder of the images, where the card leaves it open.
    jobs
        Threads; by default one a core, at most 8.
    strict
        Whether unreadable images are an error; else they have no line.
    classes, kinds, groups, splits
        How a plain folder is to be read, as of `dfbench.run`.
    progress
        As of `dfbench.run`.

    Returns
    -------
    DataFrame
        A line a readable image. Columns ``path``, ``label`` (name of the class, missing where there
        is none), ``split``, ``group``, then ``<extractor>:<feature>`` (float32).

    Raises
    ------
    DfbenchError
        Where the data set, the expression or a plugin is not what it must be, or an extractor
        fails.

    Examples
    --------
    >>> import dfbench
    >>> table = dfbench.extract(data, "hsv[bins=8]")
    >>> list(table.columns[:5])
    ['path', 'label', 'split', 'group', 'hsv:h_0']
    """
    given = Options.of(
        data=[data],
        plugins=plugins,
        jobs=jobs,
        strict=strict,
        classes=classes,
        kinds=kinds,
        groups=groups,
        splits=splits,
    )
    if not isinstance(features, str):
        raise ParameterError(f"a feature expression, not {features!r}", where="features")
    with listener_of(progress) as listener:
        return feature_table(
            data,
            features,
            plugins=[at_home(file) for file in given.plugins],
            root=None if root is None else at_home(root),
            jobs=jobs,
            strict=strict,
            asked=given.asked(),
            reporter=listener,
        )


FACTS = ("path", "label", "split", "group")
"""Columns before the features."""


def feature_table(
    data: str | Path,
    features: str,
    *,
    plugins: Sequence[Path],
    root: Path | None,
    jobs: int | None,
    strict: bool,
    asked: ReadAs,
    reporter: Reporter,
) -> pd.DataFrame:
    """Do what `extract` does, and tell a reporter of it."""
    extractors = build(parse(features), Registry(EXTRACTORS, plugins))
    dataset = load_dataset(
        data,
        root=root,
        plugins=plugins,
        asked=asked,
        progress=reporter.stage(f"{data}: images"),
    )
    manifest, view = dataset.manifest, view_of(dataset)
    jobs = jobs or default_jobs("cpu")
    contained = partial(single_pass.extract, limits=Allowed().here(jobs))
    outcome, faults = look_at(dataset, extractors, jobs=jobs, reporter=reporter, extract=contained)
    for error in outcome.failed.values():
        raise error
    complain(dataset, faults, strict=strict, reporter=reporter)
    chosen: pd.DataFrame = manifest[faults == ""]
    keys = chosen["sha256"].tolist()
    titles = _titles(extractors)
    names: list[str] = []
    columns = []
    for extractor, title in zip(extractors, titles, strict=True):
        values = load_features(identity(extractor, view), keys)
        given = list(extractor.get_feature_names_out()) or range(values.shape[1])
        names += [f"{title}:{name}" for name in given]
        columns.append(values)
    facts = chosen[list(FACTS)].reset_index(drop=True)
    labels = facts["label"].astype(int)
    facts["label"] = [dataset.classes[label] if label >= 0 else None for label in labels]
    values_of = pd.DataFrame(np.hstack(columns), columns=names)
    table: pd.DataFrame = pd.concat([facts, values_of], axis=1)
    return table


def _titles(extractors: Sequence[Extractor]) -> list[str]:
    """Names before the colon: the extractors', numbered where one stands several times."""
    names = [extractor.name for extractor in extractors]
    return [
        f"{name}{names[: at + 1].count(name)}" if names.count(name) > 1 else name
        for at, name in enumerate(names)
    ]


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
            texts = table.select_dtypes(exclude="number").columns
            shown = table.assign(**{name: table[name].map(csv_cell) for name in texts})
            shown.to_csv(temporary, index=False, header=[csv_cell(name) for name in table])
        else:
            table.to_parquet(temporary, index=False)


def check_table_path(path: Path) -> None:
    """Raise `OutputError` if a table cannot be written in the form that the ending asks for."""
    if path.suffix not in {".csv", ".parquet"}:
        raise OutputError(
            f"unknown ending {path.suffix!r}", where=path, hint="use .parquet or .csv"
        )
