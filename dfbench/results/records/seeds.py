"""Whether the seeds of a row were made alike, so that their figures may stand as one mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dfbench.errors import OutputError
from dfbench.results.records.folder import ResultsFolder
from dfbench.results.records.records import Record

_SHOWN = 3
_LONGEST = 40
_NAMES_CELLS = ("parameters", "members")
"""Keys of an identity whose values are cells, which have the same seed."""


def unlike(one: tuple[ResultsFolder, Record], other: tuple[ResultsFolder, Record]) -> str:
    """Say in what two cells of a row differ beside their seed; empty where in nothing.

    Identities are held against each other, with those of the cells that they name. The second
    value of each pair is the other's.
    """
    a, b = (dict(_flat(_made(folder, record.identity))) for folder, record in (one, other))
    absent = object()
    keys = [key for key in {**a, **b} if a.get(key, absent) != b.get(key, absent)]
    said = [f"{key or 'it'} {_short(a, key)} and {_short(b, key)}" for key in keys[:_SHOWN]]
    more = [f"{len(keys) - _SHOWN} more"] if len(keys) > _SHOWN else []
    return ", ".join([*said, *more])


def _made(folder: ResultsFolder, identity: dict[str, Any]) -> dict[str, Any]:
    """Give an identity without seeds."""
    made = {key: value for key, value in identity.items() if key != "seed"}
    for key in _NAMES_CELLS:
        if isinstance(cells := made.get(key), list):
            made[key] = [_of_cell(folder, cell) for cell in cells]
        elif isinstance(cells, str):
            made[key] = _of_cell(folder, cells)
    return made


def _of_cell(folder: ResultsFolder, cell: Any) -> Any:
    try:
        record = folder.load_record(str(cell))
    except OutputError:
        record = None
    return cell if record is None else _made(folder, record.identity)


def _flat(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Give the values of nested tables and lists by the names that lead to each."""
    if isinstance(value, dict) and value:
        for name, its in value.items():
            yield from _flat(its, f"{key} {name}".strip())
    elif isinstance(value, list) and value:
        for number, its in enumerate(value, 1):
            yield from _flat(its, f"{key} {number}".strip())
    else:
        yield key, value


def _short(values: dict[str, Any], key: str) -> str:
    if key not in values:
        return "none"
    text = str(values[key])
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
