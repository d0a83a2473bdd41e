"""Values between two processes over a pair of pipes: images go as they lie in memory."""

from __future__ import annotations

import os
import pickle
import select
import struct
import sys
from collections.abc import Callable, Iterable
from typing import Any

_COUNT = struct.Struct("<I")
_SIZE = struct.Struct("<Q")
_LOOK = 200
"""Milliseconds between two looks whether the other end is still there."""
_WAITS = sys.platform != "win32"
"""Whether the system can wait for a pipe: elsewhere the end of the process ends the wait."""


class Pipes:
    """The two ends of a process.

    Parameters
    ----------
    reads, writes
        File descriptors; they are closed by `close`.
    there
        Whether somebody is at the other end. A pipe alone does not tell: what the process there
        began may hold it open.
    """

    def __init__(self, reads: int, writes: int, there: Callable[[], bool] = lambda: True) -> None:
        self._reads, self._writes, self._there = reads, writes, there
        if _WAITS:
            os.set_blocking(reads, False)
            os.set_blocking(writes, False)

    def send(self, value: Any) -> None:
        """Write a value.

        Raises
        ------
        OSError
            Where nobody reads; `EOFError` where nobody is there.
        """
        parts: list[pickle.PickleBuffer] = []
        head = pickle.dumps(value, protocol=5, buffer_callback=parts.append)
        self.send_blocks(memoryview(head), *(part.raw() for part in parts))

    def send_blocks(self, *blocks: memoryview) -> None:
        """Write bytes; errors are those of `send`."""
        self._announce(each.nbytes for each in blocks)
        for each in blocks:
            self._write(each)

    def send_pieces(self, size: int, pieces: Iterable[memoryview]) -> None:
        """Write one block of this size, piece by piece; errors are those of `send`."""
        self._announce([size])
        for each in pieces:
            self._write(each)

    def receive(self) -> Any:
        """Read a value that the process at the other end wrote, one that dfbench itself began.

        Raises
        ------
        EOFError
            Where the other end is closed, or nobody is there.
        """
        head, *parts = self.receive_blocks()
        return pickle.loads(head, buffers=parts)  # noqa: S301 - see above

    def receive_blocks(self, most: int | None = None) -> list[bytearray]:
        """Read bytes: nothing is made of them, whoever wrote them.

        Parameters
        ----------
        most
            Blocks, and bytes of all of them, that are taken; None for any.

        Raises
        ------
        EOFError
            As `receive`, and where there are more.
        """
        [count] = _COUNT.unpack(self._exactly(_COUNT.size))
        if most is not None and count > most:
            raise EOFError
        sizes = [_SIZE.unpack(self._exactly(_SIZE.size))[0] for _ in range(count)]
        if most is not None and sum(sizes) > most:
            raise EOFError
        return [self._exactly(size) for size in sizes]

    def close(self) -> None:
        """Close both ends."""
        for each in (self._reads, self._writes):
            try:
                os.close(each)
            except OSError:
                continue

    def _announce(self, sizes: Iterable[int]) -> None:
        packed = [_SIZE.pack(size) for size in sizes]
        self._write(memoryview(b"".join([_COUNT.pack(len(packed)), *packed])))

    def _write(self, block: memoryview) -> None:
        left = block.cast("B")
        while left.nbytes:
            self._wait(self._writes, for_writing=True)
            try:
                left = left[os.write(self._writes, left[:_MOST]) :]
            except BlockingIOError:
                continue

    def _exactly(self, size: int) -> bytearray:
        block = bytearray(size)
        view, done = memoryview(block), 0
        while done < size:
            self._wait(self._reads, for_writing=False)
            try:
                got = os.readv(self._reads, [view[done:]]) if _WAITS else self._read(view[done:])
            except BlockingIOError:
                continue
            if not got:
                raise EOFError
            done += got
        return block

    def _read(self, into: memoryview) -> int:
        found = os.read(self._reads, min(len(into), _MOST))
        into[: len(found)] = found
        return len(found)

    def _wait(self, pipe: int, *, for_writing: bool) -> None:
        if not _WAITS:
            return
        ready = select.poll()
        ready.register(pipe, select.POLLOUT if for_writing else select.POLLIN)
        while not ready.poll(_LOOK):
            if not self._there():
                raise EOFError


_MOST = 1 << 20
"""Bytes at once."""
