"""What is read of a video: the frames of its first picture stream, in the order of their showing.

Containers and codecs are the ordinary ones, and nothing but the file itself is opened: no playlist,
no address, no other file that it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from dfbench.errors import DfbenchError, first_line
from dfbench.videos.rules import MOST_FRAMES, Rule, chosen

MOST_PIXELS = 40_000_000
"""Of a frame; 8K has 33 million."""
CONTAINERS = (
    *("mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "flv", "mpeg", "mpegts"),
    *("asf", "ogg"),
)
"""As FFmpeg calls what reads them."""
CODECS = (
    *("h264", "hevc", "vp8", "libvpx", "vp9", "libvpx-vp9", "av1", "libdav1d", "mpeg4", "mjpeg"),
    *("mpeg1video", "mpeg2video", "msmpeg4v1", "msmpeg4v2", "msmpeg4", "wmv1", "wmv2", "wmv3"),
    *("vc1", "h263", "flv", "vp6", "vp6f", "theora", "prores", "dnxhd", "ffv1", "huffyuv"),
    *("ffvhuff", "utvideo", "rawvideo", "png", "dvvideo", "qtrle", "cinepak", "svq1", "svq3"),
)
_SHORT = Fraction(9, 10)
"""Of the time that a file says it has; less is one that was cut short."""
_CLOCK = re.compile(r"(\d{1,4}):(\d\d):(\d\d(?:\.\d{1,9})?)")
_GUESSED = Fraction(1, 25)
"""Seconds of a frame where nothing tells."""


class VideoError(DfbenchError):
    """A file that cannot be read as a video."""


@dataclass(slots=True)
class Faults:
    """What could not be decoded.

    Attributes
    ----------
    count
        Packets that are no whole ones or that the decoder refuses, and chosen frames that it says
        are damaged.
    first
        The first of them, in words.
    """

    count: int = 0
    first: str = ""

    def add(self, what: str) -> None:
        """Note one more."""
        self.count += 1
        self.first = self.first or what


def frames(file: IO[bytes], rule: Rule, faults: Faults) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Read the chosen frames of a video.

    Parameters
    ----------
    file
        Open for reading, at its start.
    rule
        Which frames.
    faults
        Where what cannot be decoded is noted; the frames around it are given all the same.

    Yields
    ------
    int, ndarray of shape (H, W, 3), dtype uint8
        The frame's number from 0 among those decoded, and its pixels: RGB, C-contiguous, turned as
        the video says.

    Raises
    ------
    VideoError
        Where it is none, or none that is read here; or asks for too much.
    """
    end = _end(file) if rule.count else None
    file.seek(0)
    with _opened(file) as container:
        stream = _stream(container)
        for given, (number, frame) in enumerate(chosen(_shown(stream, faults, rule), rule, end)):
            if given == MOST_FRAMES:
                raise VideoError(f"more than {MOST_FRAMES:,} frames are asked of it")
            if frame.is_corrupt:
                faults.add(f"frame {number} is damaged")
            else:
                yield number, _pixels(frame)


def _opened(file: IO[bytes]) -> Any:
    import av

    av.logging.set_level(None)
    allowed = {
        "format_whitelist": ",".join(CONTAINERS),
        "codec_whitelist": ",".join(CODECS),
        "protocol_whitelist": "",
        "max_pixels": str(MOST_PIXELS),
    }
    try:
        return av.open(file, options=allowed, io_open=_refuse, metadata_errors="replace")
    except (av.error.FFmpegError, OSError) as error:  # what is empty cannot be sought in
        if not file.seek(0, 2):
            raise VideoError("empty file") from None
        raise VideoError(f"cannot be opened as a video: {_said(error)}") from None


def _refuse(url: str, flags: int, options: dict[str, str]) -> Any:
    """Open nothing that a video names."""
    raise PermissionError(f"names another file: {url}")


def _stream(container: Any) -> Any:
    """Give the first picture stream that is no cover."""
    import av

    covers = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    for stream in container.streams.video:
        if not stream.disposition & covers:
            break
    else:
        raise VideoError("holds no video")
    if stream.codec_context is None or stream.codec_context.name not in CODECS:
        raise VideoError("its codec is not read here")
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > MOST_PIXELS:
        raise VideoError(f"too large: {width:,} x {height:,} pixels")
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
    return stream


