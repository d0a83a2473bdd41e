"""Labels of shards: which column tells them, and what their values are called."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from dfbench.received.containers.names import as_folder

NAMES = ("label", "labels", "class", "classes", "cls", "class_name", "target", "targets", "y")
"""Of columns and keys that tell the class, the likeliest first."""
FAKE = ("fake", "is_fake", "deepfake", "is_deepfake", "synthetic", "is_synthetic", "generated")
REAL = ("real", "is_real", "authentic", "is_authentic")
"""Of those that tell it by yes or no."""
MOST = 10_000
"""Labels of a data set."""


def column_of(names: Collection[str]) -> str:
    """Choose what tells the label, "" where nothing is called so."""
    by_name = {name.lower(): name for name in reversed(list(names))}
    return next((by_name[each] for each in (*NAMES, *FAKE, *REAL) if each in by_name), "")


def told_by(column: str, value: Any) -> str:
    """Give the folder that a label stands for, "" of none.

    Raises
    ------
    ValueError
        Where it is no label: a list, or a number that is not whole.
    """
    if value is None:
        return ""
    name = column.lower()
    if name in FAKE or name in REAL:
        known: dict[Any, bool] = {
            True: True,
            False: False,
            "true": True,
            "false": False,
            "1": True,
            "0": False,
        }
        said = known.get(value.strip().lower() if isinstance(value, str) else value)
        if said is not None:
            return "fake" if said == (name in FAKE) else "real"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return "" if value == -1 else str(value)  # -1 is what none is written as
    if isinstance(value, str):
        return as_folder(value)
    raise ValueError(f"{column!r} is no label: {str(value)[:40]!r}")
