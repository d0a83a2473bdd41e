"""What a user types for a data set: a name, a path, or either with a name before it."""

from __future__ import annotations

import os
from pathlib import Path

from dfbench.errors import CardError


def split_source(source: str | Path) -> tuple[str, str | Path]:
    """Take ``NAME=DATA`` apart.

    Parameters
    ----------
    source
        As it was typed. What exists as a whole is a path, and so is what has a folder before the
        equals sign.

    Returns
    -------
    str
        The name; empty where none was given.
    str or Path
        The data set.

    Raises
    ------
    CardError
        If there is nothing on one side of the equals sign.

    Examples
    --------
    >>> split_source("mine=./a/faces")
    ('mine', './a/faces')
    >>> split_source("./a=b/faces")
    ('', './a=b/faces')
    """
    if isinstance(source, Path) or "=" not in source:
        return "", source
    name, _, data = source.partition("=")
    if _is_place(name) or os.path.exists(os.path.expanduser(source)):  # noqa: PTH110, PTH111
        return "", source
    if not name or not data.strip():
        raise CardError(
            f"not of the form NAME=DATA: {source!r}",
            hint="a name for leaderboards, and the data set's name, card or folder",
        )
    return name, data


def is_path(text: str) -> bool:
    """Whether a text can be no name, but a path."""
    return text.lower().endswith(".toml") or _is_place(text)


def _is_place(text: str) -> bool:
    separators = {os.sep, os.altsep, "/"} - {None}
    return text.startswith((".", "~")) or any(str(separator) in text for separator in separators)
