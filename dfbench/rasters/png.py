"""PNG files of others, shown without their texts, which may unpack to anything."""

from __future__ import annotations

from typing import NamedTuple

_SIGN = b"\x89PNG\r\n\x1a\n"
_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"pHYs", b"IDAT", b"IEND"}
_INCH = 0.0254
"""Metres."""


class Plain(NamedTuple):
    """A PNG file without what is not needed to show it.

    Attributes
    ----------
    content
        Of the file.
    width, height
        In pixels.
    dpi
        Pixels an inch across; 0 where it does not say.
    """

    content: bytes
    width: int
    height: int
    dpi: float


def plain(content: bytes) -> Plain | None:
    """Take texts and profiles off a PNG file; None where it is none, or not whole."""
    kept, at, width, height, dpi = [_SIGN], len(_SIGN), 0, 0, 0.0
    if not content.startswith(_SIGN):
        return None
    while at + 12 <= len(content):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        inside = content[at + 8 : at + 8 + length]
        if (len(kept) == 1) != (kind == b"IHDR"):
            return None
        if kind == b"IHDR":
            width, height = (int.from_bytes(inside[place : place + 4], "big") for place in (0, 4))
        elif kind == b"pHYs" and length == 9 and inside[8] == 1:
            dpi = int.from_bytes(inside[:4], "big") * _INCH
        if kind in _KEPT:
            kept.append(content[at : at + 12 + length])
        at += 12 + length
        if kind == b"IEND":
            return Plain(b"".join(kept), width, height, dpi) if at <= len(content) else None
    return None
