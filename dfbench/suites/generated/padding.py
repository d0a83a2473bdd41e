"""File sizes that tell nothing: JPEG and PNG files brought to a size drawn beforehand.

A smoothed image compresses better than a noisy one; without this a detector would need no pixels.
"""

from __future__ import annotations

import zlib

_FILL = b"dfbench "
_MOST_IN_COMMENT = 65533
_PNG_CHUNK = b"paDd"  # ancillary, private, safe to copy: readers skip it
_PNG_TAIL = 12  # IEND: length, name, check sum


def pad_jpeg(data: bytes, size: int) -> bytes:
    """Bring a JPEG file to exactly ``size`` bytes by comment segments behind its first marker.

    Raises
    ------
    ValueError
        If it is larger already, or so close below that no segment fits.
    """
    missing = _missing(data, size, 4)
    parts = []
    while missing:
        # leave room for a whole segment, if another one is needed
        whole = missing if missing <= _MOST_IN_COMMENT + 4 else min(missing - 4, _MOST_IN_COMMENT)
        parts.append(b"\xff\xfe" + (whole - 2).to_bytes(2, "big") + _fill(whole - 4))
        missing -= whole
    return data[:2] + b"".join(parts) + data[2:]


def pad_png(data: bytes, size: int) -> bytes:
    """Bring a PNG file to exactly ``size`` bytes by a private chunk before its end.

    Raises
    ------
    ValueError
        If it is larger already, or so close below that no chunk fits.
    """
    missing = _missing(data, size, 12)
    if not missing:
        return data
    body = _PNG_CHUNK + _fill(missing - 12)
    chunk = (missing - 12).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return data[:-_PNG_TAIL] + chunk + data[-_PNG_TAIL:]


def _missing(data: bytes, size: int, least: int) -> int:
    missing = size - len(data)
    if missing < 0 or 0 < missing < least:
        raise ValueError(f"cannot bring {len(data)} bytes to {size}")
    return missing


def _fill(count: int) -> bytes:
    return (_FILL * (count // len(_FILL) + 1))[:count]
