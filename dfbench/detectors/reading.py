"""The bytes of a picture that a person names."""

from __future__ import annotations

from pathlib import Path

from dfbench.errors import DataError
from dfbench.received.files import LARGEST, read_bytes, why


def read_file(path: str | Path, largest: int = LARGEST) -> bytes:
    """Read a plain file whole, see `dfbench.received.files.read_bytes`.

    Raises
    ------
    DataError
        Where it cannot be read, is larger, or is no plain file. It does not name the path.
    """
    try:
        return read_bytes(path, most=largest)
    except OSError as error:
        raise DataError(why(error)) from None
