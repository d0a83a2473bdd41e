"""Scores of anybody's detector as a row: read, laid to the evaluated images, written."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray

from dfbench.benchmark.machine import default_jobs
from dfbench.benchmark.planning.subsets import Task, task
from dfbench.benchmark.reading import faults_of
from dfbench.benchmark.reporter import Reporter
from dfbench.benchmark.score_table import (
    Columns,
    Found,
    Meant,
    class_of,
    few,
    find_columns,
    headed,
    look_like_probabilities,
    mean_each,
    mean_one,
    read_scores,
)
from dfbench.errors import DataError, OutputError, ParameterError, unknown
from dfbench.files import check_writable, digest, owned
from dfbench.installed import versions
from dfbench.models.elsewhere import class_numbers
from dfbench.plain import in_line
from dfbench.registry import MODELS, Registry
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.inventory import check_plain, write_index
from dfbench.results.records.provenance import Run
from dfbench.results.records.records import Elsewhere, Entry, Record, Scores, TrainedOn
from dfbench.results.records.scores import numbered
from dfbench.results.records.subsets import WHOLE
from dfbench.results.statistics.sample import ranked
from dfbench.suites.datasets.manifest import Dataset
from dfbench.suites.datasets.parts import parts_of
from dfbench.suites.datasets.tables.matching import Images
from dfbench.suites.datasets.tables.reading import read_table
from dfbench.suites.suite import load_suite
from dfbench.suites.suite import names as suites

_FORMULA = "=+-@"
_IMPORTED = re.compile(r"[\w.\\/~-]+:[\w.:-]+")
"""A model that a suite names by where it comes from, such as ``finetune:resnet18``."""
_LONGEST = 80
"""Letters of a row's name."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a file of scores.

    Attributes
    ----------
    row
        What the row is called.
    trained_on
        What the detector was trained on.
    columns
        Where ids and scores stand; empty where the table is to tell.
    polarity
        Class that high scores speak for; asked for where there is one score an image.
    threshold
        Score, as it stands in the file, from which on it is decided for that class.
    ranking_only
        Whether scores that could be probabilities are none.
    evaluated_only
        Whether the file has scores of no other images: ids are looked up among those alone.
    allow_missing
        Whether evaluated images may lack a score.
    replace
        Whether a row that was brought before under this name is replaced.
    command
        As it was typed.
    """

    row: str
    trained_on: TrainedOn
    columns: Columns = field(default_factory=Columns)
    polarity: str = ""
    threshold: float | None = None
    ranking_only: bool = False
    evaluated_only: bool = False
    allow_missing: bool = False
    replace: bool = False
    command: str = ""


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of it: the record, and what is to be said of the file, a sentence each."""

    record: Record
    notes: list[str]


def bring(file: Path, dataset: Dataset, told: Told, out: Path, reporter: Reporter) -> Brought:
    """Put the scores of a file into a results folder, as a row of a data set.

    Nothing is written unless all is as it must be.

    Parameters
    ----------
    file
        A table: a line an image with an id and a score, or a score for each class.
    dataset
        Whose evaluated images the scores are of.
    told
        What the file does not tell.
    out
        The results folder; made where it is absent.
    reporter
        Hears how far the images are looked at.

    Raises
    ------
    DataError
        Where the table is damaged, its ids fit several images, a score is no finite number, an
        image has two, or evaluated images have none.
    ParameterError
        Where the polarity was not told, or what was told does not fit.
    UnknownNameError
        For a class or column that there is none of.
    OutputError
        Where the name is taken, the rows there are of another state of the data set, or the folder
        cannot be written.
    """
    folder = ResultsFolder(out)
    _check_told(told)
    _check_place(folder, dataset, told)
    check_writable(folder.path)
    check_plain(folder)
    table = headed(read_table(file, expect=told.columns.ids), told.columns)
    faults = faults_of(dataset, jobs=default_jobs("cpu"), reporter=reporter)
    own = task(dataset, parts_of(dataset, faults == ""), WHOLE, 0)
    assert isinstance(own, Task)  # all of train is a subset of any data set
    every: list[str] = dataset.manifest["path"].tolist()
    wanted = [every[at] for at in own.parts.evaluate]
    among = wanted if told.evaluated_only else every
    # a folder of another part is known as one: what lies in it is no evaluated image
    folders = {part for path in every for part in path.split("/")[:-1]}
    images = Images(among, beside=folders)
    instead = Images(every if told.evaluated_only else wanted, beside=folders)
    columns = find_columns(table, images, told.columns, own.classes, own.positive, instead)
    found = read_scores(table, images, columns, wanted, every)
    _check_missing(file, found, len(wanted), own.parts.split, allowed=told.allow_missing)
    kept = np.array([path in found.values for path in wanted], dtype=np.bool_)
    _check_classes(file, own, own.parts.evaluate[kept])
    meant, elsewhere = _meaning(file, found, [p for p in wanted if p in found.values], own, told)
    scores = _scores(dataset, own, own.parts.evaluate[kept], meant)
    record = _record(dataset, own, scores, meant, elsewhere, told, int((faults != "").sum()))
    with owned(folder.lock):
        _check_place(folder, dataset, told)
        record = folder.write_cell(record, scores)
        folder.write_entries(
            [Entry(dataset=dataset.name, row=told.row, seed=record.seed, cell=record.cell)]
        )
        folder.note_run(Run(command=told.command, started=record.started, versions=versions()))
        write_index(folder)
    return Brought(record, _notes(found, len(wanted), own.parts.split, meant, told))


