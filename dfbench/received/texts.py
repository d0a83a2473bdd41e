"""Parsing texts of others: JSON and TOML that may be nested, or count, without end."""

from __future__ import annotations

import json
import tomllib
from typing import Any

_DEEP = "nested too deeply"


def from_json(text: str | bytes, **how: Any) -> Any:
    """Read a JSON value.

    Parameters
    ----------
    text
        The text; bytes are UTF-8, UTF-16 or UTF-32.
    how
        ``object_pairs_hook`` and so on, as `json.loads` takes them.

    Raises
    ------
    ValueError
        Where it is none, nested too deeply, or has a number of thousands of digits;
        `json.JSONDecodeError` where there is a line to name.
    """
    try:
        return json.loads(text, **how)
    except RecursionError:
        raise ValueError(_DEEP) from None


def from_toml(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises
    ------
    ValueError
        As `from_json`; `tomllib.TOMLDecodeError` where there is a line to name.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError(_DEEP) from None
