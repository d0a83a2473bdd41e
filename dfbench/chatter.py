"""What C libraries print on standard error while they decode an image, kept from the terminal.

libtiff, libjpeg and libpng print through ``stderr`` of the C library, a variable: it is pointed
elsewhere while they work. Descriptor 2 stays as it is, so that what Python (a progress bar in
another thread), C++ streams or child processes write meanwhile is seen as ever. What other threads
print meanwhile through stdio of C is lost, and while one listens it is taken for what that one's
library says.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

_MOST = 1 << 16
"""Bytes that are kept of what a library says."""
_PATIENCE = 2.0
"""Seconds that a thread waits for others before it decodes all the same."""
_UNBUFFERED = 2  # _IONBF of glibc


class _Streams(NamedTuple):
    """Where the C library keeps ``stderr``, and what it is pointed at."""

    pointer: Any
    nowhere: int
    memory: int
    descriptor: int
    close: Callable[[int], int]


def _streams() -> _Streams | None:
    """Give the streams, opened by whoever is first and kept: a thread may still hold one.

    None but under glibc: elsewhere ``stderr`` may be a constant, and libraries print as ever. None
    also while no file can be opened.
    """
    try:
        with _opening:
            return _opened()
    except (ImportError, AttributeError, ValueError, OSError):
        return None


@functools.cache  # but not of an error: descriptors may be free again later
def _opened() -> _Streams | None:
    if not os.confstr("CS_GNU_LIBC_VERSION"):
        return None
    import ctypes

    libc = ctypes.CDLL(None)
    pointer = ctypes.c_void_p.in_dll(libc, "stderr")
    libc.fdopen.restype = ctypes.c_void_p
    libc.fclose.argtypes = (ctypes.c_void_p,)
    libc.setvbuf.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t)
    memory = os.memfd_create("chatter")
    try:
        silence = os.open(os.devnull, os.O_WRONLY)
    except OSError:
        os.close(memory)
        raise
    nowhere, kept = (libc.fdopen(descriptor, b"a") for descriptor in (silence, memory))
    if not (nowhere and kept):
        raise OSError("no streams")
    for stream in (nowhere, kept):
        libc.setvbuf(stream, None, _UNBUFFERED, 0)
    return _Streams(pointer, nowhere, kept, memory, libc.fclose)


class _Turns:
    """Many threads may hush at once; one that listens is alone, so that it hears itself only.

    Threads are kept by their number, and each step may be done twice: what an interrupt left is
    put right by the next step of the same thread.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.change = threading.Condition(self.lock)
        self.hushing: set[int] = set()
        self.waiting: set[int] = set()
        self.listening: int | None = None
        self.real: Any = None

    def hush(self, streams: _Streams, me: int) -> None:
        with self.lock:
            free = self.change.wait_for(
                lambda: self.listening is None and not self.waiting, _PATIENCE
            )
            if not free:  # who listens would hear two
                self.listening = None
            self.hushing.add(me)
            self.point(streams)

    def listen(self, streams: _Streams, me: int) -> None:
        """Listen alone, or hush with the others if these do not end."""
        with self.lock:
            self.hushing.discard(me)
            self.waiting.add(me)
            free = self.change.wait_for(
                lambda: self.listening is None and not self.hushing, _PATIENCE
            )
            self.waiting.discard(me)
            if free:
                os.ftruncate(streams.descriptor, 0)
                self.listening = me
            else:
                self.hushing.add(me)
            self.point(streams)

    def heard(self, streams: _Streams, me: int) -> bytes:
        with self.lock:
            if self.listening != me or self is not _turns:
                return b""
            return os.pread(streams.descriptor, _MOST, 0)

    def leave(self, streams: _Streams, me: int) -> None:
        if self is not _turns:  # the process was forked meanwhile
            return
        with self.lock:
            self.hushing.discard(me)
            self.waiting.discard(me)
            if self.listening == me:
                self.listening = None
            self.point(streams)
            self.change.notify_all()

    def point(self, streams: _Streams) -> None:
        """Point ``stderr`` of C at what those in here ask for."""
        now = streams.pointer.value
        if now not in (streams.nowhere, streams.memory):
            self.real = now
        if self.listening is not None:
            streams.pointer.value = streams.memory
        elif self.hushing:
            streams.pointer.value = streams.nowhere
        else:
            streams.pointer.value = self.real


_opening = threading.Lock()
_turns = _Turns()


def _after_fork() -> None:
    """Forget threads that the child does not have, and open streams that are its own."""
    global _opening, _turns
    if _opened.cache_info().currsize and (streams := _opened()) is not None:
        if streams.pointer.value in (streams.nowhere, streams.memory):
            streams.pointer.value = _turns.real
        streams.close(streams.nowhere)
        streams.close(streams.memory)
    _opened.cache_clear()
    _opening, _turns = threading.Lock(), _Turns()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def hushed() -> Iterator[None]:
    """Drop what C libraries print; any number of threads may be in here at once.

    A thread that waited in vain for one in `overheard` goes on, and that one hears nothing.
    """
    streams, turns, me = _streams(), _turns, threading.get_ident()
    if streams is None:
        yield
        return
    try:
        turns.hush(streams, me)
        yield
    finally:
        _surely(turns.leave, streams, me)


@contextmanager
def overheard(said: list[str]) -> Iterator[None]:
    """Add to ``said`` the lines that C libraries print; one thread at a time, not in `hushed`.

    Where others do not end, nothing is heard.
    """
    streams, turns, me = _streams(), _turns, threading.get_ident()
    if streams is None:
        yield
        return
    text = b""
    try:
        turns.listen(streams, me)
        yield
    finally:
        try:
            text = turns.heard(streams, me)
        finally:
            _surely(turns.leave, streams, me)
        said += text.decode(errors="replace").splitlines()


def _surely(leave: Callable[[_Streams, int], None], streams: _Streams, me: int) -> None:
    """Leave, once more if Ctrl-C came between."""
    try:
        leave(streams, me)
    except BaseException:
        leave(streams, me)
        raise