def read_trained_on(text: str) -> TrainedOn:
    """Read what a detector was trained on.

    Raises
    ------
    ParameterError
        Where it is not told; it says what each answer means.
    UnknownNameError
        Where it is none of the three.
    """
    if not text:
        raise ParameterError(
            "what was the detector trained on? --trained-on train: the training images of this"
            " data set; other: other data; unknown: nobody knows",
            where="--trained-on",
            hint="it stands beside the row: a figure means another thing where a detector has seen"
            " images like these",
        )
    for each in get_args(TrainedOn):
        if text == each:
            return cast("TrainedOn", each)
    raise unknown("answer", text, get_args(TrainedOn), where="--trained-on")


def check(file: Path, told: Told) -> None:
    """Raise where a file of scores is none, or what is told of it no sense, before images are read.

    Raises
    ------
    DataError
        Where the table is absent, empty or damaged.
    ParameterError
        Where the name is none for a row, or the threshold no score.
    """
    _check_told(told)
    read_table(file, expect=told.columns.ids)


def _check_told(told: Told) -> None:
    _check_name(told.row)
    if told.threshold is not None and not math.isfinite(told.threshold):
        raise ParameterError(f"{told.threshold} is no score", where="--threshold")


def _check_name(name: str) -> None:
    """Raise where a name is none for a row from elsewhere."""
    if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > _LONGEST:
        raise ParameterError(
            f"no name for a row: {name!r}",
            where="--as",
            hint=f"1 to {_LONGEST} letters, without blanks around them",
        )
    if name[0] in _FORMULA:
        raise ParameterError(
            f"no name for a row: {name!r}",
            where="--as",
            hint=f"spreadsheets take what begins with {' '.join(_FORMULA)} for a formula",
        )
    models = Registry(MODELS)
    listed: set[str] = set()
    for suite in map(load_suite, suites()):
        listed |= {row.name for row in suite.systems} | {row.name for row in suite.derived}
    model = name.rpartition("/")[2]
    if name in listed or model in models or _IMPORTED.fullmatch(model):
        raise ParameterError(
            f"{name!r} is the name of a row that a run makes",
            where="--as",
            hint="choose one that says whose scores they are",
        )


def _check_place(folder: ResultsFolder, dataset: Dataset, told: Told) -> None:
    """Raise where a results folder has no place for the row."""
    if not folder.entries_file.exists():
        return
    for entry in folder.read_entries():
        if entry.dataset != dataset.name:
            continue
        try:
            record = folder.record_of(entry)
        except OutputError:
            record = None
        if entry.division is not None:
            raise OutputError(
                f"the row {entry.row!r} is of {entry.division.of} {entry.division.kind}s of"
                f" {dataset.name!r}: scores that are brought are of one division of it",
                where=folder.path,
                hint="choose another folder by --out",
            )
        if record is not None and record.fingerprint not in ("", dataset.fingerprint):
            raise OutputError(
                f"the row {entry.row!r} is of another state of {dataset.name!r} (fingerprint"
                f" {record.fingerprint[:8]}, now {dataset.fingerprint[:8]}): figures of both cannot"
                " be compared",
                where=folder.path,
                hint="run it again first, or choose another folder by --out",
            )
        if entry.row != told.row:
            continue
        if record is None or record.kind != "imported":
            raise OutputError(
                f"a row of a run is called {told.row!r}", where=folder.path, hint="choose another"
            )
        if not told.replace:
            whence = "" if record.elsewhere is None else f" from {record.elsewhere.source}"
            raise OutputError(
                f"{told.row!r} was imported before{whence}",
                where=folder.path,
                hint="--replace puts these scores in its place; or choose another name",
            )


