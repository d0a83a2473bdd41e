"""From the bytes of a file to pixels: the one decoder that everything in dfbench shares."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dfbench.chatter import hushed, overheard
from dfbench.errors import ImageError, UnavailableError
from dfbench.formats import HEAD, HEIF, decoded, told, unread

if TYPE_CHECKING:
    from types import ModuleType

Image = NDArray[np.uint8]
"""RGB, shape (H, W, 3), dtype uint8."""

_ORIENTATION = 0x0112
_TURNED = (b"Exif", b"eXIf", b"EXIF", b"exif", b"tiff:Orientation")
"""Bytes without one of which no file but a TIFF says how it is to be turned."""
_FOR_PILLOW = (b"Exif", b"MPF\0")
"""Bytes before a JPEG's frame with which it may have to be turned, or be several in one file."""
_MOST_PIXELS = 178_956_970
"""More are refused, as Pillow does: a few bytes of header can ask for all memory."""
_HUFFMAN = (0xC0, 0xC1, 0xC2)
"""Markers of the JPEG frames, baseline to progressive, that each build of libjpeg-turbo decodes."""
_SCAN = 0xDA
"""Marker behind which a JPEG's pixels are."""
_JPEG2000_PIXELS = b"\xff\x93"
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"


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


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself before its pixels are decoded.

    Attributes
    ----------
    width, height
        In pixels, as shown (after the EXIF orientation).
    format
        The container's name as Pillow gives it, e.g. ``JPEG``.
    """

    width: int
    height: int
    format: str


@functools.cache
def _quieten() -> None:
    """Keep Pillow from warning of oddities in files: what matters is raised, and listed."""
    # a filter for good, as catch_warnings is not safe where several threads decode
    warnings.filterwarnings("ignore", module=r"PIL\.")


def opened(data: bytes) -> Any:
    """Open an image file with Pillow, which reads its header and no pixels yet.

    Pillow is told the one format that the content says: left to guess, it also tries formats for
    which it starts other programs.

    Raises
    ------
    ImageError
        If the bytes are no image in a format that can be read here; the message says what else.
    """
    from PIL import Image as pillow
    from PIL import UnidentifiedImageError

    if not data:
        raise ImageError("empty file")
    head = bytes(data[:HEAD])
    form = told(head)
    if form is None:
        other = unread(head)
        raise ImageError(f"not read: {other}" if other else "not an image in a known format")
    if not decoded(form):
        if form is HEIF:
            raise ImageError(f"not read: {unread(head)}")
        raise ImageError(f"{form.name} is not decoded by the installed Pillow")
    _quieten()
    try:
        if form is HEIF:
            _register_heif()
        return pillow.open(io.BytesIO(data), formats=(form.pillow,))
    except UnidentifiedImageError:
        raise ImageError(f"not an image: begins as {form.name}, but its header is broken") from None
    except pillow.DecompressionBombError as error:
        raise ImageError(f"too large: {error}") from None
    except ImportError as error:
        raise ImageError(f"{form.name} cannot be read: {error}") from None
    except Exception as error:  # noqa: BLE001 - Pillow's plugins raise many kinds on broken files
        raise ImageError(f"broken header: {error}") from None


@functools.cache
def _register_heif() -> None:
    import pillow_heif  # type: ignore[import-not-found, unused-ignore]

    pillow_heif.register_heif_opener()


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
    image = opened(data)
    width, height = image.size
    # asking for the orientation is dear (a PNG is decoded for it), so only where there can be one;
    # AVIF says it without Exif
    if image.format in {"TIFF", "AVIF"} or any(mark in data for mark in _TURNED):
        try:
            if image.format == "TIFF":  # Pillow turns its size, in some versions only
                width, height = image.tag_v2[256], image.tag_v2[257]
                turn = image.tag_v2.get(_ORIENTATION, 1)
            else:
                turn = image.getexif().get(_ORIENTATION, 1)
            if turn in {5, 6, 7, 8}:
                width, height = height, width
        except Exception:  # noqa: BLE001, S110 - a broken EXIF block leaves the pixels readable
            pass
    return Header(int(width), int(height), str(image.format))


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
                and 0 < height * width <= _MOST_PIXELS
            )
            if not plain:
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
        and int.from_bytes(data[16:20], "big") * int.from_bytes(data[20:24], "big") <= _MOST_PIXELS
        and b"tRNS" not in data
        and not any(mark in data for mark in _TURNED)
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
        If the file is empty, no image, truncated or corrupt.
    UnavailableError
        If OpenCV cannot be loaded.

    Notes
    -----
    Complete 8-bit JPEG and PNG files go through OpenCV; everything else through Pillow, which
    refuses a truncated file where OpenCV fills what is missing with grey. A JPEG damaged in its
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
    return _decode_pillow(data)


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


def _decode_pillow(data: bytes) -> Image:
    image = opened(data)
    try:
        if image.width * image.height > _MOST_PIXELS:
            raise ImageError(f"too large: {image.width} x {image.height} pixels")
        if image.format == "JPEG2000" and _JPEG2000_PIXELS not in data:
            # cut right behind the header, it would be decoded to nothing but grey
            raise ImageError("cannot be decoded: the file ends before its pixels")
        with hushed():
            image.seek(0)
            image.load()
        return pixels_of(image)
    except (ImageError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - Pillow's plugins raise many kinds on broken files
        reason = (_libtiff_says(data) if image.format == "TIFF" else "") or str(error)
        raise ImageError(f"cannot be decoded: {reason}") from None


def pixels_of(image: Any) -> Image:
    """Give the pixels of a PIL image as `decode` gives those of a file; errors are Pillow's own."""
    from PIL import ImageOps

    # Pillow forgets the format in the turned copy
    container = image.format
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        pixels = _grey(np.asarray(image).astype(np.uint16) >> 8)
    elif image.mode == "I" and container in {"PNG", "PPM"}:  # 16 bits in a wider type
        pixels = _grey(np.asarray(image) >> 8)
    elif image.mode in {"I", "F"}:  # TIFF: the range is not told, only seen
        values = np.nan_to_num(np.asarray(image, dtype=np.float64))
        most = values.max(initial=0)
        scale = 255.0 if most <= 1 else 1.0 if most <= 255 else 255 / 65535
        pixels = _grey((values * scale).round())
    else:
        pixels = np.asarray(image.convert("RGB"))
    return np.ascontiguousarray(pixels, dtype=np.uint8)


def _libtiff_says(data: bytes) -> str:
    """Decode once more, alone, to hear what libtiff says beyond what Pillow hands on."""
    said: list[str] = []
    with overheard(said), contextlib.suppress(Exception):
        image = opened(data)
        image.seek(0)
        image.load()
    errors = [line.removeprefix("tempfile.tif: ") for line in said if "Warning, " not in line]
    return errors[0].rstrip(".") if errors else ""


def _grey(values: NDArray[Any]) -> Image:
    """Repeat numbers of 0 to 255 over three channels."""
    return np.repeat(np.clip(values, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
