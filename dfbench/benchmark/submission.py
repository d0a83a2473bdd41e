"""The table that a competition wants: a verdict for each image whose label is kept back."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DataError, OutputError, unknown
from dfbench.files import unwritable, write_text
from dfbench.results.records.divisions import name_of
from dfbench.results.records.folder import ResultsFolder, beside
from dfbench.results.records.records import Entry, Record
from dfbench.results.statistics.sample import decide
from dfbench.suites.datasets.divisions import divided_as
from dfbench.suites.datasets.listing import UNLABELLED
from dfbench.suites.datasets.manifest import Dataset


def find_record(path: Path, dataset: Dataset, row: str, seed: int | None) -> Record:
    """Find a finished row that has scored the unlabelled images of a data set.

    Raises
    ------
    UnknownNameError
        If the results have no such row of the data set, with the nearest names.
    OutputError
        If it has not finished, or was run on another state of the data set.
    DataError
        If the data set has no unlabelled test images.
    """
    if not _unlabelled(dataset).any():
        raise DataError(f"{dataset.name!r} has no test images without a label: nothing to submit")
    out = ResultsFolder(path)
    every = [entry for entry in check_results(path) if entry.is_first]
    entries = [entry for entry in every if entry.dataset == dataset.name]
    if not entries:
        others = ", ".join(dict.fromkeys(entry.dataset for entry in every))
        raise OutputError(
            f"no row of {dataset.name!r}",
            where=path,
            hint=f"its rows are of {others}: NAME=DATA gives a data set the name that it has there,"
            " --results names another folder, and dfbench run --data runs rows",
        )
    of_row = [entry for entry in entries if entry.row == row]
    if not of_row:
        raise unknown("row", row, [entry.row for entry in entries], where=path)
    entry = _of_seed(of_row, seed, row)
    record = out.record_of(entry)
    if record is None or record.status != "ok":
        said = "not run yet" if record is None else f"{record.status}: {record.reason}"
        raise OutputError(f"the row {row!r} has no scores: {said}", where=path)
    if (
        record.fingerprint != divided_as(dataset, name_of(record.division)).fingerprint
        or not record.n_unlabelled
    ):
        raise OutputError(
            f"the row {row!r} was run on another state of {dataset.name!r}",
            where=path,
            hint="run it again",
        )
    return record


def check_results(path: Path) -> list[Entry]:
    """Give the rows of a results folder, or say how another is named.

    Raises
    ------
    OutputError
        If it is none.
    """
    try:
        return ResultsFolder(path).read_rows()
    except OutputError as error:
        hint = f"--results DIR names the folder that `dfbench run --out DIR` wrote{beside(path)}"
        raise OutputError(error.what, where=error.where, hint=hint) from error


def check_file(path: Path) -> None:
    """See that verdicts are not written in place of a folder.

    Raises
    ------
    OutputError
        If there is one.
    """
    if path.is_dir():
        raise OutputError(
            "is a folder, and the verdicts are one file",
            where=path,
            hint="--file FILE names the CSV file to write; --results DIR the folder of the results",
        )


def _of_seed(entries: Sequence[Entry], seed: int | None, row: str) -> Entry:
    if seed is None:
        return entries[0]
    for entry in entries:
        if entry.seed == seed:
            return entry
    raise unknown("seed", str(seed), [str(entry.seed) for entry in entries], where=f"row {row!r}")


def _unlabelled(dataset: Dataset) -> NDArray[np.bool_]:
    manifest = dataset.manifest
    found: NDArray[np.bool_] = (
        (manifest["split"] == "test") & (manifest["label"] == UNLABELLED)
    ).to_numpy()
    return found


def submission(
    path: Path, dataset: Dataset, record: Record, *, scores: bool = False, fill: str | None = None
) -> str:
    """Write verdicts as CSV.

    Parameters
    ----------
    path
        The results folder.
    dataset
        Its test table gives the ids and their order; without one, the ids are paths.
    record
        From `find_record`.
    scores
        Probabilities instead of labels: of the positive class of a binary task, else of each.
    fill
        Class for images that could not be read; with ``scores`` they get the mean over the others.

    Returns
    -------
    str
        CSV with a header; labels as the training table spells them.

    Raises
    ------
    DataError
        If an image could not be read and ``fill`` is not given.
    UnknownNameError
        If ``fill`` is no class.
    """
    if fill is not None and fill not in dataset.classes:
        raise unknown("class", fill, dataset.classes, where="--fill")
    paths = dataset.manifest["path"][_unlabelled(dataset)].tolist()
    sheet = dataset.card.layout.sheet(dataset.card, dataset.root, paths)
    found = ResultsFolder(path).read_scores(record, "unlabelled")
    place = {path: index for index, path in enumerate(found.images)}
    absent = [path for _, path in sheet.ids if path not in place]
    if absent and fill is None:
        raise DataError(
            f"{len(absent)} of {len(sheet.ids)} test images could not be read and have no verdict, "
            f"the first: {absent[0]}",
            where=dataset.name,
            hint="--fill CLASS gives them one",
        )
    names = [sheet.spelt.get(name, name) for name in dataset.classes]
    table = _Table(found.probabilities, record, names, sheet.spelt.get(fill or "", fill or ""))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([sheet.id_column, *(table.score_columns() if scores else [sheet.label_column])])
    for name, image in sheet.ids:
        cells = table.scores(place.get(image)) if scores else [table.label(place.get(image))]
        writer.writerow([name, *cells])
    return text.getvalue()


class _Table:
    """Verdicts by row number; None stands for an image without one."""

    def __init__(
        self, probabilities: NDArray[np.float64], record: Record, names: list[str], fill: str
    ) -> None:
        self._p = probabilities
        self._names = names
        self._fill = fill
        self._positive = record.positive if len(names) == 2 else None
        self._said = decide(probabilities, positive=record.positive, threshold=record.threshold)

    def score_columns(self) -> list[str]:
        return self._names if self._positive is None else [self._names[self._positive]]

    def scores(self, row: int | None) -> list[float]:
        values = self._p.mean(axis=0) if row is None else self._p[row]
        return [float(v) for v in (values if self._positive is None else [values[self._positive]])]

    def label(self, row: int | None) -> str:
        if row is None:
            return self._fill
        return self._names[int(self._said[row])]


def write_submission(text: str, path: Path) -> None:
    """Write the table whole or not at all.

    Raises
    ------
    OutputError
        Where the file cannot be written.
    """
    try:
        write_text(path, text)
    except OSError as error:
        raise unwritable(path, error) from error
