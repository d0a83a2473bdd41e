"""From the bytes of a file to pixels: the one decoder that everything in dfbench shares."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dfbench.chatter import hushed
from dfbench.errors import UnavailableError
from dfbench.rasters import apart
from dfbench.rasters.pillow import (
    MOST_PIXELS,
    Header,
    Told,
    form_of,
    pieces_of,
    told_by,
    turned,
)
from dfbench.rasters.room import Room
from dfbench.received import files
from dfbench.received.containers.places import inside

if TYPE_CHECKING:
    from types import ModuleType

_Any = TypeVar("_Any", np.uint8, np.float32)

Image = NDArray[np.uint8]
"""RGB, shape (H, W, 3), dtype uint8."""

MOST_BYTES = 384 << 20
"""Of an image file; no larger one is read. 110 million pixels, written plainly, are as many."""
_LARGE = 16 << 20
"""Bytes of a file, or of decoded pixels; what is smaller is not counted."""
_FOR_PILLOW = (b"Exif", b"MPF\0")
"""Bytes before a JPEG's frame with which it may have to be turned, or be several in one file."""
_HUFFMAN = (0xC0, 0xC1, 0xC2)
"""Markers of the JPEG frames, baseline to progressive, that each build of libjpeg-turbo decodes."""
_PROGRESSIVE = 0xC2
_SCAN = 0xDA
"""Marker behind which a JPEG's pixels are."""
_SCANS = 64
"""Of a progressive JPEG, at most; each goes over all of its pixels."""
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"


_files = Room(256 << 20)
_held = Room(512 << 20)


def opencv() -> ModuleType:
    """Import OpenCV, or say what its absence asks for.

    Raises
    ------
    UnavailableError
        Where the package or a system library that it needs cannot be loaded.
    """
    try:
        import cv2
    except ImportError as error:
        hint = (
            "pip uninstall opencv-python opencv-python-headless; pip install opencv-python-headless"
        )
        raise UnavailableError(f"OpenCV cannot be loaded: {error}", hint=hint) from error
    _quieten_opencv(cv2)
    return cv2


@functools.cache
def _quieten_opencv(cv2: ModuleType) -> None:
    """Keep OpenCV from logging what Pillow will say better, unless the user asked for its log."""
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_FATAL)


def contents(path: str | os.PathLike[str], *, most: int = MOST_BYTES) -> bytes:
    """Read an image file whole: a regular one, and not of any size.

    Parameters
    ----------
    path
        Where it lies; also in an archive or in shards, see `dfbench.received.containers`.
    most
        Bytes; no larger file is read.

    Raises
    ------
    OSError
        As `dfbench.received.files.opened`; `dfbench.received.files.why` says it in words.
    """
    try:
        file = files.opened(path, most=most)
    except (FileNotFoundError, NotADirectoryError):
        found = inside(path)
        if found is None:
            raise
        with _counted(_files, found.size):
            return found.read(most)
    with file:
        size = os.fstat(file.fileno()).st_size
        with _counted(_files, size):
            return file.read(most)


def _counted(room: Room, size: int) -> AbstractContextManager[None]:
    return room.taken(size) if size > _LARGE else nullcontext()


def at_hand(width: int, height: int) -> AbstractContextManager[None]:
    """Wait, where the image is large, until there is room for its pixels beside other threads'.

    Whoever decodes images in threads, and is not told their sizes before, does so inside of it,
    one at a time.
    """
    return _counted(_held, 3 * width * height)


def read_header(data: bytes) -> Header:
    """Read size and format from the bytes of an image file.

    Raises
    ------
    ImageError
        If the bytes are no image.
    """
    frame = _plain_jpeg(data)
    if frame and not any(data.find(mark, 0, frame) >= 0 for mark in _FOR_PILLOW):
        height, width = (int.from_bytes(data[frame + at : frame + at + 2], "big") for at in (5, 7))
        return Header(width, height, "JPEG")
    its = read_more(data)
    return Header(its.width, its.height, its.format)


def read_more(data: bytes) -> Told:
    """Read all that an image file says of itself, which takes longer; as `read_header`."""
    name = form_of(data).pillow
    # what a PNG says of its orientation may stand behind its pixels
    if name == "JPEG" or (name == "PNG" and not turned(data)):
        return told_by(data)
    return apart.told_by(data)


