"""What a user says of how a plain folder is to be read: ``--classes``, ``--kinds`` and so on."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

from dfbench.errors import CardError
from dfbench.suites.datasets.layouts.way import level
from dfbench.suites.datasets.section import compiled

_GROUPS = {"classes": "label", "kinds": "kind", "groups": "group"}
"""Named group that a regular expression has to have."""
NONE = "none"
"""Said for what is not to be told by anything."""


class Names(NamedTuple):
    """Folders by what they stand for."""

    by_name: Mapping[str, list[str]]


class Level(NamedTuple):
    """A level of folders: from 1 at the root, or from -1 at the image."""

    number: int

    def of(self, parts: Sequence[str]) -> int | None:
        """Say which of the folders on the way to an image it is; None where there is none."""
        return level(self.number, parts)


class Pattern(NamedTuple):
    """A regular expression over paths."""

    text: str


Said = Names | Level | Pattern | None


@dataclass(frozen=True, slots=True)
class ReadAs:
    """How a folder is to be read, as typed; empty where the folder itself is to tell.

    Each is ``none``, a level of folders (``1`` at the root, ``-1`` at the image), names of
    folders divided by commas (``NAME=FOLDER+FOLDER`` gives them a name), a column of a table that
    lies there, or a regular expression with the named group ``label``, ``kind`` or ``group``.
    """

    classes: str = ""
    kinds: str = ""
    groups: str = ""
    splits: str = ""

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    def given(self) -> dict[str, str]:
        """Give what was said, by its option."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name)}

    def said(self, option: str) -> Said:
        """Take apart what was said of ``option``; None for nothing, or `NONE`.

        Raises
        ------
        CardError
            Where it has no sense.
        """
        text = getattr(self, option).strip()
        if not text or text.lower() == NONE:
            return None
        if re.fullmatch(r"[+-]?\d{1,2}", text) and int(text) != 0:
            return Level(int(text))
        if "(?P<" in text:
            return Pattern(_compiled(text, option))
        return Names(_names(text, option))

    def denies(self, option: str) -> bool:
        """Whether ``option`` is not to be told by anything."""
        return bool(getattr(self, option).strip().lower() == NONE)


def _compiled(text: str, option: str) -> str:
    where = f"--{option}"
    if option not in _GROUPS:
        raise CardError("takes no regular expression", where=where)
    try:
        return compiled(text, _GROUPS[option])
    except ValueError as error:
        raise CardError(f"{text!r} {error}", where=where) from None


def _names(text: str, option: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in unicodedata.normalize("NFC", text).split(","):
        name, equals, folders = (part.strip() for part in item.partition("="))
        listed = [part.strip().strip("/") for part in folders.split("+")] if equals else [name]
        if not name or not all(listed):
            raise CardError(
                f"{item.strip()!r} is neither NAME nor NAME=FOLDER",
                where=f"--{option}",
                hint="names are divided by commas, folders of one name by +",
            )
        found.setdefault(name, []).extend(folder for folder in listed)
    return found
