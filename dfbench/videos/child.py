"""What a process that reads videos does: it is given a path, and gives the chosen frames.

Answers are bytes, and nothing else: a file that takes this process over reaches no further.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from dfbench.contained.child import begun, bound_memory
from dfbench.contained.frames import Pipes
from dfbench.errors import DfbenchError
from dfbench.received.files import opened, why
from dfbench.videos.decoding import Faults, VideoError, frames
from dfbench.videos.faces import Cut, Detector, DetectorError, Which, cut_out
from dfbench.videos.rules import Rule

MEMORY = 2 << 30
"""Bytes that a video may take, beside those of the process without any; on Linux alone."""
LOAD, READ = b"load", b"read"
"""What is asked: to make a detector of faces of a file's content; the frames of a video."""
FRAME = struct.Struct("<QQQ")
"""Number of a frame, height and width of what is kept of it; 0 where it has no face."""
CUT = struct.Struct("<ddqB")
RULE = struct.Struct("<qqqq")
PICTURE, END, BAD, READY = b"p", b".", b"-", b"+"
"""Kinds of answers: a frame; the number of faults, with the first in words; that it is none; that
it is ready."""


def serve() -> None:
    """Answer what is asked over the standard input until it is closed."""
    pipes = begun()
    import av
    import cv2

    av.logging.set_level(None)
    cv2.setNumThreads(1)
    pipes.send_blocks(memoryview(READY))
    bound_memory(MEMORY)
    faces: tuple[Detector, Cut] | None = None
    with suppress(OSError, EOFError):  # the run is gone, or has no more to ask
        while True:
            what, *given = map(bytes, pipes.receive_blocks())
            try:
                if what == LOAD:
                    cut = cut_of(given[1])
                    faces = Detector(given[0], cut.score), cut
                    answer, said = READY, ""
                else:
                    faults = Faults()
                    for number, pixels in _taken(os.fsdecode(given[0]), given[1], faces, faults):
                        _send(pipes, number, pixels)
                    answer, said = END, f"{faults.count} {faults.first}"
            except (VideoError, DetectorError) as error:
                answer, said = BAD, error.what
            except MemoryError:
                answer, said = BAD, f"takes more than {MEMORY / 1e9:.1f} GB of memory"
            pipes.send_blocks(memoryview(answer), memoryview(said.encode("utf-8", "replace")))


def _taken(
    path: str, rule: bytes, faces: tuple[Detector, Cut] | None, faults: Faults
) -> Iterator[tuple[int, NDArray[np.uint8] | None]]:
    import av

    top, bottom, step, count = RULE.unpack(rule)
    try:
        with opened(path) as file:
            asked = Rule(Fraction(top, bottom), step, count)
            for number, pixels in frames(file, asked, faults):
                yield number, pixels if faces is None else cut_out(pixels, *faces)
    except (DfbenchError, MemoryError, BrokenPipeError):
        raise
    except av.error.FFmpegError as error:  # also an OSError
        raise VideoError(f"cannot be read: {error.strerror}") from None
    except OSError as error:
        raise VideoError(why(error)) from None
    except (ValueError, ArithmeticError, RuntimeError) as error:
        raise VideoError(f"cannot be read: {error}") from None


def _send(pipes: Pipes, number: int, pixels: NDArray[np.uint8] | None) -> None:
    if pixels is None:
        pipes.send_blocks(memoryview(PICTURE), memoryview(FRAME.pack(number, 0, 0)))
    else:
        head = FRAME.pack(number, *pixels.shape[:2])
        pipes.send_blocks(memoryview(PICTURE), memoryview(head), pixels.data.cast("B"))


def cut_bytes(cut: Cut) -> bytes:
    """Write how faces are cut, for `cut_of`."""
    return CUT.pack(cut.margin, cut.score, cut.size, cut.which == "surest")


def cut_of(packed: bytes) -> Cut:
    """Read what `cut_bytes` wrote."""
    margin, score, size, surest = CUT.unpack(packed)
    which: Which = "surest" if surest else "largest"
    return Cut(margin, size, which, score)