def _check_missing(file: Path, found: Found, n: int, split: str, *, allowed: bool) -> None:
    lacking = len(found.missing)
    if lacking == n:
        other = f", {found.other:,} of its rows name images of other parts" if found.other else ""
        raise DataError(f"none of the {n:,} {split} images has a score{other}", where=file)
    if not lacking or allowed:
        return
    verb = "has" if lacking == 1 else "have"
    said = f"{lacking:,} of {n:,} {split} images {verb} no score: {few(found.missing)}"
    if found.blank:
        said += f"; in the table, without a number: {found.blank:,}"
    if found.strange:
        said += f"; {_strange(found)}"
    raise DataError(
        said,
        where=file,
        hint="--allow-missing takes the others: the row then says so, and is not ranked with rows"
        " that scored all images",
    )


def _strange(found: Found) -> str:
    rows = few([f"row {number} {name!r}" for number, name in found.strange])
    return f"rows that name no image of the data set: {len(found.strange):,} ({rows})"


def _check_classes(file: Path, own: Task, rows: NDArray[np.intp]) -> None:
    for label, name in enumerate(own.classes):
        if not (own.labels[rows] == label).any():
            raise DataError(f"no image of class {name!r} has a score", where=file)


def _meaning(
    file: Path, found: Found, paths: Sequence[str], own: Task, told: Told
) -> tuple[Meant, Elsewhere]:
    """Say what the scores mean, as it was told."""
    values = np.array([found.values[path] for path in paths], dtype=np.float64)
    one = not found.columns.classes
    scores = values[:, 0] if one else values
    _check_scores(file, found.columns, scores)
    probable = look_like_probabilities(scores) and not told.ranking_only
    speaks_for = ""
    if one:
        assert own.positive is not None  # several classes have a column each
        which = _polarity(file, scores, own, told)
        _check_column(file, found.columns.score, which, own)
        speaks_for = own.classes[which]
        meant = mean_one(scores, which, own.positive, told.threshold, probable=probable)
    elif told.polarity or told.threshold is not None:
        what = "--polarity" if told.polarity else "--threshold"
        raise ParameterError(
            f"each class has a column of scores, {', '.join(found.columns.classes.values())}:"
            f" there is no place for {what}",
            where=file,
            hint="--score-column takes one of them",
        )
    else:
        meant = mean_each(scores, probable=probable)
    return meant, Elsewhere(
        source=f"scores of {in_line(file.name)}",
        trained_on=told.trained_on,
        speaks_for=speaks_for,
        probabilities=meant.probable,
        decides=meant.decides,
        n_missing=len(found.missing),
    )


def _check_scores(file: Path, columns: Columns, scores: NDArray[np.float64]) -> None:
    """Raise where numbers are verdicts, or nothing at all."""
    name = columns.score or " and ".join(columns.classes.values())
    different = np.unique(scores)
    if len(different) == 1:
        raise DataError(
            f"all scores in {name!r} are {different[0]:g}: there is nothing to rank", where=file
        )
    if len(different) == 2 and len(scores) > len(different):
        low, high = different
        raise DataError(
            f"all numbers in {name!r} are {low:g} or {high:g}: verdicts or labels, no scores",
            where=file,
            hint="what is wanted is the number that a verdict came of; --score-column names"
            " another column",
        )


def _polarity(file: Path, scores: NDArray[np.float64], own: Task, told: Told) -> int:
    """Give the class that high scores speak for, as it was told."""
    if not told.polarity:
        high, low = scores.max(), scores.min()
        readings = "; ".join(
            f"--polarity {name}: an image of score {high:g} is the surest {name}, one of {low:g}"
            f" the surest {own.classes[1 - number]}"
            for number, name in enumerate(own.classes)
        )
        raise ParameterError(
            f"which class do high scores speak for? {readings}",
            where=file,
            hint="the detector's documentation tells; which of the two gives better figures"
            " does not",
        )
    known = class_numbers(own.classes, own.positive)
    if told.polarity.lower() not in known:
        raise unknown("class", told.polarity, own.classes, where="--polarity")
    return known[told.polarity.lower()]


def _check_column(file: Path, column: str, which: int, own: Task) -> None:
    """Raise where a column is called after the class that its scores do not speak for."""
    named = class_of(column, own.classes, own.positive)
    if named not in ("", own.classes[which]):
        raise ParameterError(
            f"the column {column!r} is called after {named}, and high scores are told to speak for"
            f" {own.classes[which]}",
            where=file,
            hint=f"--polarity {named}; or, if its name is wrong, rename the column",
        )


