"""Making room: pieces of the cache that go, and their removal while nobody uses them."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from dfbench.cache.pieces import LEFT, Piece, pieces_of
from dfbench.errors import ParameterError
from dfbench.files import alone_in_cache, unwritable

_AGES = {"h": 3600, "d": 86_400, "w": 604_800}
_SIZES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def parse_age(text: str) -> float:
    """Read an age such as ``30d`` (``h``, ``d``, ``w``) as seconds.

    Raises
    ------
    ParameterError
        If it is none.
    """
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)\s*([hdw])", text.strip())
    if not found:
        raise ParameterError(f"not an age: {text!r}", hint="write 12h, 30d or 8w")
    return float(found[1]) * _AGES[found[2]]


def parse_size(text: str) -> int:
    """Read a size such as ``10GB`` (``K``, ``M``, ``G``, ``T``; powers of 1,000) as bytes.

    Raises
    ------
    ParameterError
        If it is none.
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)\s*([KMGT]?)B?", text.strip().upper())
    if not found:
        raise ParameterError(f"not a size: {text!r}", hint="write 500MB or 10GB")
    return int(float(found[1]) * _SIZES[found[2]])


def chosen(
    cache: Path, *, older: float | None = None, most: int | None = None, everything: bool = False
) -> list[Piece]:
    """Give the pieces that are to go, those that were not used for longest first.

    Parameters
    ----------
    cache
        The folder.
    older
        Seconds: those that were not used for so long go.
    most
        Bytes that may stay.
    everything
        Whether all go.

    Notes
    -----
    What kills left behind goes in any case.
    """
    pieces = sorted(pieces_of(cache), key=lambda piece: (piece.used, piece.path))
    left = sum(piece.bytes for piece in pieces)
    now = time.time()
    found = []
    for piece in pieces:
        old = older is not None and now - piece.used > older
        large = most is not None and left > most
        if everything or old or large or piece.kind == LEFT:
            found.append(piece)
            left -= piece.bytes
    return found


def remove(cache: Path, pieces: Sequence[Piece]) -> None:
    """Remove pieces of a cache.

    Raises
    ------
    BusyError
        If a process is using it.
    OutputError
        If one cannot be removed.
    """
    with alone_in_cache(cache):
        for piece in pieces:
            try:
                if piece.path.is_dir():
                    # its new name is no piece's: a kill leaves no part of a piece
                    going = piece.path.with_name(f".{piece.path.name}.part")
                    piece.path.rename(going)
                    shutil.rmtree(going)
                else:
                    piece.path.unlink(missing_ok=True)
            except OSError as error:
                raise unwritable(piece.path, error) from error
