"""A section of a card: frozen, without unknown keys, with errors that name the key."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from pathlib import PurePath, PureWindowsPath
from typing import Annotated, Any, ClassVar, NoReturn

from pydantic import AfterValidator, ConfigDict
from pydantic_core import PydanticCustomError

from dfbench.errors import DataError
from dfbench.received.patterns import TooSlow, groups
from dfbench.received.sections import Written


class Section(Written):
    """What the sections of a card have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    comments: ClassVar[dict[str, str]] = {}
    """Key to the comment that stands above it in a written card."""


def fault(key: str, text: str) -> NoReturn:
    """Raise a validation error about ``key`` from a check that sees more than the key."""
    raise PydanticCustomError("card", "{text}", {"text": text, "key": key})


def compiled(pattern: str, needs: str) -> str:
    """Give back a pattern that can be compiled and has the named group ``needs``.

    Raises
    ------
    ValueError
        Where it is not one; for Pydantic, which names the key.
    """
    if needs not in groups(pattern):
        raise ValueError(f"needs a named group (?P<{needs}>...)")
    return pattern


def matched(found: Iterable[Any], *, where: object) -> Iterator[Any]:
    """Go through what a pattern of a card or an option finds, see `dfbench.received.patterns`.

    Raises
    ------
    DataError
        Where it takes too long; naming ``where``.
    """
    try:
        yield from found
    except TooSlow as error:
        raise DataError(
            str(error),
            where=where,
            hint="write it without a repeat inside a repeat, such as (a+)+ or (a|aa)+",
        ) from None


def _inside(value: str) -> str:
    """Refuse a path that leads out of the folder that it is told from."""
    if "\0" in value:
        raise ValueError(f"no name of a file: {value!r}")
    path = posixpath.normpath(value.replace("\\", "/"))
    absolute = PurePath(value).is_absolute() or PureWindowsPath(value).drive or path[:1] in "/~"
    if absolute or path.split("/")[0] == "..":
        raise ValueError(
            f"{value!r} leads out of the data set: name a file or folder below its root (root may"
            " be a folder further up)"
        )
    return value


Inside = Annotated[str, AfterValidator(_inside)]
"""Path of a file or folder of a data set, relative to its root and below it."""
