"""What C libraries print on standard error while they decode an image, kept from the terminal.

libtiff, libjpeg and libpng print through ``stderr`` of the C library, a variable: it is pointed
elsewhere while they work. Descriptor 2 stays as it is, so that nothing is lost of what Python (a
progress bar in another thread), C++ streams or child processes write meanwhile.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

_MOST = 1 << 16
"""Bytes that are kept of what a library says."""
_UNBUFFERED = 2  # _IONBF of glibc


class _Streams(NamedTuple):
    """Where the C library keeps ``stderr``, and what it is pointed at."""

    pointer: Any
    nowhere: int
    memory: int
    descriptor: int


@functools.cache
def _streams() -> _Streams | None:
    """Open the streams, once and for good: a thread may still hold one that was just left.

    None but under glibc: elsewhere ``stderr`` may be a constant, and libraries print as ever.
    """
    try:
        if not os.confstr("CS_GNU_LIBC_VERSION"):
            return None
        descriptor = os.memfd_create("chatter")
    except (AttributeError, ValueError, OSError):
        return None
    import ctypes

    libc = ctypes.CDLL(None)
    pointer = ctypes.c_void_p.in_dll(libc, "stderr")
    libc.fdopen.restype = ctypes.c_void_p
    libc.setvbuf.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t)
    silence = os.open(os.devnull, os.O_WRONLY)
    nowhere, memory = libc.fdopen(silence, b"a"), libc.fdopen(descriptor, b"a")
    if not (nowhere and memory):
        return None
    for stream in (nowhere, memory):
        libc.setvbuf(stream, None, _UNBUFFERED, 0)
    return _Streams(pointer, nowhere, memory, descriptor)


class _Turns:
    """Many threads may hush at once; one that listens is alone, so that it hears itself only."""

    def __init__(self) -> None:
        self.change = threading.Condition()
        self.hushing = 0
        self.waiting = 0
        self.listening = False
        self.real: Any = None

    def point(self, streams: _Streams, to: int) -> None:
        self.real = streams.pointer.value
        streams.pointer.value = to

    def restore(self, streams: _Streams) -> None:
        streams.pointer.value = self.real
        self.change.notify_all()


_turns = _Turns()


def _after_fork() -> None:
    """Forget threads that the child does not have."""
    global _turns
    streams = _streams() if _streams.cache_info().currsize else None
    if streams is not None and (_turns.hushing or _turns.listening):
        streams.pointer.value = _turns.real
    _turns = _Turns()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def hushed() -> Iterator[None]:
    """Drop what C libraries print; any number of threads may be in here at once."""
    streams = _streams()
    if streams is None:
        yield
        return
    turns = _turns
    with turns.change:
        turns.change.wait_for(lambda: not (turns.listening or turns.waiting))
        if not turns.hushing:
            turns.point(streams, streams.nowhere)
        turns.hushing += 1
    try:
        yield
    finally:
        with turns.change:
            turns.hushing -= 1
            if not turns.hushing:
                turns.restore(streams)


@contextmanager
def overheard(said: list[str]) -> Iterator[None]:
    """Add to ``said`` the lines that C libraries print; one thread at a time, not in `hushed`."""
    streams = _streams()
    if streams is None:
        yield
        return
    turns = _turns
    with turns.change:
        turns.waiting += 1
        try:
            turns.change.wait_for(lambda: not (turns.listening or turns.hushing))
            turns.listening = True
        finally:
            turns.waiting -= 1
        os.ftruncate(streams.descriptor, 0)
        turns.point(streams, streams.memory)
    try:
        yield
    finally:
        with turns.change:
            turns.listening = False
            turns.restore(streams)
            text = os.pread(streams.descriptor, _MOST, 0)
        said += text.decode(errors="replace").splitlines()
