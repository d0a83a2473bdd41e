"""A section of a card: frozen, without unknown keys, with errors that name the key."""

from __future__ import annotations

import re
from typing import ClassVar, NoReturn

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Section(BaseModel):
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
    try:
        groups = re.compile(pattern).groupindex
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    if needs not in groups:
        raise ValueError(f"needs a named group (?P<{needs}>...)")
    return pattern
