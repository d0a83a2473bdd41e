"""Parsing texts of others: JSON and TOML that may be nested, or count, without end."""

from __future__ import annotations

import codecs
import json
import math
import os
import re
import tomllib
from typing import Any

from dfbench.received.files import read_bytes

SMALL = 4 << 20
"""Bytes of the largest file that a person writes: a card, a suite, a list of settings."""

NotToml = tomllib.TOMLDecodeError
"""What `from_toml` raises where there is a line to name."""

_PIECE = 1 << 20
"""Bytes that are decoded at once."""
_DEEP = "nested too deeply"
_LONG = "a whole number of thousands of digits"
_DOTTED = re.compile(
    r"""(?<![\w.-])((?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){100}""", re.ASCII
)
"""A key of so many parts that the parser, whose time grows with their square, is not given it."""
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""An escape of a half of a character, which may stand without the other."""
# the mark of UTF-32 begins with that of UTF-16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def from_json(text: str | bytes, *, halves: bool = False, **how: Any) -> Any:
    """Read a JSON value.

    Parameters
    ----------
    text
        The text; bytes are UTF-8, UTF-16 or UTF-32.
    halves
        Whether halves of characters are let through: who reads them spells them.
    how
        ``object_pairs_hook`` and so on, as `json.loads` takes them.

    Raises
    ------
    ValueError
        Where it is none, nested too deeply, or has a number of thousands of digits or half of a
        character; `json.JSONDecodeError` where there is a line to name.
    """
    if not isinstance(text, str):
        text = text.decode(json.detect_encoding(text))  # which the parser does less strictly
    try:
        found = json.loads(text, **how)
        if not halves and _HALF.search(text):
            json.dumps(found, ensure_ascii=False, default=str).encode()
    except RecursionError:
        raise ValueError(_DEEP) from None
    except UnicodeEncodeError:
        # nobody could write it again
        raise ValueError("holds half of a character, such as \\ud800") from None
    return found


def from_toml(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises
    ------
    ValueError
        As `from_json`; `NotToml` where there is a line to name.
    """
    if _DOTTED.search(text):
        raise ValueError(_DEEP)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError(_DEEP) from None
    except NotToml:
        raise
    except ValueError as error:
        # Python's own words name a function that changes its limit
        raise ValueError(_LONG if "integer string" in str(error) else error) from None


def toml_file(path: str | os.PathLike[str], *, most: int = SMALL) -> dict[str, Any]:
    """Read a TOML file in UTF-8 that holds no more than `check_plain` lets pass.

    Raises
    ------
    OSError
        Where it cannot be opened, or is larger than ``most`` bytes: see `read_bytes`.
    ValueError
        Where it is no text, no TOML, or holds other things; it says which.
    """
    return toml_of(read_bytes(path, most=most))


def toml_of(data: bytes) -> dict[str, Any]:
    """Give what a TOML file holds; errors are those of `toml_file`."""
    try:
        found = from_toml(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("not a UTF-8 text file") from None
    except ValueError as error:
        raise ValueError(f"not valid TOML: {error}") from None
    check_plain(found)
    return found


def check_plain(value: Any, key: str = "") -> None:
    """Raise where a value is, or holds, what cannot be written as JSON and read again as it is.

    Raises
    ------
    ValueError
        Of dates, of numbers that are not finite, and of whole numbers of more than 64 bits; naming
        the key.
    """
    waiting = [(key, value)]
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{key}.{name}" if key else name, its) for name, its in value.items()]
        elif isinstance(value, list):
            waiting += [(key, its) for its in value]
        elif not _is_plain(value):
            number = isinstance(value, int | float)
            what = "a finite number of at most 64 bits" if number else "a text or number"
            raise ValueError(f"key {key!r}: {what} is wanted, not {str(value)[:40]}")


def _is_plain(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str) or (isinstance(value, int) and abs(value) < 1 << 63)


def decoded(data: bytes) -> str:
    """Give the text of bytes; encodings and errors are those of `encoding_of`."""
    return data.decode(encoding_of(data))


def encoding_of(data: bytes) -> str:
    """Tell the encoding: by the byte-order mark, else UTF-8, else Windows-1252.

    The text is looked through piece by piece: whole, it may take four times the memory.

    Raises
    ------
    ValueError
        Where they are no text, or hold a NUL.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    for each in (encoding,) if encoding else ("utf-8", "cp1252"):
        try:
            _check_text(data, each)
        except UnicodeDecodeError:
            continue
        return each
    raise ValueError("not a text file in UTF-8, UTF-16 or Windows-1252")


def _check_text(data: bytes, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    view, line, nul = memoryview(data), 1, 0
    for at in range(0, len(data) or 1, _PIECE):
        text = decoder.decode(view[at : at + _PIECE], final=at + _PIECE >= len(data))
        if not nul and "\0" in text:
            nul = line + text[: text.index("\0")].count("\n")
        line += text.count("\n")
    if nul:
        raise ValueError(f"a NUL byte in line {nul}")
