"""What a process that decodes does: it is given a file, says what it is, and then its pixels.

Answers are bytes, and nothing else: a file that takes this process over reaches no further.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from dfbench.allocator import return_freed_memory
from dfbench.contained.child import begun, bound_memory
from dfbench.contained.frames import Pipes

MEMORY = 896 << 20
"""Bytes that an image may take, beside those of the process without any; on Linux alone."""
_TAKES = f"takes more than {MEMORY / 1e9:.1f} GB"
_SUFFICES = 32_000_000
"""Pixels that this suffices for in any format."""
TELL, OPEN, DECODE = b"tell", b"open", b"decode"
"""What is asked: what a file says of itself; its size, and then the pixels of what was opened."""
TOLD = struct.Struct("<QQ??")
"""Width, height, and whether there are EXIF and an ICC profile; the format's name follows."""
SIZE = struct.Struct("<QQ")
"""Width and height. Behind those of what was decoded come the pixels."""
GOOD, BAD = b"+", b"-"
_LARGE = 4_000_000
"""Pixels; what is freed of an image of more goes back to the system at once."""


def serve() -> None:
    """Answer what is asked over the standard input until it is closed."""
    from dfbench.rasters.pillow import load, opened, pieces_of, told_by

    pipes = begun()
    pipes.send_blocks(memoryview(GOOD))  # all that is needed has been imported
    bound_memory(MEMORY)
    data: bytes = b""
    image: Any = None

    def tell() -> bytes:
        its = told_by(data)
        return TOLD.pack(its.width, its.height, its.exif, its.profile) + its.format.encode()

    def open_() -> bytes:
        nonlocal image
        image = opened(data)
        return SIZE.pack(*image.size)

    def decode() -> bytes:
        load(image, data)
        return SIZE.pack(*image.size)

    work = {TELL: tell, OPEN: open_, DECODE: decode}
    with suppress(OSError, EOFError):  # the run is gone, or has no more to ask
        while True:
            what, *given = pipes.receive_blocks()
            if given:
                data, image = bytes(given[0]), None
            fault = _answered(pipes, work[bytes(what)], image)
            pixels = 0 if image is None else image.width * image.height
            if what == DECODE and not fault:
                pieces = (piece.data.cast("B") for piece in pieces_of(image))
                pipes.send_pieces(pixels * 3, pieces)
            if what == DECODE or fault:
                image = None
                if pixels > _LARGE:
                    return_freed_memory()


def _answered(pipes: Pipes, work: Callable[[], bytes], image: Any) -> bool:
    """Do what is asked and say what comes of it; give whether it could not be done."""
    try:
        found = work()
    except MemoryError:
        fault = f"too large: {_TAKES}"
    except Exception as error:  # noqa: BLE001 - ImageError by intent; of others the reason is told
        fault = str(error)
        if image is not None and image.width * image.height > _SUFFICES:
            fault += f" (or it {_TAKES})"  # libraries that get no memory say anything
    else:
        pipes.send_blocks(memoryview(GOOD), memoryview(found))
        return False
    pipes.send_blocks(memoryview(BAD), memoryview(fault.encode("utf-8", "replace")))
    return True