def _end(file: IO[bytes]) -> Fraction | None:
    """Give the second at which the last frame is shown no more, decoding none."""
    last: Fraction | None = None
    first, own, n = Fraction(0), Fraction(0), 0
    with _opened(file) as container:
        stream = _stream(container)
        for packet in _packets(stream, Faults()):
            at = packet.pts if packet.pts is not None else packet.dts
            if packet.is_discard or not packet.size:
                continue
            n += 1
            if at is not None and stream.time_base:
                seconds = at * stream.time_base
                if last is None or seconds >= last:
                    last, own = seconds, Fraction(packet.duration or 0) * stream.time_base
                first = min(first, seconds) if n > 1 else seconds
        length = _length(stream)
    if last is None:
        return n * length if n else None
    usual = (last - first) / (n - 1) if n > 1 and last > first else length
    return last + max(usual, own)


def _packets(stream: Any, faults: Faults) -> Iterator[Any]:
    """Take the packets of a stream, as far as the file can be read."""
    import av

    packets = stream.container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.error.FFmpegError as error:
            faults.add(f"the file cannot be read to its end: {_said(error)}")
            return
        yield packet


def _shown(stream: Any, faults: Faults, rule: Rule) -> Iterator[tuple[Any, Fraction, Fraction]]:
    """Decode a stream: each frame with its second and its length."""
    import av

    length, at = _length(stream), Fraction(0)
    n, start, own = 0, Fraction(0), length
    back = False
    for packet in _packets(stream, faults):
        if packet.is_corrupt:
            faults.add("the file is cut short or damaged")
        try:
            decoded = packet.decode()
        except av.error.FFmpegError as error:
            faults.add(f"behind frame {n}: {_said(error)}")
            continue
        for frame in decoded:
            if frame.width * frame.height > MOST_PIXELS:
                raise VideoError(f"too large: {frame.width:,} x {frame.height:,} pixels")
            own = Fraction(frame.duration) * frame.time_base if frame.duration else length
            if frame.pts is not None and frame.time_base:
                told = frame.pts * frame.time_base
                if n and told < at - length and not back and not rule.step:
                    back = True  # told once: all that is shown until then counts as no time
                    faults.add(f"its times go back at frame {n}")
                at = told if n == 0 else max(told, at)
            start = start if n else at
            n += 1
            yield frame, at, own
            at += own if frame.pts is None else 0
    if not n:
        raise VideoError(
            f"no frame can be decoded: {faults.first}" if faults.count else "holds no frame"
        )
    told = _told_length(stream, start)
    # the rate may be that of the clock, 1,000 a second
    came = at - start + max(length, own, (at - start) / max(1, n - 1))
    if told is not None and came < _SHORT * told:
        faults.add(f"ends after {float(came):.1f} of {float(told):.1f} s")


def _told_length(stream: Any, start: Fraction) -> Fraction | None:
    """Seconds of a stream that begins at ``start``, as its file says; None where it does not."""
    if stream.duration is not None and stream.time_base:
        return Fraction(stream.duration * stream.time_base)
    found = _CLOCK.fullmatch(stream.metadata.get("DURATION", ""))
    if found:
        hours, minutes, seconds = found.groups()
        # Matroska, which counts from 0
        return Fraction(3600 * int(hours) + 60 * int(minutes)) + Fraction(seconds) - start
    container = stream.container
    if len(container.streams) == 1 and container.duration is not None:  # of the longest of its
        before = start if "matroska" in container.format.name else 0
        return Fraction(container.duration, 1_000_000) - before
    return None


def _length(stream: Any) -> Fraction:
    """Seconds of a frame, as the stream says."""
    rate = stream.average_rate or stream.guessed_rate
    return 1 / Fraction(rate) if rate else _GUESSED


def _pixels(frame: Any) -> NDArray[np.uint8]:
    pixels = frame.to_ndarray(format="rgb24")
    # the video says how far it is turned, against the clock
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90) % 4))


def _said(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or first_line(error))
