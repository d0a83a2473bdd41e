"""The text of a file, whichever of the usual encodings it is written in."""

from __future__ import annotations

import codecs
from pathlib import Path

from dfbench.errors import DataError

# the mark of UTF-32 begins with that of UTF-16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path) -> str:
    """Read a text file: by its byte-order mark, else as UTF-8, else as Windows-1252.

    Raises
    ------
    DataError
        Where the file is absent, cannot be read, or holds no text.
    """
    if path.exists() and not path.is_file():
        raise DataError("no plain file", where=path)  # a pipe would be waited for
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DataError("no such file", where=path) from None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", where=path) from None
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    text = _decoded(data, (encoding,) if encoding else ("utf-8", "cp1252"))
    if text is None:
        raise DataError("not a text file in UTF-8, UTF-16 or Windows-1252", where=path)
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DataError(
            f"a NUL byte in line {line}: no table", where=path, hint="save it as UTF-8 text"
        )
    return text


def _decoded(data: bytes, encodings: tuple[str, ...]) -> str | None:
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None
