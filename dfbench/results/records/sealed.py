"""JSON that carries its own checksum, and nothing that no figure can be made of.

What a results folder tells as JSON is read as fact, and one flipped bit of it would be a wrong
figure. The last key of each file, ``sum``, is the SHA-256 of all others in canonical form: blanks
and the order of keys may change, what they tell may not. Files that dfbench 0.1.0 wrote have none
and are read as they are; the form of each file forbids keys that it does not know, so that no
damage to the name of the key makes a file one of those.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from dfbench.files import digest, keep_text
from dfbench.received.files import read_bytes
from dfbench.received.texts import from_json

KEY = "sum"
MOST = 48 << 20
"""Bytes of the largest file; read, it takes up to twenty times as much memory."""
_DEEPEST = 64
"""Tables and lists inside each other."""

Form = TypeVar("Form", bound=BaseModel)


class SumError(ValueError):
    """A file that is not what was written."""


def write_sealed(path: Path, value: BaseModel, *, indent: int | None = 1) -> None:
    """Write a file with its checksum, whole or not at all; not one that has that text.

    Raises
    ------
    OutputError
        Where its folder cannot be written.
    """
    keep_text(path, text_of(value, indent=indent))


def text_of(value: BaseModel, *, indent: int | None = 1) -> str:
    """Word a file with its checksum."""
    told = json.loads(value.model_dump_json())
    told[KEY] = digest(told, length=64)
    return json.dumps(told, indent=indent, ensure_ascii=False) + "\n"


def read_sealed(path: Path, form: type[Form], *, below: Path) -> Form:
    """Read what `write_sealed` wrote, or a version that knew no checksums.

    Parameters
    ----------
    path
        The file; no link between it and ``below`` is followed.
    form
        What it must be.

    Raises
    ------
    OSError
        Where it cannot be opened; `FileNotFoundError` where it is absent.
    ValueError
        Where it is something else, `SumError` where its checksum says so.
    """
    value, _ = unsealed(read_bytes(path, most=MOST, below=below))
    return form.model_validate(value)


def unsealed(content: bytes) -> tuple[Any, bool]:
    """Give what a file tells without its checksum, and whether it had one.

    Raises
    ------
    ValueError
        Where it is no JSON within bounds, or not what was written.
    """
    value = from_json(content, parse_constant=_number, parse_float=_number, parse_int=_whole)
    _check_depth(value)
    if not isinstance(value, dict) or KEY not in value:
        return value, False
    told = value.pop(KEY)
    if told != digest(value, length=64):
        raise SumError("it is not what was written: its checksum is another")
    return value, True


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} where a number must be")
    return number


def _whole(text: str) -> int:
    _number(text)  # figures are made of it
    return int(text)


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return
    raise ValueError("nested too deeply")


def _inside(value: Any) -> list[Any]:
    its = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [each for each in its if isinstance(each, dict | list)]
