"""Somebody's table of scores: which column is what, each image's numbers, and what they say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import CardError, DataError, ParameterError, unknown
from dfbench.suites.datasets.inference.ids import id_column
from dfbench.suites.datasets.tables.matching import Images
from dfbench.suites.datasets.tables.table import Table, is_index

_NONE = frozenset({"", "-", "nan", "na", "n/a", "none", "null", "<na>"})
"""What stands where there is no score, in lower case."""
_LARGEST = 1e300
"""Above it differences of scores are no numbers."""
_SHOWN = 5
"""Images or rows that a message names."""
_SUM = 0.01
"""By how much the probabilities of an image may miss 1: files are rounded."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table are what; empty where the table is to tell.

    Attributes
    ----------
    ids
        Names images.
    score
        Holds one score an image.
    classes
        By class the column of its score.
    """

    ids: str = ""
    score: str = ""
    classes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """The scores of a table, laid to images.

    Attributes
    ----------
    columns
        Where they were found.
    values
        By path of an image its scores: one, or one a class in the order of the data set.
    missing
        Paths of wanted images without a score.
    blank
        How many of these stand in the table, without a number.
    other
        How many rows name images of the data set that are not wanted.
    strange
        What names no image: number of the row and its id.
    repeated
        How many rows name an image once more, with the same score.
    decimal_commas
        Whether numbers were written ``0,95``.
    """

    columns: Columns
    values: dict[str, tuple[float, ...]]
    missing: list[str]
    blank: int
    other: int
    strange: list[tuple[int, str]]
    repeated: int
    decimal_commas: bool


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    name: str
    cells: list[str]


def headed(table: Table, told: Columns) -> Table:
    """Give the table with its first row as a row, where that is no header: it holds a number."""
    named = [told.ids, told.score, *told.classes.values()]
    if any(name in table.columns for name in named if name):
        return table
    return table.without_header() if any(map(_number, table.columns)) else table


def find_columns(
    table: Table,
    images: Images,
    told: Columns,
    classes: Sequence[str],
    positive: int | None = None,
    instead: Images | None = None,
) -> Columns:
    """Find the columns of ids and of scores, as far as they were not told.

    Parameters
    ----------
    table
        Somebody's.
    images
        What ids are looked up in.
    told
        What is known of the columns.
    classes, positive
        Of the data set.
    instead
        Where ids might be looked up as well: more images, by which the column is found, or fewer,
        which is offered.

    Raises
    ------
    DataError
        Where that is not clear; names the columns and the option that tells.
    CardError
        Where a class is told to have the column of another.
    """
    if not table.rows:
        raise DataError("no rows below the header", where=table.path, hint=table.described)
    ids = told.ids
    if not ids:
        share, ids, reason = id_column(table, images)
        other = "" if ids or instead is None else id_column(table, instead)[1]
        if other and instead is not None and len(instead.paths) >= len(images.paths):
            ids = other
        if not ids:
            hint = (
                "--evaluated-only looks ids up among the evaluated images alone, where the file has"
                " no scores of others; "
                if other
                else ""
            )
            best = f"at most {share:.0%} of the rows name one" if share else "not one row does"
            raise DataError(
                f"no column names images of the data set: {reason or best}",
                where=table.path,
                hint=f"{hint}--id-column names it; ids are paths below the data's folder, with or"
                f" without what comes before or the extension; {table.described}",
            )
    table.column(ids)
    if told.classes:
        return Columns(ids, classes=_of_classes(table, told.classes, classes, positive))
    if told.score:
        table.column(told.score)
        if len(classes) > 2:
            raise _one_for_each(table, classes)
        return Columns(ids, told.score)
    named = _called_as(table, classes)
    if named:
        return Columns(ids, classes=named)
    if len(classes) > 2:
        raise _one_for_each(table, classes)
    return Columns(ids, _score_column(table, ids, classes))


def _one_for_each(table: Table, classes: Sequence[str]) -> DataError:
    shown = ",".join(f"{name}=COLUMN" for name in classes)
    return DataError(
        f"the data set has {len(classes)} classes, each of which needs a column of scores",
        where=table.path,
        hint=f"--class-columns {shown}; {table.described}",
    )


_WORDS = re.compile(
    r"p|prob|probs|proba|probability|score|scores|pred|logit|conf|confidence|of|y|is"
)
_ALIKE = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])")


def class_of(column: str, classes: Sequence[str], positive: int | None) -> str:
    """Give the class that a column is called after, such as ``p_Fake``; empty for none."""
    known = {_bare(name): name for name in classes}
    if positive is not None and len(classes) == 2:
        known = {"fake": classes[positive], "real": classes[1 - positive]} | known
    return known.get(_bare(column), "")


def _bare(name: str) -> str:
    """Give the words of a name that do not say that it is a score."""
    words = [word.lower() for word in _ALIKE.split(name) if word]
    return "_".join([word for word in words if not _WORDS.fullmatch(word)] or words)


def _of_classes(
    table: Table, told: Mapping[str, str], classes: Sequence[str], positive: int | None
) -> dict[str, str]:
    by_lower = {name.lower(): name for name in classes}
    found: dict[str, str] = {}
    for name, column in told.items():
        if name.lower() not in by_lower:
            raise unknown("class", name, classes, where="--class-columns")
        table.column(column)
        found[by_lower[name.lower()]] = column
        named = class_of(column, classes, positive)
        if named not in ("", by_lower[name.lower()]):
            raise CardError(
                f"the column {column!r} is called after {named}, and is told to be of"
                f" {by_lower[name.lower()]}",
                where="--class-columns",
                hint="if its name is wrong, rename the column",
            )
    if absent := [name for name in classes if name not in found]:
        raise CardError(f"no column for {', '.join(absent)}", where="--class-columns")
    if len(set(found.values())) < len(found):
        raise CardError("one column for two classes", where="--class-columns")
    return {name: found[name] for name in classes}


def _called_as(table: Table, classes: Sequence[str]) -> dict[str, str]:
    """Find a column for each class that is called like it, such as ``p_Fake``; else none."""
    found = {}
    for name in classes:
        wanted = {name.lower(), f"p_{name.lower()}"}
        its = [
            column
            for column in table.clear
            if column.lower() in wanted and any(map(_number, table.cells(column)))
        ]
        if len(its) != 1:
            return {}
        found[name] = its[0]
    return found


def _score_column(table: Table, ids: str, classes: Sequence[str]) -> str:
    for at, name in enumerate(table.columns):
        cells = [cells[at] for _, cells in table.rows]
        if name not in table.clear and 2 * sum(map(_number, cells)) > len(cells):
            table.column(name)  # raises: one of several of this name may be the scores
    numbers, texts = [], []
    for name in table.clear:
        if name == ids or is_index(name):
            continue
        cells = [cell for cell in table.cells(name) if cell.lower() not in _NONE]
        if cells and 2 * sum(_number(cell) for cell in cells) > len(cells):
            numbers.append(name)
        elif cells:
            texts.append((name, cells[0]))
    if len(numbers) == 1:
        return numbers[0]
    if numbers:
        raise DataError(
            f"several columns hold numbers: {', '.join(map(repr, numbers))}",
            where=table.path,
            hint="--score-column says which are the scores",
        )
    shown = ", ".join(f"{name!r} (such as {cell!r})" for name, cell in texts[:_SHOWN])
    raise DataError(
        f"no column holds numbers{': ' + shown if shown else ''}",
        where=table.path,
        hint="names of classes are verdicts; what is wanted is the number that they came of",
    )


def read_scores(
    table: Table, images: Images, columns: Columns, wanted: Sequence[str], every: Sequence[str]
) -> Found:
    """Lay the numbers of a table to images.

    Parameters
    ----------
    table
        Somebody's.
    images
        What ids are looked up in.
    columns
        From `find_columns`.
    wanted
        Paths of the images whose scores are wanted.
    every
        Paths of all images of the data set: an id that is the whole path of one that is not wanted
        is of that one.

    Raises
    ------
    DataError
        Where an id fits several images, one of which is wanted, an image has two scores, or what
        stands there is no finite number; naming the first rows.
    """
    names = table.cells(columns.ids)
    order = list(columns.classes.values()) or [columns.score]
    cells = [table.cells(name) for name in order]
    rows = [
        _Row(number, name, [column[at] for column in cells])
        for at, ((number, _), name) in enumerate(zip(table.rows, names, strict=True))
    ]
    inside, known = frozenset(wanted), frozenset(images.paths)
    outside = Images(path for path in every if path not in inside)
    commas = _decimal_commas(table, rows)
    by_image: dict[str, _Row] = {}
    values: dict[str, tuple[float, ...]] = {}
    blank: set[str] = set()
    strange: list[tuple[int, str]] = []
    faults: list[str] = []
    other = repeated = 0
    for row, named in zip(rows, images.find(names), strict=True):
        paths = [path for path in (*named.images, *named.rivals) if path in known]
        elsewhere = outside.exactly(row.name)
        if not inside.intersection(paths):
            if paths or elsewhere:
                other += 1
            else:
                strange.append((row.number, row.name))
        elif elsewhere and not inside.intersection(images.exactly(row.name)):
            other += 1
        elif len(paths) > 1:
            raise _unclear(table, row, paths, inside)
        else:
            (path,) = paths
            before = by_image.setdefault(path, row)
            if before is not row:
                if before.cells != row.cells:
                    raise DataError(
                        f"rows {before.number} and {row.number} give {path} two scores:"
                        f" {', '.join(before.cells)} and {', '.join(row.cells)}",
                        where=table.path,
                        hint="one score an image; nothing tells which of them counts",
                    )
                repeated += 1
                continue
            its = [_value(cell, commas) for cell in row.cells]
            if any(value is None for value in its):
                blank.add(path)
            elif all(value is not None and abs(value) < _LARGEST for value in its):
                values[path] = tuple(value for value in its if value is not None)
            else:
                faults.append(f"row {row.number} {', '.join(map(repr, row.cells))} ({path})")
    if faults:
        n = len(faults)
        raise DataError(
            f"{n} score{'s are' if n > 1 else ' is'} no finite number: {few(faults)}",
            where=table.path,
            hint="an empty cell or nan stands for an image without a score; names of classes are"
            " verdicts, no scores",
        )
    missing = [path for path in wanted if path not in values]
    return Found(columns, values, missing, len(blank), other, strange, repeated, commas)


def _unclear(table: Table, row: _Row, paths: Sequence[str], inside: frozenset[str]) -> DataError:
    own = [path for path in paths if path in inside]
    if len(own) == 1:
        hint = "write the folders before the names; or, where the file has no scores of other"
        hint += " parts, --evaluated-only looks ids up among the evaluated images alone"
    else:
        hint = "write the folders before the names; a video's frames need a score each"
    return DataError(
        f"row {row.number}: {row.name!r} fits {len(paths)} images: {few(paths)}",
        where=table.path,
        hint=hint,
    )


def few(items: Sequence[str]) -> str:
    """Name the first few, and how many more there are."""
    more = f" and {len(items) - _SHOWN:,} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more


_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")


def _number(cell: str) -> bool:
    """Whether a cell is written as a number that is one."""
    if _COMMA.fullmatch(cell):
        return True
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
"""A number with a comma before every three digits; 0,950 is none."""


def _decimal_commas(table: Table, rows: Sequence[_Row]) -> bool:
    """Whether fractions are written with a comma: some are, and none with a point."""
    cells = [cell for row in rows for cell in row.cells]
    marked = [(row.number, cell) for row in rows for cell in row.cells if "," in cell]
    if marked and all(_THOUSANDS.fullmatch(cell) for _, cell in marked):
        number, cell = marked[0]
        raise DataError(
            f"row {number}: {cell!r} is {cell.replace(',', '')} or {cell.replace(',', '.', 1)}:"
            " every comma stands before three digits",
            where=table.path,
            hint="write decimal points, and nothing between thousands",
        )
    return any(map(_COMMA.fullmatch, cells)) and not any("." in cell for cell in cells)


def _value(cell: str, commas: bool) -> float | None:
    """Give the number of a cell; None for none, infinity for what is no number."""
    if cell.lower() in _NONE:
        return None
    try:
        # 1_000 is a number in Python alone
        return float("inf" if "_" in cell else cell.replace(",", ".") if commas else cell)
    except ValueError:
        return float("inf")


@dataclass(frozen=True, slots=True)
class Meant:
    """What scores mean.

    Attributes
    ----------
    probabilities
        Shape (n, K): columns as `Scores` has them. Of two classes without probabilities that of
        the positive class is the score, the other its negative.
    threshold
        Of the positive class's column; None: the larger one.
    probable, decides
        See `dfbench.results.statistics.sample.prepare`.
    """

    probabilities: NDArray[np.float64]
    threshold: float | None
    probable: bool
    decides: bool


def mean_one(
    scores: NDArray[np.float64],
    speaks_for: int,
    positive: int,
    threshold: float | None,
    *,
    probable: bool,
) -> Meant:
    """Say what one score an image means of two classes.

    Parameters
    ----------
    scores
        Shape (n,).
    speaks_for
        Class that high scores speak for.
    positive
        The positive class.
    threshold
        Score from which on it is decided for `speaks_for`.
    probable
        Whether they are probabilities.
    """
    said = np.empty((len(scores), 2))
    said[:, speaks_for] = scores
    said[:, 1 - speaks_for] = 1 - scores if probable else -scores
    cut = threshold
    if threshold is not None and speaks_for != positive:
        # a score of exactly the threshold is decided for the other class
        cut = float(np.nextafter(1 - threshold if probable else -threshold, np.inf))
        if not np.array_equal(said[:, positive] < cut, scores >= threshold):
            raise ParameterError(
                f"1 - score is rounded, and scores around {threshold:g} would be decided otherwise",
                where="--threshold",
                hint="--ranking-only takes the scores for no probabilities, and loses no digit",
            )
    return Meant(said, cut, probable, probable or threshold is not None)


def mean_each(scores: NDArray[np.float64], *, probable: bool) -> Meant:
    """Say what a score for each class means, shape (n, K)."""
    if scores.shape[1] == 2 and not probable:
        margin = scores[:, 0] - scores[:, 1]
        scores = np.stack([margin, -margin], axis=1)
    return Meant(scores, None, probable, decides=True)


def look_like_probabilities(scores: NDArray[np.float64]) -> bool:
    """Whether scores of shape (n,) or (n, K) can be probabilities: in [0, 1], rows of sum 1."""
    inside = bool((scores >= 0).all() and (scores <= 1).all())
    return inside and (scores.ndim == 1 or bool((abs(scores.sum(axis=1) - 1) <= _SUM).all()))