def _plain_jpeg(data: bytes) -> int:
    """Where the frame of a complete JPEG of one or three channels begins, else 0.

    0 also where OpenCV would not turn it as Pillow does.
    """
    if data[:3] != b"\xff\xd8\xff" or not data.rstrip(b"\0").endswith(b"\xff\xd9"):
        return 0
    at, frame = 2, 0
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == _SCAN:
            # an orientation in XMP, which OpenCV does not read; behind the frame few look for any
            turned = data.find(b"tiff:Orientation", 0, at) >= 0 or any(
                data.find(mark, frame, at) >= 0 for mark in _FOR_PILLOW
            )
            return 0 if turned else frame
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height = int.from_bytes(data[at + 5 : at + 7], "big")
            width = int.from_bytes(data[at + 7 : at + 9], "big")
            plain = (
                not frame
                and data[at + 4] == 8
                and data[at + 9] in (1, 3)
                and 0 < height * width <= MOST_PIXELS
            )
            if not plain or (marker == _PROGRESSIVE and data.count(b"\xff\xda") > _SCANS):
                return 0
            frame = at
        elif marker == 0xFF or marker < 0xC0 or 0xD0 <= marker <= 0xD9:
            return 0  # no length follows: what comes next would be sought in the wrong place
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0


def _plain_png(data: bytes) -> bool:
    """Whether this is a complete PNG of 8-bit RGB, without transparency and orientation."""
    return (
        data[:8] == _PNG
        and data.endswith(_PNG_END)
        and data[24:26] == b"\x08\x02"
        and int.from_bytes(data[16:20], "big") * int.from_bytes(data[20:24], "big") <= MOST_PIXELS
        and b"tRNS" not in data
        and not turned(data)
    )


def decode(data: bytes) -> Image:
    """Decode an image file to RGB as a person would see it.

    Greyscale is repeated over the channels, 16 bits are scaled to 8, CMYK is converted, the EXIF
    orientation is applied; of an animation the first frame counts. Transparency is dropped, not
    composed: the stored colours are what a camera or a generator wrote.

    Parameters
    ----------
    data
        The whole content of the file.

    Returns
    -------
    ndarray of shape (H, W, 3), dtype uint8
        C-contiguous, RGB.

    Raises
    ------
    ImageError
        If the file is empty, no image, truncated, corrupt, or too large.
    UnavailableError
        If OpenCV cannot be loaded.
    DfbenchError
        If a process that decodes cannot be begun.

    Notes
    -----
    Complete 8-bit JPEG and PNG files go through OpenCV; everything else through Pillow, which
    refuses a truncated file where OpenCV fills what is missing with grey, and works in a process
    of its own with limits of time and memory. A JPEG damaged in its
    midst is decoded as far as it goes by either, and not found out. An undamaged JPEG that says
    nothing of its orientation is decoded by simplejpeg where that is installed: to the same
    pixels, as both are libjpeg-turbo, in less time.
    """
    frame = _plain_jpeg(data)
    if frame and (image := _turbo(data, frame)) is not None:
        return image
    if frame or _plain_png(data):
        cv2 = opencv()
        try:
            with hushed():
                array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        except cv2.error:  # Pillow will say what is wrong
            array = None
        if array is not None:
            return array  # type: ignore[no-any-return]
    form_of(data)
    return apart.decode(data)


def _turbo(data: bytes, frame: int) -> Image | None:
    """Decode a plain JPEG whose frame begins there by simplejpeg; None where OpenCV is to do it."""
    decode_jpeg = _simplejpeg()
    if decode_jpeg is None or data[frame + 1] not in _HUFFMAN or data.find(b"Exif", 0, frame) >= 0:
        return None
    try:
        return decode_jpeg(data, "RGB")  # type: ignore[no-any-return]
    except ValueError:  # damaged: what can be seen of it is OpenCV's to say
        return None


@functools.cache
def _simplejpeg() -> Callable[[bytes, str], Any] | None:
    try:
        from simplejpeg import decode_jpeg
    except ImportError:
        return None
    return decode_jpeg  # type: ignore[no-any-return]


def pixels_of(image: Any) -> Image:
    """Give the pixels of a PIL image as `decode` gives those of a file; errors are Pillow's own."""
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(image)
    upright.format = image.format  # Pillow forgets it
    pieces = list(pieces_of(upright))
    return np.concatenate(pieces) if pieces else np.empty((0, 0, 3), np.uint8)


def small(image: NDArray[_Any], longest: int) -> NDArray[_Any]:
    """Scale a picture, or a map of one, down so that its longer side has at most so many pixels."""
    height, width = image.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(width * scale)), max(1, round(height * scale))
    shrunk = opencv().resize(image, size, interpolation=opencv().INTER_AREA)
    return np.asarray(shrunk, dtype=image.dtype)
