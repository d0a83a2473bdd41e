"""Tables written as JSON: a file's entry each, a list of objects, columns, or a line each."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dfbench.errors import DataError
from dfbench.received.texts import from_json
from dfbench.suites.datasets.tables.table import Table
from dfbench.suites.datasets.tables.text import Text, check_size
from dfbench.suites.datasets.words import meaning, split_of

KEY_COLUMN = "file"
"""Name of the column that the keys of an object of files become."""

_FILE = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
_UNDERSTOOD = (
    "understood are {file: {label: ...}}, {file: label}, {label: [file, ...]},"
    " [{file: ..., label: ...}] and {column: [...]}"
)


def read_json(text: Text) -> Table:
    """Read one JSON value as a table.

    Raises
    ------
    DataError
        Where it is damaged, a key stands twice, or it is no table; saying what it is instead.
    """
    path = text.path
    try:
        value = _loads(path, text.whole())
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and error.doc.lstrip()[:1] == "{":
            return read_lines(text)
        raise _damaged(path, error, error.lineno) from None
    if isinstance(value, dict) and len(value) == 1:
        inner = next(iter(value.values()))
        value = inner if _all(inner, dict) else value
    if isinstance(value, dict):
        return _from_object(path, value)
    if _all(value, dict):
        return _from_objects(path, list(enumerate(value, start=1)))
    what = "the table is empty" if value == [] else f"{_kind(value)}: no table of files and labels"
    raise DataError(what, where=path, hint=_UNDERSTOOD)


def read_lines(text: Text) -> Table:
    """Read JSON Lines, an object each.

    Raises
    ------
    DataError
        Where there is none, or a line is damaged or no object; naming it.
    """
    path, objects = text.path, []
    for number, line in enumerate(text.lines("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = _loads(path, line)
        except json.JSONDecodeError as error:
            raise _damaged(path, error, number) from None
        if not isinstance(value, dict):
            raise DataError(f"line {number} is {_kind(value)}, not an object", where=path)
        objects.append((number, value))
    return _from_objects(path, objects)


def _from_object(path: Path, value: dict[str, Any]) -> Table:
    inner = list(value.values())
    if not inner:
        raise DataError("the table is empty", where=path)
    if _all(inner, dict):
        keys = list(inner[0])
        # a data frame's own form: each column an object of numbered cells
        if keys == [str(n) for n in range(len(keys))] and all(list(v) == keys for v in inner):
            return _from_columns(path, {name: list(v.values()) for name, v in value.items()})
        name = "key" if any(KEY_COLUMN in v for v in inner) else KEY_COLUMN
        rows = [{name: key} | v for key, v in value.items()]
        return _from_objects(path, list(enumerate(rows, start=1)))
    if lists := _lists_of_files(value):
        return _from_objects(path, list(enumerate(lists, start=1)))
    if _all(inner, list) and len({len(v) for v in inner}) == 1 and _flat(inner):
        return _from_columns(path, value)
    if not any(isinstance(v, dict | list) for v in inner):
        rows = [{KEY_COLUMN: key, "label": v} for key, v in value.items()]
        return _from_objects(path, list(enumerate(rows, start=1)))
    shown = ", ".join(repr(key) for key in list(value)[:4])
    raise DataError(
        f"an object with the keys {shown}: no table of files and labels",
        where=path,
        hint=_UNDERSTOOD,
    )


def _lists_of_files(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Take apart lists of files by class or by split; empty where it is another thing."""
    names = list(value)
    by_split = all(split_of(name) for name in names)
    lengths = {len(files) if isinstance(files, list) else -1 for files in value.values()}
    # lists of one length may be columns, such as of originals
    told = by_split or len(lengths) > 1 or all(meaning(name) for name in names)
    if len(names) < 2 or not told:
        return []
    for files in value.values():
        if not _all(files, str) or not all(_FILE.search(file) for file in files):
            return []
    column = "split" if by_split else "label"
    return [{KEY_COLUMN: file, column: name} for name in names for file in value[name]]


def _from_columns(path: Path, value: dict[str, Sequence[Any]]) -> Table:
    check_size(path, len(value), len(next(iter(value.values()))))
    rows = zip(*value.values(), strict=True)
    cells = [(number, [_text(v) for v in row]) for number, row in enumerate(rows, start=1)]
    return _table(path, list(value), cells)


def _from_objects(path: Path, objects: list[tuple[int, dict[str, Any]]]) -> Table:
    columns = list(dict.fromkeys(key for _, entry in objects for key in entry))
    check_size(path, len(columns), len(objects))
    cells = [(number, [_text(entry.get(c)) for c in columns]) for number, entry in objects]
    return _table(path, columns, cells)


def _table(path: Path, columns: list[str], rows: list[tuple[int, list[str]]]) -> Table:
    if not columns or not rows:
        raise DataError("the table is empty", where=path)
    return Table(path, [column.strip() for column in columns], rows)


def _loads(path: Path, text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = {sys.intern(key): value for key, value in pairs}  # each line has its own
        if len(found) < len(pairs):
            twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
            raise DataError(f"the key {twice!r} stands twice", where=path, hint="keep one of them")
        return found

    try:
        # numbers stay as they are written
        return from_json(
            text, halves=True, object_pairs_hook=unique, parse_int=str, parse_float=str
        )
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        raise DataError(f"{error}: no table", where=path) from None


def _damaged(path: Path, error: json.JSONDecodeError, line: int) -> DataError:
    return DataError(f"damaged JSON in line {line}: {error.msg}", where=path)


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # half of a character may be written as \ud800, but is no text
    return text.encode("utf-8", "backslashreplace").decode()


def _all(value: Any, kind: type) -> bool:
    items = value if isinstance(value, list) else []
    return bool(items) and all(isinstance(item, kind) for item in items)


def _flat(columns: list[list[Any]]) -> bool:
    return not any(isinstance(cell, dict | list) for column in columns for cell in column)


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "a list of other than objects"
    return "an object" if isinstance(value, dict) else "a single value"
