"""Has videos read by a process of its own: one that crashes it, or takes too much, costs itself."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dfbench.contained.frames import Pipes
from dfbench.contained.process import EndedError, Limits, Process
from dfbench.errors import DfbenchError, one_line
from dfbench.videos.child import (
    BAD,
    END,
    FRAME,
    LOAD,
    MEMORY,
    PICTURE,
    READ,
    READY,
    RULE,
    cut_bytes,
)
from dfbench.videos.decoding import MOST_PIXELS, VideoError
from dfbench.videos.faces import Cut, DetectorError
from dfbench.videos.rules import Rule

_MODULE = "dfbench.videos.child"
_STARTING = 60.0
"""Seconds that a process has to begin."""
_MESSAGE = 1 << 16
"""Bytes of an answer beside pixels."""
_TRIES = 3
Keep = Callable[[int, NDArray[np.uint8] | None], None]
"""Is given the number of a frame and its pixels, RGB of shape (H, W, 3); None without a face."""


class Read(NamedTuple):
    """What came of a video.

    Attributes
    ----------
    faults
        How many of its parts could not be decoded.
    first
        The first of them, in words.
    """

    faults: int
    first: str


class Reader:
    """A process that reads one video after another, begun when there is one to read.

    Parameters
    ----------
    model
        Content of the file of a detector of faces; empty for whole frames.
    cut
        How faces are cut out.
    seconds
        That a video may take.
    """

    def __init__(self, model: bytes, cut: Cut, seconds: float) -> None:
        self._model, self._cut, self._seconds = model, cut, seconds
        self._process: Process | None = None

    def begin(self) -> None:
        """Begin the process, if there is none.

        Raises
        ------
        DetectorError
            If the model is no detector of faces.
        DfbenchError
            If none can be begun.
        """
        if self._process is None:
            self._process = self._begun()

    def read(self, path: str, rule: Rule, keep: Keep) -> Read:
        """Read the chosen frames of a video.

        Parameters
        ----------
        path
            Where it lies.
        rule
            Which frames.
        keep
            Is called with each, in their order.

        Raises
        ------
        VideoError
            Where it cannot be read, or ended the process by a crash, or by taking more time or
            memory than it may. Some frames may have been kept before.
        DetectorError, DfbenchError
            As `begin`.
        """
        self.begin()
        process = self._process
        assert process is not None
        until = time.monotonic() + self._seconds
        packed = RULE.pack(rule.seconds.numerator, rule.seconds.denominator, rule.step, rule.count)

        def ask(pipes: Pipes) -> list[bytearray]:
            blocks = (READ, os.fsencode(path), packed)
            pipes.send_blocks(*(memoryview(each) for each in blocks))
            return hear(pipes)

        def hear(pipes: Pipes) -> list[bytearray]:
            return pipes.receive_blocks(3 * MOST_PIXELS + _MESSAGE)

        whole = False
        try:
            answer = process.talk(ask, self._seconds, "to be read")
            while answer[0] == PICTURE:
                keep(*_picture(answer))
                left = until - time.monotonic()
                if left <= 0:
                    raise VideoError(self._late())
                answer = process.talk(hear, left, "to be read")
            whole = True
        except EndedError as error:
            why = self._late() if error.slow else f"cannot be read: {_did(error)}"
            raise VideoError(why) from None
        except (ValueError, EOFError):
            raise VideoError("cannot be read: the process that reads it said nonsense") from None
        finally:
            if not whole:
                self.end()
        said = answer[-1].decode("utf-8", "replace")
        if answer[0] == BAD:
            raise VideoError(one_line(said))
        if answer[0] != END:
            self.end()
            raise VideoError("cannot be read: the process that reads it said nonsense")
        count, _, first = said.partition(" ")
        return Read(int(count) if count.isdecimal() else 1, one_line(first))

    def kill(self) -> None:
        """Have what is read for another thread end now, as an error there."""
        process = self._process
        if process is not None:
            process.kill()

    def end(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def _late(self) -> str:
        return f"takes more than {self._seconds:g} s to be read (--timeout)"

    def _begun(self) -> Process:
        why = ""
        for _ in range(_TRIES):
            process = Process(_MODULE, list(sys.path), 1, Limits(), silent=True)
            try:
                process.talk(lambda pipes: pipes.receive_blocks(_MESSAGE), _STARTING, "to begin")
                if self._model:
                    self._load(process)
                return process
            except EndedError as error:
                process.end()
                why = error.why
            except BaseException:
                process.end()
                raise
            finally:
                process.opened()
        raise DfbenchError(
            f"no process that reads videos can be begun: {_TRIES} were, and the last {why}",
            hint="is there memory left?",
        )

    def _load(self, process: Process) -> None:
        def words(pipes: Pipes) -> list[bytearray]:
            blocks = (LOAD, self._model, cut_bytes(self._cut))
            pipes.send_blocks(*(memoryview(each) for each in blocks))
            return pipes.receive_blocks(_MESSAGE)

        try:
            verdict, said = process.talk(words, _STARTING, "to load the detector")
        except EndedError as error:
            raise DetectorError(f"is no detector of faces that OpenCV runs: {error.why}") from None
        if verdict != READY:
            raise DetectorError(one_line(said.decode("utf-8", "replace")))


def _picture(answer: list[bytearray]) -> tuple[int, NDArray[np.uint8] | None]:
    number, height, width = FRAME.unpack(answer[1])
    if not height * width:
        return number, None
    return number, np.frombuffer(answer[2], np.uint8).reshape(height, width, 3)


def _did(error: EndedError) -> str:
    return f"{error.why}, or takes more than {MEMORY / 1e9:.1f} GB of memory"
