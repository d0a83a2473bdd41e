"""The bytes of a file that a person names: of a plain file, and not of any size."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dfbench.errors import DataError

LARGEST = 512 << 20
"""Bytes; a picture of more is not read."""


def read_file(path: str | Path, largest: int = LARGEST) -> bytes:
    """Read a plain file whole.

    Parameters
    ----------
    path
        Where it lies.
    largest
        Bytes; no larger file is read.

    Raises
    ------
    DataError
        Where it cannot be read, is larger, or is no plain file: a pipe would be waited for, and
        some devices never end. It does not name the path.
    """
    try:
        # without waiting for the other end of a pipe
        handle = os.open(
            path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        )
        with open(handle, "rb") as file:  # noqa: PTH123
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise DataError("no plain file")
            if found.st_size > largest:
                raise DataError(too_large(found.st_size, largest))
            return file.read()
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def too_large(size: int, largest: int) -> str:
    """Say that a file of this many bytes is not read."""
    return f"too large: {size / 1e6:,.1f} MB, at most {largest / 1e6:,.1f} MB are read"
