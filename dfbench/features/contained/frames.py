"""Values between two processes over a pipe: images go as they lie in memory."""

from __future__ import annotations

import pickle
import struct
from typing import IO, Any

_COUNT = struct.Struct("<I")
_SIZE = struct.Struct("<Q")


def send(pipe: IO[bytes], value: Any) -> None:
    """Write a value.

    Raises
    ------
    OSError
        Where nobody reads.
    """
    parts: list[pickle.PickleBuffer] = []
    head = pickle.dumps(value, protocol=5, buffer_callback=parts.append)
    blocks = [memoryview(head), *(part.raw() for part in parts)]
    pipe.write(_COUNT.pack(len(blocks)) + b"".join(_SIZE.pack(each.nbytes) for each in blocks))
    for each in blocks:
        pipe.write(each)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """Read a value that the process at the other end wrote, one that dfbench itself began.

    Raises
    ------
    EOFError
        Where the other end is closed.
    """
    [count] = _COUNT.unpack(_exactly(pipe, _COUNT.size))
    sizes = [_SIZE.unpack(_exactly(pipe, _SIZE.size))[0] for _ in range(count)]
    head, *parts = (_exactly(pipe, size) for size in sizes)
    return pickle.loads(head, buffers=parts)


def _exactly(pipe: IO[bytes], size: int) -> bytearray:
    block = bytearray(size)
    view, done = memoryview(block), 0
    while done < size:
        got = pipe.readinto(view[done:])  # type: ignore[attr-defined]
        if not got:
            raise EOFError
        done += got
    return block
