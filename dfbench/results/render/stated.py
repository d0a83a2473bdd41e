"""What a JSON file of another dfbench states of a board, held against what is written now."""

from __future__ import annotations

from typing import Any

from dfbench.received.texts import from_json

_SAID = frozenset({"notes", "reason", "best", "pareto"})
"""Keys of words, and of judgements by a rule: another dfbench may have said them otherwise."""
_NOTHING = object()
_OF_FIGURE = (
    *("protocol", "row", "fitted_on", "fitted_part", "scored_on", "scored_part", "split"),
    "metric",
)
"""Keys that together name a figure of a protocol."""


def otherwise(found: bytes, made: bytes) -> set[str] | None:
    """Compare all that a file states with what it would state now.

    Parameters
    ----------
    found
        ``leaderboard.json`` or ``protocols.json``; keys that it lacks are no difference, nor are
        figures of protocols that it lacks.
    made
        The same file as it is written now.

    Returns
    -------
    set of str or None
        Keys of words and judgements that differ; None where anything else does, such as a
        figure, a rank, a status or a count, and where it is no JSON.
    """
    try:
        before, now = from_json(found), from_json(made)
    except ValueError:
        return None
    if not isinstance(before, list):
        return None
    if len(before) < len(now):
        now = _told_of(before, now)
    if len(before) != len(now):
        return None
    differing: set[str] = set()
    for its, made_now in zip(before, now, strict=True):
        if not isinstance(its, dict):
            return None
        differing |= {key for key in its if not _stated(its[key], made_now.get(key, _NOTHING))}
    return differing if differing <= _SAID else None


def _told_of(before: list[Any], now: list[Any]) -> list[Any]:
    """Leave out figures of protocols that a file of before did not tell of: they came since."""
    told = {_named(its) for its in before}
    return [its for its in now if "metric" not in its or _named(its) in told]


def _named(figure: Any) -> tuple[str, ...]:
    return tuple(str(figure.get(key)) for key in _OF_FIGURE) if isinstance(figure, dict) else ()


def _stated(found: Any, made: Any) -> bool:
    """Whether a value is so now; objects may have come to hold more."""
    if isinstance(found, dict) and isinstance(made, dict):
        return all(_stated(its, made.get(name, _NOTHING)) for name, its in found.items())
    if isinstance(found, list) and isinstance(made, list):
        return len(found) == len(made) and all(map(_stated, found, made))
    return bool(found == made)
