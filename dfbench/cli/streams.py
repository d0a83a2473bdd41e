"""The standard streams: whatever a terminal or a pipe cannot take, no work is lost by it."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import Any, TextIO

_ALIKE = str.maketrans(
    {
        **dict.fromkeys("\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}─━╸╺", "-"),
        **dict.fromkeys("\N{BULLET}\N{MIDDLE DOT}", "*"),
        **dict.fromkeys("\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}", "'"),
        **dict.fromkeys("\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}", '"'),
        "\N{HORIZONTAL ELLIPSIS}": "...",
        "\N{PLUS-MINUS SIGN}": "+-",
        "\N{MULTIPLICATION SIGN}": "x",
        "\N{RIGHTWARDS ARROW}": "->",
        "\N{LESS-THAN OR EQUAL TO}": "<=",
        "\N{GREATER-THAN OR EQUAL TO}": ">=",
    }
)
"""What stands for the signs of this program where they cannot be shown."""
_ERRORS = "dfbench.alike"


def _alike(error: UnicodeError) -> tuple[str, int]:
    """Write what a stream cannot encode with signs that are like it, or by its number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_ALIKE)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end


class _Results(io.FileIO):
    """Standard output: says which it is where nothing more can be written to it."""

    failed = False

    def write(self, data: Any) -> int | None:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError as error:
            if self.failed:  # that was said
                return memoryview(data).nbytes
            self.failed = True
            error.filename = "standard output"
            raise


class _Notes(io.FileIO):
    """Standard error: what nobody can hear any more stops no work."""

    def write(self, data: Any) -> int | None:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def prepare() -> None:
    """Have standard streams that are there and that take any text."""
    codecs.register_error(_ERRORS, _alike)
    _fill_gaps()
    sys.stdout, sys.stderr = _stream(sys.stdout, 1, _Results), _stream(sys.stderr, 2, _Notes)


def flush() -> int:
    """Write what is left to be written, and give the exit status of what cannot be."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return 1  # as everywhere else
    except OSError as error:
        sys.stderr.write(f"dfbench: {error.filename}: {error.strerror}\n")
        return 2
    return 0


def _fill_gaps() -> None:
    """Open what was closed: a file of results would get its number, and take what is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one


def _stream(stream: TextIO | None, number: int, kind: type[io.FileIO]) -> TextIO:
    if os.name == "nt" and isinstance(stream, io.TextIOWrapper):  # a console is no file there
        stream.reconfigure(errors=_ERRORS)
        return stream
    raw = kind(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding="utf-8" if stream is None else stream.encoding,
        errors=_ERRORS,
        line_buffering=number == 2 or raw.isatty(),
    )
