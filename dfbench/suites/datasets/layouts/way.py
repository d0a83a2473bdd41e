"""Names of folders on the way to an image, as cards give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator

from dfbench.suites.datasets.section import fault


def _several(value: Any) -> Any:
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list):
        return value
    return [_normal(each) if isinstance(each, str) else each for each in value]


def _normal(name: str) -> str:
    """Write ``./a/`` as ``a``."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


Names = Annotated[list[str], BeforeValidator(_several)]
"""Names of folders, or a single one; a name with ``/`` is of a folder in a folder."""


def check_apart(key: str, names: Mapping[Any, Sequence[str]]) -> None:
    """Raise a validation error where a folder stands for two things."""
    seen: dict[str, str] = {}
    for name, folders in names.items():
        for folder in folders:
            if seen.setdefault(folder, name) != name:
                fault(key, f"folder {folder!r} stands for {seen[folder]!r} and for {name!r}")


def level(number: int, parts: Sequence[str]) -> int | None:
    """Say which of the folders on the way stands at a level; None where there is none.

    Parameters
    ----------
    number
        Counted from 1 at the root, or from -1 at the image.
    parts
        Names of the folders from the root on.
    """
    at = number - 1 if number > 0 else len(parts) + number
    return at if 0 <= at < len(parts) else None


class Match(NamedTuple):
    """Folders on the way to an image that have a meaning: the first, the last, what they tell."""

    start: int
    end: int
    told: Any


def find(parts: Sequence[str], names: Mapping[str, Any], *, but: int = -1) -> Match | None:
    """Find the outermost folder that is called by one of ``names``; not that at place ``but``."""
    longest = max((name.count("/") for name in names), default=-1) + 1
    for start in range(len(parts)):
        for end in range(min(start + longest, len(parts)), start, -1):
            name = "/".join(parts[start:end])
            if name in names and not (but == start == end - 1):
                return Match(start, end - 1, names[name])
    return None
