"""Asks processes that decode, and says of what ended one that it is no image."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dfbench.contained.frames import Pipes
from dfbench.contained.idle import idle
from dfbench.contained.process import EndedError, Limits, Process
from dfbench.errors import DfbenchError, ImageError
from dfbench.installed import available_cores
from dfbench.rasters.child import BAD, DECODE, OPEN, SIZE, TELL, TOLD
from dfbench.rasters.pillow import MOST_PIXELS, Told
from dfbench.rasters.room import Room

SECONDS = 60.0
"""That an image may take."""
_LATE = "to be decoded"
_STARTING = 30.0
_TRIES = 3
"""How often a process is begun before none is: one may be killed by somebody, or stopped."""
_PIXEL = 7
"""Bytes that a pixel takes while it is decoded: four there, three here."""
_MESSAGE = 1 << 16
"""Bytes of an answer that is no pixels."""
_MODULE = "dfbench.rasters.child"
_KEY = "decodes"
_T = TypeVar("_T")

_decoders = threading.BoundedSemaphore(max(1, available_cores()))
_room = Room(512 << 20)
_lock = threading.Lock()
_at_work: set[Process] = set()
_stopped: set[Process] = set()


def told_by(data: bytes) -> Told:
    """Read what a file says of itself; errors are those of `decode`."""
    found = _asked(lambda process: _answer(process, TELL, data))
    width, height, exif, profile = TOLD.unpack_from(found)
    return Told(width, height, found[TOLD.size :].decode(), exif, profile)


def decode(data: bytes) -> NDArray[np.uint8]:
    """Decode an image file to RGB.

    Returns
    -------
    ndarray of shape (H, W, 3), dtype uint8

    Raises
    ------
    ImageError
        If it is no image, truncated or corrupt, or ended the process by a crash, or by taking more
        time or memory than it may.
    DfbenchError
        If no process could be begun, or `stop` was called.
    """

    def pixels(process: Process) -> NDArray[np.uint8]:
        width, height = SIZE.unpack(_answer(process, OPEN, data))
        with _room.taken(_PIXEL * width * height):
            return process.talk(_pixels, SECONDS, _LATE)

    return _asked(pixels)


def stop() -> None:
    """Have what is decoded for other threads end now, as an error there."""
    with _lock:
        _stopped.update(_at_work)
        for each in _at_work:
            each.kill()


def _pixels(pipes: Pipes) -> NDArray[np.uint8]:
    pipes.send_blocks(memoryview(DECODE))
    width, height = SIZE.unpack(_verdict(pipes))
    size = width * height * 3
    if not 0 < size <= 3 * MOST_PIXELS:
        raise EOFError
    [pixels] = pipes.receive_blocks(size)
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def _answer(process: Process, what: bytes, data: bytes) -> bytearray:
    def words(pipes: Pipes) -> bytearray:
        pipes.send_blocks(memoryview(what), memoryview(data))
        return _verdict(pipes)

    return process.talk(words, SECONDS, _LATE)


def _verdict(pipes: Pipes) -> bytearray:
    verdict, found = pipes.receive_blocks(_MESSAGE)
    if verdict == BAD:
        raise ImageError(found.decode("utf-8", "replace"))
    return found


def _asked(ask: Callable[[Process], _T]) -> _T:
    """Ask a process that nobody else asks, and a new one once more if the first comes to its end.

    Once may be by chance, or by what has gathered over many images.
    """
    with _decoders:
        for last in (False, True):
            # the second is new: those that were kept may all have been killed
            process: Process = (None if last else idle.take(_KEY)) or _begun()
            with _lock:
                _at_work.add(process)
            ended, kept = None, False
            try:
                found = ask(process)
                kept = True
                return found
            except ImageError:
                kept = True
                raise
            except EndedError as error:
                ended = error
            finally:
                with _lock:
                    _at_work.discard(process)
                    stopped = process in _stopped
                    _stopped.discard(process)
                if kept:
                    idle.put(_KEY, process)
                else:
                    process.end()
            if stopped:
                raise DfbenchError("decoding was stopped")
            if ended.slow or last:
                raise ImageError(f"cannot be decoded: {ended.why}")
    raise AssertionError


def _begun() -> Process:
    """Begin a process that decodes, and another where it comes to its end at once.

    Raises
    ------
    DfbenchError
        If all that are tried do.
    """
    why = ""
    for _ in range(_TRIES):
        process = Process(_MODULE, list(sys.path), 1, Limits(SECONDS), silent=True)
        try:
            process.talk(lambda pipes: pipes.receive_blocks(_MESSAGE), _STARTING, "to begin")
        except EndedError as error:
            process.end()
            why = error.why
        else:
            return process
        finally:
            process.opened()
    raise DfbenchError(
        f"no process that decodes images can be begun: {_TRIES} were, and the last {why}",
        hint="is there memory left?",
    )