def _scores(dataset: Dataset, own: Task, rows: NDArray[np.intp], meant: Meant) -> Scores:
    lines = dataset.manifest.iloc[rows]
    images: list[str] = lines["path"].tolist()
    kinds = tuple(own.kinds[rows].tolist())
    return Scores(
        images=images,
        labels=own.labels[rows],
        groups=numbered(lines["group"].tolist(), images) if dataset.grouped else None,
        probabilities=meant.probabilities,
        kinds=kinds if any(kinds) else None,
    )


def _record(
    dataset: Dataset,
    own: Task,
    scores: Scores,
    meant: Meant,
    elsewhere: Elsewhere,
    told: Told,
    n_left_out: int,
) -> Record:
    identity = {
        "imported": told.row,
        "dataset": dataset.name,
        "fingerprint": dataset.fingerprint,
        "images": digest(scores.images),
        "scores": digest(scores.probabilities.tolist()),
        "threshold": meant.threshold,
        "told": elsewhere.model_dump(),
    }
    return Record(
        cell=digest(identity),
        dataset=dataset.name,
        row=told.row,
        seed=0,
        kind="imported",
        status="ok",
        split=own.parts.split,
        classes=own.classes,
        positive=own.positive,
        grouped=dataset.grouped,
        n_test=len(scores.images),
        n_left_out=n_left_out,
        threshold=meant.threshold,
        probability="as imported" if elsewhere.probabilities else "",
        fingerprint=dataset.fingerprint,
        elsewhere=elsewhere,
        warnings=_rounded(scores, meant, own),
        identity=identity,
        not_kept="its scores were imported: there is no model of it here",
        versions=versions(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _rounded(scores: Scores, meant: Meant, own: Task) -> list[str]:
    """Say where scores that differ became one, so that images tie."""
    if own.positive is None or meant.probabilities.shape[1] != 2:
        return []
    given = max(len(np.unique(column)) for column in meant.probabilities.T)
    ranked_apart = len(np.unique(ranked(scores.probabilities, own.positive)))
    if ranked_apart >= given:
        return []
    return [
        f"{given:,} different scores come to {ranked_apart:,} different places by rounding of"
        " 1 - score: --ranking-only takes them for no probabilities, and loses no digit"
    ]


def _notes(found: Found, n: int, split: str, meant: Meant, told: Told) -> list[str]:
    """Say how a file was taken."""
    where = found.columns.score or ", ".join(
        f"{name} in {column!r}" for name, column in found.columns.classes.items()
    )
    where = repr(where) if found.columns.score else where
    said = [
        f"{len(found.values):,} of {n:,} {split} images: ids in {found.columns.ids!r}, scores"
        f" in {where}"
    ]
    if found.missing:
        said.append(f"images without a score: {len(found.missing):,} ({few(found.missing)})")
    if found.other:
        said.append(f"rows of images that are not evaluated, left out: {found.other:,}")
    if found.strange:
        said.append(_strange(found))
    if found.repeated:
        said.append(f"rows that give an image the same score once more: {found.repeated:,}")
    if found.decimal_commas:
        said.append("numbers are written with decimal commas")
    if meant.probable and told.threshold is None:
        said.append(
            "all scores lie in [0, 1] and are taken for probabilities, decided at 0.5"
            if found.columns.score
            else "the scores of an image sum to 1 and are taken for probabilities"
        )
        said[-1] += " (--ranking-only says that they are none)"
    elif meant.probable:
        said.append("all scores lie in [0, 1] and are taken for probabilities")
    else:
        said.append("the scores are no probabilities: no log loss, Brier score and ECE")
    if not meant.decides:
        said.append("no --threshold: no accuracy, F1 and MCC")
    elif told.threshold is not None:
        values = np.array([value for value, *_ in found.values.values()])
        n_above = int((values >= told.threshold).sum())
        if n_above in (0, len(values)):
            said.append(
                f"{'no score reaches' if not n_above else 'all scores reach'} the threshold"
                f" {told.threshold:g}: every image is given one class"
            )
    return said


def by_class(text: str) -> Mapping[str, str]:
    """Read ``real=COLUMN,fake=COLUMN``.

    Raises
    ------
    ParameterError
        Where it has another form.
    """
    found: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        name, equals, column = part.partition("=")
        if not (equals and name.strip() and column.strip()) or name.strip() in found:
            raise ParameterError(f"not of the form CLASS=COLUMN: {part!r}", where="--class-columns")
        found[name.strip()] = column.strip()
    return found
